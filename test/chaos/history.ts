// A history: what writers attempted and heard, checked against the log, the rows and the followers of a datastore.

import type { RelationshipUpdate } from '../../src/model/relationship.ts'
import { formatRelationship } from '../../src/model/relationship-text.ts'
import type { Revision } from '../../src/model/revision.ts'
import type { LogEntry, Store } from '../../src/store/store.ts'
import { collect, lines, load } from '../store/support.ts'

/** A write, with the id that its metadata carries. */
export interface Attempt {
  readonly id: string
  readonly updates: readonly RelationshipUpdate[]
  /** Order in which attempts began and ended: one that ended before another began comes first in the log. */
  readonly began: number
  ended?: number
  /** `unknown`: it failed in a way that does not say whether it was committed. */
  outcome: 'open' | 'acknowledged' | 'unknown'
  /** Where it was acknowledged to be, when the writer was told. */
  revision?: Revision
  nonce?: string
}

/** Rows as updates lead to them. */
export class ReplayedRows {
  readonly #rows = new Map<string, string>()

  /** Relationship strings, sorted. */
  get rows(): string[] {
    return [...this.#rows.values()].sort()
  }

  /** Applies updates; what that changes, as lines. */
  apply(updates: readonly RelationshipUpdate[]): string[] {
    return updates.flatMap(({ operation, relationship }) => {
      const { resource, relation, subject } = relationship
      const identity = formatRelationship({ resource, relation, subject })
      const row = this.#rows.get(identity)
      const text = formatRelationship(relationship)
      if (operation === 'create' && row !== undefined) throw new Error(`${text} was made twice`)
      if (operation === 'delete') {
        this.#rows.delete(identity)
        return row === undefined ? [] : [`delete ${row}`]
      }
      this.#rows.set(identity, text)
      return row === text ? [] : [`touch ${text}`]
    })
  }
}

export class History {
  readonly #attempts = new Map<string, Attempt>()
  #moment = 0
  #lastId = 0

  get acknowledged(): number {
    return [...this.#attempts.values()].filter(({ outcome }) => outcome === 'acknowledged').length
  }

  get attempted(): number {
    return this.#attempts.size
  }

  /** Attempts that failed. */
  get unknown(): number {
    return [...this.#attempts.values()].filter(({ outcome }) => outcome === 'unknown').length
  }

  /**
   * Runs one write and notes how it went. `write` is to store `{ id }` as its metadata; it gives where it was committed,
   * if it was told. Resolves with what it threw.
   */
  async attempt(
    updates: readonly RelationshipUpdate[],
    write: (id: string) => Promise<{ readonly revision?: Revision; readonly nonce?: string }>,
  ): Promise<unknown> {
    const attempt: Attempt = {
      id: `w${++this.#lastId}`,
      updates,
      began: ++this.#moment,
      outcome: 'open',
    }
    this.#attempts.set(attempt.id, attempt)
    try {
      const { revision, nonce } = await write(attempt.id)
      attempt.outcome = 'acknowledged'
      if (revision !== undefined) attempt.revision = revision
      if (nonce !== undefined) attempt.nonce = nonce
    } catch (error) {
      attempt.outcome = 'unknown'
      return error
    } finally {
      attempt.ended = ++this.#moment
    }
  }

  /**
   * Throws at the first violation: an acknowledged write that is lost, elsewhere or out of order, a write that is there
   * in part or twice, rows that are not what the log leads to, a follower that heard something else. The followers are
   * what each was told, from the log's beginning. Resolves with the number of entries.
   */
  async check(store: Store, followers: readonly (readonly LogEntry[])[] = []): Promise<number> {
    const entries = await collect(store.log(0))
    const replayed = new ReplayedRows()
    const found = new Map<string, LogEntry>()
    let revision = 0
    let latestBegin = 0
    for (const entry of entries) {
      if (entry.revision <= revision) throw new Error(`Revision ${entry.revision} after ${revision}`)
      revision = entry.revision
      const id = String(entry.metadata?.id)
      const attempt = this.#attempts.get(id)
      if (attempt === undefined) throw new Error(`Nobody wrote what is at revision ${revision}`)
      if (found.has(id)) throw new Error(`${id} is there twice`)
      found.set(id, entry)
      // It had ended before one that stands earlier in the log began. One that failed may have gone on in the database.
      if (attempt.outcome === 'acknowledged' && attempt.ended! < latestBegin)
        throw new Error(`${id} at revision ${revision} comes after writes that began when it had ended`)
      latestBegin = Math.max(latestBegin, attempt.began)
      const meant = replayed.apply(attempt.updates)
      const there = lines(entry)
      if (JSON.stringify(there) !== JSON.stringify(meant))
        throw new Error(`${id} is there in part: ${there.length} of ${meant.length} changes`)
    }
    for (const attempt of this.#attempts.values()) {
      if (attempt.outcome !== 'acknowledged') continue
      const entry = found.get(attempt.id)
      const elsewhere =
        (attempt.revision !== undefined && entry?.revision !== attempt.revision) ||
        (attempt.nonce !== undefined && entry?.nonce !== attempt.nonce)
      if (entry === undefined || elsewhere) throw new Error(`The acknowledged write ${attempt.id} is lost`)
    }
    const { rows } = await load(store)
    if (JSON.stringify(rows) !== JSON.stringify(replayed.rows))
      throw new Error(`${rows.length} rows are not the ${replayed.rows.length} that the log leads to`)
    followers.forEach((heard, n) => {
      const [told, there] = [heard, entries].map((list) =>
        list.map(({ revision, nonce }) => [revision, nonce]),
      )
      if (JSON.stringify(told) !== JSON.stringify(there))
        throw new Error(`Follower ${n} heard ${heard.length} entries, not the ${entries.length} of the log`)
    })
    return entries.length
  }
}
