// Backup while writes go on, and restore as a datastore that knows it is another one.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { restoreSqliteStore } from '../../src/store/sqlite/copies.ts'
import { openSqliteStore, type SqliteStore } from '../../src/store/sqlite/store.ts'
import { collect, conditions, load, Recorder, replay, touch, write } from './support.ts'

let directory: string
const opened: SqliteStore[] = []
const at = (name: string) => join(directory, name)
const open = async (name: string) => {
  const store = await openSqliteStore({ path: at(name) })
  opened.push(store)
  return store
}
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cardea-copies-'))
})
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close()
  rmSync(directory, { recursive: true })
})

test('a backup made while writes go on is the state at one revision', async () => {
  const store = await open('live.db')
  await write(store, touch(...Array.from({ length: 3000 }, (_, n) => `doc:d${n}#viewer@user:u${n % 9}`)))
  const held = await conditions(store)
  let busy = true
  let written = 0
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (; busy; written++) {
      await store.write(
        touch(`doc:w${written}#viewer@user:u${writer}`, `doc:w${written}#editor@user:u${writer}`),
        held,
      )
    }
  })
  const head = await store.backup(at('backup.db'))
  busy = false
  await Promise.all(writers)
  expect(written).toBeGreaterThan(0)
  expect(statSync(at('backup.db')).mode & 0o777).toBe(0o600)
  expect(readdirSync(directory).filter((name) => name.startsWith('backup'))).toEqual(['backup.db'])
  const entries = await collect(store.log(0))
  const copy = await open('backup.db')
  expect(await copy.head()).toEqual(head)
  expect(copy.identity).toEqual(store.identity)
  expect((await load(copy)).rows).toEqual(replay(entries, head.revision))
  expect(await collect(copy.log(0))).toEqual(entries.filter(({ revision }) => revision <= head.revision))
})

test('a restore begins an epoch of its own, each time', async () => {
  const store = await open('live.db')
  await store.writeSchema('definition user {}', [], await conditions(store))
  await write(store, touch('doc:a#viewer@user:ann'))
  const head = await store.backup(at('backup.db'))
  await write(store, touch('doc:b#viewer@user:ann'))
  const before = readFileSync(at('backup.db'))
  expect(await restoreSqliteStore({ from: at('backup.db'), to: at('one.db') })).toEqual(head)
  await restoreSqliteStore({ from: at('backup.db'), to: at('two.db') })
  expect(readFileSync(at('backup.db'))).toEqual(before)
  const [one, two] = [await open('one.db'), await open('two.db')]
  expect(new Set([store, one, two].map(({ identity }) => identity.epoch)).size).toBe(3)
  for (const restored of [one, two]) {
    expect(restored.identity.epoch).toBeGreaterThan(1)
    expect(restored.identity).toMatchObject({
      datastoreId: store.identity.datastoreId,
      tokenKeys: store.identity.tokenKeys,
    })
    expect((await load(restored)).rows).toEqual(['doc:a#viewer@user:ann'])
    expect(await restored.schemaAt(2)).toMatchObject({ text: 'definition user {}' })
    expect((await write(restored, touch('doc:c#viewer@user:ann'))).revision).toBe(3)
  }
  // Who followed the live one past the backup notices that this is not its continuation.
  const listener = new Recorder()
  await one.follow(await store.head(), listener)
  expect(listener.breaks).toMatchObject([{ code: 'UNAVAILABLE' }])
})

test('nothing is overwritten, and what is no datastore is not copied', async () => {
  const store = await open('live.db')
  await write(store, touch('doc:a#viewer@user:ann'))
  writeFileSync(at('taken.db'), 'mine')
  const taken = expect.objectContaining({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('exists already'),
  })
  await expect(store.backup(at('taken.db'))).rejects.toEqual(taken)
  await expect(restoreSqliteStore({ from: at('live.db'), to: at('taken.db') })).rejects.toEqual(taken)
  expect(readFileSync(at('taken.db'), 'utf8')).toBe('mine')
  writeFileSync(at('new.db-wal'), 'left over')
  await expect(store.backup(at('new.db'))).rejects.toEqual(taken)

  const refused = (message: RegExp) =>
    expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) })
  const restoring = (name: string) => restoreSqliteStore({ from: at(name), to: at('restored.db') })
  await expect(restoring('missing.db')).rejects.toEqual(refused(/There is no file .*missing\.db/))
  await expect(restoring('taken.db')).rejects.toEqual(refused(/not a .*database/))
  new Database(at('other.db')).exec('CREATE TABLE mine (id)').close()
  await expect(restoring('other.db')).rejects.toEqual(refused(/not a Cardea datastore/))
  await expect(store.backup(at('no/such/backup.db'))).rejects.toEqual(refused(/directory .* does not exist/))
  expect(readdirSync(directory).filter((name) => name.includes('partial'))).toEqual([])
  expect(existsSync(at('restored.db'))).toBe(false)
})

test('a damaged backup is not restored', async () => {
  const store = await open('live.db')
  await write(store, touch(...Array.from({ length: 3000 }, (_, n) => `doc:d${n}#viewer@user:u${n % 9}`)))
  await store.backup(at('backup.db'))
  const bytes = readFileSync(at('backup.db'))
  bytes.fill(0x5a, bytes.length - 40_000)
  writeFileSync(at('backup.db'), bytes)
  await expect(restoreSqliteStore({ from: at('backup.db'), to: at('restored.db') })).rejects.toMatchObject({
    message: expect.stringMatching(/damaged/),
  })
  expect(existsSync(at('restored.db'))).toBe(false)
})

test('a backup carries the application’s own tables too', async () => {
  const store = await open('live.db')
  await write(store, touch('doc:a#viewer@user:ann'))
  new Database(at('live.db')).exec(`CREATE TABLE mine (id TEXT); INSERT INTO mine VALUES ('a')`).close()
  await store.backup(at('backup.db'))
  const copy = new Database(at('backup.db'), { readonly: true })
  expect(copy.prepare('SELECT id FROM mine').pluck().all()).toEqual(['a'])
  copy.close()
})
