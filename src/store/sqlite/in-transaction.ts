// Relationships inside an application's own SQLite transaction: the business row and the grant are committed together
// or not at all, and every service on the file hears of the grant from the same log.

import type Database from 'better-sqlite3'
import type { JsonObject } from '../../model/context.ts'
import { CardeaError } from '../../model/errors.ts'
import type { Precondition } from '../../model/filter.ts'
import type { RelationshipUpdate } from '../../model/relationship.ts'
import { requireOption } from '../../model/require-option.ts'
import type { Revision } from '../../model/revision.ts'
import { canonicalObject } from '../canonical-json.ts'
import type { WriteResult } from '../store.ts'
import { encodeUpdates } from './cells.ts'
import { assertDurable } from './connection.ts'
import { sqliteCode, storeError } from './driver-errors.ts'
import { headStatement } from './reader.ts'
import { assertKnownVersion, tablesVersion, versionOf } from './tables.ts'
import { Writer } from './writer.ts'

export interface InTransactionOptions {
  /**
   * Throws when the updates do not fit the schema (empty text: there is none yet). Called inside the transaction, so
   * that no schema write can come between.
   */
  readonly validate: (schemaText: string, updates: readonly RelationshipUpdate[]) => void
  /** Milliseconds since the Unix epoch. Default: the machine's. */
  readonly clock?: () => number
  /** Relationships that one write may change. Default 1,000,000. */
  readonly maxChangesPerTransaction?: number
}

export interface InTransactionWriteOptions {
  readonly preconditions?: readonly Precondition[]
  /** Stored with the revision, shown by Watch. */
  readonly metadata?: JsonObject
  /** When set, the head must still be this revision: for a grant that hangs on a check. */
  readonly baseRevision?: Revision
}

export interface RelationshipsInTransaction {
  /**
   * Writes inside the transaction that is open on the handle, which must be a write transaction that has not read
   * before another one committed: `database.transaction(work).immediate()`. The result holds once it is committed;
   * rolling back leaves nothing. When this throws, it has written nothing, and the transaction may go on.
   *
   * Errors: as `Store.write`, and what `validate` throws; INVALID_ARGUMENT outside of a transaction.
   */
  write(updates: readonly RelationshipUpdate[], options?: InTransactionWriteOptions): WriteResult
}

/**
 * Relationships through an application's handle on a datastore file, which `openSqliteStore` has made. The handle must
 * be durable: WAL, and `synchronous = FULL`, which better-sqlite3 turns down to NORMAL in WAL mode. CONFIG_INVALID when
 * it is not, or when the file is no datastore of this version.
 */
export function relationshipsIn(
  database: Database.Database,
  { validate, clock = Date.now, maxChangesPerTransaction = 1_000_000 }: InTransactionOptions,
): RelationshipsInTransaction {
  requireOption(
    typeof database?.pragma === 'function',
    'relationshipsIn',
    'a better-sqlite3 handle',
    "write relationshipsIn(new Database('cardea.db'))",
  )
  const path = database.name
  assertDurable(database, path)
  assertTables(database, path)
  // Nothing is remembered between writes: the application may roll back without telling.
  const writer = new Writer(database, { maxChanges: maxChangesPerTransaction, maxCachedObjects: 0 })
  const head = headStatement(database)
  const lock = database.prepare(`UPDATE cardea_meta SET value = value WHERE key = 'tables_version'`)
  const schemaText = database
    .prepare<[], string>('SELECT text FROM cardea_schema ORDER BY revision DESC LIMIT 1')
    .pluck()

  const writeInside = (updates: readonly RelationshipUpdate[], options: InTransactionWriteOptions) => {
    // Before anything is read: what is read under the write lock cannot be changed by anyone else.
    lock.run()
    validate(schemaText.get() ?? '', updates)
    const metadata = canonicalObject(options.metadata)
    const nowMs = clock()
    writer.begin()
    const steps = writer.write([encodeUpdates(updates)], {
      schemaRevision: head().schemaRevision,
      nowMs,
      committedAtMs: nowMs,
      ...(options.preconditions === undefined ? {} : { preconditions: options.preconditions }),
      ...(options.baseRevision === undefined ? {} : { baseRevision: options.baseRevision }),
      ...(metadata === undefined ? {} : { metadata }),
    })
    while (steps.next().done !== true);
    return { head: writer.head }
  }
  // Inside a transaction, better-sqlite3 makes a nested one of this: a savepoint.
  const nested = database.transaction(writeInside)

  return {
    write(updates, options = {}) {
      if (!database.inTransaction) {
        throw new CardeaError(
          'INVALID_ARGUMENT',
          'write needs an open transaction: call it inside database.transaction(work).immediate().',
        )
      }
      try {
        return nested(updates, options)
      } catch (error) {
        throw sqliteCode(error) === undefined ? error : storeError(error, path)
      }
    },
  }
}

function assertTables(database: Database.Database, path: string): void {
  const version = versionOf(database)
  assertKnownVersion(version, path)
  if (version === tablesVersion) return
  throw new CardeaError(
    'CONFIG_INVALID',
    version === 0
      ? `${path} is not a Cardea datastore yet; open it once with openSqliteStore.`
      : `${path} has tables of version ${version}, older than ${tablesVersion}; open it once with openSqliteStore.`,
    { path, tables_version: String(version), known_version: String(tablesVersion) },
  )
}
