// Garbage collection under a clock that is passed in: what expired is gone from reads at once, from disk and memory
// once it is older than the window, and nobody's answer changes by that.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createAuthorizer, type LocalAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import {
  formatRelationship,
  parseObjectAndRelation,
  parseSubject,
} from '../../src/model/relationship-text.ts'
import type { Consistency } from '../../src/model/revision.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { collect, create, nowMs, touch } from '../store/support.ts'

const hourMs = 3_600_000
const schema = `use expiration

definition user {}

definition doc {
  relation viewer: user | user with expiration
  permission view = viewer
}`
/** Expires an hour after the tests begin. */
const expiring = `doc:a#viewer@user:ann[expiration:${new Date(nowMs + hourMs).toISOString()}]`

let folder: string
let clockMs: number
const clock = () => clockMs

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cardea-garbage-'))
  clockMs = nowMs
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const kinds = {
  memory: () => memoryStore({ clock }),
  sqlite: () => openSqliteStore({ path: join(folder, 'cardea.db'), clock }),
}

describe.each(Object.keys(kinds) as (keyof typeof kinds)[])('on a %s store', (kind) => {
  let authorizer: LocalAuthorizer
  const open = async () =>
    createAuthorizer({
      store: await kinds[kind](),
      clock,
      garbage: { intervalMs: 0 },
      // The clock jumps here by days.
      limits: { maxStalenessMs: 1_000_000_000 },
    })
  const rows = async (consistency: Consistency = { kind: 'fully_consistent' }) =>
    (await collect(authorizer.readRelationships({ filter: { resourceType: 'doc' }, consistency }))).map(
      ({ relationship }) => formatRelationship(relationship),
    )
  const check = async (user: string, consistency?: Consistency) =>
    (
      await authorizer.check(
        {
          ...parseObjectAndRelation('doc:a#view'),
          permission: 'view',
          subject: parseSubject(`user:${user}`),
        },
        consistency === undefined ? {} : { consistency },
      )
    ).permissionship
  const write = async (updates: ReturnType<typeof touch>) =>
    (await authorizer.writeRelationships({ updates })).token

  beforeEach(async () => {
    authorizer = await open()
    await authorizer.writeSchema(schema)
  })
  afterEach(() => authorizer.close())

  test('an expired row is invisible at once, and leaves disk and memory after the window', async () => {
    await write(create(expiring, 'doc:a#viewer@user:bob'))
    expect(await check('ann')).toBe('has')
    clockMs += hourMs
    expect(await check('ann')).toBe('no')
    expect(await rows()).toEqual(['doc:a#viewer@user:bob'])
    expect(await authorizer.collectGarbage()).toMatchObject({ rows: 0, residentRows: 0 })
    expect(authorizer.memory()?.rows).toBe(2)

    clockMs += 24 * hourMs
    expect(await authorizer.collectGarbage()).toMatchObject({ rows: 0, residentRows: 0 })
    clockMs += 1
    expect(await authorizer.collectGarbage()).toEqual({ entries: 0, rows: 1, residentRows: 1 })
    expect(await authorizer.collectGarbage()).toEqual({ entries: 0, rows: 0, residentRows: 0 })
    expect(authorizer.memory()?.rows).toBe(1)
    expect(await rows()).toEqual(['doc:a#viewer@user:bob'])
    if (kind === 'sqlite') {
      const file = new Database(join(folder, 'cardea.db'), { readonly: true })
      expect(file.prepare('SELECT count(*) FROM cardea_relationship').pluck().get()).toBe(1)
      expect(file.prepare('SELECT count(*) FROM cardea_log').pluck().get()).toBe(1)
      file.close()
    }
  })

  test('CREATE over an expired row works, before the collection and after it', async () => {
    await write(create(expiring))
    await expect(write(create('doc:a#viewer@user:ann'))).rejects.toMatchObject({
      code: 'RELATIONSHIP_EXISTS',
    })
    clockMs += hourMs
    await write(create('doc:a#viewer@user:ann'))
    expect(await check('ann')).toBe('has')
    clockMs += 25 * hourMs
    expect(await authorizer.collectGarbage()).toMatchObject({ rows: 0, residentRows: 0 })
    expect(await check('ann')).toBe('has')

    const again = expiring
      .replace('user:ann', 'user:bob')
      .replace(/expiration:[^\]]*/, `expiration:${new Date(clockMs + 1).toISOString()}`)
    await write(create(again))
    clockMs += 25 * hourMs
    expect(await authorizer.collectGarbage()).toMatchObject({ rows: 1, residentRows: 1 })
    await write(create('doc:a#viewer@user:bob'))
    expect(await check('bob')).toBe('has')
    expect(await rows()).toEqual(['doc:a#viewer@user:ann', 'doc:a#viewer@user:bob'])
  })

  test('a TOUCH that changes nothing makes no revision', async () => {
    const first = await write(touch('doc:a#viewer@user:ann', expiring.replace('ann', 'bob')))
    expect(await write(touch('doc:a#viewer@user:ann', expiring.replace('ann', 'bob')))).toBe(first)
    expect(await write(touch('doc:a#viewer@user:bob'))).not.toBe(first)
  })

  test('a revision is read exactly inside the window and refused beyond it, after a restart too', async () => {
    const old = await write(create('doc:a#viewer@user:ann'))
    clockMs += hourMs
    const newer = await write(touch('doc:a#viewer@user:bob'))
    clockMs += 23 * hourMs
    await write(touch('doc:a#viewer@user:cid'))
    await authorizer.collectGarbage()
    const exactly = (token: string) => rows({ kind: 'at_exact_snapshot', token })
    expect(await exactly(old)).toEqual(['doc:a#viewer@user:ann'])
    clockMs += hourMs
    await authorizer.collectGarbage()
    expect(await exactly(newer)).toEqual(['doc:a#viewer@user:ann', 'doc:a#viewer@user:bob'])
    clockMs += 1
    await authorizer.collectGarbage()
    if (kind === 'sqlite') {
      await authorizer.close()
      authorizer = await open()
      await expect(exactly(old)).rejects.toMatchObject({ code: 'REVISION_OUT_OF_RANGE' })
    }
    expect(await rows()).toHaveLength(3)
  })

  test('a cursor older than the window is refused: rows of its instant may be forgotten', async () => {
    await write(create('doc:a#viewer@user:ann', 'doc:a#viewer@user:bob'))
    const [first] = await collect(authorizer.readRelationships({ filter: { resourceType: 'doc' }, limit: 1 }))
    const next = () =>
      collect(
        authorizer.readRelationships({ filter: { resourceType: 'doc' }, limit: 1, cursor: first!.cursor }),
      )
    clockMs += 24 * hourMs
    expect(await next()).toHaveLength(1)
    clockMs += 1
    await expect(next()).rejects.toMatchObject({ code: 'REVISION_OUT_OF_RANGE' })
  })

  test('writes and checks go on while thousands of rows are collected', async () => {
    for (let n = 0; n < 30; n += 1) {
      await write(Array.from({ length: 1000 }, (_, at) => touch(expiring.replace('ann', `u${n}-${at}`))[0]!))
    }
    clockMs += 26 * hourMs
    let over = false
    const collecting = authorizer.collectGarbage().finally(() => {
      over = true
    })
    let writes = 0
    for (; !over; writes += 1) {
      await write(touch(`doc:a#viewer@user:w${writes}`))
      expect(await check(`w${writes}`)).toBe('has')
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await collecting).toMatchObject({ rows: 30_000, residentRows: 30_000 })
    if (kind === 'sqlite') expect(writes).toBeGreaterThan(2)
    expect(authorizer.memory()?.rows).toBe(writes)
  })
})

test('runs by itself, says what it forgot, and goes on after a failure', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const store = memoryStore({ clock })
    const told: unknown[] = []
    const authorizer = await createAuthorizer({
      store,
      clock,
      limits: { gcWindowMs: 1000 },
      garbage: {
        intervalMs: 60_000,
        onRun: (run) => told.push(run),
        onFailure: (error) => told.push(error.code),
      },
    })
    await authorizer.writeSchema(schema)
    await authorizer.writeRelationships({ updates: create('doc:a#viewer@user:ann') })
    await vi.advanceTimersByTimeAsync(59_999)
    expect(told).toEqual([])
    clockMs += 2000
    await vi.advanceTimersByTimeAsync(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(told).toEqual([{ entries: 1, rows: 0, residentRows: 0 }])
    const broken = vi.spyOn(store, 'collectGarbage').mockRejectedValueOnce(new Error('disk'))
    await vi.advanceTimersByTimeAsync(60_010)
    expect(told[1]).toBe('INTERNAL')
    await vi.advanceTimersByTimeAsync(60_010)
    expect(told[2]).toEqual({ entries: 0, rows: 0, residentRows: 0 })
    await authorizer.close()
    await vi.advanceTimersByTimeAsync(600_000)
    expect(broken).toHaveBeenCalledTimes(2)
  } finally {
    vi.useRealTimers()
  }
})
