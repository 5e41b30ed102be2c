// The link to the worker thread: requests out, replies and events in.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { CardeaError } from '../../model/errors.ts'
import { storeClosed } from '../refusals.ts'
import type { DatastoreIdentity, Head } from '../store.ts'
import type { EncodedEntry } from './cells.ts'
import { type Calls, decodeError, type Operation, type WorkerMessage } from './protocol.ts'

export interface WorkerEvents {
  onEntries(entries: readonly EncodedEntry[]): void
  onHead(head: Head, readAtMs: number): void
  onIdentity(identity: DatastoreIdentity): void
  onBroken(error: CardeaError, identity: DatastoreIdentity): void
  /** The thread has ended unasked; every request fails from now on. */
  onLost(error: CardeaError): void
}

/**
 * The compiled sibling of this file. Node cannot run TypeScript in a worker: from source, it is the one that the
 * build made.
 */
function workerUrl(name: string): URL {
  const here = import.meta.url
  const built = here.endsWith('.ts') ? here.replace('/src/store/sqlite/', '/dist/store/sqlite/') : here
  const url = new URL(`./${name}.js`, built)
  if (!existsSync(fileURLToPath(url))) {
    throw new CardeaError('INTERNAL', `${fileURLToPath(url)} is missing; run npm run build.`)
  }
  return url
}

/** Starts the worker `name`, a file of this folder. It inherits no flags, which may be of a test runner. */
export function startWorker(name: string, workerData: unknown): Worker {
  return new Worker(workerUrl(name), { workerData, execArgv: [], name: `cardea-${name}` })
}

interface Pending {
  received?(value: unknown): void
  resolve(value: unknown): void
  reject(error: Error): void
}

export class WorkerLink {
  readonly #worker: Worker
  readonly #events: WorkerEvents
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  #ended: CardeaError | undefined

  private constructor(worker: Worker, events: WorkerEvents) {
    this.#worker = worker
    this.#events = events
    worker.on('message', (message: WorkerMessage) => this.#receive(message))
    worker.on('error', (error) => this.#end(lost(error)))
    worker.on('exit', () => this.#end(lost(undefined)))
  }

  /** Resolves when the worker has opened its file; rejects with its reason when it could not. */
  static async open(
    worker: Worker,
    events: WorkerEvents,
  ): Promise<{ link: WorkerLink; identity: DatastoreIdentity }> {
    const identity = await new Promise<DatastoreIdentity>((resolve, reject) => {
      worker.once('error', (error) => reject(lost(error)))
      worker.once('exit', () => reject(lost(undefined)))
      worker.once('message', (message: WorkerMessage) => {
        if (message.kind === 'ready') resolve(message.identity)
        else reject(message.kind === 'failed' ? decodeError(message.error) : lost(undefined))
      })
    })
    const link = new WorkerLink(worker, events)
    // A store that waits for nothing keeps no process alive.
    worker.unref()
    return { link, identity }
  }

  /** `received` is called before anything that the worker says after its reply is looked at. */
  call<Op extends Operation>(
    operation: Op,
    request: Calls[Op]['request'],
    received?: (reply: Calls[Op]['reply']) => void,
  ): Promise<Calls[Op]['reply']> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      if (this.#pending.size === 0) this.#worker.ref()
      this.#pending.set(id, { resolve, reject, ...(received && { received }) } as Pending)
      this.#worker.postMessage({ ...request, id, operation })
    })
  }

  /** Every later call rejects. */
  end(): void {
    this.#ended ??= storeClosed()
  }

  async terminate(): Promise<void> {
    this.end()
    await this.#worker.terminate()
  }

  #receive(message: WorkerMessage): void {
    switch (message.kind) {
      case 'replies': {
        if (message.entries.length > 0) this.#events.onEntries(message.entries)
        for (const reply of message.replies) {
          const pending = this.#pending.get(reply.id)
          this.#pending.delete(reply.id)
          if ('error' in reply) pending?.reject(decodeError(reply.error))
          else {
            pending?.received?.(reply.value)
            pending?.resolve(reply.value)
          }
        }
        if (this.#pending.size === 0) this.#worker.unref()
        break
      }
      case 'head':
        this.#events.onHead(message.head, message.readAtMs)
        break
      case 'identity':
        this.#events.onIdentity(message.identity)
        break
      case 'broken':
        this.#events.onBroken(decodeError(message.error), message.identity)
        break
      case 'ready':
      case 'failed':
        break
    }
  }

  #end(error: CardeaError): void {
    const unasked = this.#ended === undefined
    this.#ended ??= error
    for (const { reject } of this.#pending.values()) reject(this.#ended)
    this.#pending.clear()
    if (unasked) this.#events.onLost(error)
  }
}

function lost(cause: unknown): CardeaError {
  return new CardeaError(
    'STORE_FAILED',
    'The thread that works on the SQLite file has ended; start again. Writes without an answer may or may not be there.',
    {},
    { cause },
  )
}
