// A failover that loses a tail, simulated by an older copy of the database's files: replicas notice and load again, and
// whoever relies on what is lost is told so, never answered.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import type { Consistency } from '../../src/model/revision.ts'
import { migratePostgres } from '../../src/store/postgres/tables.ts'
import { startPostgres } from '../store/postgres-server.ts'
import { collect, remove, touch, until } from '../store/support.ts'
import { startReplica } from './replica.ts'

const server = await startPostgres()

const schema = `definition user {}
definition doc {
  relation viewer: user
  permission view = viewer
}`

if (typeof server === 'string' || server.directory === undefined) {
  const why =
    typeof server === 'string' ? server : 'the server of CARDEA_TEST_POSTGRES_URL is not ours to exchange'
  console.warn(`Skipped: failover of PostgreSQL: ${why}`)
  test.skip(`failover of PostgreSQL (${why})`, () => {})
} else {
  afterAll(() => server.stop())
  const data = join(server.directory, 'data')

  describe('a failover that loses a tail', () => {
    test('replicas load again; tokens, cursors and watches of the tail are refused, older ones hold', async () => {
      const connectionString = await server.newSchema()
      await migratePostgres({ connectionString })
      const replicas = await Promise.all([0, 1].map(() => startReplica(connectionString)))
      try {
        const [one, two] = replicas.map((replica) => replica.stranger()) as [Authorizer, Authorizer]
        const ask = (authorizer: Authorizer, doc: string, consistency: Consistency) =>
          authorizer
            .check(
              { resource: { type: 'doc', id: doc }, permission: 'view', subject: user('ann') },
              { consistency, deadlineMs: Date.now() + 20_000 },
            )
            .then(
              ({ permissionship }) => permissionship,
              (error: { code: string }) => error.code,
            )
        await one.writeSchema(schema)
        const { token: kept } = await one.writeRelationships({
          updates: touch('doc:a#viewer@user:ann', 'doc:b#viewer@user:ann', 'doc:c#viewer@user:ann'),
        })
        await server.crash!()
        execFileSync('cp', ['-a', data, `${data}-older`])
        await server.restart!()
        const back = () =>
          until(
            async () => (await Promise.all(replicas.map((r) => r.status('/readyz')))).every((s) => s === 200),
            30_000,
          )
        await back()

        // The tail: ann loses a, and is given d.
        const tail = [
          await one.writeRelationships({ updates: remove('doc:a#viewer@user:ann') }),
          await two.writeRelationships({ updates: touch('doc:d#viewer@user:ann') }),
        ].map(({ token }) => token)
        const page = await collect(
          one.readRelationships({
            filter: { resourceType: 'doc' },
            limit: 1,
            consistency: { kind: 'at_least_as_fresh', token: tail[1]! },
          }),
        )
        const { cursor } = page.at(-1)!
        expect(await ask(two, 'a', { kind: 'at_least_as_fresh', token: tail[0]! })).toBe('no')

        await server.crash!()
        execFileSync('sh', ['-c', `rm -rf '${data}' && mv '${data}-older' '${data}'`])
        await server.restart!()
        await until(() => replicas.every(({ output }) => output().includes('being loaded again')), 30_000)
        await back()

        const refused = async () => {
          for (const token of tail) {
            for (const replica of [one, two]) {
              // The removal is lost: to say "has" here would be the new enemy.
              expect(await ask(replica, 'a', { kind: 'at_least_as_fresh', token })).toBe(
                'REVISION_OUT_OF_RANGE',
              )
              expect(await ask(replica, 'd', { kind: 'at_exact_snapshot', token })).toBe(
                'REVISION_OUT_OF_RANGE',
              )
              const watching = replica.watch({ after: token })[Symbol.asyncIterator]()
              await expect(watching.next()).rejects.toMatchObject({ code: 'REVISION_OUT_OF_RANGE' })
            }
          }
          const more = { filter: { resourceType: 'doc' }, limit: 1, cursor }
          await expect(collect(two.readRelationships(more))).rejects.toMatchObject({
            code: 'REVISION_OUT_OF_RANGE',
          })
          for (const replica of [one, two]) {
            expect(await ask(replica, 'b', { kind: 'at_least_as_fresh', token: kept })).toBe('has')
            expect(await ask(replica, 'b', { kind: 'at_exact_snapshot', token: kept })).toBe('has')
          }
        }
        await refused()
        // Another tail grows over the lost one: its revisions are there again, and mean something else.
        const fresh = await two.writeRelationships({ updates: touch('doc:e#viewer@user:ann') })
        await one.writeRelationships({ updates: touch('doc:f#viewer@user:ann') })
        await one.writeRelationships({ updates: remove('doc:f#viewer@user:ann') })
        await refused()
        expect(await ask(one, 'e', { kind: 'at_least_as_fresh', token: fresh.token })).toBe('has')
        expect(await ask(two, 'a', { kind: 'fully_consistent' })).toBe('has')
      } finally {
        for (const replica of replicas) await replica.stop()
      }
    })
  })
}

const user = (id: string) => parseRelationship(`doc:x#viewer@user:${id}`).subject
