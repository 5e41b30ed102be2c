// What callers without types get wrong is answered with what is missing and how it is written, never with a TypeError.

import { afterAll, expect, test } from 'vitest'
import { connect } from '../../src/client/connect.ts'
import { createAuthorizer, memoryStore } from '../../src/index.ts'
import { relationshipsIn as inPostgres, openPostgresStore } from '../../src/postgres.ts'
import { relationshipsIn as inSqlite, openSqliteStore } from '../../src/sqlite.ts'

const loose = (call: unknown) => call as (...given: unknown[]) => unknown

test.each([
  ['createAuthorizer', [], 'createAuthorizer needs a store: write { store: memoryStore() }'],
  ['createAuthorizer', [{}], 'createAuthorizer needs a store: write { store: memoryStore() }'],
  ['createAuthorizer', [{ store: Promise.resolve() }], 'write store: await openSqliteStore({ path })'],
  ['openSqliteStore', [], "openSqliteStore needs a path: write { path: 'cardea.db' }"],
  ['openSqliteStore', ['cardea.db'], "openSqliteStore needs a path: write { path: 'cardea.db' }"],
  ['openPostgresStore', [{}], 'openPostgresStore needs a connectionString'],
  ['connect', [], 'connect needs an address'],
  ['connect', [{ address: '127.0.0.1:1' }], 'connect needs a presharedKey'],
  ['inSqlite', ['cardea.db'], 'relationshipsIn needs a better-sqlite3 handle'],
  ['inPostgres', [], 'relationshipsIn needs a connected client of pg'],
] as const)('%s(%j)', async (name, given, message) => {
  const calls = { createAuthorizer, openSqliteStore, openPostgresStore, connect, inSqlite, inPostgres }
  const failed = await new Promise((resolve) => resolve(loose(calls[name])(...given))).catch((error) => error)
  expect(failed).toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining(message) })
})

const authorizer = await createAuthorizer({ store: memoryStore() })
afterAll(() => authorizer.close())
const user = { type: 'user', id: 'ann', relation: '' }
const doc = { type: 'doc', id: 'a' }

test.each([
  [{ resource: 'doc:a', permission: 'view', subject: user }, 'resource is "doc:a": give { type, id }'],
  [{ permission: 'view', subject: user }, 'resource is undefined: give { type, id }'],
  [
    { resource: doc, permission: 'view', subject: { type: 'user', id: 'ann' } },
    'subject.relation is missing',
  ],
  [
    { resource: doc, permission: 'view' },
    "subject is undefined: give { type, id, relation }, or parseSubject('user:ann')",
  ],
])('check(%j)', async (question, message) => {
  await expect(loose(authorizer.check)(question)).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining(message),
  })
})
