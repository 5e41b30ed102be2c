// The PostgreSQL store: one database under any number of processes. Functions in the database judge and stamp each
// write; this side queues writes, follows the log and speaks the store contract.

import { clearInterval, setInterval } from 'node:timers'
import type pg from 'pg'
import type { RelationshipFilter } from '../../model/filter.ts'
import type { Relationship, RelationshipUpdate } from '../../model/relationship.ts'
import { requireOption } from '../../model/require-option.ts'
import type { Revision } from '../../model/revision.ts'
import { LogFollowers } from '../followers.ts'
import { epochBegan, sameIdentity } from '../identity-change.ts'
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
import { CommitQueue, type Written } from './commit-queue.ts'
import { openClient, openLongClient, openPool, type PostgresConnection } from './connection.ts'
import { Counters } from './counters.ts'
import { isDriverError, storeError } from './driver-errors.ts'
import { importRows } from './importing.ts'
import { loadChunks } from './loading.ts'
import { type PayloadConditions, payloadOf, refusalOf, updateCells, type Work } from './payload.ts'
import { Reader } from './reader.ts'
import { Tail } from './tail.ts'

export interface PostgresStoreOptions extends PostgresConnection {
  /** Milliseconds since the Unix epoch. Default: the machine's for confirmations, the server's for commits. */
  readonly clock?: () => number
  /** Connections for short statements; loads, imports and listening have their own. Default 10. */
  readonly poolSize?: number
  /** How old an unconfirmed head may become where this store is read; polls come ten times as often. Default 2,500. */
  readonly maxStalenessMs?: number
  /** Writes that may wait at once: OVERLOADED above it. Default 10,000. */
  readonly maxQueuedWrites?: number
  /** Updates of all writes that may wait at once: OVERLOADED above it. Default 1,000,000. */
  readonly maxQueuedUpdates?: number
  /** Relationships that one transaction may change: LIMIT_EXCEEDED above it. Default 1,000,000. */
  readonly maxChangesPerTransaction?: number
}

const minPollIntervalMs = 25
/** Listeners hear of the head at least every second. */
const maxPollIntervalMs = 250
/** How soon rotated keys and a new epoch are noticed. */
const identityIntervalMs = 1_000
/** Rows that one step of garbage collection deletes: some milliseconds. */
const garbageRows = 2_000

/**
 * Opens the datastore in a database that `migratePostgres` has prepared. Errors: CONFIG_INVALID (no URL, no such
 * database or user, not migrated, tables of another version), UNAVAILABLE.
 */
export async function openPostgresStore(options: PostgresStoreOptions): Promise<Store> {
  requireOption(
    typeof options?.connectionString === 'string',
    'openPostgresStore',
    'a connectionString',
    "write { connectionString: 'postgres://user:password@host/database' }",
  )
  const pool = openPool(options, options.poolSize ?? 10)
  const store = new PostgresStore(options, pool)
  try {
    await store.open()
    return store
  } catch (error) {
    await store.close()
    throw storeError(error)
  }
}

class PostgresStore implements Store {
  readonly kind = 'postgres'
  readonly #options: PostgresStoreOptions
  readonly #pool: pg.Pool
  readonly #reader: Reader
  readonly #queue: CommitQueue
  readonly #counters: Counters
  readonly #followers = new LogFollowers()
  readonly #tail: Tail
  readonly #maxChanges: number
  /** Connections of loads and imports that are under way. */
  readonly #ownClients = new Set<pg.Client>()
  #identity!: DatastoreIdentity
  #comparing: ReturnType<typeof setInterval> | undefined
  #closing: Promise<void> | undefined
  #closed = false

  constructor(options: PostgresStoreOptions, pool: pg.Pool) {
    this.#options = options
    this.#pool = pool
    this.#maxChanges = options.maxChangesPerTransaction ?? 1_000_000
    this.#reader = new Reader(pool)
    this.#counters = new Counters(pool)
    this.#queue = new CommitQueue(pool, {
      maxQueuedWrites: options.maxQueuedWrites ?? 10_000,
      maxQueuedUpdates: options.maxQueuedUpdates ?? 1_000_000,
    })
    const wantedMs = (options.maxStalenessMs ?? 2_500) / 10
    this.#tail = new Tail(this.#reader, this.#followers, {
      clock: options.clock ?? Date.now,
      pollIntervalMs: Math.min(maxPollIntervalMs, Math.max(minPollIntervalMs, wantedMs)),
      openListening: (onLost) => openClient(options, onLost),
      onBroken: async () => {
        this.#identity = await this.#reader.identity()
      },
    })
  }

  async open(): Promise<void> {
    this.#identity = await this.#reader.identity()
    await this.#tail.start()
    this.#comparing = setInterval(() => {
      // While the server is away, whatever it holds is learned later.
      this.#compareIdentity().catch(() => {})
    }, identityIntervalMs)
    this.#comparing.unref()
  }

  /** Keys may be rotated and epochs begun from outside, while we run. */
  async #compareIdentity(): Promise<void> {
    const identity = await this.#reader.identity()
    if (this.#closed || sameIdentity(identity, this.#identity)) return
    const { epoch } = this.#identity
    this.#identity = identity
    if (identity.epoch !== epoch) await this.#tail.break(epochBegan())
  }

  get identity(): DatastoreIdentity {
    return this.#identity
  }

  async head(): Promise<Head> {
    this.#assertOpen()
    return await this.#reader.head()
  }

  async *load(): AsyncIterable<LoadChunk> {
    this.#assertOpen()
    // Asserts that this program may still read the tables, which another may have migrated.
    this.#identity = await this.#reader.identity()
    const client = await this.#openOwnClient()
    try {
      yield* loadChunks(client)
    } catch (error) {
      throw storeError(error)
    } finally {
      await this.#endOwnClient(client)
    }
  }

  async *log(after: Revision, upTo?: Revision): AsyncIterable<LogEntry> {
    this.#assertOpen()
    const end = upTo ?? (await this.#reader.head()).revision
    for (let position = after; ; ) {
      const { entries, broken } = await this.#reader.page({ revision: position }, end)
      if (broken !== undefined) throw broken
      yield* entries
      const last = entries.at(-1)
      if (last === undefined || last.revision >= end) return
      position = last.revision
    }
  }

  async schemaAt(
    revision: Revision,
  ): Promise<{ readonly text: string; readonly revision: Revision } | undefined> {
    this.#assertOpen()
    return await this.#reader.schemaAt(revision)
  }

  async nonceAt(revision: Revision): Promise<string | undefined> {
    this.#assertOpen()
    return await this.#reader.nonceAt(revision)
  }

  async follow(
    after: { readonly revision: Revision; readonly nonce: string },
    listener: LogListener,
  ): Promise<() => void> {
    this.#assertOpen()
    return await this.#tail.join({ revision: after.revision, nonce: after.nonce }, listener)
  }

  async write(updates: readonly RelationshipUpdate[], conditions: WriteConditions): Promise<WriteResult> {
    if (updates.length > this.#maxChanges) throw tooManyChanges(this.#maxChanges)
    const { head } = await this.#commit({ updates: updates.map(updateCells) }, conditions, updates.length)
    return { head }
  }

  async deleteMatching(
    filter: RelationshipFilter,
    { limit, allowPartial }: { readonly limit: number; readonly allowPartial: boolean },
    conditions: WriteConditions,
  ): Promise<DeleteResult> {
    const work = { delete: { filter, limit, allowPartial, maxChanges: this.#maxChanges } }
    const { head, count } = await this.#commit(work, conditions, 1)
    return { head, deletedCount: count, reachedLimit: limit > 0 && count === limit }
  }

  async importRows(
    rows: AsyncIterable<readonly Relationship[]>,
    conditions: WriteConditions,
  ): Promise<WriteResult & { readonly count: number }> {
    this.#assertOpen()
    const client = await this.#openOwnClient()
    try {
      const { head, count } = await importRows(client, rows, this.#stamped(conditions), this.#maxChanges)
      await this.#heard(head.revision)
      return { head, count }
    } catch (error) {
      // What the stream throws is the sender's, not the server's.
      throw isDriverError(error) ? storeError(error) : error
    } finally {
      await this.#endOwnClient(client)
    }
  }

  async writeSchema(
    text: string,
    guards: readonly SchemaGuard[],
    conditions: WriteConditions,
  ): Promise<WriteResult> {
    const { head } = await this.#commit({ schemaText: text, guards }, conditions, 1)
    return { head }
  }

  async collectGarbage(beforeMs: number): Promise<{ readonly entries: number; readonly rows: number }> {
    this.#assertOpen()
    const entries = await this.#count('SELECT cardea_forget($1)', [beforeMs])
    while ((await this.#count('SELECT cardea_sweep($1)', [garbageRows])) > 0);
    let rows = 0
    for (let removed = -1; removed !== 0; rows += Math.max(0, removed)) {
      removed = await this.#count('SELECT cardea_remove_expired($1, $2)', [beforeMs, garbageRows])
    }
    return { entries, rows }
  }

  async registerCounter(name: string, filter: RelationshipFilter): Promise<void> {
    this.#assertOpen()
    await this.#counters.register(name, filter)
  }

  async counter(name: string): Promise<RelationshipFilter> {
    this.#assertOpen()
    return await this.#counters.find(name)
  }

  async unregisterCounter(name: string): Promise<void> {
    this.#assertOpen()
    await this.#counters.unregister(name)
  }

  async oldestRevision(): Promise<Revision> {
    this.#assertOpen()
    return await this.#reader.oldestRevision()
  }

  close(): Promise<void> {
    this.#closed = true
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#comparing)
    await this.#queue.idle()
    this.#followers.clear()
    await this.#tail.close()
    for (const client of this.#ownClients) await this.#endOwnClient(client)
    await this.#pool.end()
  }

  async #commit(work: Work, conditions: WriteConditions, weight: number): Promise<Written> {
    this.#assertOpen()
    const stamped = this.#stamped(conditions)
    const written = await this.#queue.add(payloadOf(work, stamped), weight, (refused) =>
      refusalOf(refused, stamped, work),
    )
    await this.#heard(written.head.revision)
    return written
  }

  /** The followers of this handle know what was written before the writer does. */
  async #heard(revision: Revision): Promise<void> {
    // It is committed, whether or not it can be read again at once: the poll goes on trying.
    await this.#tail.reach(revision).catch(() => {})
  }

  #stamped(conditions: WriteConditions): PayloadConditions {
    const { clock } = this.#options
    const { preconditions } = conditions
    return {
      ...conditions,
      ...(preconditions === undefined ? {} : { preconditions: [...preconditions] }),
      ...(clock === undefined ? {} : { committedAtMs: clock() }),
    }
  }

  async #count(text: string, values: readonly number[]): Promise<number> {
    try {
      const { rows } = await this.#pool.query<[number]>({ text, values: [...values], rowMode: 'array' })
      return rows[0]![0]
    } catch (error) {
      throw storeError(error)
    }
  }

  async #openOwnClient(): Promise<pg.Client> {
    const client = await openLongClient(this.#options)
    this.#ownClients.add(client)
    return client
  }

  async #endOwnClient(client: pg.Client): Promise<void> {
    if (this.#ownClients.delete(client)) await client.end().catch(() => {})
  }

  #assertOpen(): void {
    if (this.#closed) throw storeClosed()
  }
}
