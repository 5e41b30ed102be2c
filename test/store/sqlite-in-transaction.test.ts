// Relationships inside an application's own transaction: together with its rows or not at all, and heard of by all.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { CardeaError } from '../../src/model/errors.ts'
import type { RelationshipUpdate } from '../../src/model/relationship.ts'
import { type InTransactionOptions, relationshipsIn } from '../../src/store/sqlite/in-transaction.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import type { Store } from '../../src/store/store.ts'
import {
  collect,
  conditions,
  create,
  lines,
  load,
  nowMs,
  Recorder,
  remove,
  replay,
  touch,
  until,
  write,
} from './support.ts'

let directory: string
let path: string
let store: Store
let database: Database.Database
let listener: Recorder
const schemas: string[] = []

// What a checked schema would say: here, relations must be named in its text.
function validate(schemaText: string, updates: readonly RelationshipUpdate[]): void {
  schemas.push(schemaText)
  for (const { relationship } of updates) {
    if (!schemaText.includes(relationship.relation)) {
      throw new CardeaError('UNKNOWN_RELATION_OR_PERMISSION', `No relation ${relationship.relation}`)
    }
  }
}
const relationships = (options: Partial<InTransactionOptions> = {}) =>
  relationshipsIn(database, { validate, clock: () => nowMs, ...options })
const documents = () => database.prepare('SELECT id FROM document ORDER BY id').pluck().all()
const immediately = <Result>(work: () => Result) => database.transaction(work).immediate()

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'cardea-in-transaction-'))
  path = join(directory, 'app.db')
  store = await openSqliteStore({ path })
  await store.writeSchema('viewer editor', [], await conditions(store))
  listener = new Recorder()
  await store.follow(await store.head(), listener)
  database = new Database(path)
  database.pragma('synchronous = FULL')
  database.exec('CREATE TABLE document (id TEXT PRIMARY KEY)')
  schemas.length = 0
})
afterEach(async () => {
  database.close()
  await store.close()
  rmSync(directory, { recursive: true })
})

test('the row and the grant are committed together, and a running service hears of the grant', async () => {
  const { write: grant } = relationships()
  const { head } = immediately(() => {
    database.prepare('INSERT INTO document VALUES (?)').run('a')
    return grant(create('doc:a#viewer@user:ann[tz:{"zone":"utc"}]'), { metadata: { by: 'app' } })
  })
  expect(schemas).toEqual(['viewer editor'])
  expect(head).toMatchObject({ revision: 2, schemaRevision: 1, committedAtMs: nowMs })
  expect(await store.head()).toEqual(head)
  await until(() => listener.entries.length > 0)
  expect(listener.entries).toEqual([expect.objectContaining({ ...head, metadata: { by: 'app' } })])
  expect(listener.entries.flatMap(lines)).toEqual(['touch doc:a#viewer@user:ann[tz:{"zone":"utc"}]'])
  expect(documents()).toEqual(['a'])
})

test('both go when the application rolls back', async () => {
  const { write: grant } = relationships()
  const attempt = () =>
    immediately(() => {
      database.prepare('INSERT INTO document VALUES (?)').run('a')
      grant(create('doc:a#viewer@user:ann', 'team:new#viewer@user:new'))
      throw new Error('the application changed its mind')
    })
  expect(attempt).toThrow('changed its mind')
  expect(documents()).toEqual([])
  const { head } = await store.write(touch('doc:z#viewer@user:zoe'), await conditions(store))
  expect(head.revision).toBe(2)
  // The names and objects that went with it are found anew, not remembered.
  immediately(() => grant(create('team:new#viewer@user:new')))
  const state = await load(store)
  expect([...state.objects.values()]).toEqual(['doc:z', 'user:zoe', 'team:new', 'user:new'])
  expect(replay(await collect(store.log(0)))).toEqual(state.rows)
  await until(() => listener.entries.length === 2)
  expect(listener.revisions).toEqual([2, 3])
})

test('a refused grant has written nothing, and the transaction may go on', async () => {
  const { write: grant } = relationships()
  await write(store, touch('doc:b#viewer@user:ann'))
  immediately(() => {
    expect(() => grant(create('doc:new#viewer@user:ann', 'doc:b#viewer@user:ann'))).toThrow(
      expect.objectContaining({ code: 'RELATIONSHIP_EXISTS' }),
    )
    expect(() => grant(touch('doc:b#owner@user:ann'))).toThrow(
      expect.objectContaining({ code: 'UNKNOWN_RELATION_OR_PERMISSION' }),
    )
    const filter = { resourceType: 'doc', resourceId: 'b' }
    expect(() =>
      grant(touch('doc:b#viewer@user:bob'), { preconditions: [{ operation: 'must_not_match', filter }] }),
    ).toThrow(expect.objectContaining({ code: 'PRECONDITION_FAILED' }))
    expect(() => grant(touch('doc:b#viewer@user:bob'), { baseRevision: 1 })).toThrow(
      expect.objectContaining({ code: 'SERIALIZATION_FAILURE' }),
    )
    database.prepare('INSERT INTO document VALUES (?)').run('b')
    expect(grant(touch('doc:b#viewer@user:cid'), { baseRevision: 2 }).head.revision).toBe(3)
    expect(grant(remove('doc:b#viewer@user:ann')).head.revision).toBe(4)
    expect(grant([]).head.revision).toBe(4)
  })
  expect(documents()).toEqual(['b'])
  expect((await load(store)).rows).toEqual(['doc:b#viewer@user:cid'])
  expect(replay(await collect(store.log(0)))).toEqual(['doc:b#viewer@user:cid'])
})

test('what the application throws inside its checks comes out unchanged', () => {
  const failure = new TypeError('no such thing')
  const { write: grant } = relationships({
    validate: () => {
      throw failure
    },
  })
  expect(() => immediately(() => grant(touch('doc:a#viewer@user:ann')))).toThrow(failure)
})

test('an application that holds its transaction open delays other writes, not reads, and sees no schema change', async () => {
  const { write: grant } = relationships()
  database.exec('BEGIN IMMEDIATE')
  grant(create('doc:a#viewer@user:ann'))
  const others = Promise.all([
    store.write(touch('doc:b#viewer@user:bob'), { schemaRevision: 1, nowMs }),
    store.writeSchema('editor', [], { schemaRevision: 1, nowMs }),
  ])
  expect((await load(store)).rows).toEqual([])
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect((await store.head()).revision).toBe(1)
  expect(listener.entries).toEqual([])
  grant(create('doc:a#editor@user:ann'))
  database.exec('COMMIT')
  const [{ head }] = await others
  expect(head.revision).toBe(4)
  expect(listener.entries.flatMap(lines)).toEqual([
    'touch doc:a#viewer@user:ann',
    'touch doc:a#editor@user:ann',
    'touch doc:b#viewer@user:bob',
    'schema editor',
  ])
  expect(schemas).toEqual(['viewer editor', 'viewer editor'])
  expect(() => immediately(() => grant(touch('doc:c#viewer@user:ann')))).toThrow('No relation viewer')
})

test('nobody else can write between the validation and the write, even in a transaction that began as a reader', () => {
  const other = new Database(path, { timeout: 0 })
  const { write: grant } = relationships({
    validate: () => {
      expect(() => other.exec('BEGIN IMMEDIATE')).toThrow(expect.objectContaining({ code: 'SQLITE_BUSY' }))
    },
  })
  expect(database.transaction(() => grant(touch('doc:a#viewer@user:ann'))).deferred().head.revision).toBe(2)
  other.exec('BEGIN IMMEDIATE; ROLLBACK')
  other.close()
})

test('a transaction that read before someone else committed is told to begin as a writer', async () => {
  const { write: grant } = relationships()
  database.exec('BEGIN')
  documents()
  await write(store, touch('doc:b#viewer@user:bob'))
  expect(() => grant(touch('doc:a#viewer@user:ann'))).toThrow(
    expect.objectContaining({
      code: 'SERIALIZATION_FAILURE',
      message: expect.stringContaining('BEGIN IMMEDIATE'),
    }),
  )
  database.exec('ROLLBACK')
  immediately(() => grant(touch('doc:a#viewer@user:ann')))
  expect((await load(store)).rows).toHaveLength(2)
})

test('a handle with 64-bit integers turned on works the same', async () => {
  database.defaultSafeIntegers(true)
  const { write: grant } = relationships()
  await write(store, touch('doc:b#viewer@user:ann[expiration:2031-01-01T00:00:00Z]'))
  const { head } = immediately(() =>
    grant([...touch('doc:a#viewer@user:ann'), ...remove('doc:b#viewer@user:ann')]),
  )
  expect(head).toEqual(await store.head())
  expect(replay(await collect(store.log(0)))).toEqual(['doc:a#viewer@user:ann'])
})

test('is refused outside of a transaction, on a handle that is not durable, on a file that is no datastore', () => {
  expect(() => relationships().write(touch('doc:a#viewer@user:ann'))).toThrow(
    expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringContaining('.immediate()') }),
  )
  database.pragma('synchronous = NORMAL')
  expect(() => relationships()).toThrow(
    expect.objectContaining({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`pragma('synchronous = FULL')`),
    }),
  )
  database.close()
  database = new Database(join(directory, 'other.db'))
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  expect(() => relationships()).toThrow(
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringContaining('openSqliteStore') }),
  )
})
