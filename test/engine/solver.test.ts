// What a cycle leaves open matters to those only whom nothing else decides.

import { expect, test } from 'vitest'
import { ask, worldOf } from './world-of.ts'

test('another operand decides beside an open one', async () => {
  const schema = `definition user {}
definition club {
  relation applicant: user
  relation guest: user
  relation rejected: club
  permission member = applicant - rejected->member
  permission inside = applicant + member
  permission outside = guest & member
  permission either = member + guest
  permission neither = guest - member
}`
  const world = await worldOf(schema, [
    'club:odd#applicant@user:ann',
    'club:odd#rejected@club:odd',
    'club:odd#guest@user:bob',
  ])
  const open = { code: 'UNDEFINED_BY_CYCLE', facts: { at: 'club:odd#member' } }
  await expect(ask(world, 'club:odd#member@user:ann')).rejects.toMatchObject(open)
  await expect(ask(world, 'club:odd#either@user:ann')).rejects.toMatchObject({ code: open.code })
  expect(await ask(world, 'club:odd#inside@user:ann')).toBe('has')
  expect(await ask(world, 'club:odd#outside@user:ann')).toBe('no')
  expect(await ask(world, 'club:odd#neither@user:ann')).toBe('no')
  expect(await ask(world, 'club:odd#either@user:bob')).toBe('has')
  expect(await ask(world, 'club:odd#neither@user:bob')).toBe('has')
})

test('an object that no relationship mentions can exclude itself, too', async () => {
  const schema = `use self
definition user {
  permission other = self - other
}`
  const world = await worldOf(schema, [])
  await expect(ask(world, 'user:ann#other@user:ann')).rejects.toMatchObject({
    code: 'UNDEFINED_BY_CYCLE',
    facts: { at: 'user:?#other' },
  })
  expect(await ask(world, 'user:ann#other@user:bob')).toBe('no')
})
