// What outlives a process: exact reads across schema changes, and watches that go on at any replica, on SQLite and on
// PostgreSQL.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import { formatRelationship, parseRelationship } from '../../src/model/relationship-text.ts'
import { migratePostgres } from '../../src/store/postgres/tables.ts'
import { startPostgres } from '../store/postgres-server.ts'
import { remove, touch } from '../store/support.ts'
import { type Replica, startReplica } from './replica.ts'

const server = await startPostgres()
if (typeof server === 'string') console.warn(`Skipped: restarts on PostgreSQL: ${server}`)
const directory = mkdtempSync(join(tmpdir(), 'cardea-restarts-'))
afterAll(async () => {
  rmSync(directory, { recursive: true })
  if (typeof server !== 'string') await server.stop()
})

let files = 0
const kinds = {
  sqlite: async () => `sqlite:${join(directory, `${++files}.db`)}`,
  postgres: async () => {
    if (typeof server === 'string') throw new Error(server)
    const connectionString = await server.newSchema()
    await migratePostgres({ connectionString })
    return connectionString
  },
}

const schemas = {
  open: 'definition user {}\ndefinition doc {\n relation viewer: user\n relation banned: user\n permission view = viewer\n}',
  strict:
    'definition user {}\ndefinition doc {\n relation viewer: user\n relation banned: user\n permission view = viewer - banned\n}',
}

describe.each(Object.keys(kinds) as (keyof typeof kinds)[])('on %s', (kind) => {
  const skipped = kind === 'postgres' && typeof server === 'string'

  test.skipIf(skipped)(
    'exact reads see the rows and the schema of their revision, also after a restart',
    async () => {
      const datastore = await kinds[kind]()
      let replica = await startReplica(datastore)
      const may = async (authorizer: Authorizer, token: string) => {
        const { permissionship } = await authorizer.check(
          {
            resource: { type: 'doc', id: 'a' },
            permission: 'view',
            subject: parseRelationship('doc:a#viewer@user:ann').subject,
          },
          { consistency: { kind: 'at_exact_snapshot', token } },
        )
        return permissionship
      }
      try {
        const told: [token: string, expected: string][] = []
        const { authorizer } = replica
        await authorizer.writeSchema(schemas.open)
        const both = touch('doc:a#viewer@user:ann', 'doc:a#banned@user:ann')
        told.push([(await authorizer.writeRelationships({ updates: both })).token, 'has'])
        await authorizer.writeSchema(schemas.strict)
        told.push([(await authorizer.readSchema()).token, 'no'])
        const unban = remove('doc:a#banned@user:ann')
        told.push([(await authorizer.writeRelationships({ updates: unban })).token, 'has'])
        const gone = remove('doc:a#viewer@user:ann')
        told.push([(await authorizer.writeRelationships({ updates: gone })).token, 'no'])
        await authorizer.writeSchema(schemas.open)
        const ban = touch('doc:a#viewer@user:ann', 'doc:a#banned@user:ann')
        told.push([(await authorizer.writeRelationships({ updates: ban })).token, 'has'])
        const all = async () => {
          for (const [token, expected] of told) expect(await may(replica.authorizer, token)).toBe(expected)
        }
        await all()
        expect(await replica.stop()).toBe(0)
        replica = await startReplica(datastore)
        await all()
        await replica.kill()
        replica = await startReplica(datastore)
        await all()
      } finally {
        await replica.stop()
      }
    },
  )

  test.skipIf(skipped)(
    'a watch that goes on from its last token, at whichever replica is there, tells each change once and in order',
    async () => {
      const datastore = await kinds[kind]()
      const replicas: Replica[] = [await startReplica(datastore), await startReplica(datastore)]
      try {
        await replicas[0]!.authorizer.writeSchema(schemas.open)
        const { token: start } = await replicas[0]!.authorizer.readSchema()
        const written: string[] = []
        let writing = true
        const writers = [0, 1].map(async (writer) => {
          for (let n = 0; writing; n++) {
            const row = `doc:w${writer}n${n % 5}#viewer@user:ann`
            const updates = n % 10 < 5 ? touch(row) : remove(row)
            const unknown = await replicas[writer]!.authorizer.writeRelationships({
              updates,
              metadata: { writer, n },
            }).then(
              () => false,
              (error: { code: string }) => error.code === 'UNAVAILABLE',
            )
            if (unknown) return
            written.push(`${writer}/${n}`)
          }
        })

        const seen: string[] = []
        let token = start
        /** Watches until it ends by itself, or enough changes came. */
        const watch = async (authorizer: Authorizer, enough: (count: number) => boolean) => {
          const began = seen.length
          try {
            for await (const event of authorizer.watch({ after: token, checkpoints: true })) {
              token = event.token
              if (event.kind !== 'changes') continue
              const { writer, n } = event.metadata as { writer: number; n: number }
              const [change] = event.changes
              expect(formatRelationship(change!.relationship)).toBe(`doc:w${writer}n${n % 5}#viewer@user:ann`)
              expect([change!.operation, event.changes.length]).toEqual([n % 10 < 5 ? 'touch' : 'delete', 1])
              seen.push(`${writer}/${n}`)
              if (enough(seen.length - began)) return
            }
          } catch (error) {
            expect(error).toMatchObject({ code: 'UNAVAILABLE' })
          }
        }
        for (let round = 0; round < 4; round++)
          await watch(replicas[round % 2]!.stranger(), (count) => count === 7)
        // Killed under a watch: the other one goes on from the last token.
        const cut = watch(replicas[1]!.stranger(), () => false)
        await new Promise((resolve) => setTimeout(resolve, 200))
        await replicas[1]!.kill()
        await cut
        await watch(replicas[0]!.stranger(), (count) => count === 20)
        replicas[1] = await startReplica(datastore)
        writing = false
        await Promise.all(writers)
        await replicas[0]!.authorizer.writeRelationships({
          updates: touch('doc:w9n0#viewer@user:ann'),
          metadata: { writer: 9, n: 0 },
        })
        await watch(replicas[1]!.stranger(), () => seen.at(-1) === '9/0')
        expect(seen.at(-1)).toBe('9/0')
        expect(new Set(seen).size).toBe(seen.length)
        expect(seen).toEqual(expect.arrayContaining(written))
        for (const writer of [0, 1]) {
          const numbers = seen
            .filter((id) => id.startsWith(`${writer}/`))
            .map((id) => Number(id.split('/')[1]))
          expect(numbers).toEqual(numbers.map((_, n) => n))
        }
      } finally {
        for (const replica of replicas) await replica.stop()
      }
    },
  )
})
