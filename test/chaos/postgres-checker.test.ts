// The checker of histories is shown to fail: on bugs planted into the database's functions, which it must notice.

import pg from 'pg'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { relationshipsIn } from '../../src/store/postgres/in-transaction.ts'
import { openPostgresStore } from '../../src/store/postgres/store.ts'
import { migratePostgres } from '../../src/store/postgres/tables.ts'
import { startPostgres } from '../store/postgres-server.ts'
import { Recorder, touch, until } from '../store/support.ts'
import { History } from './history.ts'

// What is not synced at COMMIT stays in the server's memory for long.
const server = await startPostgres({ settings: ['wal_writer_delay=10s'] })

if (typeof server === 'string') {
  console.warn(`Skipped: the checker of histories on PostgreSQL: ${server}`)
  test.skip(`the checker of histories on PostgreSQL (${server})`, () => {})
} else {
  afterAll(() => server.stop())
  let connectionString: string
  beforeEach(async () => {
    connectionString = await server.newSchema()
    await migratePostgres({ connectionString })
  })
  const inSchema = async (text: string) => {
    const client = new pg.Client({ connectionString })
    await client.connect()
    await client.query(text)
    await client.end()
  }

  /** Acknowledged writes, then a crash, then the check. */
  const acknowledgedThenCrash = async (): Promise<number> => {
    const history = new History()
    const store = await openPostgresStore({ connectionString })
    for (let n = 0; n < 20; n++) {
      const updates = touch(`doc:d${n}#viewer@user:ann`)
      await history.attempt(updates, async (id) => {
        const conditions = { schemaRevision: 0, nowMs: Date.now(), metadata: { id } }
        return (await store.write(updates, conditions)).head
      })
    }
    expect(history.acknowledged).toBe(20)
    await server.crash!()
    await server.restart!()
    let entries = 0
    try {
      await until(() =>
        store.head().then(
          () => true,
          () => false,
        ),
      )
      entries = await history.check(store)
    } finally {
      await store.close()
    }
    return entries
  }

  /**
   * Two transactions whose order of commits is not that of their beginnings; both are told their revisions. A follower
   * listens all the while.
   */
  const overlapping = async (): Promise<number> => {
    const history = new History()
    const store = await openPostgresStore({ connectionString })
    const follower = new Recorder()
    await store.follow({ revision: 0, nonce: '' }, follower)
    const clients = [0, 1].map(() => new pg.Client({ connectionString }))
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
    let [firstIsStamped, secondIsThere] = [() => {}, () => {}]
    const first = new Promise<void>((resolve) => {
      firstIsStamped = resolve
    })
    const second = new Promise<void>((resolve) => {
      secondIsThere = resolve
    })
    try {
      await Promise.all(
        clients.map(async (client, n) => {
          await client.connect()
          const updates = touch(`doc:d${n}#viewer@user:ann`)
          if (n === 1) await first
          await history.attempt(updates, async (id) => {
            await client.query('BEGIN')
            const relationships = relationshipsIn(client, { validate: () => {} })
            await relationships.write(updates, { metadata: { id } })
            const { head } = await relationships.settle()
            // The first one idles between its stamp and its commit until the second one is through and was heard of,
            // which it is only where the first does not hold it up.
            if (n === 0) {
              firstIsStamped()
              await Promise.race([second.then(() => until(() => follower.entries.length > 0)), pause(1_500)])
            }
            await client.query('COMMIT')
            if (n === 1) secondIsThere()
            return head
          })
        }),
      )
      await until(() => follower.entries.length === 2, 1_500).catch(() => {})
      return await history.check(store, [follower.entries])
    } finally {
      for (const client of clients) await client.end()
      await store.close()
    }
  }

  describe('an acknowledgement before the sync', () => {
    test.runIf(server.crash !== undefined)('is not what this store does', async () => {
      expect(await acknowledgedThenCrash()).toBe(20)
    })

    test.runIf(server.crash !== undefined)('is noticed', async () => {
      await inSchema(`CREATE OR REPLACE FUNCTION cardea_now() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN
        PERFORM set_config('synchronous_commit', 'off', true);
        RETURN floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint;
      END $$`)
      await expect(acknowledgedThenCrash()).rejects.toThrow(/acknowledged write w\d+ is lost/)
    })
  })

  describe('a revision stamped before commit', () => {
    test('is not what this store does', async () => {
      expect(await overlapping()).toBe(2)
    })

    test('is noticed', async () => {
      // Revisions from a sequence, and nothing that keeps others out until COMMIT.
      const { definition } = (
        await query(`SELECT pg_get_functiondef('cardea_transaction(jsonb)'::regprocedure) AS definition`)
      )[0] as { definition: string }
      const stamped = definition.replace(
        /IF NOT FOUND THEN v_head := ROW\(.*?END IF;/,
        (found) => `${found} v_head.revision := nextval('planted') - 1;`,
      )
      expect(stamped).not.toBe(definition)
      await inSchema(`CREATE SEQUENCE planted; ${stamped};
        CREATE OR REPLACE FUNCTION cardea_lock() RETURNS void LANGUAGE plpgsql AS $$ BEGIN END $$`)
      // Two transactions must not meet in the dictionary.
      await inSchema(`INSERT INTO cardea_name VALUES (1, 'doc'), (2, 'viewer'), (3, 'user');
        INSERT INTO cardea_object VALUES (1, 1, 'd0'), (2, 1, 'd1'), (3, 3, 'ann')`)
      await expect(overlapping()).rejects.toThrow(/Follower 0 heard 1 entries, not the 2 of the log/)
    })

    const query = async (text: string): Promise<unknown[]> => {
      const client = new pg.Client({ connectionString })
      await client.connect()
      try {
        return (await client.query(text)).rows
      } finally {
        await client.end()
      }
    }
  })
}
