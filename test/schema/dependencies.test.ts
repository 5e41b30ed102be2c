// What a relation can affect, and what a permission is computed from.

import { describe, expect, test } from 'vitest'
import type { CardeaError } from '../../src/model/errors.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { computablePermissions, dependentRelations } from '../../src/schema/dependencies.ts'

const schema = compileSchema(`use self

definition user {
	permission act_as = self
}
definition robot {}
definition group {
	relation member: user | group#member
	relation manager: user
}
definition folder {
	relation parent: folder
	relation viewer: user | group#member
	relation unused: robot
	permission view = viewer + parent->view
	permission nowhere = parent->no_such_name
}
definition document {
	relation folder: folder
	relation reviewer: user
	relation banned: user
	relation audience: folder#view
	permission view = (folder->view & reviewer.all(act_as)) - banned
	permission listen = audience
	permission none = nil
}`).schema!

function computable(definition: string, relation: string, prefix?: string): readonly string[] {
  return computablePermissions(schema, definition, relation, prefix).map(
    ({ definitionName, relationName, isPermission }) =>
      `${definitionName}#${relationName}${isPermission ? '!' : ''}`,
  )
}

function dependent(definition: string, permission: string): readonly string[] {
  return dependentRelations(schema, definition, permission).map(
    ({ definitionName, relationName, isPermission }) =>
      `${definitionName}#${relationName}${isPermission ? '!' : ''}`,
  )
}

describe('computable permissions', () => {
  test.each<[string, string, readonly string[]]>([
    [
      'group',
      'member',
      ['document#audience', 'document#listen!', 'document#view!', 'folder#view!', 'folder#viewer'],
    ],
    ['group', 'manager', []],
    ['folder', 'view', ['document#audience', 'document#listen!', 'document#view!']],
    [
      'folder',
      'parent',
      ['document#audience', 'document#listen!', 'document#view!', 'folder#nowhere!', 'folder#view!'],
    ],
    ['document', 'banned', ['document#view!']],
    ['document', 'none', []],
    ['robot', '', ['folder#unused']],
    [
      'user',
      '',
      [
        'document#audience',
        'document#banned',
        'document#listen!',
        'document#reviewer',
        'document#view!',
        'folder#view!',
        'folder#viewer',
        'group#manager',
        'group#member',
        'user#act_as!',
      ],
    ],
    ['user', 'act_as', ['document#view!']],
  ])('%s#%s', (definition, relation, expected) => {
    expect(computable(definition, relation)).toEqual(expected)
  })

  test('only of definitions whose name starts so', () => {
    expect(computable('group', 'member', 'fold')).toEqual(['folder#view!', 'folder#viewer'])
  })
})

describe('dependent relations', () => {
  test.each<[string, string, readonly string[]]>([
    [
      'document',
      'view',
      [
        'document#banned',
        'document#folder',
        'document#reviewer',
        'folder#parent',
        'folder#view!',
        'folder#viewer',
        'group#member',
        'user#act_as!',
      ],
    ],
    [
      'document',
      'listen',
      ['document#audience', 'folder#parent', 'folder#view!', 'folder#viewer', 'group#member'],
    ],
    ['folder', 'view', ['folder#parent', 'folder#viewer', 'group#member']],
    ['folder', 'nowhere', ['folder#parent']],
    ['document', 'none', []],
    ['user', 'act_as', []],
  ])('%s#%s', (definition, permission, expected) => {
    expect(dependent(definition, permission)).toEqual(expected)
  })
})

test('both are the inverse of each other', () => {
  const all = [...schema.definitions.values()].flatMap(({ name, members }) =>
    members.map((member) => [name, member] as const),
  )
  for (const [definition, member] of all) {
    for (const other of computable(definition, member)) {
      if (!other.endsWith('!')) continue
      const [otherDefinition = '', otherMember = ''] = other.slice(0, -1).split('#')
      const back = dependent(otherDefinition, otherMember).map((each) => each.replace('!', ''))
      expect(back).toContain(`${definition}#${member}`)
    }
  }
})

test.each([
  ['UNKNOWN_DEFINITION', () => computablePermissions(schema, 'nobody', '')],
  ['UNKNOWN_RELATION_OR_PERMISSION', () => computablePermissions(schema, 'folder', 'nobody')],
  ['UNKNOWN_DEFINITION', () => dependentRelations(schema, 'nobody', 'view')],
  ['UNKNOWN_RELATION_OR_PERMISSION', () => dependentRelations(schema, 'folder', 'nobody')],
  ['NOT_A_PERMISSION', () => dependentRelations(schema, 'folder', 'viewer')],
])('%s', (code, ask) => {
  try {
    ask()
    expect.unreachable()
  } catch (error) {
    expect((error as CardeaError).code).toBe(code)
  }
})
