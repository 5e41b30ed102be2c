// Explanations in full: every absence that a proof relies on, what blocks, and how a tree is drawn.

import { describe, expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { TraceNode } from '../../src/model/decision.ts'
import { formatObject } from '../../src/model/reference.ts'
import { formatRelationship } from '../../src/model/relationship-text.ts'
import { finish, worldOf as worldOfCase } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'
import { questionOf, worldOf } from './world-of.ts'

const schema = `caveat allowed(level int) { level > 3 }
definition user {}
definition group {
  relation member: user | user with allowed | group#member
  relation left: user
  permission active = member - left
}
definition document {
  relation owner: user
  relation viewer: user | user with allowed | group#member | group#active | group#member with allowed | group#active with allowed
  relation banned: user | group#member
  relation cleared: user
  relation team: group
  permission view = viewer + owner
  permission seen = view - banned
  permission doubtful = owner - (banned - cleared)
  permission both = owner & viewer
  permission nobodys = nil
  permission unanimous = owner - team.all(member)
  permission doubly = owner - (banned & cleared) - (cleared + banned)
  permission grouped = owner - team->member
  permission blocked = owner - cleared
  permission late = owner - banned
  permission kept = owner - blocked
  permission either = owner - (blocked + late)
  permission neither = owner - (blocked & owner)
  permission nor = owner - (owner & blocked)
  permission past = team->member - team->active
  permission partly = team->member - team.all(active)
  permission through = owner - kept_out
  permission kept_out = blocked
  permission plural = owner - (cleared + banned)
  permission common = owner - (banned & owner)
  permission reached = owner + team->member
  permission twice = banned & viewer
  permission mixed = (owner & viewer) + cleared
  permission pairs = (owner & viewer) + (owner & cleared)
  permission odd = owner - (banned & cleared) - guest
  permission uneven = owner - team.all(member) - guest
  relation guest: user
  permission open = cleared & self_excluding
  permission self_excluding = owner - self_excluding
}`

const rows = [
  'document:a#owner@user:ann',
  'document:a#viewer@group:g#active',
  'group:g#member@group:h#member',
  'group:h#member@user:ann',
  'document:b#owner@user:ann',
  'document:b#banned@group:h#member',
  'document:b#team@group:g',
  'document:b#team@group:k',
  'document:c#banned@user:bob',
  'document:c#owner@user:bob',
  'document:c#cleared@user:bob',
  'document:p#team@group:past',
  'group:past#member@user:cat',
  'group:past#left@user:cat',
  'document:pp#team@group:past',
  'document:pp#team@group:gone',
  'group:gone#member@user:cat',
  'group:gone#left@user:cat',
  'document:q#team@group:past',
  'document:q#team@group:now',
  'group:now#member@user:cat',
  'document:m#viewer@group:none#member',
  'document:m#viewer@group:loop#member',
  'document:m#viewer@group:one#member',
  'group:one#member@group:none#member',
  'group:one#member@group:two#member',
  'group:two#member@group:one#member',
  'group:two#member@group:h#member',
  'group:two#member@group:none#member',
  'document:r#viewer@group:past#active',
  'document:s#owner@user:bob',
  'document:s#banned@user:bob',
  'document:q#owner@user:cat',
  'document:t#owner@user:ann',
  'document:t#team@group:k',
  'document:t#team@group:g',
  'document:v#team@group:k',
  'document:v#team@group:g',
  'document:u#banned@group:h#member',
  'document:u#viewer@group:h#member',
  'document:n#viewer@group:cond#member[allowed:{"level":9}]',
  'group:cond#member@group:cond_below#member',
  'group:cond_below#member@user:ann[allowed:{"level":1}]',
  'document:l#viewer@group:loop#member',
  'group:loop#member@group:pool#member',
  'group:pool#member@group:loop#member',
  'document:e#viewer@user:ann[allowed:{"level":1}]',
  'document:f#viewer@user:ann[allowed]',
  'document:w#viewer@group:past#active[allowed:{"level":1}]',
  'document:i#owner@user:ann',
  'document:i#viewer@user:ann',
  'document:z#owner@user:ann',
  'document:z#viewer@user:ann',
  'document:z#cleared@user:ann',
  'document:o#owner@user:ann',
  'document:o#banned@user:ann',
  'document:o#guest@user:ann',
  'document:o#team@group:g',
  'document:o#team@group:k',
]

async function explained(text: string) {
  const world = await worldOf(schema, rows)
  const { explanation } = await world.check(questionOf(text), { explain: true })
  return explanation!
}

/** `view union has [viewer relation has [..]]` */
function draw(node: TraceNode): string {
  const below = node.children.length === 0 ? '' : ` [${node.children.map(draw).join(', ')}]`
  return `${formatObject(node.resource)}#${node.name} ${node.operation} ${node.permissionship}${below}`
}

describe('absences', () => {
  const absences: [string, string[], string[]][] = [
    ['document:a#seen@user:ann', ['document:a#banned'], ['document:a#owner@user:ann']],
    ['document:a#doubtful@user:ann', ['document:a#banned'], ['document:a#owner@user:ann']],
    ['document:c#doubtful@user:bob', [], ['document:c#owner@user:bob']],
    [
      'document:a#doubly@user:ann',
      ['document:a#banned', 'document:a#cleared'],
      ['document:a#owner@user:ann'],
    ],
    ['document:b#unanimous@user:ann', ['group:k#member'], ['document:b#owner@user:ann']],
    [
      'group:g#active@user:ann',
      ['group:g#left'],
      ['group:g#member@group:h#member', 'group:h#member@user:ann'],
    ],
  ]
  const refuted: [string, string[], string[]][] = [
    [
      'document:c#kept@user:bob',
      ['document:c#blocked'],
      ['document:c#owner@user:bob', 'document:c#cleared@user:bob'],
    ],
    [
      'document:c#through@user:bob',
      ['document:c#kept_out'],
      ['document:c#owner@user:bob', 'document:c#cleared@user:bob'],
    ],
    [
      'document:c#either@user:bob',
      ['document:c#blocked', 'document:c#late'],
      ['document:c#owner@user:bob', 'document:c#cleared@user:bob', 'document:c#banned@user:bob'],
    ],
    [
      'document:c#neither@user:bob',
      ['document:c#blocked'],
      ['document:c#owner@user:bob', 'document:c#cleared@user:bob'],
    ],
    [
      'document:p#past@user:cat',
      ['group:past#active'],
      ['document:p#team@group:past', 'group:past#member@user:cat', 'group:past#left@user:cat'],
    ],
    [
      'document:c#nor@user:bob',
      ['document:c#blocked'],
      ['document:c#owner@user:bob', 'document:c#cleared@user:bob'],
    ],
    [
      'document:pp#past@user:cat',
      ['group:gone#active', 'group:past#active'],
      ['document:pp#team@group:past', 'group:past#member@user:cat', 'group:past#left@user:cat'],
    ],
    [
      'document:p#partly@user:cat',
      ['group:past#active'],
      ['document:p#team@group:past', 'group:past#member@user:cat', 'group:past#left@user:cat'],
    ],
  ]
  test.each([...absences, ...refuted])('%s', async (text, absent, proof) => {
    const explanation = await explained(text)
    expect(explanation.permissionship).toBe('has')
    expect(
      explanation.absences
        .map(({ resource, permission }) => `${formatObject(resource)}#${permission}`)
        .sort(),
    ).toEqual(absent)
    expect(explanation.proof.map(formatRelationship).sort()).toEqual([...proof].sort())
  })
})

const longWay = [
  'group:h#member@user:ann',
  'group:one#member@group:two#member',
  'group:two#member@group:h#member',
]

test.each([
  ['document:m#view', ['document:m#viewer@group:one#member', ...longWay]],
  ['group:one#member', longWay],
  ['group:two#member', ['group:h#member@user:ann', 'group:two#member@group:h#member']],
])('the proof of %s leaves out where nobody is, and never rests on itself', async (place, proof) => {
  expect((await explained(`${place}@user:ann`)).proof.map(formatRelationship).sort()).toEqual(proof)
})

describe('reasons', () => {
  const reasons: [string, string, string, string[]][] = [
    ['document:c#seen@user:bob', 'blocked_by_exclusion', 'document:c#seen', ['document:c#banned@user:bob']],
    [
      'document:b#seen@user:ann',
      'blocked_by_exclusion',
      'document:b#seen',
      ['document:b#banned@group:h#member', 'group:h#member@user:ann'],
    ],
    [
      'document:b#grouped@user:ann',
      'blocked_by_exclusion',
      'document:b#grouped',
      ['document:b#team@group:g', 'group:g#member@group:h#member', 'group:h#member@user:ann'],
    ],
    [
      'document:s#plural@user:bob',
      'blocked_by_exclusion',
      'document:s#plural',
      ['document:s#banned@user:bob'],
    ],
    [
      'document:s#common@user:bob',
      'blocked_by_exclusion',
      'document:s#common',
      ['document:s#banned@user:bob'],
    ],
    // What is subtracted and does not hold is not in the way.
    ['document:o#odd@user:ann', 'blocked_by_exclusion', 'document:o#odd', ['document:o#guest@user:ann']],
    [
      'document:o#uneven@user:ann',
      'blocked_by_exclusion',
      'document:o#uneven',
      ['document:o#guest@user:ann'],
    ],
    ['document:r#view@user:cat', 'blocked_by_exclusion', 'group:past#active', ['group:past#left@user:cat']],
    [
      'document:q#unanimous@user:cat',
      'blocked_by_exclusion',
      'document:q#unanimous',
      ['document:q#team@group:past', 'group:past#member@user:cat'],
    ],
    [
      'document:t#grouped@user:ann',
      'blocked_by_exclusion',
      'document:t#grouped',
      ['document:t#team@group:g', 'group:g#member@group:h#member', 'group:h#member@user:ann'],
    ],
    [
      'document:n#view@user:ann',
      'condition_false',
      'group:cond_below#member',
      [
        'document:n#viewer@group:cond#member',
        'group:cond#member@group:cond_below#member',
        'group:cond_below#member@user:ann',
      ],
    ],
    // Both a condition and an exclusion are in the way, the exclusion behind a row that counts as none.
    ['document:w#viewer@user:cat', 'blocked_by_exclusion', 'document:w#viewer', []],
    ['document:a#both@user:bob', 'no_path', 'document:a#both', []],
    ['document:e#view@user:ann', 'condition_false', 'document:e#viewer', ['document:e#viewer@user:ann']],
  ]
  test.each(reasons)('%s', async (text, kind, place, via) => {
    const { reason, proof, absences } = await explained(text)
    expect([proof, absences]).toEqual([[], []])
    expect(reason).toMatchObject({ kind, missing: [] })
    expect(`${formatObject(reason!.resource)}#${reason!.name}`).toBe(place)
    expect(reason!.via.map((row) => formatRelationship(row).replace(/\[.*/, '')).sort()).toEqual(via)
  })
})

const direct = (place: string, answer: string) => `${place} relation ${answer} [${place} relation ${answer}]`
const trees: [string, string][] = [
  ['document:a#view@user:ann', `document:a#view union has [${direct('document:a#owner', 'has')}]`],
  [
    'document:a#seen@user:ann',
    `document:a#seen exclusion has [document:a#view union has [${direct('document:a#owner', 'has')}], document:a#banned relation no]`,
  ],
  [
    'document:b#seen@user:ann',
    `document:b#seen exclusion no [document:b#view union has [${direct('document:b#owner', 'has')}], document:b#banned relation has [${direct('group:h#member', 'has')}]]`,
  ],
  [
    'document:a#both@user:ann',
    `document:a#both intersection has [${direct('document:a#owner', 'has')}, document:a#viewer relation has [group:g#active exclusion has [group:g#member relation has [${direct('group:h#member', 'has')}], group:g#left relation no]]]`,
  ],
  [
    'document:a#both@user:bob',
    'document:a#both intersection no [document:a#owner relation no, document:a#viewer relation no [group:g#active exclusion no [group:g#member relation no [group:h#member relation no], group:g#left relation no]]]',
  ],
  [
    'document:l#view@user:ann',
    'document:l#view union no [document:l#viewer relation no [group:loop#member relation no [group:pool#member relation no [group:loop#member cycle no]]], document:l#owner relation no]',
  ],
  [
    'document:b#unanimous@user:ann',
    `document:b#unanimous exclusion has [${direct('document:b#owner', 'has')}, document:b#unanimous all no [group:g#member relation has, group:k#member relation no]]`,
  ],
  [
    'document:b#grouped@user:ann',
    `document:b#grouped exclusion no [${direct('document:b#owner', 'has')}, document:b#grouped arrow has [group:g#member relation has [${direct('group:h#member', 'has')}]]]`,
  ],
  [
    'document:u#twice@user:ann',
    `document:u#twice intersection has [document:u#banned relation has [group:h#member relation has], document:u#viewer relation has [${direct('group:h#member', 'has')}]]`,
  ],
  [
    'document:v#reached@user:ann',
    `document:v#reached union has [document:v#reached arrow has [group:g#member relation has [${direct('group:h#member', 'has')}]]]`,
  ],
  [
    'document:a#open@user:ann',
    `document:a#open intersection no [document:a#cleared relation no, document:a#self_excluding exclusion conditional [${direct('document:a#owner', 'has')}, document:a#self_excluding cycle conditional]]`,
  ],
  // What holds as well but is no part of the proof is left out.
  ['document:b#reached@user:ann', `document:b#reached union has [${direct('document:b#owner', 'has')}]`],
  [
    'document:i#mixed@user:ann',
    `document:i#mixed union has [document:i#mixed intersection has [${direct('document:i#owner', 'has')}, ${direct('document:i#viewer', 'has')}]]`,
  ],
  // An intersection that holds is drawn whole, be it part of the proof or not.
  [
    'document:z#pairs@user:ann',
    `document:z#pairs union has [document:z#pairs intersection has [document:z#owner relation has, ${direct('document:z#viewer', 'has')}], document:z#pairs intersection has [${direct('document:z#owner', 'has')}, ${direct('document:z#cleared', 'has')}]]`,
  ],
  ['document:a#nobodys@user:ann', 'document:a#nobodys nil no'],
  [
    'document:b#doubtful@user:ann',
    `document:b#doubtful exclusion no [${direct('document:b#owner', 'has')}, document:b#doubtful exclusion has [document:b#banned relation has [${direct('group:h#member', 'has')}], document:b#cleared relation no]]`,
  ],
]

test.each(trees)('the tree of %s', async (text, tree) => {
  expect(draw((await explained(text)).tree)).toBe(tree)
})

test('a grant is suggested for a no, and only when it is asked for', async () => {
  const each = caseOf(schema, rows)
  const world = await worldOfCase(each)
  const suggested = (text: string, options?: { suggest: boolean }) =>
    'suggestion' in finish(createEngine().explain(world, questionOf(text), each.nowMs, options), 1000)
  expect(suggested('document:a#view@user:bob')).toBe(false)
  expect(suggested('document:a#view@user:bob', { suggest: true })).toBe(true)
  expect(suggested('document:a#view@user:ann', { suggest: true })).toBe(false)
  expect(suggested('document:f#view@user:ann', { suggest: true })).toBe(false)
})

test('a tree is drawn to so many nodes, and ends there', async () => {
  const many = Array.from({ length: 49 }, (_, at) => at)
  const wide = [
    ...many.map((at) => `group:top#member@group:g${at}#member`),
    ...many.flatMap((at) => many.map((below) => `group:g${at}#member@group:g${at}_${below}#member`)),
    ...many.map((at) => `group:flat#member@group:f${at}#member`),
    ...many.map((at) => `group:flat#member@group:h${at}#member`),
  ]
  const world = await worldOfCase(caseOf(schema, wide))
  const treeOf = (text: string) => finish(createEngine().explain(world, questionOf(text), 0), 1000).tree
  const countOf = (node: TraceNode): number =>
    node.children.reduce((count, child) => count + countOf(child), 1)
  const count = countOf(treeOf('group:top#member@user:nobody'))
  expect(count).toBeGreaterThan(2000)
  expect(count).toBeLessThanOrEqual(2000 + 50)
  expect(treeOf('group:flat#member@user:nobody').children).toHaveLength(50)
})
