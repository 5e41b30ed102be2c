// Found objects: columns hold what was added, however many, and nothing of what was cleared.

import { expect, test } from 'vitest'
import { type FoundObject, FoundObjects } from '../../src/engine/found-objects.ts'

/** Every third depends on missing context. */
function objectAt(at: number): FoundObject {
  const missing = at % 3 === 0 ? [`name${at}`, 'other'] : []
  const permissionship = missing.length > 0 ? 'conditional' : 'has'
  return { key: 2 * at + 1, id: `o${at}`, permissionship, missing }
}

function objects(from: number, count: number): FoundObject[] {
  return Array.from({ length: count }, (_, at) => objectAt(from + at))
}

function add(found: FoundObjects, { key, id, permissionship, missing }: FoundObject): void {
  found.add(key, id, permissionship === 'conditional' ? missing : undefined)
}

test('what was added is there, in order, one by one and by columns', () => {
  const found = new FoundObjects()
  expect([...found]).toEqual([])
  const expected = objects(1, 1200)
  for (const [at, each] of expected.entries()) {
    expect(found.length).toBe(at)
    add(found, each)
  }
  expect([...found]).toEqual(expected)
  for (const [at, { key, id, permissionship, missing }] of expected.entries()) {
    expect([found.keys[at], found.ids[at]]).toEqual([key, id])
    expect(found.permissionshipAt(at)).toBe(permissionship)
    expect(found.missingAt(at)).toEqual(missing)
  }
})

test('what was cleared is gone', () => {
  const found = new FoundObjects()
  for (const each of objects(0, 100)) add(found, each)
  found.clear()
  expect([found.length, [...found]]).toEqual([0, []])
  const others = objects(1, 90)
  for (const each of others) add(found, each)
  expect([...found]).toEqual(others)
})

test('certain ones lack nothing, whether others do or not', () => {
  const found = new FoundObjects()
  found.add(1, 'a')
  expect([found.permissionshipAt(0), found.missingAt(0)]).toEqual(['has', []])
  found.add(2, 'b', ['level'])
  expect([found.permissionshipAt(0), found.missingAt(0)]).toEqual(['has', []])
  expect([found.permissionshipAt(1), found.missingAt(1)]).toEqual(['conditional', ['level']])
})

test.each([0, 1, 64, 65, 5000])(
  'there is room for %i more when it is reserved, and nothing is lost',
  (count) => {
    const found = new FoundObjects()
    const before = objects(0, 40)
    for (const each of before) add(found, each)
    const room = found.keys.length
    found.reserve(count)
    expect(found.keys.length).toBeGreaterThanOrEqual(40 + count)
    expect(found.keys.length).toBeLessThanOrEqual(2 * room + count)
    expect([...found]).toEqual(before)
    found.reserve(room - 40)
    if (count === 0) expect(found.keys.length).toBe(room)
    found.reserve(room - 39)
    expect(found.keys.length).toBeGreaterThanOrEqual(2 * room)
    expect([...found]).toEqual(before)
  },
)
