// Three `cardea serve` processes on one PostgreSQL: no answer is older than its consistency allows, whoever wrote.
// CARDEA_REPLICAS_MS=60000 makes the mixed load long.

import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import { parseRelationship, parseSubject } from '../../src/model/relationship-text.ts'
import type { Consistency } from '../../src/model/revision.ts'
import { relationshipsIn } from '../../src/store/postgres/in-transaction.ts'
import { openPostgresStore } from '../../src/store/postgres/store.ts'
import { migratePostgres } from '../../src/store/postgres/tables.ts'
import { startPostgres } from '../store/postgres-server.ts'
import { collect, create, remove, replay, touch, until } from '../store/support.ts'
import { type Replica, startReplica, wireTo } from './replica.ts'

const loadMs = Number(process.env.CARDEA_REPLICAS_MS ?? 6_000)
const server = await startPostgres()

const schema = `definition user {}
definition folder {
  relation viewer: user
}
definition doc {
  relation viewer: user
  relation parent: folder
  permission view = viewer + parent->viewer
}`

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function may(
  authorizer: Authorizer,
  user: string,
  doc: string,
  consistency: Consistency,
): Promise<'has' | 'no' | 'conditional'> {
  const { permissionship } = await authorizer.check(
    {
      resource: { type: 'doc', id: doc },
      permission: 'view',
      subject: parseSubject(`user:${user}`),
    },
    { consistency, deadlineMs: Date.now() + 20_000 },
  )
  return permissionship
}

if (typeof server === 'string') {
  console.warn(`Skipped: replicas on PostgreSQL: ${server}`)
  test.skip(`replicas on PostgreSQL (${server})`, () => {})
} else {
  let connectionString: string
  let replicas: Replica[]
  beforeAll(async () => {
    connectionString = await server.newSchema()
    await migratePostgres({ connectionString })
    replicas = await Promise.all([0, 1, 2].map(() => startReplica(connectionString)))
    await replicas[0]!.authorizer.writeSchema(schema)
  })
  afterAll(async () => {
    for (const replica of replicas ?? []) await replica.stop()
    await server.stop()
  })

  test(`a mixed load of ${loadMs} ms: fresh, exact and fully consistent answers are right at every replica`, async () => {
    const endMs = Date.now() + loadMs
    const counts = { writes: 0, fresh: 0, full: 0, exact: 0, enemies: 0, inApp: 0 }
    const clients = replicas.map((replica) => replica.stranger())
    const at = (n: number) => clients[n % clients.length]!
    let slowestMs = 0
    const written = async (write: () => Promise<{ token: string }>): Promise<string> => {
      const startMs = Date.now()
      const { token } = await write()
      slowestMs = Math.max(slowestMs, Date.now() - startMs)
      counts.writes += 1
      return token
    }

    // Each owns its documents, so that it knows every answer.
    const owner = async (own: number) => {
      const history: { token: string; granted: boolean; doc: string }[] = []
      for (let n = 0; Date.now() < endMs; n++) {
        const doc = `own${own}n${n % 4}`
        const granted = n % 8 < 4
        const row = `doc:${doc}#viewer@user:u${own}`
        const token = await written(() =>
          at(own + n).writeRelationships({ updates: granted ? touch(row) : remove(row) }),
        )
        history.push({ token, granted, doc })
        const expected = granted ? 'has' : 'no'
        const [fresh, full] = await Promise.all([
          may(at(own + n + 1), `u${own}`, doc, { kind: 'at_least_as_fresh', token }),
          // Acknowledged to this client; nothing but that tells the other replica of it.
          may(at(own + n + 2), `u${own}`, doc, { kind: 'fully_consistent' }),
        ])
        expect([own, n, fresh, full]).toEqual([own, n, expected, expected])
        counts.fresh += 1
        counts.full += 1
        const past = history[(n * 7) % history.length]!
        const exact = await may(at(own + n), `u${own}`, past.doc, {
          kind: 'at_exact_snapshot',
          token: past.token,
        })
        expect(exact).toBe(past.granted ? 'has' : 'no')
        counts.exact += 1
      }
    }

    // The new enemy: bob loses the folder, then something is put into it. He must never see it.
    const newEnemy = async (own: number) => {
      for (let n = 0; Date.now() < endMs; n++) {
        const [folder, doc] = [`e${own}n${n}`, `secret${own}n${n}`]
        const grant = `folder:${folder}#viewer@user:bob${own}`
        await written(() => at(n).writeRelationships({ updates: create(grant) }))
        await written(() => at(n + 1).writeRelationships({ updates: remove(grant) }))
        const token = await written(() =>
          at(n + 2).writeRelationships({ updates: create(`doc:${doc}#parent@folder:${folder}`) }),
        )
        const answers = await Promise.all(
          clients.map((client) => may(client, `bob${own}`, doc, { kind: 'at_least_as_fresh', token })),
        )
        expect(answers).toEqual(['no', 'no', 'no'])
        counts.enemies += 1
      }
    }

    // Applications that write in transactions of their own: one idles for seconds with its write inside.
    const applications = async () => {
      const [idle, quick] = await Promise.all(
        [0, 1].map(async () => {
          const client = new pg.Client({ connectionString })
          await client.connect()
          return client
        }),
      )
      const noCheck = { validate: () => {} }
      for (let n = 0; Date.now() < endMs; n++) {
        await idle!.query('BEGIN')
        await relationshipsIn(idle!, noCheck).write(touch(`doc:app${n}#viewer@user:first`))
        for (const idleUntilMs = Math.min(endMs, Date.now() + 2_500); Date.now() < idleUntilMs; ) {
          await quick!.query('BEGIN')
          await relationshipsIn(quick!, noCheck).write(touch(`doc:app${n}#viewer@user:second`))
          const { head } = await relationshipsIn(quick!, noCheck).settle()
          expect(head.revision).toBeGreaterThan(0)
          await quick!.query('COMMIT')
          expect(await may(at(n), 'second', `app${n}`, { kind: 'fully_consistent' })).toBe('has')
          expect(await may(at(n), 'first', `app${n}`, { kind: 'fully_consistent' })).toBe('no')
          await pause(100)
        }
        await idle!.query('COMMIT')
        for (const client of clients)
          expect(await may(client, 'first', `app${n}`, { kind: 'fully_consistent' })).toBe('has')
        counts.inApp += 1
      }
      await idle!.end()
      await quick!.end()
    }

    await Promise.all([...[0, 1, 2, 3].map(owner), newEnemy(0), newEnemy(1), applications()])
    console.info(`replicas under load: ${JSON.stringify({ ...counts, slowestWriteMs: slowestMs })}`)
    expect(Math.min(...Object.values(counts))).toBeGreaterThan(0)
    // Somebody idled for seconds with a write inside: nobody waited for that.
    expect(slowestMs).toBeLessThan(2_000)

    const store = await openPostgresStore({ connectionString })
    const { revision } = await store.head()
    const entries = await collect(store.log(0))
    await store.close()
    expect(entries.map((entry) => entry.revision)).toEqual(entries.map((_, n) => n + 1))
    await until(async () => {
      const revisions = await Promise.all(replicas.map((r) => r.metric('cardea_datastore_revision')))
      return revisions.every((there) => there === revision)
    })
    const expected = replay(entries).map((text) => JSON.stringify(parseRelationship(text)))
    for (const client of clients) {
      const rows = await collect(client.exportRelationships())
      expect(rows.map(({ relationship }) => JSON.stringify(relationship)).sort()).toEqual(expected.sort())
    }
  })

  describe('a replica that is cut off from the database', () => {
    test.each(['closed', 'silent'] as const)(
      'reads on while it may, says how old they are, then stops; it is back when the wire is (%s)',
      async (how) => {
        const wire = await wireTo(connectionString)
        const replica = await startReplica(wire.connectionString, ['--max-staleness', '3000'])
        const other = replicas[0]!.authorizer
        try {
          const row = `doc:cut-${how}#viewer@user:ann`
          const { token } = await other.writeRelationships({ updates: touch(row) })
          const stranger = replica.stranger()
          const ask = (consistency: Consistency) =>
            may(stranger, 'ann', `cut-${how}`, consistency).catch((error: { code: string }) => error.code)
          expect(await ask({ kind: 'at_least_as_fresh', token })).toBe('has')
          wire.cut(how)
          const cutAtMs = Date.now()
          // The others take the right away: here nobody can know yet, for as long as the bound says.
          await other.writeRelationships({ updates: remove(row) })
          expect(await ask({ kind: 'minimize_latency' })).toBe('has')
          expect(await replica.staleness('ann', `cut-${how}`)).toBe(undefined)
          if (how === 'closed') {
            expect(await ask({ kind: 'fully_consistent' })).toBe('UNAVAILABLE')
            const attempt = stranger.writeRelationships({ updates: touch('doc:cut#viewer@user:bob') })
            await expect(attempt).rejects.toMatchObject({ code: 'UNAVAILABLE' })
          }
          await pause(2_200)
          expect(await replica.staleness('ann', `cut-${how}`)).toBeGreaterThan(2_000)
          expect(await replica.metric('cardea_datastore_staleness_seconds')).toBeGreaterThan(2)
          let lastHasMs = 0
          for (let answer: string = 'has'; answer === 'has'; ) {
            const askedMs = Date.now()
            answer = await ask({ kind: 'minimize_latency' })
            if (answer === 'has') lastHasMs = askedMs
            else expect(answer).toBe('UNAVAILABLE')
            expect(askedMs - cutAtMs).toBeLessThan(6_000)
            await pause(50)
          }
          expect(lastHasMs - cutAtMs).toBeLessThan(3_500)
          expect(await replica.status('/readyz')).toBe(503)
          expect(await replica.status('/healthz')).toBe(200)
          expect(await ask({ kind: 'at_exact_snapshot', token })).toBe('UNAVAILABLE')
          wire.mend()
          await until(async () => (await replica.status('/readyz')) === 200, 20_000)
          expect(await ask({ kind: 'minimize_latency' })).toBe('no')
          // Attempts to come back do not multiply.
          const connections = `SELECT count(*)::int AS n FROM pg_stat_activity WHERE application_name = 'cardea'`
          expect((await server.query(connections)).rows[0].n).toBeLessThan(45)
        } finally {
          await replica.stop()
          await wire.close()
        }
      },
    )
  })
}
