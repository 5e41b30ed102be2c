// Node marks: a set of nodes across many pages, held against a plain one.

import { expect, test } from 'vitest'
import { NodeMarks } from '../../src/engine/node-marks.ts'

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

test.each([1, 2, 7, 1000])('what is marked comes back in order, %i at a time', (room) => {
  const marks = new NodeMarks(maxNode)
  const known = new Map<number, boolean>()
  expect(all(marks, room)).toEqual([])
  for (const [at, node] of nodes.entries()) {
    const certain = at % 3 === 0
    expect(marks.isCertain(node)).toBe(false)
    expect(marks.mark(node, certain)).toBe(true)
    expect(marks.mark(node, certain)).toBe(false)
    expect(marks.mark(node, false)).toBe(false)
    known.set(node, certain)
  }
  const sorted = () => [...known].sort(([left], [right]) => left - right)
  expect(all(marks, room)).toEqual(sorted())
  for (const [at, node] of nodes.entries()) {
    if (at % 3 !== 1) continue
    expect(marks.mark(node, true)).toBe(true)
    expect(marks.mark(node, true)).toBe(false)
    known.set(node, true)
  }
  expect(all(marks, room)).toEqual(sorted())
  for (const [node, certain] of known) expect(marks.isCertain(node), String(node)).toBe(certain)
  for (const node of [2, 30, 34, 4094, 4098, 16_384, 50_000, 99_998])
    expect(marks.isCertain(node)).toBe(false)
})
