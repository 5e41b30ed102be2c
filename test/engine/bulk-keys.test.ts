// Keys of a bulk: every object is found, and counted, however many there are and whatever collides.

import { describe, expect, test } from 'vitest'
import { keysOf, timesOf } from '../../src/engine/bulk-keys.ts'
import { worldOf } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'
import { questionOf } from './world-of.ts'

describe('how often a key stands in a list', () => {
  const lists: [string, number[]][] = [
    ['none', []],
    ['one', [7]],
    ['unknown ones', [0, 5, 0, 0, 5]],
    ['as many as there is room for at first', Array.from({ length: 16 }, (_, at) => at + 1)],
    ['all different', Array.from({ length: 1000 }, (_, at) => 3 * at + 1)],
    ['all alike', Array.from({ length: 500 }, () => 123_456)],
    ['some often', Array.from({ length: 3000 }, (_, at) => (at * at) % 701)],
    ['far apart', Array.from({ length: 100 }, (_, at) => (at % 60) * 16_777_216)],
    ['side by side, again and again', Array.from({ length: 65 }, (_, at) => 1 + (at % 33))],
  ]
  test.each(lists)('%s', (_, keys) => {
    const counts = new Map<number, number>()
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
    expect([...timesOf(Int32Array.from(keys))]).toEqual(keys.map((key) => (key === 0 ? 0 : counts.get(key)!)))
  })
})

test('objects are found, known ones and others, in any order of types', async () => {
  const { snapshot } = await worldOf(
    caseOf(
      `definition user {}
definition unheard {}
definition group {
  relation member: user
}`,
      ['group:a#member@user:a', 'group:b#member@user:a', 'group:b#member@user:b'],
    ),
  )
  const key = (type: string, id: string) => snapshot.node(snapshot.nameId(type), id)
  const asked = [
    ['group:a', 'user:a'],
    ['group:a', 'user:b'],
    ['group:b', 'user:b'],
    ['user:b', 'user:b'],
    ['group:b', 'group:b'],
    ['unheard:b', 'unheard:b'],
    ['unheard:a', 'user:z'],
    ['group:a', 'user:a'],
  ] as const
  const questions = asked.map(([resource, subject]) => questionOf(`${resource}#member@${subject}`))
  const keys = keysOf(snapshot, questions)
  const expected = (place: 'resource' | 'subject') =>
    questions.map((question) => {
      const { type, id } = question[place]
      return type === 'unheard' || id === 'z' ? 0 : key(type, id)
    })
  expect([...keys.resources]).toEqual(expected('resource'))
  expect([...keys.subjects]).toEqual(expected('subject'))
  expect(expected('resource').filter((each) => each > 0)).toHaveLength(6)
})
