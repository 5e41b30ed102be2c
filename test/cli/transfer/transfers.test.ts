// Import, export and copy: whole datastores go through files and come out the same, over interruptions at every chunk.

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createAuthorizer } from '../../../src/authorizer/create-authorizer.ts'
import { beginAfter } from '../../../src/cli/datastore-identity.ts'
import { openDatastore } from '../../../src/cli/datastore-url.ts'
import { copyDatastore } from '../../../src/cli/transfer/copy-datastore.ts'
import { exportRelationships, type OpenSource } from '../../../src/cli/transfer/export-relationships.ts'
import {
  checkFile,
  type ExistingChoice,
  type ImportRequest,
  type ImportState,
  importRelationships,
} from '../../../src/cli/transfer/import-relationships.ts'
import {
  type OpenBytes,
  openBytes,
  RelationshipFileReader,
} from '../../../src/cli/transfer/relationship-file.ts'
import { serverSource, storeSource } from '../../../src/cli/transfer/relationship-source.ts'
import {
  type RelationshipTarget,
  serverTarget,
  storeTarget,
} from '../../../src/cli/transfer/relationship-target.ts'
import { StateFile } from '../../../src/cli/transfer/state-file.ts'
import { memoryStore } from '../../../src/store/memory/store.ts'
import type { Store } from '../../../src/store/store.ts'
import { collect, load, remove, touch } from '../../store/support.ts'

const schema = `use expiration

caveat office(hour int) { hour < 18 }

definition user {}

definition group {
  relation member: user
}

definition doc {
  relation viewer: user | user:* | group#member | user with office | user with expiration
  permission view = viewer
}
`
const special = [
  'doc:s#viewer@user:*',
  'doc:s#viewer@group:eng#member',
  'doc:s#viewer@user:cat[office:{"hour":9}]',
  'doc:s#viewer@user:dan[expiration:2031-01-01T00:00:00.000Z]',
]
const plain = (count: number) => Array.from({ length: count }, (_, at) => `doc:d${at % 7}#viewer@user:u${at}`)

let folder: string
let file: string
const stores: Store[] = []
const newStore = () => {
  const store = memoryStore()
  stores.push(store)
  return store
}
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cardea-transfer-'))
  file = join(folder, 'rows.txt')
})
afterEach(async () => {
  for (const store of stores.splice(0)) await store.close()
  rmSync(folder, { recursive: true, force: true })
})

async function withSchema(store: Store): Promise<Store> {
  await storeTarget(store, 'it').writeSchema(schema)
  return store
}
const rowsOf = async (store: Store) => (await load(store)).rows
/** In small pieces, so that there are many chunks in a small file. */
const openPieces: OpenBytes = async function* (offsetBytes, endBytes) {
  for await (const bytes of openBytes(file)(offsetBytes, endBytes))
    for (let at = 0; at < bytes.length; at += 1024) yield bytes.subarray(at, at + 1024)
}
const reader = () => new RelationshipFileReader('rows.txt', openPieces)
const stateFile = () => new StateFile<ImportState>(`${file}.import-state`)
const importInto = (
  target: RelationshipTarget,
  existing: ExistingChoice = 'fail',
  more: Partial<ImportRequest> = {},
) =>
  importRelationships({
    reader: reader(),
    fileName: 'rows.txt',
    target,
    existing,
    state: stateFile(),
    chunkRows: 100,
    ...more,
  })

/** A signal that is aborted from the start: the transfer stops after its first chunk. */
const stopped = AbortSignal.abort()

const targets = {
  datastore: (store: Store) => storeTarget(store, 'the store'),
  server: async (store: Store) => serverTarget(await createAuthorizer({ store }), '127.0.0.1:50051'),
}

describe.each(Object.keys(targets) as (keyof typeof targets)[])('import into a %s', (kind) => {
  let store: Store
  let target: RelationshipTarget
  beforeEach(async () => {
    store = await withSchema(newStore())
    target = await targets[kind](store)
  })
  const text = (rows: readonly string[]) => writeFileSync(file, `${rows.join('\n')}\n`)

  test('writes everything, in chunks', async () => {
    text([...plain(1050), ...special])
    const before = (await store.head()).revision
    expect(await importInto(target)).toEqual({ rows: 1054, resumedAt: 0 })
    expect(await rowsOf(store)).toEqual([...plain(1050), ...special].sort())
    expect((await store.head()).revision).toBeLessThanOrEqual(before + 11)
    expect(existsSync(`${file}.import-state`)).toBe(false)
  })

  test('into a datastore that is not empty: the choice is asked for, and kept', async () => {
    await target.write(
      'touch',
      touch('doc:d5#viewer@user:u5', 'doc:s#viewer@user:cat').map((u) => u.relationship),
    )
    text([...plain(10), ...special])
    await expect(importInto(target)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('--existing touch'),
    })
    expect(await rowsOf(store)).toHaveLength(2)
    await expect(importInto(target, 'create')).rejects.toMatchObject({
      message: expect.stringMatching(
        /^rows\.txt:6: doc:d5#viewer@user:u5 exists already\. Use --existing touch/,
      ),
    })
    expect(await rowsOf(store)).toHaveLength(2)
    expect(await importInto(target, 'touch')).toEqual({ rows: 14, resumedAt: 0 })
    expect(await rowsOf(store)).toEqual([...plain(10), ...special].sort())
  })

  test('goes on where it was interrupted, whatever the choice', async () => {
    const rows = plain(600)
    text(rows)
    for (const existing of ['fail', 'touch'] as const) {
      let interruptions = 0
      for (;;) {
        try {
          const { rows: count, resumedAt } = await importInto(target, existing, { signal: stopped })
          expect(count).toBe(600)
          expect(resumedAt).toBeGreaterThan(0)
          break
        } catch (error) {
          expect(error).toMatchObject({
            code: 'CANCELLED',
            message: expect.stringContaining('Run the same command again'),
          })
          interruptions += 1
        }
      }
      expect(interruptions).toBeGreaterThan(1)
      expect(await rowsOf(store)).toEqual([...rows].sort())
    }
  })

  test('a chunk whose mark was lost is not written twice, and not left out', async () => {
    const rows = plain(600)
    text(rows)
    await importInto(target, 'fail', { signal: stopped }).catch(() => {})
    const first = readFileSync(`${file}.import-state`)
    await importInto(target, 'fail', { signal: stopped }).catch(() => {})
    const there = (await rowsOf(store)).length
    // As if the process had died between the commit and the mark.
    writeFileSync(`${file}.import-state`, first)
    expect(await importInto(target)).toMatchObject({ rows: 600 })
    expect(there).toBeLessThan(600)
    expect(await rowsOf(store)).toEqual([...rows].sort())
  })

  test('a mistake behind what was written is mended in the file, one before it is refused', async () => {
    const rows = plain(600)
    text([...rows, 'doc:x#owner@user:ann'])
    await expect(importInto(target)).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/^rows\.txt:601: .*no relation "owner"/),
    })
    text(['doc:x#viewer@user:ann', ...rows.slice(1)])
    await expect(importInto(target)).rejects.toMatchObject({ message: expect.stringContaining('others now') })
    text([...rows, 'doc:x#viewer@user:ann'])
    await expect(importInto({ ...target, name: 'another' })).rejects.toMatchObject({
      message: expect.stringContaining('this one goes to another'),
    })
    await expect(importInto(target, 'touch')).rejects.toMatchObject({
      message: expect.stringContaining('--existing fail'),
    })
    expect(await importInto(target)).toMatchObject({ rows: 601 })
    expect(await rowsOf(store)).toHaveLength(601)
  })

  test.each([
    ['doc:a#viewer@user:ann\ndoc:a#view@user:ann', 2, 'is a permission'],
    ['doc:a#viewer@user:ann\n\nthing:a#viewer@user:ann', 3, 'thing'],
    ['doc:a#viewer@user:ann[office:{"hour":"nine"}]', 1, 'hour'],
    ['doc:a#viewer@user:ann\ndoc:b#viewer@user:ann\ndoc:a#viewer@user:ann', 3, 'stands on line 1 already'],
  ])('%j is refused with its line, and nothing is written', async (rows, line, problem) => {
    text([rows])
    const failed = await importInto(target).catch((error) => error)
    expect(failed).toMatchObject({ code: 'CONFIG_INVALID' })
    expect(failed.message).toContain(`rows.txt:${line}: `)
    expect(failed.message).toContain(problem)
    expect(await rowsOf(store)).toEqual([])
  })

  test('of lines for one relationship, the last one holds with touch', async () => {
    text(['doc:a#viewer@user:cat[office:{"hour":9}]', 'doc:a#viewer@user:cat'])
    await importInto(target, 'touch')
    expect(await rowsOf(store)).toEqual(['doc:a#viewer@user:cat'])
  })

  test('brings its schema, unless there is another one', async () => {
    const empty = newStore()
    const other = await targets[kind](empty)
    writeFileSync(
      file,
      'schema: |\n  definition user {}\n  definition doc {\n    relation viewer: user\n  }\nrelationships: |\n  doc:a#viewer@user:ann\n',
    )
    expect(await importInto(other)).toMatchObject({ rows: 1 })
    expect(await importInto(other, 'touch')).toMatchObject({ rows: 1 })
    await expect(importInto(target)).rejects.toMatchObject({
      message: expect.stringContaining('--schema keep'),
    })
    expect(await importInto(target, 'fail', { schema: 'keep' })).toMatchObject({ rows: 1 })
    expect(await target.readSchema()).toBe(schema)
    expect(await importInto(target, 'touch', { schema: 'replace' })).toMatchObject({ rows: 1 })
    expect(await target.readSchema()).not.toContain('office')
    text(['doc:a#viewer@user:ann'])
    await expect(importInto(await targets[kind](newStore()))).rejects.toMatchObject({
      code: 'SCHEMA_NOT_FOUND',
      message: expect.stringContaining('cardea schema write'),
    })
  })

  test('--check writes nothing and finds what an import would', async () => {
    text([...plain(10), 'doc:a#owner@user:ann'])
    await expect(checkFile(reader(), 'rows.txt', target.readSchema)).rejects.toMatchObject({
      message: expect.stringContaining('rows.txt:11: '),
    })
    text(plain(10))
    expect(await checkFile(reader(), 'rows.txt', target.readSchema)).toBe(10)
    expect(await rowsOf(store)).toEqual([])
  })
})

const sources = {
  datastore: async (store: Store): Promise<OpenSource> => storeSource(store),
  server: async (store: Store): Promise<OpenSource> => serverSource(await createAuthorizer({ store })),
}

describe.each(Object.keys(sources) as (keyof typeof sources)[])('export from a %s', (kind) => {
  let store: Store
  let open: OpenSource
  let path: string
  beforeEach(async () => {
    store = await withSchema(newStore())
    open = await sources[kind](store)
    path = join(folder, 'out.yaml')
  })
  const fill = async (rows: readonly string[]) => {
    for (let at = 0; at < rows.length; at += 10_000)
      await storeTarget(store, 'it').write(
        'touch',
        touch(...rows.slice(at, at + 10_000)).map((u) => u.relationship),
      )
  }

  test('is read back as it was, schema and all', async () => {
    await fill([...plain(500), ...special])
    expect(await exportRelationships({ open, path, withSchema: true })).toEqual({ rows: 504, resumedAt: 0 })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    file = path
    const copy = newStore()
    await importInto(storeTarget(copy, 'copy'))
    expect(await rowsOf(copy)).toEqual(await rowsOf(store))
    expect((await load(copy)).schemaText).toBe(schema)
    await expect(exportRelationships({ open, path, withSchema: true })).rejects.toMatchObject({
      message: expect.stringContaining('exists already'),
    })
  })

  test('lines alone', async () => {
    await fill(special)
    await exportRelationships({ open, path, withSchema: false })
    expect(readFileSync(path, 'utf8').trimEnd().split('\n').sort()).toEqual([...special].sort())
  })

  test('goes on where it was interrupted, at the same revision', async () => {
    const rows = plain(1000)
    await fill(rows)
    const told: string[] = []
    const again = (signal?: AbortSignal) =>
      exportRelationships({
        open,
        path,
        withSchema: true,
        onRestart: () => told.push('restart'),
        ...(signal === undefined ? {} : { signal }),
      })
    for (let n = 0; n < 3; n += 1) await expect(again(stopped)).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(existsSync(path)).toBe(false)
    const changed = await store.write(remove('doc:d0#viewer@user:u0'), {
      schemaRevision: (await store.head()).schemaRevision,
      nowMs: Date.now(),
    })
    expect(changed.head.revision).toBeGreaterThan(0)
    const outcome = await again()
    const lines = readFileSync(path, 'utf8').split('\n')
    const written = lines.filter((line) => line.startsWith('  doc:')).map((line) => line.trim())
    if (kind === 'server') {
      expect(outcome.resumedAt).toBe(3)
      expect(told).toEqual([])
      expect(written.sort()).toEqual([...rows].sort())
    } else {
      // The state it was of is gone, and said to be.
      expect(told).toEqual(['restart'])
      expect(outcome).toEqual({ rows: 999, resumedAt: 0 })
      expect(written.sort()).toEqual(rows.slice(1).sort())
    }
    expect(existsSync(`${path}.partial`) || existsSync(`${path}.export-state`)).toBe(false)
  })

  test('leaves expired rows out', async () => {
    await fill(['doc:a#viewer@user:ann[expiration:2020-01-01T00:00:00Z]', 'doc:a#viewer@user:bob'])
    expect(await exportRelationships({ open, path, withSchema: false })).toMatchObject({ rows: 1 })
  })
})

describe('copy', () => {
  const name = () => `sqlite:${join(folder, 'copy.db')}`
  const copy = (from: Store, signal?: AbortSignal) =>
    copyDatastore({
      from,
      openTarget: () => openDatastore(name()),
      beginAfter: (revision) => beginAfter(name(), revision),
      ...(signal === undefined ? {} : { signal }),
    })

  test('to another kind, over interruptions; revisions go on behind the source’s', async () => {
    const from = await withSchema(newStore())
    const rows = [...plain(25_000), ...special]
    const target = storeTarget(from, 'from')
    for (let at = 0; at < rows.length; at += 1000)
      await target.write(
        'touch',
        touch(...rows.slice(at, at + 1000)).map((u) => u.relationship),
      )
    const { revision } = await from.head()
    await expect(copy(from, stopped)).rejects.toMatchObject({ code: 'CANCELLED' })
    await expect(copy(from, stopped)).rejects.toMatchObject({ code: 'CANCELLED' })
    const outcome = await copy(from)
    expect(outcome).toMatchObject({ rows: 25_004, resumedAt: 20_000 })
    const copied = await openDatastore(name())
    try {
      expect(await rowsOf(copied)).toEqual([...rows].sort())
      expect((await load(copied)).schemaText).toBe(schema)
      const entries = await collect(copied.log(revision))
      expect(entries.map((entry) => entry.revision)).toEqual([1, 2, 3, 4].map((n) => revision + n))
      await expect(collect(copied.log(revision - 1))).rejects.toMatchObject({ code: 'REVISION_OUT_OF_RANGE' })
      const authorizer = await createAuthorizer({ store: copied })
      const { token } = await authorizer.writeRelationships({ updates: touch('doc:new#viewer@user:ann') })
      expect(token).not.toBe('')
      await authorizer.close()
    } finally {
      await copied.close()
    }
    await expect(copy(from)).rejects.toMatchObject({ message: expect.stringContaining('not empty') })
  })

  test('of nothing is nothing', async () => {
    expect(await copy(newStore())).toMatchObject({ rows: 0, head: { revision: 0 } })
  })
})
