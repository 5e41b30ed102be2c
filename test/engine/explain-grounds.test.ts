// What explanations rest on: rows whose condition holds, each once, nothing that rests on itself, and no untrue absence.

import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/model/context.ts'
import type { Explanation, TraceNode } from '../../src/model/decision.ts'
import { formatObject } from '../../src/model/reference.ts'
import { formatRelationship } from '../../src/model/relationship-text.ts'
import { questionOf, worldOf } from './world-of.ts'

async function explained(
  schema: string,
  rows: readonly string[],
  text: string,
  context?: JsonObject,
): Promise<Explanation> {
  const world = await worldOf(schema, rows)
  const { explanation } = await world.check(questionOf(text, context), {
    explain: true,
  })
  return explanation!
}

const rowsOf = (rows: Explanation['proof']) =>
  rows.map((row) => formatRelationship(row).replace(/\[.*/, '')).sort()
const absencesOf = ({ absences }: Explanation) =>
  absences.map(({ resource, permission }) => `${formatObject(resource)}#${permission}`).sort()

/** `view union has [viewer relation has [..]]` */
function draw(node: TraceNode): string {
  const below = node.children.length === 0 ? '' : ` [${node.children.map(draw).join(', ')}]`
  return `${formatObject(node.resource)}#${node.name} ${node.operation} ${node.permissionship}${below}`
}

describe('what a condition keeps away is no absence', () => {
  const schema = `caveat allowed(level int) { level > 3 }
definition user {}
definition group {
  relation member: user
  relation leaver: user
  relation joiner: user
  permission gone = leaver - joiner
  permission active = member - gone
}
definition document {
  relation owner: user
  relation banned: group with allowed
  relation hidden: group#active with allowed
  relation team: group with allowed
  permission view = owner - banned->member
  permission seen = owner - hidden
  permission kept = owner - team.all(member)
}`
  const rows = [
    'document:a#owner@user:ann',
    'document:a#banned@group:g[allowed:{"level":1}]',
    'document:a#hidden@group:g#active[allowed:{"level":1}]',
    'document:a#team@group:g[allowed:{"level":1}]',
    'group:g#member@user:ann',
    'group:g#leaver@user:ann',
    'group:g#joiner@user:ann',
  ]

  test.each([
    ['document:a#view@user:ann', []],
    ['document:a#kept@user:ann', []],
    ['document:a#seen@user:ann', ['document:a#hidden']],
  ])('%s', async (text, absent) => {
    const explanation = await explained(schema, rows, text)
    expect(explanation.permissionship).toBe('has')
    expect(rowsOf(explanation.proof)).toEqual(['document:a#owner@user:ann'])
    expect(absencesOf(explanation)).toEqual(absent)
  })
})

test('of two groups that a relation leads to, the one that is blocked is not part of the proof', async () => {
  const schema = `definition user {}
definition group {
  relation member: user
  relation leaver: user
  permission active = member - leaver
}
definition document {
  relation viewer: group#active
  permission view = viewer
}`
  const rows = ['g', 'h'].flatMap((id) => [
    `document:a#viewer@group:${id}#active`,
    `group:${id}#member@user:ann`,
  ])
  for (const blocked of ['g', 'h']) {
    const other = blocked === 'g' ? 'h' : 'g'
    const explanation = await explained(
      schema,
      [...rows, `group:${blocked}#leaver@user:ann`],
      'document:a#view@user:ann',
    )
    expect(rowsOf(explanation.proof)).toEqual([
      `document:a#viewer@group:${other}#active`,
      `group:${other}#member@user:ann`,
    ])
    expect(absencesOf(explanation)).toEqual([`group:${other}#leaver`])
  }
})

describe('a proof never rests on what follows from it', () => {
  const schema = `definition user {}
definition folder {
  relation owner: user
  relation late: folder#early
  relation guest: user
  relation early: folder#view
  relation parent: folder
  permission view = ((owner + late) & guest) + early
  permission seen = ((owner + late_seen) & guest) + parent->seen
  relation early_seen: folder#seen
  relation late_seen: folder#early_seen
}`
  const rows = [
    'folder:a#owner@user:ann',
    'folder:a#guest@user:ann',
    'folder:a#early@folder:a#view',
    'folder:a#late@folder:a#early',
    'folder:a#early_seen@folder:a#seen',
    'folder:a#late_seen@folder:a#early_seen',
    'folder:a#parent@folder:a',
  ]

  test.each(['view', 'seen'])(
    '%s, where the circle comes earlier than a part of what it rests on',
    async (name) => {
      const { proof } = await explained(schema, rows, `folder:a#${name}@user:ann`)
      expect(rowsOf(proof)).toEqual(['folder:a#guest@user:ann', 'folder:a#owner@user:ann'])
    },
  )
})

test('a row that two operands need is told once on the way to a condition', async () => {
  const schema = `caveat allowed(level int) { level > 3 }
definition user {}
definition group {
  relation member: user with allowed
  relation lead: user
}
definition document {
  relation team: group
  permission view = team->member & team->lead
}`
  const { reason } = await explained(
    schema,
    ['document:a#team@group:g', 'group:g#member@user:ann[allowed:{"level":1}]', 'group:g#lead@user:ann'],
    'document:a#view@user:ann',
  )
  expect(rowsOf(reason!.via)).toEqual([
    'document:a#team@group:g',
    'group:g#lead@user:ann',
    'group:g#member@user:ann',
  ])
})

test('a proof through forty forks that meet again', async () => {
  const schema = `definition user {}
definition step {
  relation left: step
  relation right: step
  relation owner: user
  permission view = owner + (left->view & right->view)
}`
  const steps = Array.from({ length: 40 }, (_, at) => at)
  const rows = steps.flatMap((at) => [`step:${at}#left@step:${at + 1}`, `step:${at}#right@step:${at + 1}`])
  const { proof } = await explained(schema, [...rows, 'step:40#owner@user:ann'], 'step:0#view@user:ann')
  expect(proof).toHaveLength(81)
})

describe('what blocks', () => {
  const schema = `caveat allowed(level int) { level > 3 }
definition user {}
definition group {
  relation member: user
  relation leaver: user
  permission active = member - leaver
}
definition document {
  relation owner: user
  relation banned: user
  relation doubted: user
  relation parent: document
  relation viewer: group#active with allowed
  permission cleared = doubted - parent->view
  permission view = owner - (cleared + banned)
  permission cleared_of_all = doubted - parent.all(view_of_all)
  permission view_of_all = owner - (cleared_of_all + banned)
}`

  test.each([
    ['view', []],
    ['view_of_all', ['document:a#parent@document:a']],
  ])('%s: what blocks may rest on the very permission that it takes away', async (name, parent) => {
    const rows = ['owner@user:ann', 'banned@user:ann', 'doubted@user:ann', 'parent@document:a']
    const { reason } = await explained(
      schema,
      rows.map((row) => `document:a#${row}`),
      `document:a#${name}@user:ann`,
    )
    expect(reason).toMatchObject({ kind: 'blocked_by_exclusion', name })
    expect(rowsOf(reason!.via)).toEqual([
      'document:a#banned@user:ann',
      'document:a#doubted@user:ann',
      ...parent,
    ])
  })

  test('an exclusion behind a condition that is false, asked of a relation', async () => {
    const rows = [
      'document:a#viewer@group:g#active[allowed:{"level":1}]',
      'group:g#member@user:ann',
      'group:g#leaver@user:ann',
    ]
    const { reason } = await explained(schema, rows, 'document:a#viewer@user:ann')
    expect(reason).toEqual({
      kind: 'blocked_by_exclusion',
      resource: { type: 'document', id: 'a' },
      name: 'viewer',
      via: [],
      missing: [],
    })
  })
})

describe('which condition', () => {
  const schema = `caveat allowed(level int) { level > 3 }
caveat rated(stars int) { stars > 3 }
definition user {}
definition document {
  relation first: user with allowed
  relation second: user with rated
  relation owner: user
  permission both = first & second
  permission swapped = second & first
  permission either = first + second
  permission kept = owner - first
}`
  const rows = [
    'document:a#first@user:ann[allowed]',
    'document:a#second@user:ann[rated]',
    'document:a#owner@user:ann',
  ]
  const told = async (name: string, context: JsonObject) => {
    const { permissionship, reason } = await explained(schema, rows, `document:a#${name}@user:ann`, context)
    return [permissionship, reason!.kind, reason!.name, reason!.missing, rowsOf(reason!.via)]
  }
  const way = ['document:a#first@user:ann', 'document:a#second@user:ann']

  test.each(['both', 'swapped'])(
    'of %s: the one that is false, not one that lacks its context',
    async (name) => {
      expect(await told(name, { level: 1 })).toEqual(['no', 'condition_false', 'first', [], way])
      expect(await told(name, { stars: 1 })).toEqual(['no', 'condition_false', 'second', [], way])
    },
  )

  test.each(['both', 'swapped'])(
    'of %s: the one that lacks its context, not one that holds',
    async (name) => {
      expect(await told(name, { level: 4 })).toEqual([
        'conditional',
        'context_missing',
        'second',
        ['stars'],
        way,
      ])
      expect(await told(name, { stars: 4 })).toEqual([
        'conditional',
        'context_missing',
        'first',
        ['level'],
        way,
      ])
    },
  )

  test('of either: the one that lacks its context, not one that is false', async () => {
    const [first, second] = way
    expect(await told('either', { level: 1 })).toEqual([
      'conditional',
      'context_missing',
      'second',
      ['stars'],
      [second],
    ])
    expect(await told('either', { stars: 1 })).toEqual([
      'conditional',
      'context_missing',
      'first',
      ['level'],
      [first],
    ])
  })

  test('of what is taken away there is no way to tell: the question itself', async () => {
    expect(await told('kept', {})).toEqual(['conditional', 'context_missing', 'kept', ['level'], []])
  })
})

describe('trees', () => {
  const schema = `caveat allowed(level int) { level > 3 }
definition user {}
definition group {
  relation member: user
}
definition document {
  relation viewer: user | group#member | group#member with allowed
  relation editor: group#member
  permission view = viewer & editor
}`
  const direct = (place: string, answer: string) =>
    `${place} relation ${answer} [${place} relation ${answer}]`

  test('beside a row that grants for certain no other is shown', async () => {
    const rows = ['viewer@group:g#member', 'viewer@user:ann', 'editor@group:g#member']
    const { tree } = await explained(
      schema,
      [...rows.map((row) => `document:a#${row}`), 'group:g#member@user:ann'],
      'document:a#view@user:ann',
    )
    const editor = `document:a#editor relation has [${direct('group:g#member', 'has')}]`
    expect(draw(tree)).toBe(
      `document:a#view intersection has [${direct('document:a#viewer', 'has')}, ${editor}]`,
    )
  })

  test('the row that names the asking userset is shown once', async () => {
    const { tree } = await explained(
      schema,
      ['document:a#viewer@group:g#member[allowed]'],
      'document:a#viewer@group:g#member',
    )
    expect(draw(tree)).toBe(direct('document:a#viewer', 'conditional'))
  })
})
