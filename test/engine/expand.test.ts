// Expand: the order in a leaf, what a cycle comes to, objects that cannot be followed, and the limits of a tree.

import { describe, expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { SubjectTree } from '../../src/model/decision.ts'
import { formatObject, formatSubject } from '../../src/model/reference.ts'
import { parseObjectAndRelation } from '../../src/model/relationship-text.ts'
import { finish, worldOf } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'

/** `union document:a#view(leaf document:a#viewer{user:ann user:bob})` */
function show(tree: SubjectTree): string {
  const inside =
    tree.kind === 'leaf'
      ? `{${tree.subjects.map(formatSubject).join(' ')}}`
      : `(${tree.children.map(show).join(' ')})`
  return `${tree.kind} ${formatObject(tree.resource)}#${tree.name}${inside}`
}

async function expansion(schema: string, rows: readonly string[], of: string, limits = {}, steps = 1000) {
  const each = caseOf(schema, rows)
  const { resource, relation: permission } = parseObjectAndRelation(of)
  const world = await worldOf(each)
  const evaluation = createEngine(limits).expand(world, { resource, permission }, each.nowMs)
  return { tree: show(finish(evaluation, steps)), steps: evaluation.steps }
}

const groups = `definition user {}
definition group {
  relation member: user | group#member | group#admin
  relation admin: user
}`

describe('a leaf', () => {
  test('has plain subjects first, then usersets, each in the order of keys and names', async () => {
    const rows = [
      'group:z#admin@user:eve',
      'group:y#admin@user:dan',
      'group:a#member@group:y#member',
      'group:a#member@user:dan',
      'group:a#member@group:z#admin',
      'group:a#member@group:z#member',
      'group:a#member@user:eve',
      'group:a#member@group:y#admin',
      'group:a#member@user:ann',
    ]
    const { tree } = await expansion(groups, rows, 'group:a#member')
    expect(tree).toBe(
      'leaf group:a#member{user:eve user:dan user:ann group:z#admin group:z#member group:y#admin group:y#member}',
    )
  })

  test('of what nobody has ever heard is empty', async () => {
    expect((await expansion(groups, [], 'group:nobody#member')).tree).toBe('leaf group:nobody#member{}')
  })
})

const folders = `definition user {}
definition group {}
definition folder {
  relation parent: folder | group
  relation viewer: user
  permission view = viewer + parent->view
  permission both = viewer & parent->view
  permission inherited = parent->view
  permission all_of = parent.all(view)
  permission without = viewer - inherited
}`

describe('a tree', () => {
  test('ends where what it expands contains itself', async () => {
    const rows = ['folder:a#parent@folder:b', 'folder:b#parent@folder:a', 'folder:b#viewer@user:ann']
    expect((await expansion(folders, rows, 'folder:a#view')).tree).toBe(
      'union folder:a#view(leaf folder:a#viewer{} union folder:a#view(union folder:b#view(leaf folder:b#viewer{user:ann} union folder:b#view(leaf folder:a#view{}))))',
    )
  })

  test('expands again what stands beside, not above', async () => {
    const rows = ['folder:a#parent@folder:b', 'folder:c#parent@folder:b', 'folder:b#viewer@user:ann']
    const { tree } = await expansion(
      folders.replace('view = viewer + parent->view', 'view = viewer + viewer'),
      rows,
      'folder:b#view',
    )
    expect(tree).toBe('union folder:b#view(leaf folder:b#viewer{user:ann} leaf folder:b#viewer{user:ann})')
  })

  test('shows an object that lacks what is asked of it as an empty leaf of its parent', async () => {
    const rows = ['folder:a#parent@group:ops', 'folder:a#parent@folder:b']
    expect((await expansion(folders, rows, 'folder:a#all_of')).tree).toBe(
      'union folder:a#all_of(intersection folder:a#all_of(leaf folder:a#all_of{} union folder:b#view(leaf folder:b#viewer{} union folder:b#view())))',
    )
  })

  test('has no rows of relations that the graph does not know', async () => {
    expect((await expansion(folders, [], 'folder:a#without')).tree).toBe(
      'exclusion folder:a#without(leaf folder:a#viewer{} union folder:a#inherited(union folder:a#inherited()))',
    )
  })
})

describe('limits', () => {
  const many = Array.from({ length: 30 }, (_, at) => at)
  const wide = (expression: string) => `definition user {}
definition thing {
  relation own: user
  relation part: thing
  permission whole = ${expression}
}`
  test.each([
    ['subjects of a leaf', wide('own'), many.map((at) => `thing:a#own@user:u${at}`)],
    ['objects of an arrow', wide('part->gone'), many.map((at) => `thing:a#part@thing:t${at}`)],
    ['named operands', wide(many.map(() => 'own').join(' + ')), []],
    ['operators', wide(many.map(() => '(own & part)').join(' + ')), []],
  ])('count %s', async (_, schema, rows) => {
    const ask = (limits: object, steps?: number) => expansion(schema, rows, 'thing:a#whole', limits, steps)
    const { tree, steps } = await ask({})
    expect((await ask({}, 1)).tree).toBe(tree)
    expect(steps).toBeGreaterThan(1)
    await expect(ask({ maxEntries: 20 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
  })

  test('count steps', async () => {
    const rows = many.map((at) => `thing:a#part@thing:t${at}`)
    const ask = (limits: object) => expansion(wide('part->own'), rows, 'thing:a#whole', limits, 5)
    await expect(ask({ maxSteps: 20 })).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED' })
    expect((await ask({})).steps).toBeGreaterThanOrEqual(61)
  })
})

test('usersets of one object stand in the order of their names, however they were written', async () => {
  const schema = `definition user {}
definition group {
  relation zeta: user
  relation member: user | group#zeta | group#alpha
  relation alpha: user
}`
  const rows = ['y#alpha', 'y#zeta', 'z#zeta', 'z#alpha'].map((each) => `group:a#member@group:${each}`)
  for (const each of [rows, [...rows].reverse()]) {
    const { tree } = await expansion(
      schema,
      ['group:y#zeta@user:x', 'group:z#zeta@user:x', ...each],
      'group:a#member',
    )
    expect(tree).toBe('leaf group:a#member{group:y#alpha group:y#zeta group:z#alpha group:z#zeta}')
  }
})
