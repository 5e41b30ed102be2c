// Clocks that jump over a SQLite datastore: order is kept, every acknowledged write is there, and answers stay right.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { parseSubject } from '../../src/model/relationship-text.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { intendedUpdates } from '../store/chaos-updates.mjs'
import { Recorder, remove, touch, until } from '../store/support.ts'
import { History } from './history.ts'

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cardea-clocks-'))
  path = join(directory, 'cardea.db')
})
afterEach(() => rmSync(directory, { recursive: true }))

const hourMs = 3_600_000
/** Forth and back by hours, differently each time. */
const jumpAt = (n: number) => (((n * 7919) % 97) - 48) * hourMs

test('two handles whose clocks disagree by days leave one order, and followers that have it all', async () => {
  let step = 0
  const stores = await Promise.all(
    [0, 1].map((n) => openSqliteStore({ path, clock: () => Date.now() + jumpAt(step + 31 * n) })),
  )
  const history = new History()
  const followers = stores.map(() => new Recorder())
  await Promise.all(stores.map((store, n) => store.follow({ revision: 0, nonce: '' }, followers[n]!)))
  for (let n = 0; n < 60; n++, step++) {
    const updates = intendedUpdates(1, n % 2, n >> 1, false)
    const error = await history.attempt(updates, async (id) => {
      const conditions = { schemaRevision: 0, nowMs: Date.now() + jumpAt(step), metadata: { id } }
      return (await stores[n % 2]!.write(updates, conditions)).head
    })
    expect(error).toBeUndefined()
    // Nothing is older than the newest before it, whatever its stamp says: so nothing of the last day goes.
    if (n === 30) await stores[0]!.collectGarbage(Date.now() - 100 * hourMs)
  }
  await until(() => followers.every(({ entries }) => entries.length === 60))
  expect(
    await history.check(
      stores[0]!,
      followers.map(({ entries }) => entries),
    ),
  ).toBe(60)
  for (const store of stores) await store.close()
})

test('an authorizer whose clock jumps sees every write of its own at once', async () => {
  let jumpMs = 0
  const clock = () => Date.now() + jumpMs
  const authorizer = await createAuthorizer({ store: await openSqliteStore({ path, clock }), clock })
  await authorizer.writeSchema('definition user {}\ndefinition doc {\n relation viewer: user\n}')
  for (let n = 0; n < 20; n++) {
    jumpMs = jumpAt(n)
    const granted = n % 2 === 0
    const row = 'doc:a#viewer@user:ann'
    const { token } = await authorizer.writeRelationships({ updates: granted ? touch(row) : remove(row) })
    for (const kind of ['at_least_as_fresh', 'at_exact_snapshot'] as const) {
      // Forward, the head counts as old until it is confirmed again, which takes a moment.
      await until(() => authorizer.ready)
      const { permissionship } = await authorizer.check(
        { resource: { type: 'doc', id: 'a' }, permission: 'viewer', subject: parseSubject('user:ann') },
        { consistency: { kind, token } },
      )
      expect(permissionship).toBe(granted ? 'has' : 'no')
    }
  }
  await authorizer.close()
})
