// The identity of a datastore file, changed while a service runs on it: keys are rotated without refusing a token,
// and a new epoch makes old tokens foreign.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createAuthorizer, type LocalAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import type { Consistency } from '../../src/model/revision.ts'
import { afterKeyStep, type KeyStep } from '../../src/store/identity-change.ts'
import { beginSqliteAfter, changeSqliteIdentity } from '../../src/store/sqlite/identity.ts'
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite/store.ts'
import { collect, touch, until } from './support.ts'

let folder: string
let path: string
let store: SqliteStore
let authorizer: LocalAuthorizer
let rebuilds: string[]

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'cardea-identity-'))
  path = join(folder, 'cardea.db')
  store = await openSqliteStore({ path })
  rebuilds = []
  authorizer = await createAuthorizer({ store, onRebuild: (error) => rebuilds.push(error.message) })
  await authorizer.writeSchema('definition user {}\ndefinition doc {\n  relation viewer: user\n}')
})
afterEach(async () => {
  await authorizer.close()
  rmSync(folder, { recursive: true, force: true })
})

const write = async (...texts: string[]) =>
  (await authorizer.writeRelationships({ updates: touch(...texts) })).token
const readPage = (more: { consistency?: Consistency; cursor?: string } = {}) =>
  collect(authorizer.readRelationships({ filter: { resourceType: 'doc' }, limit: 1, ...more }))
const exactly = (token: string) => readPage({ consistency: { kind: 'at_exact_snapshot', token } })

/** One step of a rotation, and until the running store has heard of it. */
async function step(name: KeyStep, key: Uint8Array): Promise<void> {
  const before = store.identity
  await changeSqliteIdentity(path, ({ tokenKeys }) => ({ tokenKeys: afterKeyStep(tokenKeys, name, key) }))
  await until(() => store.identity !== before)
}

test('a token of an old key stays valid while the key verifies, and is refused once it is removed', async () => {
  const old = await write('doc:a#viewer@user:ann', 'doc:b#viewer@user:ann')
  const [first] = await readPage()
  const [oldKey] = store.identity.tokenKeys
  const newKey = randomBytes(32)

  await step('add', newKey)
  expect(store.identity.tokenKeys).toHaveLength(2)
  // It signs nothing yet: a process that has not heard of it never meets it.
  expect(await write('doc:a#viewer@user:ann')).toBe(old)

  await step('promote', newKey)
  const young = await write('doc:a#viewer@user:ann')
  expect(young).not.toBe(old)
  expect(await exactly(old)).toHaveLength(1)
  expect(await exactly(young)).toHaveLength(1)
  expect(await readPage({ cursor: first!.cursor })).toHaveLength(1)

  await step('remove', oldKey!)
  expect(await exactly(young)).toHaveLength(1)
  await expect(exactly(old)).rejects.toMatchObject({
    code: 'INVALID_TOKEN',
    message: expect.stringContaining('its key has been removed'),
  })
  await expect(readPage({ cursor: first!.cursor })).rejects.toMatchObject({
    code: 'INVALID_CURSOR',
    message: expect.stringContaining('its key has been removed'),
  })
  expect(rebuilds).toEqual([])
  // What another process opens now has the same keys.
  const other = await openSqliteStore({ path })
  expect(other.identity.tokenKeys.map((key) => Buffer.from(key))).toEqual([newKey])
  await other.close()
})

test('steps that would refuse tokens that are in use are refused themselves', async () => {
  const [key] = store.identity.tokenKeys
  const change = (name: KeyStep, of: Uint8Array) =>
    changeSqliteIdentity(path, ({ tokenKeys }) => ({ tokenKeys: afterKeyStep(tokenKeys, name, of) }))
  await expect(change('remove', key!)).rejects.toMatchObject({
    message: expect.stringContaining('promote another'),
  })
  await expect(change('add', key!)).rejects.toMatchObject({ message: expect.stringContaining('already') })
  await expect(change('add', randomBytes(16))).rejects.toMatchObject({
    message: expect.stringContaining('32 bytes'),
  })
  await expect(change('promote', randomBytes(32))).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  await expect(changeSqliteIdentity(join(folder, 'none.db'), () => ({}))).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('There is no file'),
  })
})

test('a new epoch: services load again, old tokens are foreign, new ones are not', async () => {
  const old = await write('doc:a#viewer@user:ann')
  await changeSqliteIdentity(path, ({ epoch }) => ({ epoch: epoch + 1 }))
  await until(() => rebuilds.length === 1 && authorizer.ready)
  expect(rebuilds[0]).toContain('new epoch')
  await expect(exactly(old)).rejects.toMatchObject({ code: 'INVALID_TOKEN' })
  // At least as fresh as a token of another datastore: as fresh as can be.
  expect(await readPage({ consistency: { kind: 'at_least_as_fresh', token: old } })).toHaveLength(1)
  const young = await write('doc:b#viewer@user:ann')
  expect(young).not.toBe(old)
  expect(await exactly(young)).toHaveLength(1)
})

test('an empty datastore can begin behind a revision, another one cannot', async () => {
  await expect(beginSqliteAfter(path, 100, Date.now())).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('empty datastore'),
  })
  const empty = join(folder, 'empty.db')
  await (await openSqliteStore({ path: empty })).close()
  await beginSqliteAfter(empty, 100, Date.now())
  const behind = await openSqliteStore({ path: empty })
  expect(await behind.head()).toMatchObject({ revision: 100, schemaRevision: 0 })
  expect(await behind.oldestRevision()).toBe(100)
  const { head } = await behind.write(touch('doc:a#viewer@user:ann'), {
    schemaRevision: 0,
    nowMs: Date.now(),
  })
  expect(head.revision).toBe(101)
  await behind.close()
})
