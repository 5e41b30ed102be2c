// Every row of the table of refusals: what a schema write guards against, and what it refuses whatever the data.

import { describe, expect, test } from 'vitest'
import { matchesFilter } from '../../src/model/filter.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import type { Schema } from '../../src/model/schema.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { schemaGuards } from '../../src/schema/schema-guards.ts'
import type { SchemaGuard } from '../../src/store/store.ts'

function compiled(text: string): Schema {
  const { schema, problems } = compileSchema(text)
  if (schema === undefined) throw new Error(problems.map(({ message }) => message).join('\n'))
  return schema
}

/** The guard as the store contract defines it. */
function blocks(guard: SchemaGuard, row: string): boolean {
  const relationship = parseRelationship(row)
  if (!matchesFilter(guard.filter, relationship)) return false
  if (guard.caveat !== undefined && (relationship.caveat?.name ?? null) !== guard.caveat) return false
  return guard.expiration === undefined || guard.expiration === (relationship.expiresAtMs !== undefined)
}

const base = `use expiration
caveat odd(count int, extra string) {
	count % 2 == 1 && extra != ""
}
caveat even(count int) {
	count % 2 == 0
}
definition user {}
definition group {
	relation member: user | group#member
}
definition doc {
	relation viewer: user | user:* | group#member | user with odd | user with even | user with expiration | user:* with odd and expiration
	relation owner: user
	permission view = viewer + owner
}`

const row = {
  plain: 'doc:d1#viewer@user:ann',
  wildcard: 'doc:d1#viewer@user:*',
  userset: 'doc:d1#viewer@group:g1#member',
  odd: 'doc:d1#viewer@user:ann[odd:{"count":1}]',
  even: 'doc:d1#viewer@user:ann[even]',
  expiring: 'doc:d1#viewer@user:ann[expiration:2030-01-01T00:00:00Z]',
  oddExpiringWildcard: 'doc:d1#viewer@user:*[odd][expiration:2030-01-01T00:00:00Z]',
  owner: 'doc:d1#owner@user:ann',
  ownerAsSubject: 'group:g1#member@doc:d1#owner',
  member: 'group:g1#member@user:ann',
}

const viewerTypes =
  'user | user:* | group#member | user with odd | user with even | user with expiration | user:* with odd and expiration'

/** What blocks the write from `base` to the schema that an edit makes of it, by operation. */
function blocking(edit: (text: string) => string): { readonly [operation: string]: readonly string[] } {
  const { guards, problems } = schemaGuards(compiled(base), compiled(edit(base)))
  expect(problems).toEqual([])
  const found: { [operation: string]: string[] } = {}
  for (const guard of guards) {
    const operation = guard.facts.operation ?? ''
    const names = Object.entries(row).flatMap(([name, text]) => (blocks(guard, text) ? [name] : []))
    if (names.length > 0) found[operation] = [...(found[operation] ?? []), ...names]
  }
  return found
}

const withoutViewerType = (type: string) => (text: string) => {
  const types = viewerTypes.split(' | ').filter((each) => each !== type)
  return text.replace(viewerTypes, types.join(' | '))
}

describe('blocked by rows', () => {
  test('a definition is removed', () => {
    const edit = (text: string) => text.slice(0, text.indexOf('definition doc'))
    const allOnDoc = Object.entries(row).flatMap(([name, text]) => (text.startsWith('doc:') ? [name] : []))
    expect(blocking(edit)).toEqual({ delete_object_definition: allOnDoc })
  })

  test('a relation is removed, renamed, or made a permission', () => {
    const edits = [
      (text: string) => text.replace('\trelation owner: user\n', '').replace(' + owner', ''),
      (text: string) => text.replaceAll('owner', 'proprietor'),
      (text: string) => text.replace('relation owner: user', 'permission owner = nil'),
    ]
    for (const edit of edits) {
      expect(blocking(edit)).toEqual({
        delete_relation: ['owner'],
        delete_relation_reverse_check: ['ownerAsSubject'],
      })
    }
  })

  test.each([
    // for a plain type the wildcard rows count too
    ['user', ['plain', 'wildcard']],
    ['user:*', ['wildcard']],
    ['group#member', ['userset']],
    ['user with odd', ['odd']],
    ['user with even', ['even']],
    ['user with expiration', ['expiring']],
    ['user:* with odd and expiration', ['oddExpiringWildcard']],
  ])('the allowed type %s is removed', (type, names) => {
    expect(blocking(withoutViewerType(type))).toEqual({ remove_allowed_type: names })
  })

  test('an allowed type gets a caveat: a removal and an addition', () => {
    const edit = (text: string) => text.replace('relation owner: user', 'relation owner: user with even')
    expect(blocking(edit)).toEqual({ remove_allowed_type: ['owner'] })
  })

  test('the facts name everything involved', () => {
    const to = compiled(withoutViewerType('user with odd')(base))
    expect(schemaGuards(compiled(base), to).guards.map(({ facts }) => facts)).toEqual([
      {
        operation: 'remove_allowed_type',
        definition_name: 'doc',
        relation_name: 'viewer',
        allowed_type: 'user with odd',
        subject_definition_name: 'user',
        caveat_name: 'odd',
      },
    ])
    const [removed, reverse] = schemaGuards(
      compiled(base),
      compiled(base.replace('relation owner: user', 'permission owner = nil')),
    ).guards
    expect(removed?.facts).toEqual({
      operation: 'delete_relation',
      definition_name: 'doc',
      relation_name: 'owner',
    })
    expect(removed?.message).toContain('doc#owner')
    expect(reverse?.facts.operation).toBe('delete_relation_reverse_check')
  })
})

describe('refused whatever the data', () => {
  test('a caveat parameter is removed', () => {
    const to = compiled(base.replace(', extra string', '').replace(' && extra != ""', ''))
    const { guards, problems } = schemaGuards(compiled(base), to)
    expect(guards).toEqual([])
    expect(problems).toEqual([
      {
        message: expect.stringContaining('`extra`'),
        facts: { operation: 'remove_parameter', caveat_name: 'odd', parameter_name: 'extra' },
      },
    ])
  })

  test('the type of a caveat parameter changes, also inside a generic type', () => {
    const to = compiled(base.replace('even(count int)', 'even(count uint)'))
    expect(schemaGuards(compiled(base), to).problems.map(({ facts }) => facts)).toEqual([
      {
        operation: 'change_parameter_type',
        caveat_name: 'even',
        parameter_name: 'count',
        previous_type: 'int',
        new_type: 'uint',
      },
    ])
    const list = (of: string) => compiled(`caveat many(names list<${of}>) {\n\tsize(names) > 3\n}`)
    expect(schemaGuards(list('int'), list('any')).problems).toHaveLength(1)
    expect(schemaGuards(list('int'), list('int')).problems).toHaveLength(0)
  })
})

describe('allowed freely', () => {
  test.each([
    ['nothing', (text: string) => text],
    ['a new definition', (text: string) => `${text}\ndefinition robot {}`],
    [
      'a new relation',
      (text: string) => text.replace('relation owner', 'relation editor: user\n\trelation owner'),
    ],
    ['a new allowed type', (text: string) => text.replace('owner: user', 'owner: user | group#member')],
    ['another permission', (text: string) => text.replace('viewer + owner', 'viewer - owner')],
    ['a permission less', (text: string) => text.replace('permission view = viewer + owner', '')],
    ['another order of types', (text: string) => text.replace('user | group#member', 'group#member | user')],
    ['another expression', (text: string) => text.replace('count % 2 == 0', 'count % 2 != 1')],
    [
      'a caveat parameter more',
      (text: string) =>
        text
          .replace('even(count int)', 'even(count int, more bool)')
          .replace('count % 2 == 0', 'count % 2 == 0 || more'),
    ],
    ['comments', (text: string) => text.replace('definition doc', '/** docs */\ndefinition doc')],
    ['a plain type with an ellipsis', (text: string) => text.replace('owner: user', 'owner: user#...;')],
  ])('%s', (_name, edit) => {
    expect(schemaGuards(compiled(base), compiled(edit(base)))).toEqual({ guards: [], problems: [] })
  })

  test('a caveat that is no longer used goes with its allowed type alone', () => {
    const edit = (text: string) =>
      withoutViewerType('user with even')(text).replace('caveat even(count int) {\n\tcount % 2 == 0\n}\n', '')
    expect(blocking(edit)).toEqual({ remove_allowed_type: ['even'] })
  })

  test('anything over no schema', () => {
    expect(schemaGuards(undefined, compiled(base))).toEqual({ guards: [], problems: [] })
  })
})
