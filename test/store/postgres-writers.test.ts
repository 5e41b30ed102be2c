// Writers of one PostgreSQL that overlap: services, applications in their own transactions, and what breaks under them.

import pg from 'pg'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { refusalOfCommit, relationshipsIn } from '../../src/store/postgres/in-transaction.ts'
import { openPostgresStore, type PostgresStoreOptions } from '../../src/store/postgres/store.ts'
import { migratePostgres } from '../../src/store/postgres/tables.ts'
import type { LogEntry, Store } from '../../src/store/store.ts'
import { startPostgres } from './postgres-server.ts'
import {
  collect,
  conditions,
  create,
  lines,
  load,
  Recorder,
  remove,
  replay,
  touch,
  until,
  write,
} from './support.ts'

const server = await startPostgres()
const epoch0 = { revision: 0, nonce: '' }

if (typeof server === 'string') {
  console.warn(`Skipped: writers of PostgreSQL: ${server}`)
  test.skip(`PostgreSQL writers (${server})`, () => {})
} else {
  afterAll(() => server.stop())

  let connectionString: string
  let store: Store
  const stores: Store[] = []
  const clients: pg.Client[] = []
  const open = async (options: Partial<PostgresStoreOptions> = {}): Promise<Store> => {
    const opened = await openPostgresStore({ connectionString, ...options })
    stores.push(opened)
    return opened
  }
  const connected = async (): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString })
    client.on('error', () => {})
    await client.connect()
    clients.push(client)
    return client
  }
  beforeEach(async () => {
    connectionString = await server.newSchema()
    await migratePostgres({ connectionString })
    store = await open()
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.end().catch(() => {})
    for (const opened of stores.splice(0)) await opened.close()
  })
  const log = () => collect(store.log(0))
  const noSchema = { validate: () => {} }
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

  describe('overlapping transactions', () => {
    test('start in one order, commit in the other, one idle for seconds: nobody waits, nothing comes late', async () => {
      const other = await open()
      const follower = new Recorder()
      await other.follow(epoch0, follower)
      // Every look at the log must show what the one before showed, and more at its end only.
      let looking = true
      let seen: readonly LogEntry[] = []
      const looks = (async () => {
        while (looking) {
          const now = await log()
          expect(now.slice(0, seen.length)).toEqual(seen)
          seen = now
          await pause(5)
        }
      })()

      const [first, second] = [await connected(), await connected()]
      await first.query('BEGIN')
      await relationshipsIn(first, noSchema).write(
        touch('doc:first#viewer@user:ann', 'doc:shared#viewer@user:ann'),
      )
      await second.query('BEGIN')
      // The very same rows and names as the idle one's.
      await relationshipsIn(second, noSchema).write(
        touch('doc:shared#viewer@user:ann', 'doc:second#viewer@user:ann'),
      )
      const idleUntilMs = Date.now() + 2_500
      let slowestMs = 0
      const timed = async (work: () => Promise<unknown>) => {
        const startMs = Date.now()
        await work()
        slowestMs = Math.max(slowestMs, Date.now() - startMs)
      }
      await timed(() => second.query('COMMIT'))
      await timed(async () => store.writeSchema('', [], await conditions(store)))
      let n = 0
      await Promise.all(
        [store, other].map(async (writer) => {
          while (Date.now() < idleUntilMs) {
            await timed(() =>
              write(writer, touch(`doc:w${n++}#viewer@user:ann`, 'doc:shared#viewer@user:ann')),
            )
          }
        }),
      )
      expect(slowestMs).toBeLessThan(1_500)
      expect(n).toBeGreaterThan(20)
      expect(seen.some((entry) => lines(entry).includes('touch doc:first#viewer@user:ann'))).toBe(false)
      looking = false
      await looks
      await first.query('ROLLBACK')
      await first.query('BEGIN')
      await relationshipsIn(first, noSchema).write(touch('doc:first#viewer@user:ann'))
      await write(store, touch('doc:between#viewer@user:ann'))
      await first.query('COMMIT')
      const entries = await log()
      expect(entries.map(({ revision }) => revision)).toEqual(entries.map((_, at) => at + 1))
      expect(lines(entries.at(-1)!)).toEqual(['touch doc:first#viewer@user:ann'])
      expect(lines(entries.at(-2)!)).toEqual(['touch doc:between#viewer@user:ann'])
      expect(lines(entries[0]!)).toEqual([
        'touch doc:shared#viewer@user:ann',
        'touch doc:second#viewer@user:ann',
      ])
      await until(() => follower.entries.length === entries.length)
      expect(follower.entries).toEqual(entries)
      expect(replay(entries)).toEqual((await load(other)).rows)
    })

    test('many writers of both kinds leave one log that every follower has alike', async () => {
      const replicas = [store, await open(), await open()]
      const followers = replicas.map(() => new Recorder())
      await Promise.all(replicas.map((replica, at) => replica.follow(epoch0, followers[at]!)))
      let committed = 0
      await Promise.all([
        ...replicas.map(async (replica, at) => {
          for (let n = 0; n < 25; n++) {
            await write(replica, [
              ...touch(`doc:d${n % 6}#viewer@user:u${at}`),
              ...remove(`doc:d${(n + 3) % 6}#viewer@user:u${at}`),
            ])
          }
        }),
        ...[0, 1, 2].map(async (at) => {
          const client = await connected()
          for (let n = 0; n < 15; n++) {
            await client.query('BEGIN')
            await relationshipsIn(client, noSchema).write(touch(`doc:app${at}n${n}#viewer@user:u${at}`))
            await pause((n * 7 + at) % 11)
            await client.query(n % 5 === 4 ? 'ROLLBACK' : 'COMMIT')
            if (n % 5 !== 4) committed += 1
          }
        }),
      ])
      const entries = await log()
      expect(entries.map(({ revision }) => revision)).toEqual(entries.map((_, at) => at + 1))
      expect(entries.filter((entry) => lines(entry).some((line) => line.includes('doc:app')))).toHaveLength(
        committed,
      )
      await until(() => followers.every((follower) => follower.entries.length === entries.length))
      for (const follower of followers) expect(follower.entries).toEqual(entries)
      expect(replay(entries)).toEqual((await load(store)).rows)
    })
  })

  describe('an application’s own transaction', () => {
    test('commits its row and its grant together, or neither', async () => {
      const client = await connected()
      await client.query('CREATE TABLE document (id text PRIMARY KEY)')
      const relationships = relationshipsIn(client, noSchema)
      for (const end of ['ROLLBACK', 'COMMIT']) {
        await client.query('BEGIN')
        await client.query(`INSERT INTO document VALUES ('plan')`)
        await relationships.write(create('doc:plan#owner@user:ann'), { metadata: { request: 7 } })
        expect((await load(store)).rows).toEqual([])
        await client.query(end)
      }
      expect((await load(store)).rows).toEqual(['doc:plan#owner@user:ann'])
      expect(await log()).toMatchObject([{ revision: 1, metadata: { request: 7 } }])
      await client.query('BEGIN')
      await client.query(`INSERT INTO document VALUES ('other')`)
      await relationships.write(create('doc:plan#owner@user:ann'))
      const failed = await client.query('COMMIT').then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(refusalOfCommit(failed)).toMatchObject({
        code: 'RELATIONSHIP_EXISTS',
        facts: { relationship: 'doc:plan#owner@user:ann' },
      })
      expect((await client.query('SELECT id FROM document')).rows).toEqual([{ id: 'plan' }])
    })

    test('settles: it knows its revision before COMMIT', async () => {
      const client = await connected()
      const relationships = relationshipsIn(client, noSchema)
      await expect(relationships.settle()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
      await client.query('BEGIN')
      await relationships.write(touch('doc:a#viewer@user:ann'))
      await relationships.write(remove('doc:a#viewer@user:ann'))
      const { head } = await relationships.settle()
      expect(head.revision).toBe(2)
      expect((await store.head()).revision).toBe(0)
      await client.query('COMMIT')
      expect(await store.head()).toEqual(head)
      expect((await log()).flatMap(lines)).toEqual([
        'touch doc:a#viewer@user:ann',
        'delete doc:a#viewer@user:ann',
      ])
    })

    test('is judged at commit: preconditions, base revision, schema', async () => {
      const client = await connected()
      const relationships = relationshipsIn(client, noSchema)
      const filter = { resourceType: 'doc', resourceId: 'lock' }
      const attempt = async (
        options: Parameters<typeof relationships.write>[1],
        meanwhile: () => Promise<unknown>,
      ) => {
        await client.query('BEGIN')
        await relationships.write(touch('doc:lock#owner@user:app'), options)
        await meanwhile()
        const failed = await client.query('COMMIT').then(
          () => undefined,
          (error: unknown) => error,
        )
        return [(failed as { code?: string } | undefined)?.code, refusalOfCommit(failed)] as const
      }
      const [state, refusal] = await attempt(
        { preconditions: [{ operation: 'must_not_match', filter }] },
        () => write(store, touch('doc:lock#owner@user:ann')),
      )
      expect([state, refusal]).toMatchObject([
        'CD001',
        { code: 'PRECONDITION_FAILED', facts: { precondition_resource_id: 'lock' } },
      ])
      expect(
        await attempt({ baseRevision: 1 }, () => write(store, touch('doc:x#owner@user:ann'))),
      ).toMatchObject([
        '40001',
        { code: 'SERIALIZATION_FAILURE', facts: { base_revision: '1', head_revision: '2' } },
      ])
      expect(
        await attempt({}, async () => store.writeSchema('definition user {}', [], await conditions(store))),
      ).toMatchObject([
        '40001',
        { code: 'SCHEMA_CHANGED', facts: { validated_schema_revision: '0', schema_revision: '3' } },
      ])
      expect((await load(store)).rows).toEqual(['doc:lock#owner@user:ann', 'doc:x#owner@user:ann'])
    })

    test('is validated against the schema in force', async () => {
      await store.writeSchema('definition user {}', [], await conditions(store))
      const client = await connected()
      const validate = (schemaText: string) => {
        throw new Error(`does not fit: ${schemaText}`)
      }
      await client.query('BEGIN')
      await expect(
        relationshipsIn(client, { validate }).write(touch('doc:a#viewer@user:ann')),
      ).rejects.toThrow('does not fit: definition user {}')
      await client.query('COMMIT')
      expect((await store.head()).revision).toBe(1)
    })

    test('is refused where order could not be kept: PREPARE TRANSACTION, snapshots that are older than the lock', async () => {
      const client = await connected()
      const relationships = relationshipsIn(client, noSchema)
      await client.query('BEGIN')
      await relationships.write(touch('doc:a#viewer@user:ann'))
      await expect(client.query(`PREPARE TRANSACTION 'held'`)).rejects.toThrow(
        /cannot PREPARE|prepared transactions are disabled/,
      )
      await client.query('ROLLBACK')
      for (const level of ['REPEATABLE READ', 'SERIALIZABLE']) {
        await client.query(`BEGIN ISOLATION LEVEL ${level}`)
        await relationships.write(touch('doc:a#viewer@user:ann'))
        const failed = await client.query('COMMIT').then(
          () => undefined,
          (error: unknown) => error,
        )
        expect(refusalOfCommit(failed)).toMatchObject({ code: 'INVALID_ARGUMENT' })
      }
      await write(store, touch('doc:b#viewer@user:ann'))
      expect((await load(store)).rows).toEqual(['doc:b#viewer@user:ann'])
    })
  })

  describe('what breaks', () => {
    test('killed backends: no acknowledged write is lost, none is half there, followers go on', async () => {
      const other = await open()
      const followers = [new Recorder(), new Recorder()]
      await store.follow(epoch0, followers[0]!)
      await other.follow(epoch0, followers[1]!)
      const acknowledged: string[] = []
      let writing = true
      const writer = (async () => {
        for (let n = 0; writing; n++) {
          const rows = [`doc:a${n}#viewer@user:ann`, `doc:b${n}#viewer@user:ann`]
          await write(store, touch(...rows)).then(
            () => acknowledged.push(...rows),
            (error: unknown) => expect(error).toMatchObject({ code: 'UNAVAILABLE' }),
          )
        }
      })()
      for (let n = 0; n < 10; n++) {
        await pause(60)
        await server.query(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cardea'`,
        )
      }
      writing = false
      await writer
      const { revision } = await write(store, touch('doc:last#viewer@user:ann'))
      await until(() => followers.every(({ revisions }) => revisions.at(-1) === revision))
      const entries = await log()
      for (const follower of followers) {
        expect(follower.entries).toEqual(entries)
        expect(follower.breaks).toEqual([])
      }
      const { rows } = await load(other)
      expect(rows).toEqual(expect.arrayContaining(acknowledged))
      expect(acknowledged.length).toBeGreaterThan(0)
      expect(rows.filter((row) => row.startsWith('doc:a'))).toHaveLength(
        rows.filter((row) => row.startsWith('doc:b')).length,
      )
      expect(replay(entries)).toEqual(rows)
    })

    test('a writer that keeps the lock costs others their timeout, not forever', async () => {
      const impatient = await open({ statementTimeoutMs: 300 })
      const client = await connected()
      await client.query('BEGIN')
      const relationships = relationshipsIn(client, noSchema)
      await relationships.write(touch('doc:a#viewer@user:ann'))
      await relationships.settle()
      const startMs = Date.now()
      await expect(write(impatient, touch('doc:b#viewer@user:ann'))).rejects.toMatchObject({
        code: 'UNAVAILABLE',
      })
      expect(Date.now() - startMs).toBeLessThan(3_000)
      await client.query('COMMIT')
      expect((await write(impatient, touch('doc:b#viewer@user:ann'))).revision).toBe(2)
    })

    test('a log that lost its tail and grew another breaks the followers off', async () => {
      const follower = new Recorder()
      await write(store, touch('doc:a#viewer@user:ann'))
      await write(store, touch('doc:b#viewer@user:ann'))
      await store.follow(epoch0, follower)
      // As a failover to a standby that had not heard of revision 2.
      const client = await connected()
      await client.query(
        `DELETE FROM cardea_change WHERE revision = 2; DELETE FROM cardea_log WHERE revision = 2;
         DELETE FROM cardea_relationship WHERE resource = (SELECT key FROM cardea_object WHERE id = 'b')`,
      )
      await client.query('BEGIN')
      await relationshipsIn(client, noSchema).write(touch('doc:c#viewer@user:ann'))
      await client.query('COMMIT')
      await until(() => follower.breaks.length > 0)
      expect(follower.breaks).toMatchObject([{ code: 'UNAVAILABLE' }])
      expect(follower.revisions).toEqual([1, 2])
      const again = new Recorder()
      await store.follow(epoch0, again)
      expect(again.entries.flatMap(lines)).toEqual([
        'touch doc:a#viewer@user:ann',
        'touch doc:c#viewer@user:ann',
      ])
    })

    test.runIf(server.crash !== undefined)(
      'while the server is away: no confirmed head, writes say so; then all goes on',
      async () => {
        const follower = new Recorder()
        await store.follow(epoch0, follower)
        const head = await write(store, touch('doc:a#viewer@user:ann'))
        await server.crash!()
        try {
          const startMs = Date.now()
          const attempt = store.write(touch('doc:b#viewer@user:ann'), { schemaRevision: 0, nowMs: 0 })
          const error = await attempt.then(
            () => undefined,
            (thrown: unknown) => thrown,
          )
          expect(error).toMatchObject({ code: 'UNAVAILABLE' })
          expect(JSON.stringify([error, (error as Error).cause, String(error)])).not.toMatch(
            /secret|postgres:\/\//,
          )
          expect(Date.now() - startMs).toBeLessThan(10_000)
          const confirmed = follower.heads.length
          await pause(600)
          expect(follower.heads).toHaveLength(confirmed)
        } finally {
          await server.restart!()
        }
        let next = head
        await until(async () => {
          next = await write(store, touch('doc:c#viewer@user:ann')).catch(() => head)
          return next !== head
        })
        await until(() => follower.revisions.at(-1) === next.revision)
        expect(follower.breaks).toEqual([])
        expect(follower.entries).toEqual(await log())
      },
    )
  })

  describe('opening', () => {
    const opening = (options: Partial<PostgresStoreOptions> = {}) =>
      open(options).then(
        () => undefined,
        (error: unknown) => error,
      )

    test('says what is missing', async () => {
      connectionString = await server.newSchema()
      expect(await opening()).toMatchObject({
        code: 'CONFIG_INVALID',
        message: expect.stringContaining('cardea migrate'),
      })
      const results = await Promise.all([1, 2, 3].map(() => migratePostgres({ connectionString })))
      expect(results.map(({ from }) => from).sort()).toEqual([0, 2, 2])
      await open()
      const client = await connected()
      const mark = (key: string, value: number) =>
        client.query('UPDATE cardea_meta SET value = $2 WHERE key = $1', [key, value])
      await mark('tables_version', 7)
      await mark('min_reader', 7)
      expect(await opening()).toMatchObject({
        code: 'CONFIG_INVALID',
        facts: { min_reader: '7', known_version: '2' },
      })
      await expect(migratePostgres({ connectionString })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
      // A newer program's tables that this one can still use.
      await mark('min_reader', 2)
      expect(await opening()).toBeUndefined()
    })

    test('a newer program migrates under a running one: writes end where they must, then reads', async () => {
      const follower = new Recorder()
      await store.follow(epoch0, follower)
      await write(store, touch('doc:a#viewer@user:ann'))
      const client = await connected()
      const mark = (key: string, value: number) =>
        client.query('UPDATE cardea_meta SET value = $2 WHERE key = $1', [key, value])
      await mark('tables_version', 3)
      await mark('min_writer', 3)
      const refused = { code: 'READ_ONLY', facts: { known_version: '2', min_writer: '3' } }
      await expect(write(store, touch('doc:b#viewer@user:ann'))).rejects.toMatchObject(refused)
      await client.query('BEGIN')
      await relationshipsIn(client, noSchema).write(touch('doc:b#viewer@user:ann'))
      const failed = await client.query('COMMIT').then(
        () => undefined,
        (error: unknown) => error,
      )
      expect(refusalOfCommit(failed)).toMatchObject(refused)
      // Whoever only reads goes on, and starts.
      const reader = await open()
      expect((await load(reader)).rows).toEqual(['doc:a#viewer@user:ann'])
      expect(follower.breaks).toEqual([])
      await mark('min_reader', 3)
      await until(() => follower.breaks.length > 0)
      expect(follower.breaks).toMatchObject([{ code: 'CONFIG_INVALID', facts: { min_reader: '3' } }])
      await expect(load(reader)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    })

    test('never repeats the connection string', async () => {
      const url = new URL(connectionString)
      const cases: [string, string][] = [
        ['postgres://user:hush hush@@[bad', 'CONFIG_INVALID'],
        ['mysql://user:hush@localhost/x', 'CONFIG_INVALID'],
        ['postgres://user:hush@127.0.0.1:1/x', 'UNAVAILABLE'],
        [`postgres://postgres:hush@${url.host}/postgres`, 'CONFIG_INVALID'],
        [connectionString.replace('/postgres?', '/hush?'), 'CONFIG_INVALID'],
      ]
      for (const [wrong, code] of cases) {
        const error = await opening({ connectionString: wrong })
        expect([wrong, error]).toMatchObject([wrong, { code }])
        const { message, facts, stack } = error as Error & { facts: unknown }
        expect(JSON.stringify([message, facts, stack])).not.toMatch(/hush|secret/)
      }
    })
  })
}
