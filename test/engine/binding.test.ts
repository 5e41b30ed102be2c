// One set of plans serves many graphs, and a graph that goes on learning names.

import { expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import { finish, worldOf } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'
import { ask, worldOf as authorizerOf, questionOf } from './world-of.ts'

const schema = `definition user {}
definition group {
  relation member: user
  relation admin: user
}
definition document {
  relation viewer: user | group#member | group#admin
  relation parent: document
  permission view = viewer + parent->view
  permission own = view & viewer
}`

test('plans are bound to each graph by its own numbering', async () => {
  const rows = [
    'group:a#member@user:ann',
    'group:a#admin@user:bob',
    'document:x#viewer@group:a#member',
    'document:y#viewer@group:a#admin',
    'document:z#parent@document:x',
  ]
  const there = await worldOf(caseOf(schema, rows))
  const back = await worldOf(caseOf(schema, [...rows].reverse()))
  const engine = createEngine()
  for (const world of [there, { ...back, plans: there.plans }, there]) {
    const answers = ['x', 'y', 'z'].flatMap((id) =>
      ['ann', 'bob'].map((user) => {
        const question = questionOf(`document:${id}#view@user:${user}`)
        return finish(engine.check(world, question, 0), 1000).permissionship
      }),
    )
    expect(answers).toEqual(['has', 'no', 'no', 'has', 'has', 'no'])
    const own = questionOf('document:y#own@user:bob')
    expect(finish(engine.check(world, own, 0), 1000).permissionship).toBe('has')
  }
})

test('names that the graph learns later count', async () => {
  const world = await authorizerOf(schema, ['document:x#viewer@user:ann'])
  const write = (text: string) =>
    world.writeRelationships({ updates: [{ operation: 'touch', relationship: parseRelationship(text) }] })
  expect(await ask(world, 'document:z#view@user:ann')).toBe('no')
  expect(await ask(world, 'document:z#view@user:bob')).toBe('no')
  await write('document:z#parent@document:x')
  expect(await ask(world, 'document:z#view@user:ann')).toBe('has')
  await write('document:x#viewer@group:a#admin')
  await write('group:a#admin@user:bob')
  expect(await ask(world, 'document:z#view@user:bob')).toBe('has')
  expect(await ask(world, 'document:x#own@user:bob')).toBe('has')
})
