// A schema write over data, end to end: each row of the table of refusals, with the row that it names; and what is free.

import { describe, expect, test } from 'vitest'
import { createAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { CardeaError } from '../../src/model/errors.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import { memoryStore } from '../../src/store/memory/store.ts'

const base = `use expiration

caveat odd(count int, zone string) {
  count % 2 == 1 && zone != ""
}

definition user {}

definition group {
  relation member: user | group#member
}

definition doc {
  relation viewer: user | user:* | group#member | user with odd | user with expiration | user:* with odd and expiration
  relation owner: user
  relation parent: doc
  relation shared: doc#owner
  permission view = viewer + owner
}
`

const far = '[expiration:2100-01-01T00:00:00Z]'
const without = (type: string) => (text: string) => {
  const [line] = /relation viewer: .*/.exec(text)!
  const types = line.slice('relation viewer: '.length).split(' | ')
  return text.replace(line, `relation viewer: ${types.filter((each) => each !== type).join(' | ')}`)
}
const replace = (from: string, to: string) => (text: string) => {
  if (!text.includes(from)) throw new Error(`The schema has no ${from}`)
  return text.replace(from, to)
}

/** The facts of the refusal to write the edited schema over the rows; undefined when it is written. */
async function refusal(edit: (text: string) => string, rows: readonly string[]) {
  let nowMs = Date.UTC(2026, 0, 1)
  const clock = () => nowMs
  const authorizer = await createAuthorizer({ store: memoryStore({ clock }), clock })
  await authorizer.writeSchema(base)
  if (rows.length > 0) {
    const updates = rows.map((row) => ({ operation: 'touch' as const, relationship: parseRelationship(row) }))
    await authorizer.writeRelationships({ updates })
  }
  nowMs = Date.UTC(2027, 0, 1)
  const text = edit(base)
  expect(text).not.toBe(base)
  const plan = await authorizer.planSchema(text, { sample: 0 })
  try {
    await authorizer.writeSchema(text)
  } catch (error) {
    if (!(error instanceof CardeaError)) throw error
    expect(error.code).toBe('SCHEMA_BLOCKED_BY_DATA')
    expect((await authorizer.readSchema()).text).toBe(base)
    expect(plan.blocked).not.toEqual([])
    return error.facts
  }
  expect((await authorizer.readSchema()).text).toBe(text)
  expect(plan.blocked).toEqual([])
  return undefined
}

const removeDoc = (text: string) => text.slice(0, text.indexOf('definition doc'))
const removeOwner = (text: string) =>
  text
    .replace('  relation owner: user\n', '')
    .replace('  relation shared: doc#owner\n', '  relation shared: doc\n')
    .replace(' + owner', '')

describe('refused', () => {
  test.each<readonly [string, (text: string) => string, readonly string[], object]>([
    [
      'a definition is removed whose objects have rows',
      removeDoc,
      ['doc:a#owner@user:ann'],
      { operation: 'delete_object_definition', definition_name: 'doc', relationship: 'doc:a#owner@user:ann' },
    ],
    [
      'a relation is removed that has rows',
      removeOwner,
      ['doc:a#owner@user:ann'],
      {
        operation: 'delete_relation',
        definition_name: 'doc',
        relation_name: 'owner',
        relationship: 'doc:a#owner@user:ann',
      },
    ],
    [
      'a relation is made a permission',
      replace('relation owner: user', 'permission owner = viewer'),
      ['doc:a#owner@user:ann'],
      { operation: 'delete_relation', relation_name: 'owner', relationship: 'doc:a#owner@user:ann' },
    ],
    [
      'a relation is renamed',
      (text) => text.replaceAll('owner', 'proprietor'),
      ['doc:a#owner@user:ann'],
      { operation: 'delete_relation', relation_name: 'owner' },
    ],
    [
      'a relation is removed that stands as a subject',
      replace('relation owner: user', 'permission owner = viewer'),
      ['doc:a#shared@doc:b#owner'],
      {
        operation: 'delete_relation_reverse_check',
        definition_name: 'doc',
        relation_name: 'owner',
        relationship: 'doc:a#shared@doc:b#owner',
      },
    ],
    ...(
      [
        ['user', 'doc:a#viewer@user:ann'],
        ['user', 'doc:a#viewer@user:*'],
        ['user:*', 'doc:a#viewer@user:*'],
        ['group#member', 'doc:a#viewer@group:eng#member'],
        ['user with odd', 'doc:a#viewer@user:ann[odd:{"count":1}]'],
        ['user with expiration', `doc:a#viewer@user:ann${far}`],
        ['user:* with odd and expiration', `doc:a#viewer@user:*[odd]${far}`],
      ] as const
    ).map(
      ([type, row]) =>
        [
          `the type ${type} is removed over ${row}`,
          without(type),
          [row],
          {
            operation: 'remove_allowed_type',
            definition_name: 'doc',
            relation_name: 'viewer',
            allowed_type: type,
            relationship: row.replace('2100-01-01T00:00:00Z', '2100-01-01T00:00:00.000Z'),
          },
        ] as const,
    ),
    [
      'a type gets a caveat',
      replace('relation owner: user', 'relation owner: user with odd'),
      ['doc:a#owner@user:ann'],
      { operation: 'remove_allowed_type', allowed_type: 'user', relationship: 'doc:a#owner@user:ann' },
    ],
    [
      'a caveat parameter is removed, whatever the rows',
      (text) => text.replace(', zone string', '').replace(' && zone != ""', ''),
      [],
      { operation: 'remove_parameter', caveat_name: 'odd', parameter_name: 'zone' },
    ],
    [
      'the type of a caveat parameter changes, whatever the rows',
      (text) => text.replace('zone string', 'zone list<string>').replace('zone != ""', 'zone.size() > 0'),
      [],
      { operation: 'change_parameter_type', caveat_name: 'odd', parameter_name: 'zone' },
    ],
  ])('%s', async (_name, edit, rows, facts) => {
    const found = await refusal(edit, rows)
    expect(found).toMatchObject(facts)
    if (!('relationship' in facts) && rows.length === 0) expect(found).not.toHaveProperty('relationship')
  })
})

describe('free', () => {
  test.each<readonly [string, (text: string) => string, readonly string[]]>([
    ['a definition without rows is removed', removeDoc, ['group:eng#member@user:ann']],
    ['a relation without rows is removed', removeOwner, ['doc:a#viewer@user:ann']],
    ['another type is removed', without('user with odd'), ['doc:a#viewer@user:ann']],
    ['the wildcard is removed beside plain rows', without('user:*'), ['doc:a#viewer@user:ann']],
    [
      'the caveated form is removed beside expiring rows',
      without('user with odd'),
      [`doc:a#viewer@user:ann${far}`],
    ],
    [
      'an expired row is in nobody’s way',
      without('user with expiration'),
      ['doc:a#viewer@user:ann[expiration:2026-06-01T00:00:00Z]'],
    ],
    ['a definition is added', (text) => `${text}\ndefinition robot {}\n`, ['doc:a#owner@user:ann']],
    ['a type is added', replace('relation owner: user', 'relation owner: user | group#member'), []],
    ['a permission changes', replace('viewer + owner', 'viewer - owner'), ['doc:a#owner@user:ann']],
    [
      'a permission is removed',
      replace('  permission view = viewer + owner\n', ''),
      ['doc:a#owner@user:ann'],
    ],
    ['an expression changes', replace('== 1', '!= 0'), ['doc:a#viewer@user:ann[odd:{"count":1}]']],
    [
      'a caveat parameter is added',
      (text) => text.replace('zone string', 'zone string, day string').replace('!= ""', '!= day'),
      ['doc:a#viewer@user:ann[odd:{"count":1}]'],
    ],
    [
      'a comment is added',
      replace('definition doc', '/** papers */\ndefinition doc'),
      ['doc:a#owner@user:ann'],
    ],
  ])('%s', async (_name, edit, rows) => {
    expect(await refusal(edit, rows)).toBeUndefined()
  })

  test('an unused caveat is removed', async () => {
    const unused = base.replace('caveat odd', 'caveat spare(n int) {\n  n > 1\n}\n\ncaveat odd')
    const authorizer = await createAuthorizer({ store: memoryStore() })
    await authorizer.writeSchema(unused)
    await authorizer.writeSchema(base)
    expect((await authorizer.readSchema()).text).toBe(base)
  })
})
