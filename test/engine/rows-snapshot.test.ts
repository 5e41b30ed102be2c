// A world of picked rows: the objects and names of the whole one, these rows, and no others.

import { describe, expect, test } from 'vitest'
import { rowsSnapshot } from '../../src/engine/rows-snapshot.ts'
import type { SupportRow } from '../../src/engine/support-row.ts'
import type { ForwardSnapshot, World } from '../../src/engine/world.ts'
import { allRows, plainRows, type RowSelection, usersetRows } from '../../src/graph/snapshot.ts'
import { worldOf } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'

const each = caseOf(
  `caveat allowed(level int) { level > 3 }
definition user {}
definition group {
  relation member: user | user with allowed | group#member | group#admin
  relation admin: user
}
definition document {
  relation parent: document
  relation viewer: user | user:* | group#member with allowed | group#admin
  permission view = viewer + parent->view
}`,
  [
    'group:g#member@user:ann',
    'group:g#member@user:bob[allowed:{"level":9}]',
    'document:b#viewer@user:*',
    'group:g#member@group:h#member',
    'group:g#member@group:h#admin',
    'group:g#admin@user:bob',
    'group:h#member@group:g#member',
    'document:a#parent@document:b',
    'document:a#parent@document:c',
    'document:a#viewer@user:ann',
    'document:a#viewer@group:g#member[allowed:{"level":1}]',
    'document:a#viewer@group:g#admin',
    'document:b#viewer@user:ann',
  ],
)

const selections: [string, RowSelection][] = [
  ['all rows', allRows],
  ['plain rows', plainRows],
  ['usersets', usersetRows],
]

/** Every list of the world, as rows. */
function listOf(
  { plans }: World,
  snapshot: ForwardSnapshot,
  resource: number,
  relation: number,
  selection: RowSelection,
): SupportRow[] {
  const found: SupportRow[] = []
  const cursor = snapshot.cursor()
  snapshot.openForward(cursor, resource, snapshot.nameId(plans.members[relation]!.name), selection)
  while (cursor.next()) {
    const { node: subject, subjectRelation, traits } = cursor
    found.push({ resource, relation, subject, subjectRelation, traits })
  }
  return found.sort((left, right) => (key(left) < key(right) ? -1 : 1))
}

function key({ resource, relation, subject, subjectRelation }: SupportRow): string {
  return [resource, relation, subject, subjectRelation].join()
}

function listsOf({ snapshot, plans }: World): { resource: number; relation: number }[] {
  const resources = Array.from({ length: snapshot.maxNode }, (_, at) => at + 1)
  return resources.flatMap((resource) =>
    plans.members.flatMap(({ id, type, isRelation }) =>
      isRelation && snapshot.nameId(type) === snapshot.nodeType(resource) ? [{ resource, relation: id }] : [],
    ),
  )
}

describe.each([
  ['every row', () => true],
  ['no row', () => false],
  ['every second row', (at: number) => at % 2 === 0],
  ['the other half', (at: number) => at % 2 === 1],
])('%s', (_, picks) => {
  const load = async () => {
    const world = await worldOf(each)
    const lists = listsOf(world)
    const rows = lists.flatMap(({ resource, relation }) =>
      listOf(world, world.snapshot, resource, relation, allRows),
    )
    expect(rows).toHaveLength(each.relationships.length)
    const picked = rows.filter((_row, at) => picks(at))
    return { world, lists, rows, picked, snapshot: rowsSnapshot(world.snapshot, world.plans, picked) }
  }

  test.each(selections)('in lists: %s', async (_name, selection) => {
    const { world, lists, picked, snapshot } = await load()
    for (const { resource, relation } of lists) {
      const whole = listOf(world, world.snapshot, resource, relation, selection)
      const kept = new Set(picked.map(key))
      expect(listOf(world, snapshot, resource, relation, selection)).toEqual(
        whole.filter((row) => kept.has(key(row))),
      )
    }
  })

  test('one by one', async () => {
    const { world, rows, picked, snapshot } = await load()
    for (const row of rows) {
      const name = snapshot.nameId(world.plans.members[row.relation]!.name)
      const traits = snapshot.row(row.resource, name, row.subject, row.subjectRelation)
      expect(traits).toBe(picked.includes(row) ? row.traits : -1)
      if (traits > 0) expect(snapshot.traits(traits)).toEqual(world.snapshot.traits(traits))
    }
  })

  test('names and objects are those of the whole', async () => {
    const { world, snapshot } = await load()
    expect(snapshot.names).toBe(world.snapshot.names)
    for (const name of ['', 'user', 'document', 'member', 'parent', 'view', 'nothing']) {
      expect(snapshot.nameId(name)).toBe(world.snapshot.nameId(name))
    }
    for (let name = 0; name < snapshot.names.size; name += 1)
      expect(snapshot.nameText(name)).toBe(world.snapshot.nameText(name))
    for (let node = 1; node <= world.snapshot.maxNode; node += 1) {
      expect(snapshot.nodeType(node)).toBe(world.snapshot.nodeType(node))
      expect(snapshot.nodeId(node)).toBe(world.snapshot.nodeId(node))
    }
  })
})
