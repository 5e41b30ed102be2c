// Progress of long transfers: a bar on a terminal, nothing elsewhere.

import { Presets, SingleBar } from 'cli-progress'

export interface TransferProgress {
  /** `done` of `total` units (bytes or relationships; total 0: not known), and relationships so far. */
  update(done: number, total: number, rows: number): void
  stop(): void
}

export function transferProgress(stream: NodeJS.WriteStream, label: string): TransferProgress {
  if (!stream.isTTY) return { update: () => {}, stop: () => {} }
  let bar: SingleBar | undefined
  const startedAtMs = performance.now()
  let firstRows: number | undefined
  return {
    update: (done, total, rows) => {
      firstRows ??= rows
      const seconds = (performance.now() - startedAtMs) / 1000
      const rate = seconds < 0.5 ? '' : `${Math.round((rows - firstRows) / seconds).toLocaleString('en')}/s`
      const payload = { rows: rows.toLocaleString('en'), rate }
      if (bar === undefined) {
        const format =
          total > 0
            ? `${label} {bar} {percentage}% | {rows} relationships {rate} | {eta_formatted} left`
            : `${label} {rows} relationships {rate} | {duration_formatted}`
        bar = new SingleBar({ stream, format, hideCursor: true }, Presets.shades_classic)
        bar.start(total, done, payload)
      } else bar.update(done, payload)
    },
    stop: () => bar?.stop(),
  }
}
