// The identity of a datastore file, changed from outside: services that run on the file hear of it within a second.

import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type Database from 'better-sqlite3'
import type { Revision } from '../../model/revision.ts'
import { type IdentityChange, notEmpty } from '../identity-change.ts'
import type { DatastoreIdentity } from '../store.ts'
import { storeError } from './driver-errors.ts'
import { noDatastore } from './no-datastore.ts'
import { Reader } from './reader.ts'
import { requireDriver } from './require-driver.ts'
import { assertKnownVersion, versionOf } from './tables.ts'

/**
 * Changes the identity in one transaction; gives what it became. Errors: CONFIG_INVALID (no datastore, and what
 * `change` throws), UNAVAILABLE, STORE_FAILED.
 */
export function changeSqliteIdentity(
  path: string,
  change: (identity: DatastoreIdentity) => IdentityChange,
): Promise<DatastoreIdentity> {
  return inTransaction(path, (database) => {
    const reader = new Reader(database)
    const { epoch, tokenKeys } = change(reader.identity())
    const mark = database.prepare('UPDATE cardea_meta SET value = ? WHERE key = ?')
    if (epoch !== undefined) mark.run(epoch, 'epoch')
    if (tokenKeys !== undefined) mark.run(Buffer.concat(tokenKeys), 'token_keys')
    return reader.identity()
  })
}

/** Lets the revisions of an empty datastore begin behind `revision`. CONFIG_INVALID for one that is not empty. */
export async function beginSqliteAfter(path: string, revision: Revision, nowMs: number): Promise<void> {
  await inTransaction(path, (database) => {
    if (new Reader(database).head().revision > 0) throw notEmpty()
    const nonce = randomBytes(8).toString('hex')
    database.prepare('INSERT INTO cardea_log VALUES (?, ?, ?, 0, 0, NULL)').run(revision, nonce, nowMs)
    const mark = database.prepare('UPDATE cardea_meta SET value = ? WHERE key = ?')
    mark.run(revision, 'oldest_revision')
    mark.run(nonce, 'oldest_nonce')
  })
}

async function inTransaction<Value>(
  path: string,
  work: (database: Database.Database) => Value,
): Promise<Value> {
  await requireDriver()
  // The driver is loaded only now, so that its absence has been told of in words.
  const { openConnection } = await import('./connection.ts')
  if (!existsSync(path)) throw noDatastore(path)
  const database = openConnection(path, 5_000)
  try {
    const version = versionOf(database)
    if (version === 0) throw noDatastore(path)
    assertKnownVersion(version, path)
    return database.transaction(() => work(database)).immediate()
  } catch (error) {
    throw storeError(error, path)
  } finally {
    database.close()
  }
}
