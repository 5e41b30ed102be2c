// Workers: several processes that serve on the same two addresses and follow the same datastore, so that checks scale with cores.

import cluster, { type Worker } from 'node:cluster'
import { exitCode } from './exit-code.ts'

/** What a worker tells once it serves. */
export interface ServingMessage {
  readonly kind: 'serving'
  readonly grpcAddr: string
  readonly httpAddr: string
}

export interface WorkersOptions {
  readonly count: number
  readonly log: (level: 'info' | 'warn' | 'error', message: string, facts?: Record<string, unknown>) => void
  /** Called once, when all of them serve. */
  readonly onServing: (addresses: ServingMessage) => void
  /** Called once, when a signal asks to stop. */
  readonly onStop: (signal: string) => void
}

/** Said to the worker that prepares the datastore: the others are started when it serves. */
const firstName = 'CARDEA_FIRST_WORKER'
/** A worker that dies sooner than this after another is not replaced at once. */
const pauseMs = 1000

/** This process, if it is a worker: whether it is the one that writes what `--schema` and `--relationships` name. */
export function workerRole(): { readonly isFirst: boolean; readonly number: number } | undefined {
  if (cluster.worker === undefined) return undefined
  return { isFirst: process.env[firstName] === 'yes', number: cluster.worker.id }
}

/** Tells the process that started this worker that it serves. */
export function tellServing(addresses: Omit<ServingMessage, 'kind'>): void {
  process.send?.({ kind: 'serving', ...addresses } satisfies ServingMessage)
}

/**
 * Starts this very command `count` times over, replaces workers that die, and ends when a signal has ended them all.
 * Resolves once all serve. One that dies before it ever served ends everything, with its exit code.
 */
export async function runWorkers({ count, log, onServing, onStop }: WorkersOptions): Promise<void> {
  const living = new Set<Worker>()
  let stopping = false

  const start = (isFirst: boolean): Promise<ServingMessage> =>
    new Promise((resolve) => {
      const worker = cluster.fork({ [firstName]: isFirst ? 'yes' : 'no' })
      const startedAtMs = Date.now()
      let serving = false
      living.add(worker)
      worker.on('message', (message: ServingMessage) => {
        if (message.kind !== 'serving') return
        serving = true
        resolve(message)
      })
      worker.once('exit', (code, signal) => {
        living.delete(worker)
        if (stopping) {
          if (living.size === 0) process.exit(exitCode.ok)
          return
        }
        if (!serving) {
          // It has told why; the others would fail in the same way.
          process.exitCode = code ?? exitCode.failed
          stopping = true
          if (living.size === 0) process.exit()
          for (const other of living) other.process.kill('SIGTERM')
          return
        }
        log('error', 'A worker died and is replaced.', { pid: worker.process.pid, code, signal })
        const wait = Math.max(0, pauseMs - (Date.now() - startedAtMs))
        setTimeout(() => {
          if (!stopping) void start(false)
        }, wait)
      })
    })

  const stop = (signal: string) => {
    if (stopping) return
    stopping = true
    onStop(signal)
    if (living.size === 0) process.exit(exitCode.ok)
    for (const worker of living) worker.process.kill('SIGTERM')
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(signal))

  const addresses = await start(true)
  await Promise.all(Array.from({ length: count - 1 }, () => start(false)))
  onServing(addresses)
}
