// The memory store: the store contract without a disk. The reference for the others; runs in a browser.

import type { RelationshipFilter } from '../../model/filter.ts'
import { isLive, type Relationship, type RelationshipUpdate } from '../../model/relationship.ts'
import type { Revision } from '../../model/revision.ts'
import { canonicalObject, parseObjectText } from '../canonical-json.ts'
import { LogFollowers } from '../followers.ts'
import {
  counterMissing,
  counterRegistered,
  forgotten,
  headMoved,
  logBroken,
  preconditionFailed,
  relationshipExists,
  schemaBlocked,
  schemaChanged,
  storeClosed,
  tooManyChanges,
  tooManyToDelete,
} from '../refusals.ts'
import type {
  Change,
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
import { copyTraits, sameTraits } from '../traits.ts'
import { loadChunks } from './load.ts'
import { type Row, Rows } from './rows.ts'

export interface MemoryStoreOptions {
  /** Datastore clock, milliseconds since the Unix epoch. Default: the machine's. */
  readonly clock?: () => number
  /** Relationships that one transaction may change: LIMIT_EXCEEDED above it. Default 1,000,000. */
  readonly maxChangesPerTransaction?: number
}

/** A new, empty datastore in this process's memory; gone with it. */
export function memoryStore(options: MemoryStoreOptions = {}): Store {
  return new MemoryStore(options.clock ?? Date.now, options.maxChangesPerTransaction ?? 1_000_000)
}

/** How often listeners hear that the head stands. */
const confirmationIntervalMs = 500

const emptyHead: Head = { revision: 0, nonce: '', committedAtMs: 0, schemaRevision: 0 }

/** What one transaction has done so far, so that it can be taken back. */
interface Step {
  readonly change?: Change
  readonly added?: Row
  readonly removed?: Row
}

class MemoryStore implements Store {
  readonly kind = 'memory'
  readonly identity: DatastoreIdentity = {
    datastoreId: randomHex(16),
    epoch: 1,
    tokenKeys: [globalThis.crypto.getRandomValues(new Uint8Array(32))],
  }
  readonly #clock: () => number
  readonly #maxChanges: number
  readonly #rows = new Rows()
  readonly #followers = new LogFollowers()
  readonly #schemas: { readonly revision: Revision; readonly text: string }[] = []
  readonly #counters = new Map<string, RelationshipFilter>()
  #log: LogEntry[] = []
  /** The newest forgotten entry: the past ends after it. */
  #oldest: Head = emptyHead
  #head: Head = emptyHead
  #confirmation: ReturnType<typeof setInterval> | undefined
  #closed = false

  constructor(clock: () => number, maxChanges: number) {
    this.#clock = clock
    this.#maxChanges = maxChanges
  }

  async head(): Promise<Head> {
    this.#assertOpen()
    return this.#head
  }

  async *load(): AsyncIterable<LoadChunk> {
    this.#assertOpen()
    yield* loadChunks(this.#rows, this.#head, this.#schemas.at(-1)?.text)
  }

  async *log(after: Revision, upTo: Revision = this.#head.revision): AsyncIterable<LogEntry> {
    this.#assertOpen()
    yield* this.#entries(after, upTo)
  }

  #entries(after: Revision, upTo: Revision): LogEntry[] {
    if (after < this.#oldest.revision) throw forgotten(after, this.#oldest.revision)
    return this.#log.slice(firstAfter(this.#log, after), firstAfter(this.#log, upTo))
  }

  async schemaAt(revision: Revision): Promise<{ text: string; revision: Revision } | undefined> {
    this.#assertOpen()
    return this.#schemas.findLast((schema) => schema.revision <= revision)
  }

  async nonceAt(revision: Revision): Promise<string | undefined> {
    this.#assertOpen()
    return this.#nonceAt(revision)
  }

  async follow(
    after: { readonly revision: Revision; readonly nonce: string },
    listener: LogListener,
  ): Promise<() => void> {
    this.#assertOpen()
    const joining = this.#followers.add(listener)
    if (after.revision < this.#oldest.revision) {
      joining.break(forgotten(after.revision, this.#oldest.revision))
    } else if (this.#nonceAt(after.revision) !== after.nonce) {
      joining.break(logBroken(after.revision, this.#head.revision))
    } else {
      joining.catchUp(this.#entries(after.revision, this.#head.revision))
      joining.join(this.#head, this.#clock())
      this.#confirmation ??= this.#confirmHead()
    }
    return () => joining.end()
  }

  #confirmHead(): ReturnType<typeof setInterval> {
    const timer = setInterval(
      () => this.#followers.confirm(this.#head, this.#clock()),
      confirmationIntervalMs,
    )
    // Where timers keep a process alive, this one must not.
    if (typeof timer === 'object') timer.unref()
    return timer
  }

  #nonceAt(revision: Revision): string | undefined {
    if (revision === this.#oldest.revision) return this.#oldest.nonce
    const entry = this.#log[firstAfter(this.#log, revision) - 1]
    return entry?.revision === revision ? entry.nonce : undefined
  }

  async write(updates: readonly RelationshipUpdate[], conditions: WriteConditions): Promise<WriteResult> {
    return this.#transaction(conditions, (steps) => this.#apply(updates, conditions.nowMs, steps))
  }

  async deleteMatching(
    filter: RelationshipFilter,
    { limit, allowPartial }: { readonly limit: number; readonly allowPartial: boolean },
    conditions: WriteConditions,
  ): Promise<DeleteResult> {
    let deletedCount = 0
    const { head } = this.#transaction(conditions, (steps) => {
      const doomed: Row[] = []
      for (const row of this.#rows.matching(filter, conditions.nowMs)) {
        if (limit > 0 && doomed.length === limit) {
          if (allowPartial) break
          throw tooManyToDelete(limit, filter)
        }
        doomed.push(row)
        if (doomed.length > this.#maxChanges) throw tooManyChanges(this.#maxChanges)
      }
      for (const row of doomed) this.#delete(row, steps)
      deletedCount = doomed.length
    })
    return { head, deletedCount, reachedLimit: limit > 0 && deletedCount === limit }
  }

  async importRows(
    rows: AsyncIterable<readonly Relationship[]>,
    conditions: WriteConditions,
  ): Promise<WriteResult & { readonly count: number }> {
    this.#assertOpen()
    // Taken in whole before the transaction, so that a slow sender holds nobody up.
    const updates: RelationshipUpdate[] = []
    for await (const batch of rows) {
      for (const relationship of batch) updates.push({ operation: 'create', relationship })
      if (updates.length > this.#maxChanges) throw tooManyChanges(this.#maxChanges)
    }
    const { head } = await this.write(updates, conditions)
    return { head, count: updates.length }
  }

  async writeSchema(
    text: string,
    guards: readonly SchemaGuard[],
    conditions: WriteConditions,
  ): Promise<WriteResult> {
    return this.#transaction(
      conditions,
      () => {
        for (const guard of guards) {
          for (const { relationship } of this.#rows.matching(guard.filter, conditions.nowMs)) {
            if (blocks(guard, relationship)) throw schemaBlocked(guard, relationship)
          }
        }
      },
      text,
    )
  }

  async collectGarbage(beforeMs: number): Promise<{ entries: number; rows: number }> {
    this.#assertOpen()
    const newest = this.#log.length - 1
    const lastOld = Math.min(
      this.#log.findLastIndex((entry) => entry.committedAtMs < beforeMs),
      newest - 1,
    )
    if (lastOld >= 0) {
      const { revision, nonce, committedAtMs, schemaRevision } = this.#log[lastOld]!
      this.#oldest = { revision, nonce, committedAtMs, schemaRevision }
      this.#log = this.#log.slice(lastOld + 1)
    }
    const expired = [...this.#rows.all()].filter(({ relationship }) => !isLive(relationship, beforeMs - 1))
    for (const row of expired) this.#rows.remove(row)
    return { entries: Math.max(0, lastOld + 1), rows: expired.length }
  }

  async registerCounter(name: string, filter: RelationshipFilter): Promise<void> {
    this.#assertOpen()
    if (this.#counters.has(name)) throw counterRegistered(name)
    this.#counters.set(name, structuredClone(filter))
  }

  async counter(name: string): Promise<RelationshipFilter> {
    this.#assertOpen()
    const filter = this.#counters.get(name)
    if (filter === undefined) throw counterMissing(name)
    return structuredClone(filter)
  }

  async unregisterCounter(name: string): Promise<void> {
    this.#assertOpen()
    if (!this.#counters.delete(name)) throw counterMissing(name)
  }

  async oldestRevision(): Promise<Revision> {
    this.#assertOpen()
    return this.#oldest.revision
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#followers.clear()
    clearInterval(this.#confirmation)
  }

  /** Runs `body` without yielding, commits what it did, tells the followers. What it throws undoes everything. */
  #transaction(conditions: WriteConditions, body: (steps: Step[]) => void, schemaText?: string): WriteResult {
    this.#assertOpen()
    const metadataText = canonicalObject(conditions.metadata)
    const steps: Step[] = []
    const { objectCount } = this.#rows
    try {
      this.#assertConditions(conditions)
      body(steps)
    } catch (error) {
      this.#rows.undoTo(objectCount, steps)
      throw error
    }
    const changes = steps.flatMap(({ change }) => (change === undefined ? [] : [change]))
    if (changes.length === 0 && schemaText === undefined) return { head: this.#head }
    const revision = this.#head.revision + 1
    this.#head = {
      revision,
      nonce: randomHex(8),
      committedAtMs: this.#clock(),
      schemaRevision: schemaText === undefined ? this.#head.schemaRevision : revision,
    }
    if (schemaText !== undefined) this.#schemas.push({ revision, text: schemaText })
    const metadata = parseObjectText(metadataText)
    const entry: LogEntry = {
      ...this.#head,
      changes,
      ...(schemaText === undefined ? {} : { schemaText }),
      ...(metadata === undefined ? {} : { metadata }),
    }
    this.#log.push(entry)
    this.#followers.deliver(entry)
    return { head: this.#headOf(entry) }
  }

  // The listeners may have written meanwhile: the result is still this transaction's.
  #headOf({ revision, nonce, committedAtMs, schemaRevision }: LogEntry): Head {
    return { revision, nonce, committedAtMs, schemaRevision }
  }

  #assertConditions({ schemaRevision, baseRevision, preconditions, nowMs }: WriteConditions): void {
    if (schemaRevision !== this.#head.schemaRevision) {
      throw schemaChanged(schemaRevision, this.#head.schemaRevision)
    }
    if (baseRevision !== undefined && baseRevision !== this.#head.revision) {
      throw headMoved(baseRevision, this.#head.revision)
    }
    for (const precondition of preconditions ?? []) {
      const [found] = this.#rows.matching(precondition.filter, nowMs)
      if ((found !== undefined) !== (precondition.operation === 'must_match')) {
        throw preconditionFailed(precondition)
      }
    }
  }

  #apply(updates: readonly RelationshipUpdate[], nowMs: number, steps: Step[]): void {
    if (updates.length > this.#maxChanges) throw tooManyChanges(this.#maxChanges)
    for (const { operation, relationship } of updates) {
      const found = this.#rows.find(relationship)
      if (operation === 'delete') {
        // An expired row goes too: were the clock set back, it would grant again.
        if (found !== undefined) this.#delete(found, steps)
        continue
      }
      const { resource, relation, subject } = relationship
      const traits = copyTraits(relationship)
      if (found !== undefined && isLive(found.relationship, nowMs)) {
        if (operation === 'create') throw relationshipExists(relationship)
        if (sameTraits(found.relationship, traits)) continue
      }
      const { row, replaced } = this.#rows.put({ resource, relation, subject, ...traits })
      const { resourceKey, subjectKey } = row
      const change: Change = {
        operation: 'touch',
        relationship: row.relationship,
        resourceKey,
        subjectKey,
        ...(replaced === undefined ? {} : { previous: copyTraits(replaced.relationship) }),
      }
      steps.push({ change, added: row, ...(replaced === undefined ? {} : { removed: replaced }) })
    }
  }

  #delete(row: Row, steps: Step[]): void {
    const { resourceKey, subjectKey, relationship } = row
    this.#rows.remove(row)
    const previous = copyTraits(relationship)
    steps.push({
      change: { operation: 'delete', relationship, resourceKey, subjectKey, previous },
      removed: row,
    })
  }

  #assertOpen(): void {
    if (this.#closed) throw storeClosed()
  }
}

function blocks({ caveat, expiration }: SchemaGuard, relationship: Relationship): boolean {
  if (caveat !== undefined && (relationship.caveat?.name ?? null) !== caveat) return false
  return expiration === undefined || expiration === (relationship.expiresAtMs !== undefined)
}

/** Index of the first entry with a greater revision; entries ascend. */
function firstAfter(log: readonly LogEntry[], revision: Revision): number {
  let low = 0
  let high = log.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (log[middle]!.revision <= revision) low = middle + 1
    else high = middle
  }
  return low
}

function randomHex(bytes: number): string {
  const random = globalThis.crypto.getRandomValues(new Uint8Array(bytes))
  return Array.from(random, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
