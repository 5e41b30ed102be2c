// Lists alone against a map: many shapes of one node, entries that come, go and change, and the ids' arena at its borders.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IdArena } from '../../src/graph/id-arena.ts'
import { Lists, type ListWalk } from '../../src/graph/lists.ts'
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
        } else if (kind === 'mark') {
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
    }),
    { numRuns: 25, seed: 20300101 },
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
    expect(arena.holdsAscii(address, 7, ids[at]!)).toBe(true)
    expect(arena.holdsAscii(address, 6, ids[at]!)).toBe(false)
  })
  expect(() => arena.add(7, new Uint8Array(70_000), 0, 70_000)).toThrow(/65535/)
})
