// Lookup of subjects, the walk before the answers: each subject once, expired rows name nobody, and no node too wide.

import { expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import { drain, worldOf } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'

test('each userset once, although what is taken away is visited after all that grants', async () => {
  // The first member of the schema and the id of the resource are those of the userset.
  const each = caseOf(
    `definition group {
  relation member: user
}
definition user {}
definition document {
  relation viewer: group#member
  relation banned: user
  permission view = viewer - banned
}`,
    ['group:1#member@user:ann', 'document:1#viewer@group:1#member'],
  )
  const request = {
    resource: { type: 'document', id: '1' },
    permission: 'view',
    subjectType: 'group',
    subjectRelation: 'member',
  }
  const found = createEngine().lookupSubjects(await worldOf(each), request, each.nowMs)
  expect(drain(found, 1000, 1000).map(({ subjectId }) => subjectId)).toEqual(['1'])
})

test('whoever is named by an expired row alone is not named beside the wildcard', async () => {
  const each = caseOf(
    `use expiration
definition user {}
definition document {
  relation viewer: user with expiration | user:*
}`,
    [
      'document:a#viewer@user:*',
      'document:a#viewer@user:ann[expiration:2020-01-01T00:00:00Z]',
      'document:a#viewer@user:bob[expiration:2100-01-01T00:00:00Z]',
    ],
  )
  const request = {
    resource: { type: 'document', id: 'a' },
    permission: 'viewer',
    subjectType: 'user',
    subjectRelation: '',
  }
  const found = createEngine().lookupSubjects(await worldOf(each), request, Date.UTC(2026, 0, 1))
  expect(drain(found, 1000, 1000).map(({ subjectId, excluded }) => [subjectId, excluded])).toEqual([
    ['*', []],
    ['bob', []],
  ])
})

test('of many subjects that are checked one after the other none makes a node wide', async () => {
  const groups = Array.from({ length: 30 }, (_, at) => `g${at}`)
  const each = caseOf(
    `caveat allowed(level int) { level > 3 }
definition user {}
definition group {
  relation member: user with allowed
}
definition document {
  relation viewer: group#member
}`,
    groups.flatMap((id) => [
      `document:a#viewer@group:${id}#member`,
      ...['ann', 'bob', 'cat', 'dan', 'eve'].map((user) => `group:${id}#member@user:${user}_${id}[allowed]`),
    ]),
  )
  const request = {
    resource: { type: 'document', id: 'a' },
    permission: 'viewer',
    subjectType: 'user',
    subjectRelation: '',
  }
  const stream = createEngine().lookupSubjects(await worldOf(each), request, each.nowMs)
  expect(drain(stream, 1000, 1000)).toHaveLength(150)
  expect(stream.steps).toBeGreaterThan(1000)
  expect(stream.widest).toBeUndefined()
})
