// Garbage collection in small steps, so that writes go on in between.

import type Database from 'better-sqlite3'
import type { Revision } from '../../model/revision.ts'

/** Rows that one step deletes: a few milliseconds. */
const rowsPerStep = 2_000

/** Each step is a piece of work inside some transaction; what it leaves behind is a consistent datastore. */
export class Garbage {
  readonly #lastOld
  readonly #setMark
  readonly #entriesUpTo
  readonly #deleteChanges
  readonly #deleteEntries
  readonly #deleteExpired

  constructor(database: Database.Database) {
    this.#lastOld = database
      .prepare<[number], { revision: Revision; nonce: string }>(
        `SELECT revision, nonce FROM cardea_log
         WHERE committed_at < ? AND revision < (SELECT max(revision) FROM cardea_log)
         ORDER BY revision DESC LIMIT 1`,
      )
      .safeIntegers(false)
    this.#setMark = database.prepare('UPDATE cardea_meta SET value = ? WHERE key = ?')
    this.#entriesUpTo = database
      .prepare<[number], number>('SELECT count(*) FROM cardea_log WHERE revision <= ?')
      .pluck()
    this.#deleteChanges = database.prepare(
      `DELETE FROM cardea_change WHERE (revision, ordinal) IN
         (SELECT revision, ordinal FROM cardea_change WHERE revision <= ? ORDER BY revision, ordinal LIMIT ?)`,
    )
    this.#deleteEntries = database.prepare(
      `DELETE FROM cardea_log WHERE revision IN
         (SELECT revision FROM cardea_log WHERE revision <= ? ORDER BY revision LIMIT ?)`,
    )
    this.#deleteExpired = database.prepare(
      `DELETE FROM cardea_relationship WHERE (resource, relation, subject, subject_relation) IN
         (SELECT resource, relation, subject, subject_relation FROM cardea_relationship
          WHERE expires_at < ? LIMIT ?)`,
    )
  }

  /**
   * Moves the mark of the oldest readable revision to the newest entry committed before an instant, which is when
   * those entries are forgotten; {@link sweep} then removes them. Gives the mark and how many entries lie behind it.
   */
  forget(beforeMs: number): { readonly upTo: Revision; readonly entries: number } | undefined {
    const lastOld = this.#lastOld.get(beforeMs)
    if (lastOld === undefined) return undefined
    this.#setMark.run(lastOld.revision, 'oldest_revision')
    this.#setMark.run(lastOld.nonce, 'oldest_nonce')
    return { upTo: lastOld.revision, entries: this.#entriesUpTo.get(lastOld.revision)! }
  }

  /** Removes some of what is forgotten; false when nothing is left. */
  sweep(upTo: Revision): boolean {
    if (this.#deleteChanges.run(upTo, rowsPerStep).changes > 0) return true
    return this.#deleteEntries.run(upTo, rowsPerStep).changes > 0
  }

  /** Removes some rows that expired before an instant; how many. */
  removeExpired(beforeMs: number): number {
    return this.#deleteExpired.run(beforeMs, rowsPerStep).changes
  }
}
