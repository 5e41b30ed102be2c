// One set of plans serves many graphs, and a graph that goes on learning names.

import { expect, test } from 'vitest'
import { createAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { bindingOf } from '../../src/engine/binding.ts'
import { createEngine } from '../../src/engine/create-engine.ts'
import { compilePlans } from '../../src/engine/plans.ts'
import { Graph } from '../../src/graph/graph.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
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

test('a binding knows what the plans know in the words of the graph, and nothing else', async () => {
  // The graph has never heard of the relation `parent` or the type `unheard`, and knows a type and a name that the plans do not.
  const rows = ['document:x#viewer@group:a#admin', 'group:a#admin@user:ann', 'thing:t#part@user:ann']
  const known = `${schema}
definition thing {
  relation part: user
}`
  const { snapshot } = await worldOf(caseOf(known, rows))
  const spoken = `${schema}
definition unheard {
  relation member: user
  relation admin: user
}`
  const plans = compilePlans(caseOf(spoken, []).schema)
  const binding = bindingOf(plans, snapshot)
  const names = Array.from({ length: snapshot.names.size }, (_, name) => name)
  for (const type of [-1, ...names, names.length]) {
    const typeText = names.includes(type) ? snapshot.nameText(type) : '-'
    for (const name of names) {
      const expected = plans.find(typeText, snapshot.nameText(name))?.id ?? -1
      expect(binding.member(type, name), `${typeText}#${snapshot.nameText(name)}`).toBe(expected)
    }
    expect(binding.member(type, -1)).toBe(-1)
    for (const target of ['admin', 'view', 'parent', 'part', 'nothing'])
      expect(binding.target(type, target), `${typeText}->${target}`).toBe(
        plans.find(typeText, target)?.id ?? -1,
      )
  }
  for (const { id, type, name } of plans.members) {
    expect(binding.memberTypes[id]).toBe(snapshot.nameId(type))
    expect(binding.memberNames[id]).toBe(snapshot.nameId(name))
  }
  expect(binding.memberNames[plans.find('document', 'parent')!.id]).toBe(-1)
})

test('plans are bound once to each graph', async () => {
  const store = memoryStore()
  const authorizer = await createAuthorizer({ store })
  await authorizer.writeSchema(schema)
  const write = (text: string) =>
    authorizer.writeRelationships({
      updates: [{ operation: 'touch', relationship: parseRelationship(text) }],
    })
  await write('document:x#viewer@user:ann')
  const plans = compilePlans(caseOf(schema, []).schema)
  const graph = await Graph.load(store.load())
  const first = bindingOf(plans, graph.snapshot())
  expect(bindingOf(plans, graph.snapshot())).toBe(first)
  const other = (await Graph.load(store.load())).snapshot()
  expect(bindingOf(plans, other)).not.toBe(first)
  expect(bindingOf(plans, other)).toBe(bindingOf(plans, other))
  await authorizer.close()
})
