// The SQLite store: a datastore in one local file, durable and shared by several processes. This side is a thin proxy;
// all work on the file is done in one worker thread, so that a busy disk never stops a check.

import { CardeaError } from '../../model/errors.ts'
import type { RelationshipFilter } from '../../model/filter.ts'
import type { Relationship, RelationshipUpdate } from '../../model/relationship.ts'
import { requireOption } from '../../model/require-option.ts'
import type { Revision } from '../../model/revision.ts'
import { canonicalObject } from '../canonical-json.ts'
import { LogFollowers } from '../followers.ts'
import { storeClosed, tooManyChanges } from '../refusals.ts'
import type {
  DatastoreIdentity,
  DeleteResult,
  Head,
  LoadChunk,
  LogEntry,
  LogListener,
  SchemaGuard,
  Store,
  WriteConditions,
  WriteResult,
} from '../store.ts'
import { decodeEntry, encodeUpdates } from './cells.ts'
import { backUp } from './copies.ts'
import { decodeError, type WorkerSettings } from './protocol.ts'
import { requireDriver } from './require-driver.ts'
import { startWorker, WorkerLink } from './worker-link.ts'
import type { WriterConditions } from './writer.ts'

export interface SqliteStoreOptions {
  /**
   * The file; made when it is missing, in a directory that must exist, on a local disk. Network filesystems (NFS, SMB)
   * break the memory that SQLite's processes share, and cannot be told apart reliably.
   */
  readonly path: string
  /** This process's clock, milliseconds since the Unix epoch. Default: the machine's. */
  readonly clock?: () => number
  /** Writes that may wait at once: OVERLOADED above it. Default 10,000. */
  readonly maxQueuedWrites?: number
  /** Updates of all writes that may wait at once: OVERLOADED above it. Default 1,000,000. */
  readonly maxQueuedUpdates?: number
  /** Relationships that one transaction may change: LIMIT_EXCEEDED above it. Default 1,000,000. */
  readonly maxChangesPerTransaction?: number
  /** How long a write waits while another process writes: UNAVAILABLE after it. Default 5000. */
  readonly busyTimeoutMs?: number
  /** How often to look for writes of other processes, in milliseconds. Default 20. */
  readonly pollIntervalMs?: number
}

/** A SQLite store can be copied while it is in use. */
export interface SqliteStore extends Store {
  /**
   * Writes a copy of the datastore at one revision to a new file, while reads and writes go on. Resolves with the head
   * of the copy once it is on the disk. CONFIG_INVALID when the file is there already.
   */
  backup(path: string): Promise<Head>
}

/** Chunks of a load that are asked for before they are needed, so that both threads stay busy. */
const chunksAhead = 3

/**
 * Opens the datastore in a file. Errors: CONFIG_INVALID (no such directory, not a database, written by a newer
 * program), READ_ONLY, UNAVAILABLE (locked), STORE_FAILED.
 */
export function openSqliteStore(options: SqliteStoreOptions): Promise<SqliteStore> {
  return openSqliteStoreWith(options, {})
}

/** {@link openSqliteStore} with settings that only tests have. */
export async function openSqliteStoreWith(
  options: SqliteStoreOptions,
  testing: Pick<WorkerSettings, 'failpoint' | 'maxPages'>,
): Promise<SqliteStore> {
  requireOption(typeof options?.path === 'string', 'openSqliteStore', 'a path', "write { path: 'cardea.db' }")
  const settings: WorkerSettings = {
    path: options.path,
    busyTimeoutMs: options.busyTimeoutMs ?? 5_000,
    pollIntervalMs: options.pollIntervalMs ?? 20,
    maxChangesPerTransaction: options.maxChangesPerTransaction ?? 1_000_000,
    ...testing,
  }
  await requireDriver()
  const store = new ProxyStore(options, settings)
  await store.open()
  return store
}

class ProxyStore implements SqliteStore {
  readonly kind = 'sqlite'
  readonly #settings: WorkerSettings
  readonly #clock: () => number
  readonly #maxQueuedWrites: number
  readonly #maxQueuedUpdates: number
  readonly #followers = new LogFollowers()
  #link!: WorkerLink
  #identity!: DatastoreIdentity
  #queuedWrites = 0
  #queuedUpdates = 0
  #lastStreamId = 0
  #nextHead: Promise<Head> | undefined
  #headUnderWay: Promise<unknown> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor(options: SqliteStoreOptions, settings: WorkerSettings) {
    this.#settings = settings
    this.#clock = options.clock ?? Date.now
    this.#maxQueuedWrites = options.maxQueuedWrites ?? 10_000
    this.#maxQueuedUpdates = options.maxQueuedUpdates ?? 1_000_000
  }

  async open(): Promise<void> {
    const { link, identity } = await WorkerLink.open(startWorker('worker', this.#settings), {
      onEntries: (entries) => {
        if (this.#followers.size === 0) return
        for (const entry of entries) this.#followers.deliver(decodeEntry(entry))
      },
      onHead: (head, readAtMs) => this.#followers.confirm(head, this.#localInstant(readAtMs)),
      onIdentity: (newIdentity) => {
        this.#identity = newIdentity
      },
      onBroken: (error, newIdentity) => {
        this.#identity = newIdentity
        this.#followers.break(error)
      },
      onLost: (error) => this.#followers.break(error),
    })
    this.#link = link
    this.#identity = identity
  }

  get identity(): DatastoreIdentity {
    return this.#identity
  }

  head(): Promise<Head> {
    // Callers share a request as long as it has not been sent: one that has may be too old an answer.
    this.#nextHead ??= this.#headUnderWay.then(() => {
      this.#nextHead = undefined
      const head = this.#link.call('head', {})
      this.#headUnderWay = head.catch(() => {})
      return head
    })
    return this.#nextHead
  }

  async *load(): AsyncIterable<LoadChunk> {
    const loadId = ++this.#lastStreamId
    const next = () => {
      const chunk = this.#link.call('loadNext', { loadId })
      // Those behind a failed one are not looked at any more.
      chunk.catch(() => {})
      return chunk
    }
    const ahead = Array.from({ length: chunksAhead }, next)
    try {
      for (;;) {
        const chunk = await ahead.shift()!
        if (chunk === undefined) return
        ahead.push(next())
        yield chunk
      }
    } finally {
      this.#link.call('dropLoad', { loadId }).catch(() => {})
    }
  }

  async *log(after: Revision, upTo?: Revision): AsyncIterable<LogEntry> {
    const end = upTo ?? (await this.head()).revision
    for (let position = after; ; ) {
      const page = await this.#link.call('log', { after: position, upTo: end })
      for (const entry of page) yield decodeEntry(entry)
      const last = page.at(-1)
      if (last === undefined) return
      position = last.head.revision
    }
  }

  async schemaAt(
    revision: Revision,
  ): Promise<{ readonly text: string; readonly revision: Revision } | undefined> {
    return await this.#link.call('schemaAt', { revision })
  }

  async nonceAt(revision: Revision): Promise<string | undefined> {
    return await this.#link.call('nonceAt', { revision })
  }

  async follow(
    after: { readonly revision: Revision; readonly nonce: string },
    listener: LogListener,
  ): Promise<() => void> {
    const joining = this.#followers.add(listener)
    let position: typeof after | undefined = { revision: after.revision, nonce: after.nonce }
    while (position !== undefined) {
      await this.#link.call('join', { after: position }, (reply) => {
        position = undefined
        if ('broken' in reply) return joining.break(decodeError(reply.broken))
        joining.catchUp(reply.entries.map(decodeEntry))
        if (reply.joined) joining.join(reply.head, this.#localInstant(reply.readAtMs))
        else position = reply.entries.at(-1)!.head
      })
    }
    return () => joining.end()
  }

  async write(updates: readonly RelationshipUpdate[], conditions: WriteConditions): Promise<WriteResult> {
    const cells = encodeUpdates(updates)
    const head = await this.#queued(updates.length, () =>
      this.#link.call('write', { cells, conditions: this.#conditions(conditions) }),
    )
    return { head }
  }

  async deleteMatching(
    filter: RelationshipFilter,
    { limit, allowPartial }: { readonly limit: number; readonly allowPartial: boolean },
    conditions: WriteConditions,
  ): Promise<DeleteResult> {
    const { head, deletedCount } = await this.#queued(1, () =>
      this.#link.call('deleteMatching', {
        filter,
        limit,
        allowPartial,
        conditions: this.#conditions(conditions),
      }),
    )
    return { head, deletedCount, reachedLimit: limit > 0 && deletedCount === limit }
  }

  async importRows(
    rows: AsyncIterable<readonly Relationship[]>,
    conditions: WriteConditions,
  ): Promise<WriteResult & { readonly count: number }> {
    const importId = ++this.#lastStreamId
    const { maxChangesPerTransaction } = this.#settings
    let count = 0
    try {
      for await (const batch of rows) {
        count += batch.length
        if (count > maxChangesPerTransaction) throw tooManyChanges(maxChangesPerTransaction)
        const cells = encodeUpdates(batch.map((relationship) => ({ operation: 'create', relationship })))
        await this.#link.call('importPart', { importId, cells })
      }
      const head = await this.#queued(1, () =>
        this.#link.call('importRows', { importId, conditions: this.#conditions(conditions) }),
      )
      return { head, count }
    } catch (error) {
      this.#link.call('dropImport', { importId }).catch(() => {})
      throw error
    }
  }

  async writeSchema(
    text: string,
    guards: readonly SchemaGuard[],
    conditions: WriteConditions,
  ): Promise<WriteResult> {
    const head = await this.#queued(1, () =>
      this.#link.call('writeSchema', { text, guards, conditions: this.#conditions(conditions) }),
    )
    return { head }
  }

  async collectGarbage(beforeMs: number): Promise<{ readonly entries: number; readonly rows: number }> {
    return await this.#link.call('collectGarbage', { beforeMs })
  }

  async registerCounter(name: string, filter: RelationshipFilter): Promise<void> {
    await this.#queued(1, () => this.#link.call('registerCounter', { name, filter }))
  }

  async counter(name: string): Promise<RelationshipFilter> {
    return await this.#link.call('counter', { name })
  }

  async unregisterCounter(name: string): Promise<void> {
    await this.#queued(1, () => this.#link.call('unregisterCounter', { name }))
  }

  async oldestRevision(): Promise<Revision> {
    return await this.#link.call('oldestRevision', {})
  }

  async backup(path: string): Promise<Head> {
    if (this.#closing !== undefined) throw storeClosed()
    return await backUp(this.#settings.path, path)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const closed = this.#link.call('close', {})
    this.#link.end()
    await closed.catch(() => {})
    this.#followers.clear()
    await this.#link.terminate()
  }

  #conditions({
    preconditions,
    baseRevision,
    schemaRevision,
    nowMs,
    metadata,
  }: WriteConditions): WriterConditions {
    const metadataText = canonicalObject(metadata)
    return {
      schemaRevision,
      nowMs,
      committedAtMs: this.#clock(),
      ...(preconditions === undefined ? {} : { preconditions }),
      ...(baseRevision === undefined ? {} : { baseRevision }),
      ...(metadataText === undefined ? {} : { metadata: metadataText }),
    }
  }

  async #queued<Value>(updates: number, send: () => Promise<Value>): Promise<Value> {
    if (
      this.#queuedWrites >= this.#maxQueuedWrites ||
      (this.#queuedUpdates + updates > this.#maxQueuedUpdates && this.#queuedWrites > 0)
    ) {
      throw new CardeaError(
        'OVERLOADED',
        `${this.#queuedWrites} writes with ${this.#queuedUpdates} updates wait already (maxQueuedWrites, maxQueuedUpdates); retry later.`,
        {
          max_queued_writes: String(this.#maxQueuedWrites),
          max_queued_updates: String(this.#maxQueuedUpdates),
        },
      )
    }
    this.#queuedWrites += 1
    this.#queuedUpdates += updates
    try {
      return await send()
    } finally {
      this.#queuedWrites -= 1
      this.#queuedUpdates -= updates
    }
  }

  /** What this process's clock showed at an instant of the machine's clock, a moment ago. */
  #localInstant(machineMs: number): number {
    return this.#clock() - (Date.now() - machineMs)
  }
}
