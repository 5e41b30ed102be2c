// The reference evaluator against facts that are known without it: the judge is judged by hand-worked examples.

import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/model/context.ts'
import {
  parseObject,
  parseObjectAndRelation,
  parseRelationship,
  parseSubject,
} from '../../src/model/relationship-text.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import type { CaveatJudge } from './caveat-verdict.ts'
import { type Dialect, ReferenceEvaluator, type Verdict } from './evaluator.ts'
import { canonicalTree, expandReference } from './expand.ts'

/** The one caveat of these examples: true when `yes` is, failing when `yes` is a text. */
const judgeCaveat: CaveatJudge = (caveat, request) => {
  const { yes } = { ...request, ...caveat.context }
  if (yes === undefined) return { kind: 'missing', names: [`yes of ${caveat.name}`] }
  if (typeof yes === 'string') return { kind: 'error' }
  return { kind: yes === true ? 'true' : 'false' }
}

const nowMs = Date.UTC(2026, 0, 1)

function world(schema: string, rows: readonly string[], dialect: Dialect = {}): ReferenceEvaluator {
  const text = `use self\nuse expiration
    caveat cav(yes bool) { yes }
    caveat other(yes bool) { yes }
    definition user {}
    ${schema}`
  const compiled = compileSchema(text)
  if (compiled.schema === undefined) throw new Error(compiled.problems[0]?.message)
  const relationships = rows.map(parseRelationship)
  return new ReferenceEvaluator({ schema: compiled.schema, relationships, nowMs, judgeCaveat, dialect })
}

function say(verdict: Verdict): string {
  if (verdict.kind === 'undecided') return `undecided by ${verdict.because}`
  const { permissionship, missing } = verdict
  return missing.length === 0 ? permissionship : `${permissionship} (${missing.join(', ')})`
}

/** `document:a#view@user:ann` */
function check(evaluator: ReferenceEvaluator, text: string, context: JsonObject = {}): string {
  const [left, right] = text.split('@') as [string, string]
  const { resource, relation } = parseObjectAndRelation(left)
  return say(evaluator.check(resource, relation, parseSubject(right), context))
}

function subjects(
  evaluator: ReferenceEvaluator,
  resource: string,
  name: string,
  type: string,
  relation = '',
) {
  const { mentioned, everyoneElse } = evaluator.lookupSubjects(parseObject(resource), name, type, relation)
  return Object.fromEntries(
    [...mentioned, ['else', everyoneElse] as const].map(([id, verdict]) => [id, say(verdict)]),
  )
}

describe('relations', () => {
  const evaluator = world(
    `definition group {
      relation member: user | group#member
      relation anyone: user:* | group:*
      relation timed: user with expiration
      permission access = member
    }`,
    [
      'group:a#member@user:ann',
      'group:b#member@group:a#member',
      'group:c#member@group:b#member',
      'group:a#anyone@user:*',
      'group:b#anyone@group:*',
      'group:a#timed@user:ann[expiration:2026-01-01T00:00:00.001Z]',
      'group:a#timed@user:bob[expiration:2026-01-01T00:00:00Z]',
    ],
  )

  test.each([
    ['group:a#member@user:ann', 'has'],
    ['group:c#member@user:ann', 'has'],
    ['group:a#member@user:bob', 'no'],
    ['group:c#member@group:a#member', 'has'],
    ['group:a#member@group:c#member', 'no'],
    ['group:a#anyone@user:whoever', 'has'],
    ['group:b#anyone@user:whoever', 'no'],
    ['group:b#anyone@group:x', 'has'],
    ['group:b#anyone@group:x#member', 'no'],
    ['group:x#member@group:x#member', 'has'],
    ['group:x#access@group:x#member', 'has'],
    ['group:x#member@group:x', 'no'],
    ['group:unknown#member@user:ann', 'no'],
    ['group:a#timed@user:ann', 'has'],
    ['group:a#timed@user:bob', 'no'],
  ])('%s: %s', (text, expected) => {
    expect(check(evaluator, text)).toBe(expected)
  })

  test('the dialect in which usersets match wildcards differs in just that', () => {
    const rows = ['group:b#anyone@group:*']
    const schema = 'definition group {\n relation member: user\n relation anyone: group:*\n }'
    const spice = world(schema, rows, { usersetsMatchWildcards: true })
    expect(check(spice, 'group:b#anyone@group:x#member')).toBe('has')
    expect(check(world(schema, rows), 'group:b#anyone@group:x#member')).toBe('no')
  })
})

describe('operators', () => {
  const evaluator = world(
    `definition folder {
      relation viewer: user
      permission view = viewer
    }
    definition empty {}
    definition document {
      relation one: user | user:*
      relation two: user
      relation parent: folder | empty
      permission either = one + two
      permission both = one & two
      permission only_one = one - two
      permission left = one - two - one
      permission inside = one - (two - one)
      permission some_parent = parent->view
      permission all_parents = parent.all(view)
      permission nobody = nil
      permission itself = self
    }`,
    [
      'document:a#one@user:ann',
      'document:a#one@user:bob',
      'document:a#two@user:bob',
      'document:a#parent@folder:x',
      'document:a#parent@folder:y',
      'folder:x#viewer@user:ann',
      'folder:x#viewer@user:bob',
      'folder:y#viewer@user:bob',
      'document:e#parent@folder:x',
      'document:e#parent@empty:z',
      'document:w#one@user:*',
      'document:w#two@user:ann',
    ],
  )

  test.each([
    ['document:a#either@user:ann', 'has'],
    ['document:a#both@user:ann', 'no'],
    ['document:a#both@user:bob', 'has'],
    ['document:a#only_one@user:ann', 'has'],
    ['document:a#only_one@user:bob', 'no'],
    ['document:a#left@user:ann', 'no'],
    ['document:a#inside@user:bob', 'has'],
    ['document:a#some_parent@user:ann', 'has'],
    ['document:a#all_parents@user:ann', 'no'],
    ['document:a#all_parents@user:bob', 'has'],
    ['document:none#all_parents@user:bob', 'no'],
    ['document:e#all_parents@user:bob', 'no'],
    ['document:e#some_parent@user:bob', 'has'],
    ['document:a#nobody@user:ann', 'no'],
    ['document:a#nobody@document:a#nobody', 'has'],
    ['document:a#itself@document:a', 'has'],
    ['document:a#itself@document:b', 'no'],
    ['document:a#itself@user:a', 'no'],
    ['document:w#only_one@user:ann', 'no'],
    ['document:w#only_one@user:whoever', 'has'],
  ])('%s: %s', (text, expected) => {
    expect(check(evaluator, text)).toBe(expected)
  })

  test('subjects under a wildcard', () => {
    expect(subjects(evaluator, 'document:w', 'only_one', 'user')).toEqual({
      ann: 'no',
      bob: 'has',
      else: 'has',
    })
    expect(subjects(evaluator, 'document:w', 'both', 'user')).toEqual({ ann: 'has', bob: 'no', else: 'no' })
    expect(subjects(evaluator, 'document:a', 'itself', 'document')).toMatchObject({ a: 'has', else: 'no' })
  })

  test('resources of a subject', () => {
    const found = evaluator.lookupResources('document', 'only_one', parseSubject('user:ann'))
    expect([...found.keys()]).toEqual(['a'])
  })

  test('expand', () => {
    const tree = expandReference(evaluator.world, parseObject('document:a'), 'some_parent')
    expect(canonicalTree(tree)).toBe(
      'document:a#some_parent union (document:a#some_parent union (' +
        'folder:x#view union (folder:x#viewer leaf {user:ann#,user:bob#}),folder:y#view union (folder:y#viewer leaf {user:bob#})))',
    )
  })
})

describe('caveats', () => {
  const evaluator = world(
    `definition document {
      relation one: user with cav | user
      relation two: user with other
      relation part: document with cav
      permission either = one + two
      permission both = one & two
      permission only_one = one - two
      permission nothing = one - one
      permission all_parts = part.all(one)
    }`,
    [
      'document:a#one@user:ann[cav]',
      'document:a#two@user:ann[other]',
      'document:b#one@user:ann',
      'document:b#two@user:ann[other]',
      'document:c#one@user:ann[cav:{"yes":false}]',
      'document:c#two@user:ann[other]',
      'document:d#part@document:b[cav]',
      'document:e#part@document:b[cav:{"yes":false}]',
      'document:e#part@document:b2[cav:{"yes":true}]',
      'document:b2#one@user:ann',
      'document:f#one@user:ann[cav:{"yes":"broken"}]',
    ],
  )

  test.each([
    ['document:a#one@user:ann', {}, 'conditional (yes of cav)'],
    ['document:a#one@user:ann', { yes: true }, 'has'],
    ['document:a#one@user:ann', { yes: false }, 'no'],
    ['document:a#either@user:ann', {}, 'conditional (yes of cav, yes of other)'],
    ['document:b#either@user:ann', {}, 'has'],
    ['document:b#both@user:ann', {}, 'conditional (yes of other)'],
    ['document:c#both@user:ann', {}, 'no'],
    ['document:c#either@user:ann', {}, 'conditional (yes of other)'],
    ['document:b#only_one@user:ann', {}, 'conditional (yes of other)'],
    ['document:b#only_one@user:ann', { yes: true }, 'no'],
    ['document:b#only_one@user:ann', { yes: false }, 'has'],
    ['document:a#nothing@user:ann', {}, 'conditional (yes of cav)'],
    ['document:c#one@user:ann', { yes: true }, 'no'],
    ['document:d#all_parts@user:ann', {}, 'conditional (yes of cav)'],
    ['document:e#all_parts@user:ann', {}, 'no'],
    ['document:f#one@user:ann', {}, 'undecided by either'],
    ['document:f#both@user:ann', {}, 'no'],
  ])('%s with %j: %s', (text, context, expected) => {
    expect(check(evaluator, text, context)).toBe(expected)
  })
})

describe('cycles', () => {
  test('of groups end, and everyone is where they should be', () => {
    const evaluator = world('definition group {\n relation member: user | group#member\n }', [
      'group:a#member@group:b#member',
      'group:b#member@group:c#member',
      'group:c#member@group:a#member',
      'group:b#member@user:ann',
    ])
    for (const id of ['a', 'b', 'c']) {
      expect(check(evaluator, `group:${id}#member@user:ann`)).toBe('has')
      expect(check(evaluator, `group:${id}#member@user:bob`)).toBe('no')
    }
  })

  test('under conditions join the conditions of the ways in', () => {
    const evaluator = world(
      'definition group {\n relation member: user with cav | group#member with other\n }',
      [
        'group:a#member@group:b#member[other]',
        'group:b#member@group:a#member[other]',
        'group:b#member@user:ann[cav]',
      ],
    )
    expect(check(evaluator, 'group:a#member@user:ann')).toBe('conditional (yes of cav, yes of other)')
    expect(check(evaluator, 'group:a#member@user:ann', { yes: true })).toBe('has')
    expect(check(evaluator, 'group:a#member@user:bob')).toBe('no')
  })

  // The textbook game: a position is won if some move leads to a position that is not won.
  const game = `definition position {
      relation move: position
      relation player: user
      permission lost_next = move->lost
      permission lost = player - won
      permission won = player & lost_next
    }`
  const players = ['a', 'b', 'c', 'd'].map((id) => `position:${id}#player@user:ann`)

  test('through exclusions follow the well-founded model', () => {
    const evaluator = world(game, [
      ...players,
      'position:a#move@position:b',
      'position:b#move@position:a',
      'position:b#move@position:c',
      'position:c#move@position:d',
    ])
    expect(check(evaluator, 'position:d#won@user:ann')).toBe('no')
    expect(check(evaluator, 'position:c#won@user:ann')).toBe('has')
    expect(check(evaluator, 'position:a#won@user:ann')).toBe('undecided by cycle')
    expect(check(evaluator, 'position:b#won@user:ann')).toBe('undecided by cycle')
  })

  test('through exclusions are decided where another way decides them', () => {
    const evaluator = world(game, [
      ...players,
      'position:a#move@position:b',
      'position:b#move@position:a',
      'position:b#move@position:d',
    ])
    expect(check(evaluator, 'position:b#won@user:ann')).toBe('has')
    expect(check(evaluator, 'position:a#won@user:ann')).toBe('no')
  })

  test('naming a subexpression changes nothing', () => {
    const rows = ['group:a#one@user:ann', 'group:a#two@user:ann']
    const relations = 'relation one: user\n relation two: user'
    const inOne = world(`definition group {\n ${relations}\n permission edit = one - (two - edit)\n }`, rows)
    const inTwo = world(
      `definition group {\n ${relations}\n permission edit = one - rest\n permission rest = two - edit\n }`,
      rows,
    )
    expect(check(inOne, 'group:a#edit@user:ann')).toBe('undecided by cycle')
    expect(check(inTwo, 'group:a#edit@user:ann')).toBe('undecided by cycle')
  })
})
