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

const clubs = `definition user {}
definition club {
  relation applicant: user
  relation partner: club
  relation rejected: club
  permission member = (applicant + partner->member) - rejected->member
}`

test('exclusions that alternate through a long cycle are decided from its end', async () => {
  const length = 12
  const ids = Array.from({ length }, (_, at) => `club:c${at}`)
  const world = await worldOf(clubs, [
    ...ids.map((id) => `${id}#applicant@user:ann`),
    ...ids.slice(1).map((id, at) => `${ids[at]}#rejected@${id}`),
    // Back to the start, which decides nothing: the last one has applicants of its own.
    `${ids.at(-1)}#partner@${ids[0]}`,
  ])
  for (const [at, id] of ids.entries())
    expect(await ask(world, `${id}#member@user:ann`), id).toBe((length - at) % 2 === 1 ? 'has' : 'no')
  expect(await ask(world, 'club:c0#member@user:bob')).toBe('no')
})

test('what a cycle leaves open stays so through another cycle', async () => {
  const world = await worldOf(clubs, [
    'club:odd#applicant@user:ann',
    'club:odd#rejected@club:odd',
    'club:p#partner@club:q',
    'club:q#partner@club:p',
    'club:q#partner@club:odd',
  ])
  const open = { code: 'UNDEFINED_BY_CYCLE' }
  for (const id of ['p', 'q']) {
    await expect(ask(world, `club:${id}#member@user:ann`)).rejects.toMatchObject(open)
    expect(await ask(world, `club:${id}#member@user:bob`)).toBe('no')
  }
})
