// Progress of loading a datastore: a bar on a terminal, nothing elsewhere and nothing for small ones.

import { Presets, SingleBar } from 'cli-progress'

/** Loads smaller than this finish before a bar could be read. */
const minShown = 200_000

export function loadProgress(stream: NodeJS.WriteStream): {
  update(done: number, total: number): void
  stop(): void
} {
  if (!stream.isTTY) return { update: () => {}, stop: () => {} }
  let bar: SingleBar | undefined
  return {
    update: (done, total) => {
      if (total < minShown) return
      if (bar === undefined) {
        bar = new SingleBar(
          { stream, format: 'loading {bar} {percentage}% | {value}/{total} | {eta_formatted} left' },
          Presets.shades_classic,
        )
        bar.start(total, done)
      } else bar.update(done)
    },
    stop: () => bar?.stop(),
  }
}
