// Keys of a bulk: every object is found, whatever was looked up before it, and counted as often as it is named.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keysOf, timesOf } from '../../src/engine/bulk-keys.ts'
import { worldOf } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'
import { questionOf } from './world-of.ts'

test('objects of all types, known or not, next to each other', async () => {
  const schema = `definition user {}
definition robot {}
definition document {
  relation viewer: user | robot
}
definition folder {
  relation viewer: user
}`
  const { snapshot } = await worldOf(
    caseOf(schema, ['document:a#viewer@user:a', 'document:b#viewer@robot:a', 'folder:a#viewer@user:b']),
  )
  const key = (type: string, id: string) => snapshot.node(snapshot.nameId(type), id)
  const texts = [
    'document:a#viewer@user:a',
    'folder:a#viewer@robot:a',
    'folder:b#viewer@user:b',
    'nothing:a#viewer@nobody:a',
    'document:b#viewer@user:a',
  ]
  const { resources, subjects } = keysOf(
    snapshot,
    texts.map((text) => questionOf(text)),
  )
  expect([...resources]).toEqual([key('document', 'a'), key('folder', 'a'), 0, 0, key('document', 'b')])
  expect([...subjects]).toEqual([key('user', 'a'), key('robot', 'a'), key('user', 'b'), 0, key('user', 'a')])
  expect(new Set([...resources, ...subjects]).size).toBe(7)
})

test('how often each key is there', () => {
  const keys = fc.array(
    fc.oneof(
      fc.nat(8),
      fc.nat(0x7fff_ffff),
      fc.nat(8).map((n) => n << 20),
    ),
    {
      maxLength: 200,
    },
  )
  fc.assert(
    fc.property(keys, (list) => {
      const expected = list.map((key) => (key === 0 ? 0 : list.filter((other) => other === key).length))
      expect([...timesOf(Int32Array.from(list))]).toEqual(expected)
    }),
  )
})
