// The datastore inside the worker thread: its connections, and who does what a request asks for.

import { randomBytes } from 'node:crypto'
import { clearInterval, setInterval } from 'node:timers'
import type { MessagePort } from 'node:worker_threads'
import type Database from 'better-sqlite3'
import { CardeaError } from '../../model/errors.ts'
import { epochBegan, sameIdentity } from '../identity-change.ts'
import type { DatastoreIdentity } from '../store.ts'
import { type Cell, updateWidth } from './cells.ts'
import { CommitQueue, type Job } from './commit-queue.ts'
import { openConnection } from './connection.ts'
import { Counters } from './counters.ts'
import { storeError } from './driver-errors.ts'
import { type Failpoint, failpointOf } from './failpoint.ts'
import { Garbage } from './garbage.ts'
import { buffersOf, Loading } from './loading.ts'
import type { Calls, Operation, Reply, Request, WorkerMessage, WorkerSettings } from './protocol.ts'
import { encodeError } from './protocol.ts'
import { Reader } from './reader.ts'
import { migrate } from './tables.ts'
import { Tail } from './tail.ts'
import { Writer, type WriterConditions } from './writer.ts'

const maxCachedObjects = 200_000
/** How often the followers hear that the head stands. */
const confirmationIntervalMs = 250

/** The reply comes with the commit. */
const later: unique symbol = Symbol('later')

type Post = (message: WorkerMessage, transfer?: ArrayBuffer[]) => void

/** Opens the file and serves the port until it is asked to close. Says `ready` or `failed` first. */
export function serveDatastore(settings: WorkerSettings, port: MessagePort): void {
  const post: Post = (message, transfer = []) => port.postMessage(message, transfer)
  try {
    const datastore = new Datastore(settings, post, () => port.close())
    port.on('message', (request: Request) => datastore.answer(request))
  } catch (error) {
    post({ kind: 'failed', error: encodeError(storeError(error, settings.path)) })
    port.close()
  }
}

/** Marks of a new datastore. */
function newDatastore(): { readonly [key: string]: unknown } {
  return {
    datastore_id: randomBytes(16).toString('hex'),
    epoch: 1,
    token_keys: randomBytes(32),
    oldest_revision: 0,
    oldest_nonce: '',
  }
}

class Datastore {
  readonly #settings: WorkerSettings
  readonly #post: Post
  readonly #shut: () => void
  readonly #connections: readonly Database.Database[]
  readonly #writer: Writer
  readonly #reader: Reader
  readonly #queue: CommitQueue
  readonly #garbage: Garbage
  readonly #counters: Counters
  readonly #tail: Tail
  readonly #failpoint: Failpoint
  readonly #imports = new Map<number, Cell[][]>()
  readonly #loads = new Map<number, Loading>()
  /** Those who wait for jobs of our own; their ids are negative. */
  readonly #waiting = new Map<number, (reply: Reply) => void>()
  readonly #polling: ReturnType<typeof setInterval>
  #lastOwnId = 0
  #confirmedMs = 0
  #identity: DatastoreIdentity

  constructor(settings: WorkerSettings, post: Post, shut: () => void) {
    const { path, busyTimeoutMs } = settings
    this.#settings = settings
    this.#post = post
    this.#shut = shut
    this.#failpoint = failpointOf(settings)
    const writing = openConnection(path, busyTimeoutMs)
    migrate(writing, path, newDatastore)
    // From here on the queue waits for the lock itself, without blocking the thread.
    writing.pragma('busy_timeout = 0')
    if (settings.maxPages !== undefined) writing.pragma(`max_page_count = ${settings.maxPages}`)
    const reading = openConnection(path, busyTimeoutMs)
    this.#connections = [writing, reading]
    this.#writer = new Writer(writing, { maxChanges: settings.maxChangesPerTransaction, maxCachedObjects })
    this.#garbage = new Garbage(writing)
    this.#reader = new Reader(reading)
    this.#counters = new Counters(writing, reading)
    this.#tail = new Tail(this.#reader, {
      onEntries: (entries) => post({ kind: 'replies', entries, replies: [] }),
      onBroken: (error) =>
        post({ kind: 'broken', error: encodeError(error), identity: this.#reader.identity() }),
    })
    this.#queue = new CommitQueue(writing, this.#writer, {
      path,
      busyTimeoutMs,
      failpoint: this.#failpoint,
      onLocked: () => this.#tail.catchUp(),
      publish: (entries, replies) => {
        post({
          kind: 'replies',
          entries: this.#tail.followed ? entries : [],
          replies: replies.filter((reply) => !this.#settle(reply)),
        })
        this.#tail.advance(entries)
      },
    })
    this.#polling = setInterval(() => this.#poll(), settings.pollIntervalMs)
    this.#identity = this.#reader.identity()
    post({ kind: 'ready', identity: this.#identity })
  }

  /** Replies now, or when the transaction that the request needs is committed. */
  answer(request: Request): void {
    const { id, operation } = request
    try {
      const handle = this.#handlers[operation] as (request: Request) => unknown
      const value = handle(request)
      if (value === later) return
      if (value instanceof Promise)
        void value.then((settled) => this.#reply({ id, value: settled }), fail(this))
      else this.#reply({ id, value }, operation === 'loadNext' ? buffersOf(value as never) : [])
    } catch (error) {
      fail(this)(error)
    }
    function fail(datastore: Datastore) {
      return (error: unknown) =>
        datastore.#reply({ id, error: encodeError(storeError(error, datastore.#settings.path)) })
    }
  }

  readonly #handlers: {
    [Op in Operation]: (
      request: { id: number } & Calls[Op]['request'],
    ) => Calls[Op]['reply'] | Promise<Calls[Op]['reply']> | typeof later
  } = {
    head: () => {
      this.#queue.assertFile()
      return this.#reader.head()
    },
    log: ({ after, upTo }) => this.#reader.page(after, upTo),
    schemaAt: ({ revision }) => this.#reader.schemaAt(revision),
    nonceAt: ({ revision }) => this.#reader.nonceAt(revision),
    oldestRevision: () => this.#reader.oldestRevision(),
    join: ({ after }) => {
      this.#queue.assertFile()
      const readAtMs = Date.now()
      const joined = this.#tail.join(after)
      return 'broken' in joined ? { broken: encodeError(joined.broken) } : { ...joined, readAtMs }
    },
    write: ({ id, cells, conditions }) => this.#write(id, [cells], conditions),
    deleteMatching: ({ id, filter, limit, allowPartial, conditions }) => {
      const writer = this.#writer
      return this.#enqueue(id, limit, function* () {
        const { entry, deletedCount } = yield* writer.deleteMatching(
          filter,
          { limit, allowPartial },
          conditions,
        )
        return { entry, value: { head: writer.head, deletedCount } }
      })
    },
    writeSchema: ({ id, text, guards, conditions }) => {
      const writer = this.#writer
      // biome-ignore lint/correctness/useYield: a job that never gives way
      return this.#enqueue(id, 1, function* () {
        const entry = writer.writeSchema(text, guards, conditions)
        return { entry, value: entry.head }
      })
    },
    importPart: ({ importId, cells }) => {
      const parts = this.#imports.get(importId) ?? []
      parts.push(cells as Cell[])
      this.#imports.set(importId, parts)
      return undefined
    },
    importRows: ({ id, importId, conditions }) => {
      const parts = this.#imports.get(importId) ?? []
      this.#imports.delete(importId)
      return this.#write(id, parts, conditions)
    },
    dropImport: ({ importId }) => {
      this.#imports.delete(importId)
      return undefined
    },
    loadNext: ({ loadId }) => {
      let loading = this.#loads.get(loadId)
      if (loading === undefined) {
        this.#queue.assertFile()
        loading = new Loading(openConnection(this.#settings.path, this.#settings.busyTimeoutMs))
        this.#loads.set(loadId, loading)
      }
      return loading.next()
    },
    dropLoad: ({ loadId }) => {
      this.#loads.get(loadId)?.close()
      this.#loads.delete(loadId)
      return undefined
    },
    collectGarbage: ({ beforeMs }) => this.#collectGarbage(beforeMs),
    registerCounter: ({ id, name, filter }) => this.#alone(id, () => this.#counters.register(name, filter)),
    counter: ({ name }) => {
      this.#queue.assertFile()
      return this.#counters.find(name)
    },
    unregisterCounter: ({ id, name }) => this.#alone(id, () => this.#counters.unregister(name)),
    close: async () => {
      clearInterval(this.#polling)
      await this.#queue.idle()
      for (const loading of this.#loads.values()) loading.close()
      for (const connection of this.#connections) connection.close()
      // After the reply has been posted.
      setImmediate(this.#shut)
      return undefined
    },
  }

  #write(id: number, parts: readonly (readonly Cell[])[], conditions: WriterConditions): typeof later {
    const writer = this.#writer
    const cellCount = parts.reduce((sum, cells) => sum + cells.length, 0)
    return this.#enqueue(id, cellCount / updateWidth, function* () {
      const entry = yield* writer.write(parts, conditions)
      return { entry, value: writer.head }
    })
  }

  #enqueue(id: number, weight: number, run: Job['run']): typeof later {
    this.#queue.add({ id, weight, run })
    return later
  }

  /** A job without an entry, replied to when it is committed. */
  #alone(id: number, work: () => unknown): typeof later {
    // biome-ignore lint/correctness/useYield: a job that never gives way
    return this.#enqueue(id, 1, function* () {
      return { entry: undefined, value: work() }
    })
  }

  async #collectGarbage(beforeMs: number): Promise<{ entries: number; rows: number }> {
    const forgotten = await this.#step(() => this.#garbage.forget(beforeMs))
    while (forgotten !== undefined && (await this.#step(() => this.#garbage.sweep(forgotten.upTo))));
    let rows = 0
    for (let removed = -1; removed !== 0; rows += removed) {
      removed = await this.#step(() => this.#garbage.removeExpired(beforeMs))
    }
    return { entries: forgotten?.entries ?? 0, rows }
  }

  /** A job of our own among the writes, without an entry. */
  async #step<Value>(work: () => Value): Promise<Value> {
    const id = --this.#lastOwnId
    return await new Promise<Value>((resolve, reject) => {
      this.#waiting.set(id, (reply) => {
        if ('error' in reply)
          reject(new CardeaError(reply.error.code, reply.error.message, reply.error.facts))
        else resolve(reply.value as Value)
      })
      const failpoint = this.#failpoint
      // biome-ignore lint/correctness/useYield: a job that never gives way
      this.#enqueue(id, 1, function* () {
        const value = work()
        failpoint('garbage')
        return { entry: undefined, value }
      })
    })
  }

  /** Whether a reply was for us. */
  #settle(reply: Reply): boolean {
    const settle = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    settle?.(reply)
    return settle !== undefined
  }

  #reply(reply: Reply, transfer: ArrayBuffer[] = []): void {
    this.#post({ kind: 'replies', entries: [], replies: [reply] }, transfer)
  }

  /** Keys may be rotated and epochs begun from outside, while we run. */
  #compareIdentity(): void {
    const identity = this.#reader.identity()
    if (sameIdentity(identity, this.#identity)) return
    const { epoch } = this.#identity
    this.#identity = identity
    if (identity.epoch === epoch) this.#post({ kind: 'identity', identity })
    else this.#tail.break(epochBegan())
  }

  #poll(): void {
    if (!this.#tail.followed) return
    try {
      this.#queue.assertFile()
      this.#tail.poll()
      if (performance.now() - this.#confirmedMs < confirmationIntervalMs) return
      this.#compareIdentity()
      this.#post({ kind: 'head', head: this.#reader.head(), readAtMs: Date.now() })
      this.#confirmedMs = performance.now()
    } catch (error) {
      // Unless the file is lost for good, the followers notice that the head is not confirmed any more.
      if (error instanceof CardeaError) this.#tail.break(error)
    }
  }
}
