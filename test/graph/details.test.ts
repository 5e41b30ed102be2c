// What the random tests don't reach: long ids, wide lists, memory that comes back, the undo window, bad input.

import { describe, expect, test } from 'vitest'
import { Graph, type GraphOptions } from '../../src/graph/graph.ts'
import { allRows } from '../../src/graph/snapshot.ts'
import type { RelationshipUpdate } from '../../src/model/relationship.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import type { LoadChunk, LogEntry, Store } from '../../src/store/store.ts'
import { entriesOf, everything, forwardRows, lookedUp, nodeOf, small } from './support.ts'

const nowMs = Date.UTC(2030, 0, 1)
const touch = (texts: readonly string[]): RelationshipUpdate[] =>
  texts.map((text) => ({ operation: 'touch', relationship: parseRelationship(text) }))
const remove = (texts: readonly string[]): RelationshipUpdate[] =>
  texts.map((text) => ({ operation: 'delete', relationship: parseRelationship(text) }))

/** A store, and a graph that follows it. Every transaction commits one second after the one before. */
async function followed(options: GraphOptions = small) {
  let instant = nowMs
  const store = memoryStore({
    clock: () => {
      instant += 1000
      return instant
    },
  })
  const graph = await Graph.load(store.load(), options)
  await store.follow(graph.head, {
    onEntry: (entry) => graph.apply(entry),
    onBreak: (error) => {
      throw error
    },
  })
  const write = async (updates: readonly RelationshipUpdate[]) => {
    await store.write(updates, { schemaRevision: (await store.head()).schemaRevision, nowMs })
  }
  return { store, graph, write }
}

async function reloaded(store: Store): Promise<Graph> {
  return Graph.load(store.load(), small)
}

function* chunks(...list: readonly LoadChunk[]): Generator<LoadChunk> {
  yield* list
}
async function* sent(...list: readonly LoadChunk[]): AsyncGenerator<LoadChunk> {
  yield* chunks(...list)
}

const start: LoadChunk = {
  kind: 'start',
  head: { revision: 7, nonce: 'abcdabcdabcdabcd', committedAtMs: nowMs, schemaRevision: 0 },
  schemaText: undefined,
  names: ['', 'doc', 'user', 'viewer'],
  objectCount: 2,
  rowCount: 1,
}

function objectsChunk(keys: readonly number[], types: readonly number[], ids: readonly string[]): LoadChunk {
  const encoded = ids.map((id) => new TextEncoder().encode(id))
  const offsets = [0]
  for (const bytes of encoded) offsets.push(offsets.at(-1)! + bytes.length)
  return {
    kind: 'objects',
    keys: Int32Array.from(keys),
    types: Uint16Array.from(types),
    ids: Uint8Array.from(encoded.flatMap((bytes) => [...bytes])),
    offsets: Uint32Array.from(offsets),
  }
}

function rowsChunk(
  rows: readonly (readonly [number, number, number, number])[],
  traits: readonly { at: number; expiresAtMs: number }[] = [],
): LoadChunk {
  return {
    kind: 'rows',
    resources: Int32Array.from(rows, (row) => row[0]),
    relations: Uint16Array.from(rows, (row) => row[1]),
    subjects: Int32Array.from(rows, (row) => row[2]),
    subjectRelations: Uint16Array.from(rows, (row) => row[3]),
    traits,
  }
}

describe('objects and names', () => {
  test('ids of 1024 bytes that differ in their last character, over several segments of ids', async () => {
    const { graph, store, write } = await followed()
    const long = 'x'.repeat(1020)
    const rows = Array.from(
      { length: 300 },
      (_, at) => `doc:${long}${String(at).padStart(4, '0')}#viewer@user:${at}`,
    )
    await write(touch(rows))
    for (const one of [graph, await reloaded(store)]) {
      const snapshot = one.snapshot()
      expect(everything(snapshot).forward).toEqual([...rows].sort())
      expect(lookedUp(snapshot, parseRelationship(`doc:${long}0299#viewer@user:298`))).toBeUndefined()
      expect(one.memory().idBytes).toBeGreaterThan(300 * 1024)
    }
  })

  test('one id under several types is several objects; a wildcard is an object like others', async () => {
    const { graph, write } = await followed()
    await write(touch(['user:x#viewer@group:x', 'group:x#viewer@user:x', 'doc:x#viewer@user:*']))
    const snapshot = graph.snapshot()
    const keys = ['user', 'group', 'doc'].map((type) => nodeOf(snapshot, { type, id: 'x' }))
    expect(new Set(keys).size).toBe(3)
    const wildcard = nodeOf(snapshot, { type: 'user', id: '*' })
    expect(snapshot.nodeId(wildcard)).toBe('*')
    expect(nodeOf(snapshot, { type: 'doc', id: '*' })).toBe(0)
    expect(lookedUp(snapshot, parseRelationship('doc:x#viewer@user:*'))).toBe('doc:x#viewer@user:*')
    expect(lookedUp(snapshot, parseRelationship('doc:x#viewer@user:x'))).toBeUndefined()
  })

  test('what the graph has never seen is unknown, not an error', async () => {
    const { graph, write } = await followed()
    await write(touch(['doc:a#viewer@user:ann']))
    const snapshot = graph.snapshot()
    expect(snapshot.nameId('nothing')).toBe(-1)
    expect(snapshot.nameId('')).toBe(0)
    expect(snapshot.nameText(99)).toBe('')
    expect(snapshot.node(-1, 'a')).toBe(0)
    expect(snapshot.node(snapshot.nameId('doc'), 'ann')).toBe(0)
    expect(snapshot.node(snapshot.nameId('doc'), 'é')).toBe(0)
    expect(snapshot.nodeType(12_345_678)).toBe(0)
    expect(snapshot.nodeId(12_345_678)).toBe('')
    expect(snapshot.row(0, 0, 0, 0)).toBe(-1)
    expect(snapshot.row(1, -1, 2, 0)).toBe(-1)
    expect(snapshot.row(0, snapshot.nameId('viewer'), 0, 0)).toBe(-1)
    expect(snapshot.relationsOf(12_345_678)).toEqual([])
    expect(snapshot.placesOf(0)).toEqual([])
    expect(forwardRows(snapshot, 0, snapshot.nameId('viewer'))).toEqual([])
    const cursor = snapshot.cursor()
    expect(cursor.next()).toBe(false)
    snapshot.openReverse(cursor, 1, 0, -1, -1)
    expect(cursor.next()).toBe(false)
  })

  test('ids that are not ASCII are found, and keys may have gaps', async () => {
    const graph = await Graph.load(
      sent(start, objectsChunk([3, 5_000_000], [1, 2], ['café', '人人']), rowsChunk([[3, 3, 5_000_000, 0]])),
      small,
    )
    const snapshot = graph.snapshot()
    expect(nodeOf(snapshot, { type: 'doc', id: 'café' })).toBe(3)
    expect(nodeOf(snapshot, { type: 'doc', id: 'cafe' })).toBe(0)
    expect(snapshot.nodeId(5_000_000)).toBe('人人')
    expect(snapshot.maxNode).toBe(5_000_000)
    expect(snapshot.nodeType(4)).toBe(0)
    expect(forwardRows(snapshot, 3, snapshot.nameId('viewer'))).toEqual(['doc:café#viewer@user:人人'])
  })

  test('names of all snapshots are the same object, which grows with the graph', async () => {
    const { graph, write } = await followed()
    await write(touch(['doc:a#viewer@user:ann']))
    const before = graph.snapshot()
    const { size } = before.names
    await write(touch(['doc:a#editor@user:ann']))
    expect(graph.snapshot().names).toBe(before.names)
    expect(before.names.size).toBe(size + 1)
  })
})

describe('wide lists', () => {
  const wide = 100_000
  const member = (at: number) => `group:all#member@user:${at}`
  const rows = Array.from({ length: wide }, (_, at) => parseRelationship(member(at)))

  /** A transaction on a range of the rows; the group has key 1, the users those after it. */
  const entryOf = (revision: number, operation: 'touch' | 'delete', from: number, to: number): LogEntry => ({
    revision,
    nonce: '',
    committedAtMs: nowMs,
    schemaRevision: 0,
    changes: rows.slice(from, to).map((relationship, at) => ({
      operation,
      relationship,
      resourceKey: 1,
      subjectKey: 2 + from + at,
      ...(operation === 'delete' ? { previous: {} } : {}),
    })),
  })

  test('a hundred thousand rows come and go, and their memory is used again', async () => {
    const graph = await Graph.load(memoryStore().load(), { undoWindowMs: 0, hashSeed: 1 })
    let revision = 0
    const write = (operation: 'touch' | 'delete', from: number, to: number) => {
      revision += 1
      graph.apply(entryOf(revision, operation, from, to))
    }
    write('touch', 0, wide)
    const snapshot = graph.snapshot()
    const group = nodeOf(snapshot, { type: 'group', id: 'all' })
    const relation = snapshot.nameId('member')
    expect(snapshot.forwardCount(group, relation, allRows)).toBe(wide)
    snapshot.release()
    const full = graph.memory()
    for (let from = 0; from < wide; from += 1000) write('delete', from, from + 1000)
    const empty = graph.snapshot()
    expect(empty.forwardCount(group, relation, allRows)).toBe(0)
    expect(empty.relationsOf(group)).toEqual([])
    empty.release()
    expect(graph.memory()).toMatchObject({ rows: 0, records: 0, undoBytes: 0 })
    for (let from = 0; from < wide; from += 1000) write('touch', from, from + 1000)
    const again = graph.memory()
    expect(again).toMatchObject({ rows: wide, records: 0 })
    expect(again.slabBytes).toBeLessThanOrEqual(full.slabBytes + 2 ** 20)
  })

  test('a list whose rows change all the time stays as small as its rows', async () => {
    const graph = await Graph.load(memoryStore().load(), { undoWindowMs: 0, hashSeed: 1 })
    const alive = 100
    graph.apply(entryOf(1, 'touch', 0, alive))
    const { slabBytes } = graph.memory()
    for (let at = 0; at < 20_000; at += 10) {
      graph.apply(entryOf(at + 2, 'touch', at + alive, at + alive + 10))
      graph.apply(entryOf(at + 3, 'delete', at, at + 10))
    }
    const snapshot = graph.snapshot()
    expect(everything(snapshot).forward).toEqual(
      Array.from({ length: alive }, (_, at) => member(20_000 + at)).sort(),
    )
    expect(snapshot.forwardCount(1, snapshot.nameId('member'), allRows)).toBe(alive)
    expect(graph.memory().slabBytes).toBe(slabBytes)
  })

  test('a list that goes back and forth between few rows and many uses the same memory again', async () => {
    for (const rowCount of [3, 5, 17, 40]) {
      const graph = await Graph.load(memoryStore().load(), { ...small, undoWindowMs: 0 })
      graph.apply(entryOf(1, 'touch', 0, rowCount))
      graph.apply(entryOf(2, 'delete', 1, rowCount))
      graph.apply(entryOf(3, 'touch', 1, rowCount))
      const { totalBytes } = graph.memory()
      for (let revision = 4; revision < 500; revision += 2) {
        graph.apply(entryOf(revision, 'delete', 1, rowCount))
        graph.apply(entryOf(revision + 1, 'touch', 1, rowCount))
      }
      expect(graph.memory().totalBytes).toBe(totalBytes)
    }
  })

  test('with most of its rows gone, a list is as short to walk as one that never had them', async () => {
    const { graph, write } = await followed({ undoWindowMs: 0, hashSeed: 1 })
    await write(touch(Array.from({ length: 20_000 }, (_, at) => member(at))))
    const full = graph.memory().slabBytes
    await write(remove(Array.from({ length: 19_990 }, (_, at) => member(at))))
    const snapshot = graph.snapshot()
    const group = nodeOf(snapshot, { type: 'group', id: 'all' })
    expect(snapshot.forwardCount(group, snapshot.nameId('member'), allRows)).toBe(10)
    // The slab went back: as many lists again as there were take no new memory.
    await write(touch(Array.from({ length: 10_000 }, (_, at) => `group:other#member@user:${at}`)))
    expect(graph.memory().slabBytes).toBe(full)
  })
})

describe('history', () => {
  test('the undo window ends by the datastore clock', async () => {
    const { graph, write } = await followed({ ...small, undoWindowMs: 3500 })
    for (let at = 1; at <= 6; at += 1) await write(touch([`doc:a#viewer@user:u${at}`]))
    // Revision 3 was the head until 4 was committed, two seconds before 6; revision 1 until four seconds before.
    expect(graph.snapshotAt(1)).toBeUndefined()
    const third = graph.snapshotAt(3)!
    expect(everything(third).forward).toHaveLength(3)
    for (let at = 7; at <= 20; at += 1) await write(touch([`doc:a#viewer@user:u${at}`]))
    expect(everything(third).forward).toHaveLength(3)
    expect(everything(graph.snapshotAt(3)!).forward).toHaveLength(3)
    expect(graph.snapshotAt(2)).toBeUndefined()
    expect(graph.snapshotAt(21)).toBeUndefined()
  })

  test('the undo window ends by its bytes, but open snapshots keep what they need', async () => {
    const { graph, write } = await followed({ ...small, maxUndoBytes: 10_000 })
    await write(touch(['doc:a#viewer@user:ann']))
    const held = graph.snapshot()
    const context = 'y'.repeat(500)
    for (let at = 0; at < 100; at += 1) {
      await write(touch([`doc:a#viewer@user:u${at}[office_hours:{"note":"${context}${at}"}]`]))
      await write(remove([`doc:a#viewer@user:u${at}`]))
    }
    expect(graph.memory().undoBytes).toBeGreaterThan(100_000)
    expect(everything(held).forward).toEqual(['doc:a#viewer@user:ann'])
    held.release()
    expect(graph.memory().undoBytes).toBeLessThanOrEqual(10_000)
    expect(graph.snapshotAt(150)).toBeUndefined()
    expect(graph.snapshotAt(graph.head.revision - 2)).toBeDefined()
  })

  test('churn leaves nothing behind', async () => {
    const { graph, write } = await followed({ ...small, undoWindowMs: 5000 })
    const rows = Array.from({ length: 60 }, (_, at) => `doc:d${at % 7}#viewer@user:u${at}`)
    const round = async () => {
      await write(touch(rows))
      const snapshot = graph.snapshot()
      await write(touch(rows.map((row) => `${row}[office_hours:{"level":${rows.length}}]`)))
      await write(remove(rows))
      await write(touch(rows.slice(0, 10)))
      snapshot.release()
      await write(remove(rows))
    }
    for (let at = 0; at < 5; at += 1) await round()
    const { totalBytes } = graph.memory()
    for (let at = 0; at < 100; at += 1) await round()
    for (let at = 0; at < 10; at += 1) await write(touch([`doc:z#viewer@user:${at}`]))
    expect(graph.memory().totalBytes).toBeLessThanOrEqual(totalBytes * 1.1)
    expect(graph.memory()).toMatchObject({ rows: 10, caveatBytes: 0 })
    expect(graph.memory().records).toBeLessThanOrEqual(10)
  })

  test('a schema write advances the head and changes no row', async () => {
    const { graph, store, write } = await followed()
    await write(touch(['doc:a#viewer@user:ann']))
    await store.writeSchema('definition user {}', [], { schemaRevision: 0, nowMs })
    expect(graph.head).toMatchObject({ revision: 2, schemaRevision: 2 })
    expect(graph.head).toEqual(await store.head())
    expect(everything(graph.snapshot()).forward).toEqual(['doc:a#viewer@user:ann'])
    expect(graph.snapshotAt(1)!.revision).toBe(1)
  })

  test('snapshots of an old revision share their overlay, which goes with the last of them', async () => {
    const { graph, store, write } = await followed({ ...small, undoWindowMs: 0 })
    for (let at = 1; at <= 6; at += 1) await write(touch([`doc:a#viewer@user:u${at}`]))
    const entries = await entriesOf(store, 2)
    expect(graph.snapshotAt(2)).toBeUndefined()
    const one = graph.snapshotFromLog(2, entries)
    const { overlayBytes } = graph.memory()
    expect(overlayBytes).toBeGreaterThan(0)
    await write(remove(['doc:a#viewer@user:u1']))
    const other = graph.snapshotAt(2)!
    expect(graph.memory().overlayBytes).toBe(overlayBytes)
    const rows = ['doc:a#viewer@user:u1', 'doc:a#viewer@user:u2']
    one.release()
    one.release()
    expect(everything(other)).toEqual({ forward: rows, reverse: rows })
    other.release()
    expect(graph.memory().overlayBytes).toBe(0)
    expect(graph.snapshotAt(2)).toBeUndefined()
  })

  test('a row that was collected in the store and written again is the new row', async () => {
    const { graph, store, write } = await followed({ ...small, undoWindowMs: 0 })
    await write(touch(['doc:a#viewer@user:ann[expiration:2029-12-01T00:00:00Z]']))
    await store.collectGarbage(nowMs + 60_000)
    const before = graph.snapshot()
    await write(touch(['doc:a#viewer@user:ann']))
    expect(everything(graph.snapshot()).reverse).toEqual(['doc:a#viewer@user:ann'])
    expect(everything(before).forward).toEqual(['doc:a#viewer@user:ann[expiration:2029-12-01T00:00:00.000Z]'])
    expect(graph.memory().rows).toBe(1)
  })

  test('rows expired before an instant are dropped, a few at a time; older snapshots keep them', async () => {
    const { graph, write } = await followed({ ...small, undoWindowMs: 1500 })
    await write(
      touch([
        ...Array.from({ length: 20 }, (_, at) => `doc:a#viewer@user:u${at}[expiration:2029-12-01T00:00:00Z]`),
        'doc:a#viewer@user:ann',
        'doc:a#viewer@user:bob[expiration:2031-12-01T00:00:00Z]',
      ]),
    )
    await write(touch(['doc:a#viewer@user:u0']))
    const older = graph.snapshotAt(1)!
    expect(graph.dropExpired(nowMs, 10) + graph.dropExpired(nowMs, 15)).toBe(19)
    expect(graph.dropExpired(nowMs)).toBe(0)
    expect(graph.memory().rows).toBe(3)
    expect(everything(graph.snapshot()).forward).toEqual([
      'doc:a#viewer@user:ann',
      'doc:a#viewer@user:bob[expiration:2031-12-01T00:00:00.000Z]',
      'doc:a#viewer@user:u0',
    ])
    expect(everything(older).forward).toHaveLength(22)
    expect(lookedUp(older, parseRelationship('doc:a#viewer@user:u7'))).toBe(
      'doc:a#viewer@user:u7[expiration:2029-12-01T00:00:00.000Z]',
    )
  })
})

describe('input that makes no sense', () => {
  const objects = objectsChunk([1, 2], [1, 2], ['a', 'ann'])

  test.each<[string, LoadChunk[]]>([
    ['nothing', []],
    ['no start', [objects]],
    ['two starts', [start, start]],
    ['a key twice', [start, objects, objects]],
    ['key 0', [start, objectsChunk([0], [1], ['a'])]],
    ['an object without a type', [start, objectsChunk([1], [0], ['a'])]],
    ['an unknown type', [start, objectsChunk([1], [9], ['a'])]],
    ['a row of an unknown object', [start, objects, rowsChunk([[1, 3, 9, 0]])]],
    ['a row without a relation', [start, objects, rowsChunk([[1, 0, 2, 0]])]],
    ['a row with an unknown subject relation', [start, objects, rowsChunk([[1, 3, 2, 9]])]],
    ['traits of no row', [start, objects, rowsChunk([[1, 3, 2, 0]], [{ at: 1, expiresAtMs: 1 }])]],
  ])('a load with %s', async (_, list) => {
    await expect(Graph.load(sent(...list), small)).rejects.toMatchObject({ code: 'INTERNAL' })
  })

  test('an entry that does not come after the head', async () => {
    const { graph, store, write } = await followed()
    await write(touch(['doc:a#viewer@user:ann']))
    const [entry] = await entriesOf(store)
    expect(() => graph.apply(entry!)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  })

  test('a key that changes its object', async () => {
    const { graph, store, write } = await followed()
    await write(touch(['doc:a#viewer@user:ann']))
    const [entry] = await entriesOf(store)
    const [change] = entry!.changes
    const other: LogEntry = {
      ...entry!,
      revision: 2,
      changes: [{ ...change!, resourceKey: change!.subjectKey }],
    }
    expect(() => graph.apply(other)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
  })

  test('entries that are not those after a revision', async () => {
    const { graph, store, write } = await followed({ ...small, undoWindowMs: 0 })
    for (let at = 1; at <= 4; at += 1) await write(touch([`doc:a#viewer@user:u${at}`]))
    const entries = await entriesOf(store)
    expect(() => graph.snapshotFromLog(1, entries)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
    expect(() => graph.snapshotFromLog(1, entries.slice(1).reverse())).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }),
    )
  })
})

test('the graph lives in shared memory as well', async () => {
  const { graph, store, write } = await followed({
    ...small,
    allocate: (bytes) => new SharedArrayBuffer(bytes),
  })
  const long = 'x'.repeat(100)
  const rows = Array.from({ length: 50 }, (_, at) => `doc:${long}#viewer@user:u${at}[office_hours]`).sort()
  await write(touch(rows))
  expect(everything(graph.snapshot())).toEqual({ forward: rows, reverse: rows })
  expect(everything((await reloaded(store)).snapshot()).forward).toEqual(rows)
})

test('loading reports its progress up to the total', async () => {
  const { store, write } = await followed()
  await write(touch(['doc:a#viewer@user:ann', 'doc:b#viewer@user:ann']))
  const reports: [number, number][] = []
  await Graph.load(store.load(), { ...small, onProgress: (done, total) => reports.push([done, total]) })
  expect(reports[0]).toEqual([0, 5])
  expect(reports.at(-1)).toEqual([5, 5])
})
