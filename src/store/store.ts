// The store contract: the durable truth, an ordered log of transactions. Memory, SQLite and PostgreSQL implement it.

import type { JsonObject } from '../model/context.ts'
import type { Precondition, RelationshipFilter } from '../model/filter.ts'
import type { CaveatRef, Relationship, RelationshipUpdate } from '../model/relationship.ts'
import type { Revision } from '../model/revision.ts'

/**
 * Key of an object in the store's dictionary: a positive integer below 2^31, given once per (type, id) in the order
 * of first use, never reused. Every process on one datastore sees the same keys, so order by key is a stable order.
 */
export type ObjectKey = number

/** What a datastore is, apart from its content. */
export interface DatastoreIdentity {
  /** Random, made when the datastore was made. */
  readonly datastoreId: string
  /** Starts at 1; a restore sets a new one. Tokens of another epoch are foreign. */
  readonly epoch: number
  /** Keys that authenticate tokens and cursors, newest first; shared by all processes on the datastore. 32 bytes each. */
  readonly tokenKeys: readonly Uint8Array[]
}

/** The newest committed transaction. Revision 0 with an empty nonce before the first one. */
export interface Head {
  readonly revision: Revision
  /** Random per transaction, 8 bytes in hex: tells a log that lost its tail and grew another. */
  readonly nonce: string
  /** Datastore clock at commit, milliseconds since the Unix epoch. */
  readonly committedAtMs: number
  /** Revision of the newest schema write at or before this one; 0 when there is none. */
  readonly schemaRevision: Revision
}

/**
 * The effect of one transaction on one relationship identity, as the graph applies and Watch reports it.
 * `touch`: the row is now `relationship`. `delete`: it is gone; `relationship` is the row as it was.
 * An update that changed nothing (identical touch, delete of nothing) leaves no change behind.
 */
export interface Change {
  readonly operation: 'touch' | 'delete'
  readonly relationship: Relationship
  readonly resourceKey: ObjectKey
  readonly subjectKey: ObjectKey
  /** The traits of the row that was replaced, for undo; absent when there was no row. Set for every `delete`. */
  readonly previous?: { readonly caveat?: CaveatRef; readonly expiresAtMs?: number }
}

/** One committed transaction. */
export interface LogEntry extends Head {
  /** At most one change per relationship identity. */
  readonly changes: readonly Change[]
  /** The new schema text when this transaction wrote the schema (which then wrote no relationships). */
  readonly schemaText?: string
  readonly metadata?: JsonObject
  /** What the rows add up to after this transaction (store/digest.ts); absent where a store keeps no digest. */
  readonly digest?: number
}

/** Objects of the dictionary, in ascending key order over all chunks of one load. */
export interface ObjectChunk {
  readonly kind: 'objects'
  readonly keys: Int32Array
  /** Index into `names` of the load's start chunk. */
  readonly types: Uint16Array
  /** UTF-8 of all ids, one after the other. */
  readonly ids: Uint8Array
  /** `keys.length + 1` offsets into `ids`. */
  readonly offsets: Uint32Array
}

/** Live and expired rows alike: who reads decides by its clock. */
export interface RowChunk {
  readonly kind: 'rows'
  readonly resources: Int32Array
  /** Index into `names`. */
  readonly relations: Uint16Array
  readonly subjects: Int32Array
  /** Index into `names`; 0 is the empty name: no subject relation. */
  readonly subjectRelations: Uint16Array
  /** Rows of this chunk that have traits; `at` is an index into the columns above. */
  readonly traits: readonly {
    readonly at: number
    readonly caveat?: CaveatRef
    readonly expiresAtMs?: number
  }[]
}

/**
 * The whole state at one revision, in this order: one `start`, then `objects`, then `rows`.
 * Everything comes from one read transaction.
 */
export type LoadChunk =
  | {
      readonly kind: 'start'
      readonly head: Head
      readonly schemaText: string | undefined
      /** What the log says that the rows add up to (store/digest.ts); absent where a store keeps no digest. */
      readonly digest?: number
      /** Types and relation names; index 0 is the empty name. */
      readonly names: readonly string[]
      /** For progress bars; exact. */
      readonly objectCount: number
      readonly rowCount: number
    }
  | ObjectChunk
  | RowChunk

/** Must hold, in the transaction, of the state before it; else nothing is written. */
export interface WriteConditions {
  readonly preconditions?: readonly Precondition[]
  /**
   * Revision of the schema that the writer validated against. A newer schema in the datastore:
   * SCHEMA_CHANGED (the caller validates again and retries).
   */
  readonly schemaRevision: Revision
  /** When set, the head must still be this one; else SERIALIZATION_FAILURE. For writes that hang on a check. */
  readonly baseRevision?: Revision
  readonly metadata?: JsonObject
  /** The caller's clock, milliseconds since the Unix epoch: decides which rows count as expired. */
  readonly nowMs: number
}

export interface WriteResult {
  /** Revision at which the write is visible. For a write without effect: the head at commit. */
  readonly head: Head
}

export interface DeleteResult extends WriteResult {
  readonly deletedCount: number
  /** Whether the limit was reached (also when nothing is left). */
  readonly reachedLimit: boolean
}

/** Rows that forbid a schema write. Every field that is set must hold for a live row to block. */
export interface SchemaGuard {
  readonly filter: RelationshipFilter
  /** Set: only rows with this caveat; null: only rows without a caveat. */
  readonly caveat?: string | null
  /** Set: only rows with (true) or without (false) an expiry. */
  readonly expiration?: boolean
  /** What to do about it; becomes the SCHEMA_BLOCKED_BY_DATA error, facts plus `relationship`. */
  readonly message: string
  readonly facts: { readonly [name: string]: string }
}

/** Receives the log. Calls never overlap. */
export interface LogListener {
  /** The next transaction, in order, none left out. */
  onEntry(entry: LogEntry): void
  /**
   * The head was confirmed at this local instant (ms since the Unix epoch), whether or not it moved. Comes at least
   * every second while the datastore can be reached.
   */
  onHead?(head: Head, confirmedAtMs: number): void
  /** The log is no longer a continuation of what was delivered (restore, lost tail): load again. No more calls follow. */
  onBreak(error: Error): void
}

/**
 * A datastore. All methods reject with CardeaError; driver errors are translated here (STORE_FAILED, UNAVAILABLE)
 * and never carry a connection string.
 *
 * Example, in relationship strings: after `write([touch doc:a#viewer@user:ann])` gives revision 1 and
 * `write([delete doc:a#viewer@user:ann])` gives revision 2, `log(0)` yields two entries: at 1 one touch without
 * `previous`, at 2 one delete with `previous: {}`. The same delete again yields no entry with changes.
 */
export interface Store {
  readonly kind: 'memory' | 'sqlite' | 'postgres'
  readonly identity: DatastoreIdentity

  /** The newest committed transaction of the datastore, whoever wrote it. */
  head(): Promise<Head>

  /** The whole state at the head of one read transaction. */
  load(): AsyncIterable<LoadChunk>

  /**
   * Entries with `after < revision <= upTo` (default: head), ascending. Entries without changes may be left out.
   * REVISION_OUT_OF_RANGE when `after` is older than what garbage collection kept.
   */
  log(after: Revision, upTo?: Revision): AsyncIterable<LogEntry>

  /** Schema text in force at a revision and the revision that wrote it. Undefined: no schema then. */
  schemaAt(revision: Revision): Promise<{ readonly text: string; readonly revision: Revision } | undefined>

  /**
   * Nonce of the transaction at a revision, '' for 0; undefined when there is none, or it is forgotten: older than
   * {@link oldestRevision}.
   */
  nonceAt(revision: Revision): Promise<string | undefined>

  /**
   * Delivers every entry after `after`. Entries that were committed before the call are delivered before this
   * resolves, entries written through this very handle before the promise of the write does. When the log does not
   * continue `after` (another nonce, or forgotten already), that is an `onBreak` and nothing else. A listener that
   * throws is broken off with what it threw. Returns a function that ends it.
   */
  follow(
    after: { readonly revision: Revision; readonly nonce: string },
    listener: LogListener,
  ): Promise<() => void>

  /**
   * One transaction, all or nothing, durable before it resolves. Updates have distinct identities and are validated
   * already. A delete takes an expired row too: were a clock set back, the row would grant again.
   * Errors: RELATIONSHIP_EXISTS (create on a live row; an expired row is replaced), PRECONDITION_FAILED,
   * SCHEMA_CHANGED, SERIALIZATION_FAILURE, OVERLOADED (queue full), LIMIT_EXCEEDED (more changes than one entry may hold),
   * STORE_FAILED (with the reason, e.g. disk full).
   */
  write(updates: readonly RelationshipUpdate[], conditions: WriteConditions): Promise<WriteResult>

  /**
   * Deletes live rows that match, at most `limit` (0: all). With `allowPartial` false and more than `limit` matches:
   * TOO_MANY_RELATIONSHIPS_FOR_TRANSACTIONAL_DELETE, nothing deleted.
   */
  deleteMatching(
    filter: RelationshipFilter,
    options: { readonly limit: number; readonly allowPartial: boolean },
    conditions: WriteConditions,
  ): Promise<DeleteResult>

  /**
   * Inserts a long stream of rows in one transaction with create semantics; other writers may wait for it.
   * Resolves with the number inserted.
   */
  importRows(
    rows: AsyncIterable<readonly Relationship[]>,
    conditions: WriteConditions,
  ): Promise<WriteResult & { readonly count: number }>

  /**
   * Replaces the schema in its own transaction, while no other writer is active. `schemaRevision` of the conditions is
   * the one the caller compared with. SCHEMA_BLOCKED_BY_DATA when a guard finds a live row.
   */
  writeSchema(text: string, guards: readonly SchemaGuard[], conditions: WriteConditions): Promise<WriteResult>

  /**
   * Forgets log entries committed before `beforeMs` (never the newest) and rows expired before it, the latter without
   * an entry: whoever holds rows drops them by the same rule. Order is the truth, clocks are not: an entry is as old
   * as any later one. Schema texts stay. Returns counts.
   */
  collectGarbage(beforeMs: number): Promise<{ readonly entries: number; readonly rows: number }>

  /**
   * Keeps a filter under a name, durably. A counter has no history: it is neither in the log nor bound to a revision,
   * and every process sees it at once. COUNTER_ALREADY_REGISTERED.
   */
  registerCounter(name: string, filter: RelationshipFilter): Promise<void>

  /** The filter of a counter. COUNTER_NOT_REGISTERED. */
  counter(name: string): Promise<RelationshipFilter>

  /** Forgets a counter, durably. COUNTER_NOT_REGISTERED. */
  unregisterCounter(name: string): Promise<void>

  /** Oldest revision that can still be read exactly. */
  oldestRevision(): Promise<Revision>

  close(): Promise<void>
}
