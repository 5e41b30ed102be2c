// Plans: which members reachability answers alone, and what it follows.

import { expect, test } from 'vitest'
import { compilePlans } from '../../src/engine/plans.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'

const { schema } = compileSchema(`use self
definition user {
  relation friend: user:*
}
definition group {
  relation member: user | group#member
  relation guest: user | group#active
  relation helper: user | group
  relation banned: user
  permission active = member - banned
}
definition document {
  relation group: group
  relation other: group
  relation viewer: user | group#member
  permission plain = viewer + group->member + self + nil
  permission through = group->active
  permission named = through
  permission all = group.all(member)
  permission any = group.any(member)
  permission both = viewer & other->member
  permission deep = other->plain
  permission subtracted = viewer - (viewer - both)
}`)

test('a member is monotone unless it or what it depends on takes away', () => {
  const plans = compilePlans(schema!)
  const monotone = plans.members
    .filter((member) => member.monotone)
    .map(({ type, name }) => `${type}#${name}`)
  expect(monotone).toEqual([
    'user#friend',
    'group#member',
    'group#helper',
    'group#banned',
    'document#group',
    'document#other',
    'document#viewer',
    'document#plain',
    'document#any',
    'document#deep',
  ])
})

test('what a monotone permission follows', () => {
  const plans = compilePlans(schema!)
  const find = (name: string) => plans.find('document', name)!
  expect(plans.steps[find('plain').id]).toEqual({
    members: [find('viewer').id],
    arrows: [{ kind: 'arrow', relation: find('group').id, target: 'member', all: false }],
    self: true,
  })
  expect(plans.steps[find('any').id]).toMatchObject({ members: [], self: false })
  expect(plans.steps[find('viewer').id]).toBeUndefined()
  expect(plans.steps[find('both').id]).toBeUndefined()
})

test('types, those that have wildcards, relations that have usersets, and parts', () => {
  const plans = compilePlans(schema!)
  expect(plans.types).toEqual(['user', 'group', 'document'])
  expect([...plans.wildcardTypes]).toEqual(['user'])
  const withUsersets = plans.members.filter(({ hasUsersets }) => hasUsersets).map(({ name }) => name)
  expect(withUsersets).toEqual(['member', 'guest', 'viewer'])
  expect(plans.members.filter(({ isPart }) => isPart).map(({ name }) => name)).toEqual(['subtracted'])
  expect(plans.find('document', 'nothing')).toBeUndefined()
})
