// Lists alone against a map: many shapes of one node, entries that come, go and change, and the ids' arena at its borders.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IdArena } from '../../src/graph/id-arena.ts'
import { Lists, type ListWalk } from '../../src/graph/lists.ts'
import { NodeMarks } from '../../src/graph/node-marks.ts'
import { Segments } from '../../src/graph/segments.ts'
import { keyBits, recordBit, Slabs } from '../../src/graph/slabs.ts'

const memory = () => new Segments((bytes) => new ArrayBuffer(bytes))

/** Steps by seed: lists of many shapes, so that directories take many sizes, a few of them long. */
function* steps(seed: number, count: number) {
  let state = seed
  const below = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return Math.floor(((state >>> 8) / 2 ** 24) * limit)
  }
  const shapes = 2 + below(30)
  for (let step = 0; step < count; step += 1) {
    const shape = 1 + below(shapes)
    yield {
      kind: (['insert', 'remove', 'mark', 'insert', 'remove'] as const)[below(5)],
      node: 1 + below(3),
      shape,
      key: 1 + below(shape <= 3 ? 60 : 3),
    }
  }
}

function entriesOf(lists: Lists, node: number, shape: number): number[] {
  const inline = new Int32Array(2)
  const walk: ListWalk = { part: inline, at: 0, end: 0, inline }
  lists.open(walk, node, shape)
  return [...walk.part.subarray(walk.at, walk.end)].filter((entry) => (entry & keyBits) !== 0)
}

/** Lists of one shape taken, and marked, together: those before the first that is long or has a row with a record. */
function expectTaken(lists: Lists, shape: number, expected: readonly (readonly number[])[]): void {
  const subjects = Int32Array.from(expected, (_, at) => at + 1)
  const run = { nodes: new Int32Array(400), length: 0 }
  const taken = lists.short.take(run, subjects, 0, subjects.length, shape)
  const sorted = (values: Iterable<number>) => [...values].sort((left, right) => left - right)
  const entries = expected.slice(0, taken).flat()
  expect(sorted(run.nodes.subarray(0, run.length))).toEqual(sorted(entries))
  const other = expected[taken]
  if (other !== undefined) expect(other.length > 30 || other.some((entry) => entry < 0)).toBe(true)
  const marks = new NodeMarks(100)
  expect(lists.short.mark(marks, subjects, 0, subjects.length, shape)).toBe(taken)
  expect(marks.count).toBe(entries.length)
  const into = new Int32Array(100)
  const marked = new Set(into.subarray(0, marks.certainAbove(-1, into, 0, 100)))
  expect(entries.filter((entry) => !marked.has(entry))).toEqual([])
  // Of the list that it stopped at, some may be marked.
  const all = new Set([...entries, ...(other ?? [])])
  expect([...marked].filter((entry) => !all.has(entry))).toEqual([])
}

test('lists hold what was put into them', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const slabs = new Slabs(memory(), 6)
      const lists = new Lists(memory(), { page: 2, segment: 6 }, slabs, (address, kind) =>
        slabs.give(address, kind),
      )
      const model = new Map<string, Map<number, number>>()
      for (const { kind, node, shape, key } of steps(seed, 2000)) {
        const name = `${node} ${shape}`
        const list = model.get(name) ?? new Map<number, number>()
        model.set(name, list)
        expect(lists.entry(node, shape, key)).toBe(list.get(key) ?? 0)
        if (kind === 'insert' && !list.has(key)) {
          lists.insert(node, shape, key)
          list.set(key, key)
        } else if (kind === 'remove') {
          lists.remove(node, shape, key)
          list.delete(key)
        } else if (kind === 'mark' && seed % 2 === 0) {
          const entry = (list.get(key) ?? key) ^ recordBit
          lists.replace(node, shape, entry)
          if (list.has(key)) list.set(key, entry)
        }
        expect(lists.count(node, shape)).toBe(list.size)
        if (list.size === 0) model.delete(name)
      }
      expect(lists.listCount).toBe(model.size)
      for (let node = 1; node <= 3; node += 1) {
        const shapes = lists.shapesOf(node).sort((a, b) => a - b)
        const names = [...model.keys()].filter((name) => name.startsWith(`${node} `))
        expect(shapes).toEqual(names.map((name) => Number(name.split(' ')[1])).sort((a, b) => a - b))
        for (const shape of shapes) {
          const expected = [...model.get(`${node} ${shape}`)!.values()].sort()
          expect(entriesOf(lists, node, shape).sort()).toEqual(expected)
        }
      }
      for (let shape = 1; shape <= 40; shape += 1)
        expectTaken(
          lists,
          shape,
          [1, 2, 3, 4].map((node) => [...(model.get(`${node} ${shape}`)?.values() ?? [])]),
        )
    }),
    { numRuns: 40, seed: 20300101 },
  )
})

test.each([0, 1, 2, 3, 4, 5, 6])('an id that leaves %i bytes of its segment is whole', (rest) => {
  const arena = new IdArena(memory(), 17)
  const head = 4
  const ids = [60_000, 60_000, 2 ** 17 - 2 * (60_000 + head) - head - rest, 5].map((length, at) =>
    String(at).repeat(length),
  )
  const addresses = ids.map((id) => arena.add(7, new TextEncoder().encode(id), 0, id.length))
  expect(addresses.map((address) => arena.text(address))).toEqual(ids)
  addresses.forEach((address, at) => {
    const bytes = new TextEncoder().encode(ids[at])
    expect(arena.holds(address, 7, bytes, bytes.length)).toBe(true)
    expect(arena.holds(address, 6, bytes, bytes.length)).toBe(false)
  })
  expect(() => arena.add(7, new Uint8Array(70_000), 0, 70_000)).toThrow(/65535/)
})
