// Garbage collection: forgets, now and then, what lies before the window in which the past can be read.

import { CardeaError } from '../model/errors.ts'
import type { Desk } from './desk.ts'

/** What one run forgot. */
export interface GarbageRun {
  /** Transactions of the log. */
  readonly entries: number
  /** Expired rows of the datastore, and those of the resident graph. Each replica drops its own. */
  readonly rows: number
  readonly residentRows: number
}

export interface GarbageOptions {
  /** Pause between two runs, in milliseconds; 0: none but those that are asked for. Default 300,000 (5 minutes). */
  readonly intervalMs?: number
  readonly onRun?: (run: GarbageRun) => void
  /** A run failed; the next one tries again. */
  readonly onFailure?: (error: CardeaError) => void
}

const defaultIntervalMs = 300_000
/** Rows with traits that the graph looks at before it lets others go on: about a millisecond. */
const recordsPerStep = 10_000
/** Longest time that a timer can wait. */
const maxTimerMs = 2 ** 31 - 1

/**
 * Forgets what is older than `gcWindowMs`, by the clock of the desk: entries of the log, and rows that expired before,
 * in the datastore and in the resident graph. Writes and reads go on meanwhile. Errors: as `Store.collectGarbage`.
 */
export async function collectGarbage(desk: Desk): Promise<GarbageRun> {
  const beforeMs = desk.clock() - desk.limits.gcWindowMs
  const { entries, rows } = await desk.datastore.store.collectGarbage(beforeMs)
  let residentRows = 0
  let left = desk.datastore.memory()?.records ?? 0
  for (; left > 0; left -= recordsPerStep) {
    residentRows += desk.datastore.dropExpired(beforeMs, recordsPerStep)
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  return { entries, rows, residentRows }
}

/** Runs collections one after the other until the returned function is called; that resolves when none runs. */
export function collectGarbageRegularly(desk: Desk, options: GarbageOptions): () => Promise<void> {
  const { intervalMs = defaultIntervalMs, onRun, onFailure } = options
  let timer: ReturnType<typeof setTimeout> | undefined
  let running: Promise<void> = Promise.resolve()
  let stopped = intervalMs <= 0
  const wait = () => {
    if (stopped) return
    timer = setTimeout(
      () => {
        running = run()
      },
      Math.min(intervalMs, maxTimerMs),
    )
    // Where timers keep a process alive, this one must not.
    if (typeof timer === 'object') timer.unref()
  }
  const run = async () => {
    try {
      onRun?.(await collectGarbage(desk))
    } catch (error) {
      if (!stopped) onFailure?.(CardeaError.from(error))
    }
    wait()
  }
  wait()
  return async () => {
    stopped = true
    clearTimeout(timer)
    await running
  }
}
