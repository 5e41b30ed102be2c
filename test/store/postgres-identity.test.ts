// The identity of a datastore in PostgreSQL, changed while services run on it; and a copy from SQLite.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { createAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { beginAfter, changeIdentity } from '../../src/cli/datastore-identity.ts'
import { openDatastore } from '../../src/cli/datastore-url.ts'
import { copyDatastore } from '../../src/cli/transfer/copy-datastore.ts'
import { afterKeyStep, type KeyStep } from '../../src/store/identity-change.ts'
import { migratePostgres } from '../../src/store/postgres/tables.ts'
import { startPostgres } from './postgres-server.ts'
import { collect, load, touch, until } from './support.ts'

const schema = 'definition user {}\ndefinition doc {\n  relation viewer: user\n}'
const server = await startPostgres()

if (typeof server === 'string') {
  console.warn(`Skipped: identity of PostgreSQL datastores: ${server}`)
  test.skip(`PostgreSQL identity (${server})`, () => {})
} else {
  afterAll(() => server.stop())
  let name: string
  beforeEach(async () => {
    name = await server.newSchema()
    await migratePostgres({ connectionString: name })
  })

  test('keys are rotated and epochs begun under two running replicas', async () => {
    const stores = [await openDatastore(name), await openDatastore(name)]
    const rebuilds: string[] = []
    const replicas = await Promise.all(
      stores.map((store) => createAuthorizer({ store, onRebuild: (error) => rebuilds.push(error.message) })),
    )
    const [first, second] = [replicas[0]!, replicas[1]!]
    const step = async (how: KeyStep, key: Uint8Array) => {
      const before = stores.map(({ identity }) => identity)
      await changeIdentity(name, ({ tokenKeys }) => ({ tokenKeys: afterKeyStep(tokenKeys, how, key) }))
      await until(() => stores.every(({ identity }, at) => identity !== before[at]))
    }
    const exactly = (token: string) =>
      collect(
        second.readRelationships({
          filter: { resourceType: 'doc' },
          consistency: { kind: 'at_exact_snapshot', token },
        }),
      )
    await first.writeSchema(schema)
    const old = (await first.writeRelationships({ updates: touch('doc:a#viewer@user:ann') })).token
    const [oldKey] = stores[0]!.identity.tokenKeys
    const newKey = randomBytes(32)
    await step('add', newKey)
    await step('promote', newKey)
    const young = (await first.writeRelationships({ updates: touch('doc:a#viewer@user:ann') })).token
    expect(young).not.toBe(old)
    expect(await exactly(old)).toHaveLength(1)
    expect(await exactly(young)).toHaveLength(1)
    await step('remove', oldKey!)
    await expect(exactly(old)).rejects.toMatchObject({ code: 'INVALID_TOKEN' })
    expect(rebuilds).toEqual([])

    await changeIdentity(name, ({ epoch }) => ({ epoch: epoch + 1 }))
    await until(() => rebuilds.length === 2 && first.ready && second.ready)
    expect(rebuilds[0]).toContain('new epoch')
    await expect(exactly(young)).rejects.toMatchObject({ code: 'INVALID_TOKEN' })
    const newest = (await first.writeRelationships({ updates: touch('doc:b#viewer@user:ann') })).token
    expect(await exactly(newest)).toHaveLength(2)
    for (const replica of replicas) await replica.close()
  })

  test('a copy from SQLite goes on behind its revisions', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cardea-copy-'))
    const from = await openDatastore(`sqlite:${join(folder, 'cardea.db')}`)
    const conditions = async () => ({
      schemaRevision: (await from.head()).schemaRevision,
      nowMs: Date.now(),
    })
    await from.writeSchema(schema, [], await conditions())
    for (let n = 0; n < 20; n += 1) await from.write(touch(`doc:a#viewer@user:u${n}`), await conditions())
    const request = {
      from,
      openTarget: () => openDatastore(name),
      beginAfter: (revision: number) => beginAfter(name, revision),
    }
    const { revision } = await from.head()
    expect(await copyDatastore(request)).toMatchObject({ rows: 20, head: { revision: revision + 2 } })
    const to = await openDatastore(name)
    await expect(copyDatastore({ ...request, from: to })).rejects.toMatchObject({
      message: expect.stringContaining('into itself'),
    })
    expect((await load(to)).rows).toEqual((await load(from)).rows)
    await to.close()
    await from.close()
    rmSync(folder, { recursive: true, force: true })
  })
}
