// Every kind of difference between two schemas, and what is none.

import { describe, expect, test } from 'vitest'
import type { Schema } from '../../src/model/schema.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { diffSchemas, type SchemaDifference } from '../../src/schema/diff.ts'

function compiled(text: string): Schema {
  const { schema, problems } = compileSchema(text)
  if (schema === undefined) throw new Error(problems.map(({ message }) => message).join('\n'))
  return schema
}

const base = `caveat odd(count int) {
	count % 2 == 1
}
definition user {}
definition doc {
	relation viewer: user | user with odd
	relation owner: user
	permission view = viewer + owner->view
}`

/** Kind and the name of the element. */
function brief(difference: SchemaDifference): string {
  const element = Object.values(difference).find((value) => typeof value === 'object') as { name: string }
  return `${difference.kind} ${element.name}`
}

const edits: readonly (readonly [string, (text: string) => string, readonly string[]])[] = [
  ['nothing', (text) => text, []],
  ['a definition more', (text) => `${text}\ndefinition robot {}`, ['definition_added robot']],
  ['a definition less', (text) => text.slice(0, text.indexOf('definition doc')), ['definition_removed doc']],
  [
    'docs of a definition',
    (text) => text.replace('definition doc', '// docs\ndefinition doc'),
    ['definition_doc_comment_changed doc'],
  ],
  [
    'a relation more',
    (text) => text.replace('\trelation owner', '\trelation editor: user\n\trelation owner'),
    ['relation_added editor'],
  ],
  [
    'a relation less',
    (text) => text.replace('\trelation owner: user\n', '').replace(' + owner->view', ''),
    ['relation_removed owner', 'permission_expr_changed view'],
  ],
  [
    'docs of a relation',
    (text) => text.replace('\trelation owner', '\t// owns\n\trelation owner'),
    ['relation_doc_comment_changed owner'],
  ],
  [
    'a subject type more',
    (text) => text.replace('owner: user', 'owner: user | doc#view'),
    ['relation_subject_type_added owner'],
  ],
  [
    'a subject type less',
    (text) => text.replace(' | user with odd', ''),
    ['relation_subject_type_removed viewer'],
  ],
  [
    'a subject type another',
    (text) => text.replace('owner: user', 'owner: user with odd'),
    ['relation_subject_type_removed owner', 'relation_subject_type_added owner'],
  ],
  [
    'a permission more',
    (text) => text.replace('\tpermission view', '\tpermission edit = owner\n\tpermission view'),
    ['permission_added edit'],
  ],
  [
    'a permission less',
    (text) => text.replace('\tpermission view = viewer + owner->view\n', ''),
    ['permission_removed view'],
  ],
  [
    'docs of a permission',
    (text) => text.replace('\tpermission view', '\t/* sees */ permission view'),
    ['permission_doc_comment_changed view'],
  ],
  [
    'another expression',
    (text) => text.replace('viewer + owner->view', 'owner->view + viewer'),
    ['permission_expr_changed view'],
  ],
  [
    'what an exclusion takes away',
    (text) => text.replace('viewer + owner->view', 'viewer - owner->view'),
    ['permission_expr_changed view'],
  ],
  [
    'an arrow as a function',
    (text) => text.replace('owner->view', 'owner.any(view)'),
    ['permission_expr_changed view'],
  ],
  [
    'an arrow over all',
    (text) => text.replace('owner->view', 'owner.all(view)'),
    ['permission_expr_changed view'],
  ],
  [
    'a relation made a permission',
    (text) => text.replace('relation owner: user', 'permission owner = viewer').replace(' + owner->view', ''),
    ['relation_removed owner', 'permission_expr_changed view', 'permission_added owner'],
  ],
  [
    'a caveat more',
    (text) => `${text}\ncaveat even(count int) {\n\tcount % 2 == 0\n}`,
    ['caveat_added even'],
  ],
  [
    'a caveat less',
    (text) => text.slice(text.indexOf('definition user')).replace(' | user with odd', ''),
    ['relation_subject_type_removed viewer', 'caveat_removed odd'],
  ],
  ['docs of a caveat', (text) => `// odd ones\n${text}`, ['caveat_doc_comment_changed odd']],
  ['another caveat expression', (text) => text.replace('== 1', '!= 0'), ['caveat_expr_changed odd']],
  [
    'a parameter more',
    (text) => text.replace('count int', 'count int, more bool').replace('== 1', '== 1 || more'),
    ['caveat_parameter_added more', 'caveat_expr_changed odd'],
  ],
  [
    'another parameter type',
    (text) => text.replace('count int', 'count uint'),
    ['caveat_parameter_type_changed count'],
  ],
  ['spacing of an expression', (text) => text.replace('count % 2 == 1', '((count%2)  ==1) // odd'), []],
  [
    'order of everything',
    (text) =>
      `${text.slice(text.indexOf('definition user')).replace('user | user with odd', 'user with odd | user')}\n${text.slice(0, text.indexOf('definition user'))}`,
    [],
  ],
  [
    'parentheses that change nothing',
    (text) => text.replace('viewer + owner->view', '(viewer + (owner->view))'),
    [],
  ],
]

test.each(edits)('%s', (_name, edit, expected) => {
  expect(diffSchemas(compiled(base), compiled(edit(base))).map(brief)).toEqual(expected)
})

const opposite: { readonly [kind: string]: string } = { added: 'removed', removed: 'added' }

test.each(edits)('%s, the other way round', (_name, edit, expected) => {
  const turned = expected.map((each) =>
    each.replace(/(added|removed) /, (_all, word: string) => `${opposite[word]} `),
  )
  expect(
    diffSchemas(compiled(edit(base)), compiled(base))
      .map(brief)
      .sort(),
  ).toEqual([...turned].sort())
})

test.each([
  ['viewer - owner', 'viewer - nil'],
  ['viewer - owner', 'owner - owner'],
  ['viewer & owner', 'viewer & nil'],
  ['viewer & owner', 'viewer + owner'],
  ['viewer + owner', 'viewer + owner + owner'],
  ['viewer', 'owner'],
  ['nil', 'viewer'],
  ['viewer->view', 'owner->view'],
  ['viewer->view', 'viewer->edit'],
])('%s is not %s', (before, after) => {
  const text = (expression: string) =>
    `definition doc {\n\trelation viewer: doc\n\trelation owner: doc\n\tpermission view = ${expression}\n}`
  expect(diffSchemas(compiled(text(before)), compiled(text(after))).map(brief)).toEqual([
    'permission_expr_changed view',
  ])
  expect(diffSchemas(compiled(text(before)), compiled(text(`(${before})`)))).toEqual([])
})

test('every kind occurs', () => {
  const kinds = new Set(edits.flatMap(([, , expected]) => expected.map((each) => each.split(' ')[0])))
  expect([...kinds, 'caveat_parameter_removed'].sort()).toEqual([
    'caveat_added',
    'caveat_doc_comment_changed',
    'caveat_expr_changed',
    'caveat_parameter_added',
    'caveat_parameter_removed',
    'caveat_parameter_type_changed',
    'caveat_removed',
    'definition_added',
    'definition_doc_comment_changed',
    'definition_removed',
    'permission_added',
    'permission_doc_comment_changed',
    'permission_expr_changed',
    'permission_removed',
    'relation_added',
    'relation_doc_comment_changed',
    'relation_removed',
    'relation_subject_type_added',
    'relation_subject_type_removed',
  ])
})

describe('content', () => {
  test('elements are whole: as they were when removed, else as they will be', () => {
    const [removed] = diffSchemas(compiled(base), compiled('definition user {}')).filter(
      ({ kind }) => kind === 'definition_removed',
    )
    expect(removed).toMatchObject({
      definition: {
        name: 'doc',
        comment: '',
        relations: [
          {
            name: 'viewer',
            parentDefinitionName: 'doc',
            subjectTypes: [{ type: 'user' }, { caveat: 'odd' }],
          },
          { name: 'owner' },
        ],
        permissions: [{ name: 'view', comment: '', parentDefinitionName: 'doc' }],
      },
    })
    const to = compiled(
      base
        .replace('\trelation owner: user', '\t// new\n\trelation owner: user:*')
        .replace('owner->view', 'owner'),
    )
    expect(diffSchemas(compiled(base), to).slice(0, 3)).toMatchObject([
      { kind: 'relation_doc_comment_changed', relation: { comment: '// new' } },
      {
        kind: 'relation_subject_type_removed',
        relation: { subjectTypes: [{ wildcard: true }] },
        subjectType: { type: 'user', wildcard: false },
      },
      { kind: 'relation_subject_type_added', subjectType: { type: 'user', wildcard: true } },
    ])
  })

  test('a parameter names its caveat, its type and the type before', () => {
    const to = compiled(base.replace('count int', 'count uint'))
    expect(diffSchemas(compiled(base), to)).toEqual([
      {
        kind: 'caveat_parameter_type_changed',
        parameter: { name: 'count', type: 'uint', parentCaveatName: 'odd' },
        previousType: 'int',
      },
    ])
  })
})
