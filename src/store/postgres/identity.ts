// The identity of a datastore in PostgreSQL, changed from outside the services that run on it.

import { randomBytes } from 'node:crypto'
import type { Client } from 'pg'
import type { Revision } from '../../model/revision.ts'
import { type IdentityChange, notEmpty } from '../identity-change.ts'
import type { DatastoreIdentity } from '../store.ts'
import { connect, type PostgresConnection } from './connection.ts'
import { identityFrom } from './reader.ts'
import { assertUsable, readMarks } from './tables.ts'

/**
 * Changes the identity in one transaction; gives what it became. Errors: CONFIG_INVALID (not migrated, and what
 * `change` throws), UNAVAILABLE, STORE_FAILED.
 */
export function changePostgresIdentity(
  connection: PostgresConnection,
  change: (identity: DatastoreIdentity) => IdentityChange,
): Promise<DatastoreIdentity> {
  return inTransaction(connection, async (client) => {
    const { epoch, tokenKeys } = change(await identityOf(client))
    if (epoch !== undefined) await setMark(client, 'epoch', String(epoch))
    if (tokenKeys !== undefined) await setMark(client, 'token_keys', Buffer.concat(tokenKeys).toString('hex'))
    return identityOf(client)
  })
}

/** Lets the revisions of an empty datastore begin behind `revision`. CONFIG_INVALID for one that is not empty. */
export async function beginPostgresAfter(
  connection: PostgresConnection,
  revision: Revision,
  nowMs: number,
): Promise<void> {
  await inTransaction(connection, async (client) => {
    await client.query('SELECT cardea_lock()')
    const { rows } = await client.query('SELECT 1 FROM cardea_log LIMIT 1')
    if (rows.length > 0) throw notEmpty()
    const nonce = randomBytes(8).toString('hex')
    await client.query('INSERT INTO cardea_log VALUES ($1, $2, $3, 0, 0, NULL)', [revision, nonce, nowMs])
    await setMark(client, 'oldest_revision', String(revision))
    await setMark(client, 'oldest_nonce', nonce)
  })
}

async function setMark(client: Client, key: string, value: string): Promise<void> {
  await client.query('UPDATE cardea_meta SET value = $2 WHERE key = $1', [key, value])
}

async function identityOf(client: Client): Promise<DatastoreIdentity> {
  const marks = await readMarks(client)
  assertUsable(marks)
  return identityFrom(marks)
}

function inTransaction<Value>(
  connection: PostgresConnection,
  work: (client: Client) => Promise<Value>,
): Promise<Value> {
  return connect(connection, async (client) => {
    await client.query('BEGIN')
    // One change at a time: what `change` was given must still hold when it is written.
    await client.query('LOCK TABLE cardea_meta IN SHARE ROW EXCLUSIVE MODE')
    const value = await work(client)
    await client.query('COMMIT')
    return value
  })
}
