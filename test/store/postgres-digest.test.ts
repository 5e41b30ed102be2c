// The rolling digest of PostgreSQL: the same number on both sides, drift is noticed, and what was changed by hand can be
// accepted. Also tables of the version before, which are migrated under their data.

import pg from 'pg'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAuthorizer, type LocalAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import { digestModulus, RowDigests } from '../../src/store/digest.ts'
import { relationshipsIn } from '../../src/store/postgres/in-transaction.ts'
import { openPostgresStore } from '../../src/store/postgres/store.ts'
import { migratePostgres } from '../../src/store/postgres/tables.ts'
import type { Store } from '../../src/store/store.ts'
import { startPostgres } from './postgres-server.ts'
import { batches, collect, conditions, lines, nowMs, remove, touch, until, write } from './support.ts'

const server = await startPostgres()

if (typeof server === 'string') {
  console.warn(`Skipped: the digest of PostgreSQL: ${server}`)
  test.skip(`the digest of PostgreSQL (${server})`, () => {})
} else {
  afterAll(() => server.stop())
  let connectionString: string
  let store: Store
  let client: pg.Client
  const authorizers: LocalAuthorizer[] = []
  beforeEach(async () => {
    connectionString = await server.newSchema()
    await migratePostgres({ connectionString })
    store = await openPostgresStore({ connectionString })
    client = new pg.Client({ connectionString })
    await client.connect()
  })
  afterEach(async () => {
    for (const authorizer of authorizers.splice(0)) await authorizer.close()
    await client.end()
    await store.close()
  })
  const replica = async (onRebuild: (error: Error) => void = () => {}) => {
    const authorizer = await createAuthorizer({
      store: await openPostgresStore({ connectionString }),
      onRebuild,
    })
    authorizers.push(authorizer)
    return authorizer
  }

  /** Rows of every kind come, change and go. */
  async function history(): Promise<void> {
    await write(store, touch('doc:a#viewer@user:ann', 'doc:a#viewer@group:g#member', 'doc:b#owner@user:*'))
    await write(store, touch('doc:a#viewer@user:ann[tz:{"where":"Zürich \\\\ \\n 東京","n":1.5}]'))
    await write(
      store,
      touch('doc:a#viewer@user:bob[tz]', 'doc:b#viewer@user:ann[expiration:2031-01-01T00:00:00Z]'),
    )
    await write(store, [
      ...touch('doc:b#viewer@user:ann', 'doc:a#viewer@user:ann[tz:{"n":2}]'),
      ...remove('doc:a#viewer@group:g#member', 'doc:none#viewer@user:ann'),
    ])
    await write(store, touch('doc:b#viewer@user:ann[expiration:2031-01-01T00:00:00Z]'))
    await store.writeSchema('', [], await conditions(store))
    const imported = Array.from({ length: 300 }, (_, n) =>
      parseRelationship(`doc:i${n}#viewer@user:u${n % 7}`),
    )
    await store.importRows(
      batches(imported.slice(0, 100), [
        ...imported.slice(100),
        parseRelationship('doc:i0#viewer@user:c[tz:{"a":"\\t\\\\"}]'),
      ]),
      await conditions(store),
    )
    const filter = { resourceType: 'doc', resourceIdPrefix: 'i1' }
    await store.deleteMatching(filter, { limit: 50, allowPartial: true }, await conditions(store))
  }

  test('is what the rows add up to, after each transaction and at each load', async () => {
    await history()
    const digests = new RowDigests()
    let sum = 0
    const entries = await collect(store.log(0))
    for (const { changes, digest } of entries) {
      for (const change of changes) sum = (sum + digests.ofChange(change)) % digestModulus
      expect(digest).toBe(sum)
    }
    expect(new Set(entries.map(({ digest }) => digest)).size).toBeGreaterThan(6)
    let [loaded, claimed]: [number, number | undefined] = [0, undefined]
    let names: readonly string[] = []
    for await (const chunk of store.load()) {
      if (chunk.kind === 'start') {
        claimed = chunk.digest
        names = chunk.names
      } else if (chunk.kind === 'rows') loaded = (loaded + digests.ofRows(chunk, names)) % digestModulus
    }
    expect([loaded, claimed]).toEqual([sum, sum])
    // Rows that garbage collection takes away without an entry are not in it.
    await store.collectGarbage(Date.UTC(2032, 0, 1))
    await write(store, touch('doc:last#viewer@user:ann'))
    await (await replica()).close()
  })

  describe('drift', () => {
    test('in the rows: who starts does not come up, and says why; what is accepted is loaded', async () => {
      await history()
      await client.query(
        `DELETE FROM cardea_relationship WHERE resource = (SELECT key FROM cardea_object WHERE id = 'a')`,
      )
      await expect(replica()).rejects.toMatchObject({
        code: 'STORE_FAILED',
        message: expect.stringContaining('cardea_reseal()'),
      })
      await client.query('SELECT cardea_reseal()')
      expect((await replica()).ready).toBe(true)
    })

    test('in the log: who follows is not ready any more, and loads again', async () => {
      await history()
      const told: Error[] = []
      const authorizer = await replica((error) => told.push(error))
      const { revision } = await store.head()
      // A change that the log does not tell, as after a lost or altered entry.
      await client.query('UPDATE cardea_log SET digest = (digest + 1) % 1000 WHERE revision = $1', [revision])
      await write(store, touch('doc:next#viewer@user:ann'))
      await until(() => told.length > 0)
      expect(told[0]).toMatchObject({ code: 'STORE_FAILED' })
      expect(authorizer.ready).toBe(false)
      await expect(
        authorizer.check({
          resource: { type: 'doc', id: 'a' },
          permission: 'viewer',
          subject: { type: 'user', id: 'ann', relation: '' },
        }),
      ).rejects.toMatchObject({ code: 'UNAVAILABLE' })
      await client.query('SELECT cardea_reseal()')
      await until(() => authorizer.ready, 5_000)
    })

    test('accepted by hand: who follows loads what is there', async () => {
      await history()
      const told: Error[] = []
      const authorizer = await replica((error) => told.push(error))
      const [before] = await Promise.all([collect(authorizer.exportRelationships())])
      await client.query(`DELETE FROM cardea_relationship WHERE caveat IS NOT NULL`)
      await client.query('SELECT cardea_reseal()')
      await until(() => told.length > 0 && authorizer.ready)
      const after = await collect(authorizer.exportRelationships())
      expect(after.length).toBeLessThan(before!.length)
    })
  })

  test('tables of version 1 are migrated under their data, while programs of version 1 go on', async () => {
    await history()
    const before = await collect(store.log(0))
    // As version 1 left them.
    await client.query(`ALTER TABLE cardea_log DROP COLUMN digest; ALTER TABLE cardea_name DROP COLUMN hash;
      UPDATE cardea_meta SET value = '1' WHERE key = 'tables_version'`)
    await expect(openPostgresStore({ connectionString })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    // An application idles with its write inside.
    const idle = new pg.Client({ connectionString })
    await idle.connect()
    await idle.query('BEGIN')
    await relationshipsIn(idle, { validate: () => {} }).write(touch('doc:idle#viewer@user:ann'))
    expect(await migratePostgres({ connectionString })).toEqual({ from: 1, to: 2 })
    // A program of version 1 does not say its version, and imports in parts.
    const { rows } = await client
      .query(
        `INSERT INTO cardea_part (import, ordinal, updates) VALUES ('00000000-0000-0000-0000-000000000001', 0,
         '[["create","doc","old","viewer","user","ann","",null,null,null]]');
       SELECT cardea_write(jsonb_build_array(jsonb_build_object('import', '00000000-0000-0000-0000-000000000001',
         'schemaRevision', ${before.at(-1)!.schemaRevision}, 'preconditions', '[]'::jsonb, 'nowMs', ${nowMs}))) AS results`,
      )
      .then((results) => (results as unknown as pg.QueryResult[])[1]!)
    expect(rows[0].results).toMatchObject([{ count: 1 }])
    await idle.query('COMMIT')
    await idle.end()
    const entries = await collect(store.log(0))
    expect(lines(entries.at(-1)!)).toEqual(['touch doc:idle#viewer@user:ann'])
    expect(entries.slice(0, before.length)).toEqual(before.map(({ digest: _, ...entry }) => entry))
    expect(entries.at(-1)).toMatchObject({ digest: expect.any(Number) })
    expect((await replica()).ready).toBe(true)
  })
}
