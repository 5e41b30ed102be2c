// Permissions that mention one another in a circle: no question runs round it, and each is told once.

import { expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { Answer, Evidence } from '../../src/model/decision.ts'
import { formatRelationship } from '../../src/model/relationship-text.ts'
import { drainObjects, finish, worldOf } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'
import { questionOf } from './world-of.ts'

const circle = caseOf(
  `definition user {}
definition document {
  relation owner: user
  relation editor: user
  permission first = second + owner
  permission second = first
  permission itself = owner - itself
  permission doubtful = owner & editor
  permission entry = owner + last
  permission middle = entry
  permission last = middle + doubtful
}`,
  ['document:a#owner@user:ann', 'document:b#owner@user:ann', 'document:b#editor@user:ann'],
)
const engine = createEngine()

test('expand: what stands above itself is an empty leaf', async () => {
  const world = await worldOf(circle)
  const resource = { type: 'document', id: 'a' }
  const expanded = (permission: string) =>
    finish(engine.expand(world, { resource, permission }, circle.nowMs), 1000)
  const owner = {
    resource,
    name: 'owner',
    kind: 'leaf',
    subjects: [{ type: 'user', id: 'ann', relation: '' }],
  }
  const again = (name: string) => ({ resource, name, kind: 'leaf', subjects: [] })
  expect(expanded('itself')).toEqual({
    resource,
    name: 'itself',
    kind: 'exclusion',
    children: [owner, again('itself')],
  })
  expect(expanded('first')).toEqual({
    resource,
    name: 'first',
    kind: 'union',
    children: [{ resource, name: 'second', kind: 'union', children: [again('first')] }, owner],
  })
})

test.each(['entry', 'middle', 'last'])('lookup of what %s leads to', async (permission) => {
  const world = await worldOf(circle)
  const subject = { type: 'user', id: 'ann', relation: '' }
  const of = { resourceType: 'document', permission, subject }
  const found = drainObjects(engine.lookupResources(world, of, circle.nowMs), 1000, 1000)
  expect(found.map(({ id, permissionship }) => [id, permissionship])).toEqual([
    ['a', 'has'],
    ['b', 'has'],
  ])
})

test.each([
  ['second', 'first'],
  ['first', 'second'],
])('evidence of many questions, %s before %s: a path ends', async (...names) => {
  const world = await worldOf(circle)
  const questions = [...names, ...names].map((name) => questionOf(`document:a#${name}@user:ann`))
  const answers = finish(engine.evidenceBulk(world, questions, circle.nowMs), 1000)
  for (const answer of answers) {
    expect((answer as Evidence).proof.map(formatRelationship)).toEqual(['document:a#owner@user:ann'])
  }
})

test('beside what a circle leaves open, a lookup asks for the same names as a check', async () => {
  const each = caseOf(
    `caveat one(first bool) { first }
caveat three(third bool) { third }
caveat four(fourth bool) { fourth }
definition user {}
definition document {
  relation base: user
  relation nobody: user
  relation with_one: user with one
  relation with_three: user with three
  relation with_four: user with four
  relation parent: document
  permission open = (base - open) + (asked & nobody)
  permission half_open = with_three & open
  permission below = with_one - half_open
  permission asked = (with_four - below) + parent->asked
}`,
    ['a', 'b']
      .flatMap((id) => [
        `document:${id}#base@user:ann`,
        `document:${id}#with_one@user:ann[one]`,
        `document:${id}#with_three@user:ann[three]`,
        `document:${id}#with_four@user:ann[four]`,
      ])
      .concat('document:a#parent@document:b'),
  )
  const world = await worldOf(each)
  const subject = { type: 'user', id: 'ann', relation: '' }
  const of = { resourceType: 'document', permission: 'asked', subject }
  const found = drainObjects(engine.lookupResources(world, of, each.nowMs), 1000, 1000)
  const checked = ['a', 'b'].map((id): Answer & { id: string } => {
    const answer = finish(engine.check(world, questionOf(`document:${id}#asked@user:ann`), each.nowMs), 1000)
    return { id, ...answer }
  })
  expect(found.map(({ id, permissionship, missing }) => ({ id, permissionship, missing }))).toEqual(checked)
})
