// Node marks: a set of nodes across many pages, held against a plain one.

import { expect, test } from 'vitest'
import { NodeMarks } from '../../src/graph/node-marks.ts'

/** Nodes at the edges of words and pages, and some between, in no order. */
const nodes = [
  70_000, 0, 1, 31, 32, 33, 63, 64, 4095, 4096, 4097, 4127, 4128, 8191, 8192, 12_287, 12_288, 40_000, 40_001,
  65_535, 65_536, 99_999, 5000, 5001, 20_480, 24_575, 28_672, 33_333,
]
const maxNode = 99_999

function all(marks: NodeMarks, room: number): [number, boolean][] {
  const found: [number, boolean][] = []
  const into = new Int32Array(room)
  for (let node = -1; ; ) {
    const count = marks.above(node, into)
    if (count === 0) return found
    for (const value of into.subarray(0, count)) found.push([value >>> 1, (value & 1) === 1])
    node = found.at(-1)![0]
  }
}

/** Marks one node; true when it is news. */
function mark(marks: NodeMarks, node: number, certain: boolean): boolean {
  const news = Int32Array.of(-1, -1, -1)
  const end = marks.mark(Int32Array.of(node), 1, certain, news, 1)
  expect([news[0], news[2]]).toEqual([-1, -1])
  if (end === 2) expect(news[1]).toBe(node)
  return end === 2
}

function isCertain(marks: NodeMarks, node: number): boolean {
  const into = new Int32Array(1)
  return marks.above(node - 1, into) === 1 && into[0] === node * 2 + 1
}

test.each([1, 2, 7, 1000])('what is marked comes back in order, %i at a time', (room) => {
  const marks = new NodeMarks(maxNode)
  const known = new Map<number, boolean>()
  expect(all(marks, room)).toEqual([])
  for (const [at, node] of nodes.entries()) {
    const certain = at % 3 === 0
    expect(isCertain(marks, node)).toBe(false)
    expect(mark(marks, node, certain)).toBe(true)
    expect(mark(marks, node, certain)).toBe(false)
    expect(mark(marks, node, false)).toBe(false)
    known.set(node, certain)
  }
  const sorted = () => [...known].sort(([left], [right]) => left - right)
  expect(all(marks, room)).toEqual(sorted())
  for (const [at, node] of nodes.entries()) {
    if (at % 3 !== 1) continue
    expect(mark(marks, node, true)).toBe(true)
    expect(mark(marks, node, true)).toBe(false)
    known.set(node, true)
  }
  expect(all(marks, room)).toEqual(sorted())
  for (const [node, certain] of known) expect(isCertain(marks, node), String(node)).toBe(certain)
  for (const node of [2, 30, 34, 4094, 4098, 16_384, 50_000, 99_998])
    expect(isCertain(marks, node)).toBe(false)
})

test.each([true, false])('many at once are marked like one after the other, certain: %s', (certain) => {
  const marks = new NodeMarks(maxNode)
  mark(marks, 33, certain)
  mark(marks, 8192, false)
  mark(marks, 40_001, true)
  const many = Int32Array.from([...nodes, 33, 70_000, 6, 6, 0, 7])
  const news = new Int32Array(many.length + 3)
  const end = marks.mark(many, many.length - 1, certain, news, 3)
  const known = new Set(certain ? [33, 40_001] : [33, 8192, 40_001])
  const expected = [...new Set([...nodes, 6])].filter((node) => !known.has(node))
  expect([...news.subarray(3, end)]).toEqual(expected)
  expect([marks.count, marks.news]).toEqual([3 + many.length - 1, 3 + expected.length])
  expect(all(marks, 1000)).toEqual(
    [...new Set([...nodes, 6])]
      .sort((left, right) => left - right)
      .map((node) => [node, certain || node === 40_001]),
  )
})

test.each([1, 3, 1000])(
  'certain ones come without others up to the first that is not, %i at a time',
  (room) => {
    const marks = new NodeMarks(maxNode)
    for (const [at, node] of nodes.entries()) mark(marks, node, at % 5 !== 0)
    const inOrder = nodes.map((node, at) => ({ node, certain: at % 5 !== 0 })).sort((a, b) => a.node - b.node)
    const found: number[] = []
    for (let key = -1; ; ) {
      const into = new Int32Array(room + 2)
      const end = marks.certainAbove(key, into, 1, room + 1)
      const expected = inOrder.filter(({ node }) => node > key)
      const other = expected.findIndex(({ certain }) => !certain)
      const given = (other < 0 ? expected : expected.slice(0, other)).slice(0, room).map(({ node }) => node)
      expect([...into.subarray(1, end)]).toEqual(given)
      expect([into[0], ...into.subarray(end)].every((value) => value === 0)).toBe(true)
      found.push(...given)
      // On from there, over the one that stopped it.
      key = given.length === 0 ? (expected[0]?.node ?? maxNode) : given.at(-1)!
      if (expected.length === 0) break
    }
    expect(found).toEqual(inOrder.filter(({ certain }) => certain).map(({ node }) => node))
  },
)
