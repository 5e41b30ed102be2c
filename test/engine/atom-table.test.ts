// The table of atoms holds what a plain map would hold, whatever collides, however much is in it, and after clearing.

import { describe, expect, test } from 'vitest'
import { AtomTable } from '../../src/engine/atom-table.ts'

/** Small numbers in a fixed disorder, the same pairs again and again among them; unseen objects are negative. */
function pairs(count: number, nodes: number, members: number): (readonly [number, number])[] {
  let state = 12345
  const next = (below: number) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0
    return (state >>> 8) % below
  }
  return Array.from({ length: count }, () => [next(nodes) - 2, next(members)] as const)
}

function compareWithMap(table: AtomTable, added: readonly (readonly [number, number])[]): void {
  const known = new Map<string, number>()
  for (const [node, member] of added) {
    const key = `${node},${member}`
    expect(table.find(node, member)).toBe(known.get(key) ?? -1)
    expect(table.add(node, member)).toBe(known.has(key) ? -1 : known.size)
    if (!known.has(key)) known.set(key, known.size)
    expect(table.size).toBe(known.size)
  }
  for (const [key, index] of known) {
    const [node, member] = key.split(',').map(Number) as [number, number]
    expect(table.find(node, member)).toBe(index)
    expect([table.nodes[index], table.members[index]]).toEqual([node, member])
  }
}

describe('atoms', () => {
  test.each([
    [200, 10, 3],
    [300, 500, 2],
    [3000, 400, 12],
    [4000, 100_000, 5],
  ])('%s of %s nodes and %s members', (count, nodes, members) => {
    const table = new AtomTable()
    compareWithMap(table, pairs(count, nodes, members))
    expect(table.find(-7, 0)).toBe(-1)
    table.clear()
    expect(table.size).toBe(0)
    for (const [node, member] of pairs(50, nodes, members)) expect(table.find(node, member)).toBe(-1)
    compareWithMap(table, pairs(count, nodes, members).reverse())
  })

  test('an atom is not there before it is added, however often the table grows', () => {
    const table = new AtomTable()
    for (const rounds of [1, 2]) {
      for (let node = 1; node <= 3000; node += 1) {
        expect(table.find(0, 0)).toBe(-1)
        expect(table.find(node, rounds)).toBe(-1)
        expect(table.find(node, 1 - rounds)).toBe(-1)
        expect(table.add(node, rounds)).toBe(node - 1)
      }
      table.clear()
    }
  })

  test('clearing often leaves nothing behind', () => {
    const table = new AtomTable()
    for (let round = 0; round < 20; round += 1) {
      compareWithMap(table, [
        [round, 0],
        [round + 1, 0],
        [round, 1],
        [round, 0],
      ])
      table.clear()
    }
  })

  test('much comes into a table that was cleared of little', () => {
    for (const before of [0, 1, 2]) {
      const table = new AtomTable()
      compareWithMap(table, pairs(before, 500, 3))
      table.clear()
      compareWithMap(table, pairs(300, 500, 3))
    }
  })

  test('a table that has grown large is small again when it is cleared, and as good', () => {
    const table = new AtomTable()
    for (let node = 0; node < 600_000; node += 1) table.add(node, 0)
    expect(table.nodes.length).toBeGreaterThan(600_000)
    table.clear()
    expect([table.nodes.length, table.members.length]).toEqual([64, 64])
    compareWithMap(table, pairs(500, 100, 3))
  })

  test('a table of medium size is kept', () => {
    const table = new AtomTable()
    for (let node = 0; node < 1000; node += 1) table.add(node, 0)
    table.clear()
    expect(table.nodes.length).toBeGreaterThan(64)
  })
})
