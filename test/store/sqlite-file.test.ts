// What a datastore in a file must get right beyond the contract: opening, sharing, filling up, being lost.

import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { storeError } from '../../src/store/sqlite/driver-errors.ts'
import { openSqliteStoreWith, type SqliteStoreOptions } from '../../src/store/sqlite/store.ts'
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
const opened: { close(): unknown }[] = []

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cardea-sqlite-'))
  path = join(directory, 'cardea.db')
})
afterEach(async () => {
  for (const handle of opened.splice(0).reverse()) await handle.close()
  rmSync(directory, { recursive: true })
})

async function open(options: Partial<SqliteStoreOptions> = {}, testing: { maxPages?: number } = {}) {
  const store = await openSqliteStoreWith({ path, ...options }, testing)
  opened.push(store)
  return store
}
/** Another process's connection. */
function foreign(): Database.Database {
  const database = new Database(path)
  opened.push(database)
  return database
}
const code = (expected: string, message: RegExp = /./) => ({
  code: expected,
  message: expect.stringMatching(message),
})
/** Commits that the write-ahead log holds: frames that say how large the database is after them. */
function commitsInWal(): number {
  const wal = readFileSync(`${path}-wal`)
  const frameBytes = 24 + wal.readUInt32BE(8)
  let commits = 0
  for (let at = 32; at + frameBytes <= wal.length; at += frameBytes)
    if (wal.readUInt32BE(at + 4) > 0) commits++
  return commits
}

describe('opening', () => {
  test('a path that cannot be a datastore is refused with the cure', async () => {
    const missing = join(directory, 'no', 'cardea.db')
    await expect(open({ path: missing })).rejects.toMatchObject(
      code('CONFIG_INVALID', /directory .*no does not exist/),
    )
    await expect(open({ path: directory })).rejects.toMatchObject(code('CONFIG_INVALID', /is a directory/))
    await expect(open({ path: ':memory:' })).rejects.toMatchObject(code('CONFIG_INVALID', /path of a file/))
    await expect(open({ path: '' })).rejects.toMatchObject(code('CONFIG_INVALID', /path of a file/))
    writeFileSync(path, 'This is a text, not a database. '.repeat(200))
    await expect(open({ path: join(path, 'x.db') })).rejects.toMatchObject(
      code('CONFIG_INVALID', /not a directory/),
    )
    await expect(open()).rejects.toMatchObject(code('CONFIG_INVALID', /not a SQLite database/))
    expect(readFileSync(path, 'utf8')).toMatch(/^This is a text/)
  })

  test('a file of a newer program is refused and left alone', async () => {
    await (await open()).close()
    const database = foreign()
    database.exec(`UPDATE cardea_meta SET value = 99 WHERE key = 'tables_version'`)
    await expect(open()).rejects.toMatchObject(code('CONFIG_INVALID', /newer Cardea \(tables version 99/))
    expect(database.prepare(`SELECT value FROM cardea_meta WHERE key = 'tables_version'`).pluck().get()).toBe(
      99,
    )
  })

  test('a newer program that takes the file over while it is open ends the writes of this one', async () => {
    const store = await open()
    await write(store, touch('doc:a#viewer@user:ann'))
    foreign().exec(`UPDATE cardea_meta SET value = 99 WHERE key = 'tables_version'`)
    await expect(write(store, touch('doc:b#viewer@user:ann'))).rejects.toMatchObject(
      code('CONFIG_INVALID', /newer Cardea/),
    )
    expect((await store.head()).revision).toBe(1)
  })

  test('an interrupted making of the tables is made whole', async () => {
    writeFileSync(path, '')
    const store = await open()
    await write(store, touch('doc:a#viewer@user:ann'))
    expect((await load(store)).rows).toHaveLength(1)
  })

  test('several processes may make the same file at once', async () => {
    const stores = await Promise.all(Array.from({ length: 4 }, () => open()))
    expect(new Set(stores.map(({ identity }) => identity.datastoreId)).size).toBe(1)
    await Promise.all(stores.map((store, n) => write(store, touch(`doc:d${n}#viewer@user:ann`))))
    for (const store of stores) expect((await load(store)).rows).toHaveLength(4)
  })

  test('everything is there when the file is opened again', async () => {
    const first = await open()
    await first.writeSchema('definition user {}', [], await conditions(first))
    const head = await write(first, touch('doc:a#viewer@user:ann[tz:{"a":1}]'), { metadata: { by: 'ann' } })
    const [state, entries] = [await load(first), await collect(first.log(0))]
    await first.close()
    expect(existsSync(`${path}-wal`)).toBe(false)
    const second = await open()
    expect(second.identity).toEqual(first.identity)
    expect(await second.head()).toEqual(head)
    expect(await load(second)).toEqual(state)
    expect(await collect(second.log(0))).toEqual(entries)
    expect((await write(second, touch('doc:b#viewer@user:ann'))).revision).toBe(3)
  })

  test('only its owner can read a new file', async () => {
    await write(await open(), touch('doc:a#viewer@user:ann'))
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(path + suffix).mode & 0o777).toBe(0o600)
  })

  test('the tables live beside those of an application', async () => {
    const database = foreign()
    database.exec(`CREATE TABLE document (id TEXT PRIMARY KEY); INSERT INTO document VALUES ('a')`)
    await write(await open(), touch('doc:a#viewer@user:ann'))
    expect(database.prepare('SELECT id FROM document').pluck().all()).toEqual(['a'])
    const tables = database
      .prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`)
      .pluck()
      .all() as string[]
    expect(tables.filter((name) => !name.startsWith('cardea_'))).toEqual(['document'])
  })
})

describe('group commit', () => {
  test('writes that wait together share a commit, each with its own revision, nonce and metadata', async () => {
    const store = await open()
    await write(store, touch('doc:taken#viewer@user:ann'))
    const held = await conditions(store)
    const before = commitsInWal()
    const attempts = await Promise.allSettled(
      Array.from({ length: 60 }, (_, n) =>
        n % 10 === 5
          ? store.write(create(`doc:never${n}#viewer@user:new${n}`, 'doc:taken#viewer@user:ann'), held)
          : store.write(create(`doc:d${n}#viewer@user:u${n}`, `doc:d${n}#editor@user:u${n}`), {
              ...held,
              metadata: { n },
            }),
      ),
    )
    expect(commitsInWal() - before).toBeLessThan(10)
    const heads = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value.head] : []))
    expect(heads.map(({ revision }) => revision)).toEqual(Array.from({ length: 54 }, (_, n) => n + 2))
    expect(new Set(heads.map(({ nonce }) => nonce)).size).toBe(54)
    const failures = attempts.filter(({ status }) => status === 'rejected')
    expect(failures).toHaveLength(6)
    for (const failure of failures) expect(failure).toMatchObject({ reason: code('RELATIONSHIP_EXISTS') })
    const entries = await collect(store.log(1))
    expect(entries.map(({ metadata }) => metadata?.n)).toEqual(
      Array.from({ length: 60 }, (_, n) => n).filter((n) => n % 10 !== 5),
    )
    const state = await load(store)
    expect(state.rows).toEqual(replay(await collect(store.log(0))))
    expect(state.rows.filter((row) => row.includes('never'))).toEqual([])
    // What a refused write had added to the dictionary is gone from the file and from memory.
    expect([...state.objects.values()].filter((name) => /never|new/.test(name))).toEqual([])
    await write(store, touch('doc:never5#viewer@user:new5'))
    expect((await load(store)).rows).toContain('doc:never5#viewer@user:new5')
  })

  test('more waiting writes than the limit are refused at once', async () => {
    const store = await open({ maxQueuedWrites: 8 })
    const held = await conditions(store)
    const attempts = await Promise.allSettled(
      Array.from({ length: 20 }, (_, n) => store.write(touch(`doc:d${n}#viewer@user:ann`), held)),
    )
    const refused = attempts.flatMap((attempt) => (attempt.status === 'rejected' ? [attempt.reason] : []))
    expect(refused).toHaveLength(12)
    for (const reason of refused) expect(reason).toMatchObject(code('OVERLOADED', /maxQueuedWrites/))
    expect((await load(store)).rows).toHaveLength(8)
    await write(store, touch('doc:later#viewer@user:ann'))
  })

  test('waiting updates are limited too, but one write always may', async () => {
    const store = await open({ maxQueuedUpdates: 10 })
    const held = await conditions(store)
    const rows = (name: string, count: number) =>
      touch(...Array.from({ length: count }, (_, n) => `doc:${name}${n}#viewer@user:ann`))
    await store.write(rows('a', 50), held)
    const [big, small] = await Promise.allSettled([
      store.write(rows('b', 9), held),
      store.write(rows('c', 2), held),
    ])
    expect(big.status).toBe('fulfilled')
    expect(small).toMatchObject({ reason: code('OVERLOADED') })
  })
})

describe('a writer of another process', () => {
  test('that holds its transaction open keeps no read waiting, and writes come through when it ends', async () => {
    const store = await open()
    await write(store, touch('doc:a#viewer@user:ann'))
    const other = foreign()
    other.exec('BEGIN IMMEDIATE')
    let written = false
    const writing = write(store, touch('doc:b#viewer@user:ann')).then(() => {
      written = true
    })
    const startMs = performance.now()
    for (let n = 0; n < 20; n++) expect((await store.head()).revision).toBe(1)
    expect((await load(store)).rows).toHaveLength(1)
    expect(performance.now() - startMs).toBeLessThan(2000)
    expect(written).toBe(false)
    other.exec('COMMIT')
    await writing
    expect((await store.head()).revision).toBe(2)
  })

  test('that does not let go makes a write UNAVAILABLE', async () => {
    const store = await open({ busyTimeoutMs: 50 })
    const other = foreign()
    other.exec('BEGIN IMMEDIATE')
    await expect(write(store, touch('doc:a#viewer@user:ann'))).rejects.toMatchObject(
      code('UNAVAILABLE', /locked/),
    )
    other.exec('ROLLBACK')
    expect((await write(store, touch('doc:a#viewer@user:ann'))).revision).toBe(1)
  })

  test('is heard by all who follow, also by those who did before another joined', async () => {
    const store = await open({ pollIntervalMs: 60_000 })
    const other = await open()
    const [first, second] = [new Recorder(), new Recorder()]
    await store.follow(await store.head(), first)
    await write(other, touch('doc:a#viewer@user:ann'))
    await store.follow(await store.head(), second)
    await write(other, touch('doc:b#viewer@user:ann'))
    await write(store, touch('doc:c#viewer@user:ann'))
    expect(first.revisions).toEqual([1, 2, 3])
    expect(second.revisions).toEqual([2, 3])
  })

  test('gets its turn while this one is busy', async () => {
    const store = await open()
    const other = await open({ busyTimeoutMs: 3000 })
    let busy = true
    const held = await conditions(store)
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let n = 0; busy; n++) await store.write(touch(`doc:d${n}#viewer@user:u${writer}`), held)
    })
    for (let n = 0; n < 10; n++) await write(other, touch(`doc:other${n}#viewer@user:ann`))
    busy = false
    await Promise.all(writers)
    expect(replay(await collect(other.log(0)))).toEqual((await load(store)).rows)
  })
})

describe('a full disk', () => {
  test('fails the write that does not fit, whole, and no other', async () => {
    const store = await open({}, { maxPages: 200 })
    const held = await conditions(store)
    const big = (name: string) =>
      touch(...Array.from({ length: 3000 }, (_, n) => `doc:${name}${n}-${'x'.repeat(200)}#viewer@user:u${n}`))
    const small = (n: number) => touch(`doc:small${n}#viewer@user:ann`)
    const attempts = await Promise.allSettled([
      store.write(small(1), held),
      store.write(big('a'), held),
      store.write(small(2), held),
    ])
    expect(attempts.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(attempts[1]).toMatchObject({
      reason: { ...code('STORE_FAILED', /disk .* is full/), facts: { sqlite_code: 'SQLITE_FULL' } },
    })
    const kept = ['doc:small1#viewer@user:ann', 'doc:small2#viewer@user:ann']
    expect((await load(store)).rows).toEqual(kept)
    let acknowledged = 0
    const filling = async () => {
      for (;;) {
        const text = `doc:${acknowledged}-${'y'.repeat(900)}#viewer@user:ann`
        await store.write(touch(text), held)
        kept.push(text)
        acknowledged += 1
      }
    }
    await expect(filling()).rejects.toMatchObject(code('STORE_FAILED', /disk .* is full/))
    expect(acknowledged).toBeGreaterThan(50)
    expect((await load(store)).rows).toEqual([...kept].sort())
    await store.close()
    const roomier = await open()
    expect((await load(roomier)).rows).toEqual([...kept].sort())
    await write(roomier, big('b'))
    expect(replay(await collect(roomier.log(0)))).toEqual((await load(roomier)).rows)
  })
})

describe('a file that is lost or exchanged', () => {
  test.each([
    ['deleted', () => rmSync(path)],
    ['moved', () => renameSync(path, `${path}.old`)],
    [
      'replaced',
      () => {
        renameSync(path, `${path}.old`)
        new Database(path).close()
      },
    ],
  ])('%s under our hands: nothing is acknowledged any more, followers are broken off', async (_, lose) => {
    const store = await open()
    await write(store, touch('doc:a#viewer@user:ann'))
    const listener = new Recorder()
    await store.follow({ revision: 0, nonce: '' }, listener)
    lose()
    const held = { schemaRevision: 0, nowMs }
    await expect(store.write(touch('doc:b#viewer@user:ann'), held)).rejects.toMatchObject(
      code('STORE_FAILED', /while in use/),
    )
    await expect(store.write(touch('doc:c#viewer@user:ann'), held)).rejects.toMatchObject(
      code('STORE_FAILED', /while in use/),
    )
    await expect(store.head()).rejects.toMatchObject(code('STORE_FAILED'))
    await until(() => listener.breaks.length > 0)
    expect(listener.entries.flatMap(lines)).toEqual(['touch doc:a#viewer@user:ann'])
    expect(listener.breaks).toMatchObject([code('STORE_FAILED')])
  })

  test('a log that lost its tail and grew another breaks the followers off', async () => {
    const store = await open()
    await write(store, touch('doc:a#viewer@user:ann'))
    await write(store, touch('doc:b#viewer@user:ann'))
    const listener = new Recorder()
    await store.follow({ revision: 0, nonce: '' }, listener)
    foreign().exec(`
      BEGIN IMMEDIATE;
      DELETE FROM cardea_change WHERE revision = 2;
      UPDATE cardea_log SET nonce = 'feedfeedfeedfeed', change_count = 0 WHERE revision = 2;
      COMMIT;`)
    await until(() => listener.breaks.length > 0)
    expect(listener.breaks).toMatchObject([code('UNAVAILABLE', /restored or lost its tail/)])
    await write(store, touch('doc:c#viewer@user:ann'))
    expect(listener.revisions).toEqual([1, 2])
    const again = new Recorder()
    await store.follow(await store.head(), again)
    await write(store, touch('doc:d#viewer@user:ann'))
    expect(again.revisions).toEqual([4])
  })

  test('a shrunken log breaks them off, even when it has caught up before they look', async () => {
    const store = await open({ pollIntervalMs: 60_000 })
    for (const id of ['a', 'b', 'c']) await write(store, touch(`doc:${id}#viewer@user:ann`))
    const listener = new Recorder()
    await store.follow({ revision: 0, nonce: '' }, listener)
    foreign().exec(
      'BEGIN IMMEDIATE; DELETE FROM cardea_change WHERE revision > 1; DELETE FROM cardea_log WHERE revision > 1; COMMIT',
    )
    await write(store, touch('doc:d#viewer@user:ann'))
    expect(listener.breaks).toMatchObject([code('UNAVAILABLE', /restored or lost its tail/)])
    expect(listener.revisions).toEqual([1, 2, 3])
    expect((await store.head()).revision).toBe(2)
  })

  test('content exchanged in place: what was remembered of the old one is not used for the new one', async () => {
    const store = await open({ pollIntervalMs: 60_000 })
    await write(store, touch('doc:a#viewer@user:ann', 'doc:b#viewer@user:bob'))
    const otherPath = join(directory, 'other.db')
    const other = await open({ path: otherPath })
    await write(other, touch('team:x#member@user:bob', 'doc:b#editor@user:ann', 'zone:z#owner@user:zoe'))
    await other.close()
    const source = new Database(otherPath)
    await source.backup(path)
    source.close()
    await write(store, touch('doc:a#viewer@user:ann', 'doc:b#viewer@user:bob'))
    await write(store, remove('zone:z#owner@user:zoe'))
    expect((await load(store)).rows).toEqual([
      'doc:a#viewer@user:ann',
      'doc:b#editor@user:ann',
      'doc:b#viewer@user:bob',
      'team:x#member@user:bob',
    ])
    expect(replay(await collect(store.log(0)))).toEqual((await load(store)).rows)
  })
})

describe('driver errors', () => {
  test('a file that cannot be written is READ_ONLY, with the driver’s error as cause', async () => {
    await (await open()).close()
    const readOnly = new Database(path, { readonly: true })
    opened.push(readOnly)
    let thrown: unknown
    try {
      readOnly.exec('DELETE FROM cardea_log')
    } catch (error) {
      thrown = error
    }
    const error = storeError(thrown, path)
    expect(error).toMatchObject(code('READ_ONLY', /cannot be written by this user/))
    expect(error.cause).toBe(thrown)
  })

  const isRoot = process.getuid?.() === 0
  test.skipIf(isRoot)(
    `opening it says so${isRoot ? ' (not as root, who may write everything)' : ''}`,
    async () => {
      await (await open()).close()
      chmodSync(path, 0o400)
      await expect(open()).rejects.toMatchObject(code('READ_ONLY'))
    },
  )

  test('a damaged file is told as such', async () => {
    const store = await open()
    const rows = Array.from({ length: 2000 }, (_, n) => `doc:d${n}#viewer@user:u${n}`)
    await write(store, touch(...rows))
    await store.close()
    const bytes = readFileSync(path)
    bytes.fill(0xa5, 8192)
    writeFileSync(path, bytes)
    const damaged = code('STORE_FAILED', /damaged/)
    await expect(open().then((store) => load(store))).rejects.toMatchObject(damaged)
  })
})
