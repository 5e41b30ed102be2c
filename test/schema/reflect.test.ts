// Reflection: what a schema says about itself, and which parts filters let through.

import { describe, expect, test } from 'vitest'
import { CardeaError } from '../../src/model/errors.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { type ReflectionFilter, reflectSchema } from '../../src/schema/reflect.ts'

const schema = compileSchema(`use expiration

/** odd ones */
caveat odd(zone string, counts list<int>) {
	zone=="x"   && 1 in counts
}
caveat even(count int) {
	count % 2 == 0
}
definition user {}
/** A document. */
// And more.
definition document {
	// who sees
	relation viewer: user | user:* with odd | document#view with expiration
	relation owner: user
	permission view = viewer + owner
	/* who edits */
	permission edit = owner
}
definition docket {
	relation viewer: user
	permission view = viewer
}`).schema!

/** Names of what is reflected: `document: viewer, owner; view, edit`. */
function names(...filters: readonly ReflectionFilter[]): readonly string[] {
  const { definitions, caveats } = reflectSchema(schema, filters)
  const list = (elements: readonly { readonly name: string }[]) => elements.map(({ name }) => name).join(', ')
  return [
    ...definitions.map(
      ({ name, relations, permissions }) => `${name}: ${list(relations)}; ${list(permissions)}`,
    ),
    ...caveats.map(({ name }) => `caveat ${name}`),
  ]
}

test('everything, without filters', () => {
  expect(reflectSchema(schema)).toEqual({
    definitions: [
      { name: 'user', comment: '', relations: [], permissions: [] },
      {
        name: 'document',
        comment: '/** A document. */\n// And more.',
        relations: [
          {
            name: 'viewer',
            comment: '// who sees',
            parentDefinitionName: 'document',
            subjectTypes: [
              { type: 'user', relation: '', wildcard: false, expiration: false },
              { type: 'user', relation: '', wildcard: true, caveat: 'odd', expiration: false },
              { type: 'document', relation: 'view', wildcard: false, expiration: true },
            ],
          },
          {
            name: 'owner',
            comment: '',
            parentDefinitionName: 'document',
            subjectTypes: [{ type: 'user', relation: '', wildcard: false, expiration: false }],
          },
        ],
        permissions: [
          { name: 'view', comment: '', parentDefinitionName: 'document' },
          { name: 'edit', comment: '/* who edits */', parentDefinitionName: 'document' },
        ],
      },
      expect.objectContaining({ name: 'docket' }),
    ],
    caveats: [
      {
        name: 'odd',
        comment: '/** odd ones */',
        parameters: [
          { name: 'counts', type: 'list<int>', parentCaveatName: 'odd' },
          { name: 'zone', type: 'string', parentCaveatName: 'odd' },
        ],
        expression: 'zone == "x" && 1 in counts',
      },
      expect.objectContaining({ name: 'even' }),
    ],
  })
})

describe('filters', () => {
  test.each<[string, readonly ReflectionFilter[], readonly string[]]>([
    [
      'a prefix',
      [{ definitionName: 'doc' }],
      ['document: viewer, owner; view, edit', 'docket: viewer; view'],
    ],
    ['a whole name', [{ definitionName: 'user' }], ['user: ; ']],
    ['nothing like it', [{ definitionName: 'nobody' }], []],
    ['a caveat', [{ caveatName: 'o' }], ['caveat odd']],
    [
      'a definition or a caveat',
      [{ definitionName: 'dock' }, { caveatName: 'even' }],
      ['docket: viewer; view', 'caveat even'],
    ],
    [
      'a relation leaves permissions alone',
      [{ definitionName: 'docu', relationName: 'own' }],
      ['document: owner; view, edit'],
    ],
    [
      'a permission leaves relations alone',
      [{ definitionName: 'docu', permissionName: 'e' }],
      ['document: viewer, owner; edit'],
    ],
    [
      'filters are joined by or',
      [
        { definitionName: 'document', relationName: 'owner' },
        { definitionName: 'document', relationName: 'view' },
      ],
      ['document: viewer, owner; view, edit'],
    ],
    [
      'empty names do not filter',
      [{ definitionName: 'dock', relationName: '', caveatName: '' }],
      ['docket: viewer; view'],
    ],
    ['a filter of nothing lets nothing through', [{}], []],
  ])('%s', (_name, filters, expected) => {
    expect(names(...filters)).toEqual(expected)
  })

  test.each<[string, ReflectionFilter]>([
    ['definition and caveat', { definitionName: 'doc', caveatName: 'odd' }],
    ['relation without definition', { relationName: 'viewer' }],
    ['permission without definition', { permissionName: 'view' }],
    ['relation and permission', { definitionName: 'doc', relationName: 'viewer', permissionName: 'view' }],
  ])('refused: %s', (_name, filter) => {
    expect(() => reflectSchema(schema, [{ definitionName: 'user' }, filter])).toThrow(CardeaError)
    try {
      reflectSchema(schema, [filter])
    } catch (error) {
      expect((error as CardeaError).code).toBe('INVALID_FILTER')
    }
  })
})
