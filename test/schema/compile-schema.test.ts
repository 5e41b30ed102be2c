// What well-written texts mean: precedence, statement ends, doc comments, flags, partials, imports.

import { describe, expect, test } from 'vitest'
import type { Definition, Expression, Schema } from '../../src/model/schema.ts'
import { type CompileOptions, compileSchema } from '../../src/schema/compile-schema.ts'
import { formatProblem, schemaError } from '../../src/schema/problem.ts'

function compiled(text: string, options?: CompileOptions): Schema {
  const { schema, problems } = compileSchema(text, options)
  if (schema === undefined) throw new Error(problems.map((each) => formatProblem(each, text)).join('\n'))
  return schema
}

function definition(text: string, name = 'doc'): Definition {
  return compiled(text).definitions.get(name)!
}

/** The expression with a parenthesis around every operator. */
function shape(expression: Expression): string {
  switch (expression.kind) {
    case 'nil':
    case 'self':
      return expression.kind
    case 'reference':
      return expression.name
    case 'arrow':
      return `${expression.relation}${expression.style === 'arrow' ? '->' : `.${expression.quantifier} `}${expression.target}`
    case 'exclusion':
      return `(${shape(expression.base)} - ${shape(expression.subtracted)})`
    default:
      return `(${expression.operands.map(shape).join(expression.kind === 'union' ? ' + ' : ' & ')})`
  }
}

function expressionShape(text: string): string {
  const relations = ['aaa', 'bbb', 'ccc', 'ddd'].map((name) => `relation ${name}: doc`).join('\n')
  const schema = compiled(`use self\ndefinition doc {\n${relations}\npermission all_of_it = ${text}\n}`)
  return shape(schema.definitions.get('doc')!.permissions.get('all_of_it')!.expression)
}

describe('expressions', () => {
  test.each([
    ['aaa + bbb & ccc', '((aaa + bbb) & ccc)'],
    ['aaa & bbb + ccc', '(aaa & (bbb + ccc))'],
    ['aaa - bbb + ccc', '(aaa - (bbb + ccc))'],
    ['aaa + bbb - ccc', '((aaa + bbb) - ccc)'],
    ['aaa - bbb & ccc', '(aaa - (bbb & ccc))'],
    ['aaa - bbb - ccc', '((aaa - bbb) - ccc)'],
    ['aaa - (bbb - ccc)', '(aaa - (bbb - ccc))'],
    ['aaa + bbb + ccc', '(aaa + bbb + ccc)'],
    ['aaa + (bbb + ccc)', '(aaa + bbb + ccc)'],
    ['((aaa + bbb) + (ccc + ddd))', '(aaa + bbb + ccc + ddd)'],
    ['(aaa & bbb) & ccc', '(aaa & bbb & ccc)'],
    ['(aaa & bbb) + ccc', '((aaa & bbb) + ccc)'],
    ['aaa + bbb & ccc + ddd', '((aaa + bbb) & (ccc + ddd))'],
    ['aaa & bbb - ccc & ddd', '((aaa & bbb) - (ccc & ddd))'],
    ['((((aaa))))', 'aaa'],
    ['aaa->bbb + ccc.any(ddd) + ccc.all(ddd)', '(aaa->bbb + ccc.any ddd + ccc.all ddd)'],
    ['nil - self', '(nil - self)'],
    ['aaa +\n bbb &\n\n // why\n ccc', '((aaa + bbb) & ccc)'],
    ['aaa+bbb-ccc&ddd', '((aaa + bbb) - (ccc & ddd))'],
  ])('%s', (text, expected) => {
    expect(expressionShape(text)).toBe(expected)
  })
})

describe('statements', () => {
  test.each([
    ['one line with a semicolon', 'definition user {}\ndefinition doc { relation viewer: user; }'],
    ['two definitions on a line', 'definition user {} definition doc { relation viewer: user; }'],
    ['CRLF', 'definition user {}\r\n\r\ndefinition doc {\r\n\trelation viewer: user\r\n}\r\n'],
    ['CR alone', 'definition user {}\rdefinition doc {\rrelation viewer: user\r}'],
    [
      'a comment before the line end',
      'definition user {}\ndefinition doc {\nrelation viewer: user // who\n}',
    ],
    ['a break behind the bar', 'definition user {}\ndefinition doc {\nrelation viewer: user |\n user:*\n}'],
    ['a break behind the colon', 'definition user {}\ndefinition doc {\nrelation viewer:\nuser\n}'],
    ['an ellipsis with a semicolon', 'definition user {}\ndefinition doc {\nrelation viewer: user#...;\n}'],
    ['a wildcard at the line end', 'definition user {}\ndefinition doc {\nrelation viewer: user:*\n}'],
    ['empty statements', 'definition user {}\ndefinition doc { ;; relation viewer: user;;\n; }'],
    ['semicolons between definitions', 'definition user {};definition doc { relation viewer: user; };'],
    [
      'an any-sided caveat line',
      'definition user {}\ncaveat odd(x1 int) { x1 > 1 }\ndefinition doc {\nrelation viewer: user with odd\n}',
    ],
  ])('%s', (_name, text) => {
    expect([...definition(text).relations.keys()]).toEqual(['viewer'])
  })

  test('the empty text is the empty schema', () => {
    for (const text of ['', '\n\n', '// nothing\n', '/* nothing */']) {
      const schema = compiled(text)
      expect(schema.definitions.size + schema.caveats.size).toBe(0)
      expect(schema.text).toBe(text)
    }
  })

  test('words of flags are names without them', () => {
    const doc = definition(
      'definition user {}\ndefinition doc {\nrelation self: user\nrelation and: user\nrelation any: doc\npermission expiration = self + any.all(and)\n}',
    )
    expect(doc.members).toEqual(['self', 'and', 'any', 'expiration'])
    expect(shape(doc.permissions.get('expiration')!.expression)).toBe('(self + any.all and)')
  })

  test('a flag may be repeated', () => {
    expect(compiled('use self\nuse self\ndefinition user {}').uses).toEqual(new Set(['self']))
  })
})

describe('subject types', () => {
  test('every form', () => {
    const { relations } = definition(`use expiration
caveat odd(n1 int) {
	n1 % 2 == 1
}
definition user {}
definition group {
	relation member: user
}
definition doc {
	relation viewer: user | user:* | group#member | doc#viewer | user with odd | user:* with odd and expiration |
		group#member with expiration | group#...;
}`)
    expect(relations.get('viewer')?.types).toEqual([
      { type: 'user', relation: '', wildcard: false, expiration: false },
      { type: 'user', relation: '', wildcard: true, expiration: false },
      { type: 'group', relation: 'member', wildcard: false, expiration: false },
      { type: 'doc', relation: 'viewer', wildcard: false, expiration: false },
      { type: 'user', relation: '', wildcard: false, caveat: 'odd', expiration: false },
      { type: 'user', relation: '', wildcard: true, caveat: 'odd', expiration: true },
      { type: 'group', relation: 'member', wildcard: false, expiration: true },
      { type: 'group', relation: '', wildcard: false, expiration: false },
    ])
  })

  test('a caveat keeps its text and its types', () => {
    const caveat = compiled(`/** odd ones */
caveat acme/odd(n1 int, names list<map<string>>) {
	n1 % 2 == 1 && "}" in names[0]
	  // done
}`).caveats.get('acme/odd')!
    expect(caveat.comments).toEqual(['/** odd ones */'])
    expect(caveat.expression).toBe('n1 % 2 == 1 && "}" in names[0]\n\t  // done')
    expect([...caveat.parameters]).toEqual([
      ['n1', { name: 'int', arguments: [] }],
      [
        'names',
        { name: 'list', arguments: [{ name: 'map', arguments: [{ name: 'string', arguments: [] }] }] },
      ],
    ])
  })

  test('an annotation is kept, and checked only with its flag', () => {
    const text =
      'definition user {}\ndefinition doc {\nrelation viewer: user\npermission view: nobody | else = viewer\n}'
    expect(definition(text).permissions.get('view')?.annotation).toEqual(['nobody', 'else'])
    expect(compileSchema(`use typechecking\n${text}`).problems.map(({ code }) => code)).toEqual([
      'incomplete-type-annotation',
    ])
    const good = text.replace('nobody | else', 'user | more')
    expect(compileSchema(`use typechecking\n${good}`).problems).toEqual([])
  })

  test('self is not counted by an annotation, arrows and usersets are', () => {
    const text = (annotation: string) => `use typechecking
use self
definition user {
	permission act_as: whatever = self
}
definition robot {}
definition group {
	relation member: user | robot:* | group#member
}
definition doc {
	relation parent: doc
	relation owner: group
	relation viewer: user
	permission view: ${annotation} = viewer & owner->member - parent->view
}`
    expect(compileSchema(text('user')).problems.map(({ message }) => message)).toEqual([
      '`view` can also reach `robot`; name them in its annotation.',
    ])
    expect(compileSchema(text('robot | user')).problems).toEqual([])
  })
})

describe('wildcards', () => {
  test('one behind a permission may be taken over by another definition', () => {
    const schema = compiled(`definition user {}
definition group {
	relation member: user:*
	permission belong = member
}
definition doc {
	relation viewer: group#belong
	permission view = viewer->belong
}`)
    expect(schema.definitions.size).toBe(3)
  })

  test('one in the same definition may be taken over, but not walked', () => {
    const text = 'definition doc {\n\trelation all_of: doc:*\n\trelation some: doc#all_of\n}'
    expect(compileSchema(text).problems).toEqual([])
    const walked = text.replace('}', '\tpermission view = some->view\n}')
    expect(compileSchema(walked).problems.map(({ code }) => code)).toEqual(['arrow-over-wildcard'])
  })
})

describe('doc comments', () => {
  test('those directly before an element are its own, trimmed line by line', () => {
    const doc = definition(`// license

/** A document.
    * Has lines. */
// and more
definition doc { // opening
	/* first */ relation viewer: doc // trailing is dropped
	// second
	/** third */
	permission view = viewer + // inside is dropped
		viewer
	// before the end is dropped
}`)
    expect(doc.comments).toEqual(['// license', '/** A document.\n* Has lines. */', '// and more'])
    expect(doc.relations.get('viewer')?.comments).toEqual(['// opening', '/* first */'])
    expect(doc.permissions.get('view')?.comments).toEqual(['// second', '/** third */'])
  })
})

describe('partials', () => {
  test('members take the place of the splat, whatever the order of declaration', () => {
    const doc = definition(`use partial
definition user {}
definition doc {
	relation first: user
	...shared
	permission last = first + shared_view
}
partial shared {
	relation shared_viewer: user
	...inner
	permission shared_view = shared_viewer + inner_relation + first
}
partial inner {
	relation inner_relation: user
}
partial unused {
	relation broken: nobody_knows
}`)
    expect(doc.members).toEqual(['first', 'shared_viewer', 'inner_relation', 'shared_view', 'last'])
  })

  test('a partial may be inserted into several definitions', () => {
    const schema = compiled(
      'use partial\ndefinition user { ...shared; }\ndefinition doc { ...shared; }\npartial shared { relation boss: user; }',
    )
    expect([...schema.definitions.values()].map(({ members }) => members)).toEqual([['boss'], ['boss']])
  })
})

describe('imports', () => {
  const files: { readonly [path: string]: string } = {
    'shared/user.zed': 'use self\ndefinition user {\n\tpermission act_as = self\n}',
    'shared/group.zed': 'use import\nimport "./user.zed"\ndefinition group {\n\trelation member: user\n}',
    'doc.zed': 'definition note {}',
  }
  const resolveImport = (path: string) => files[path]

  test('imported definitions come first, each file once', () => {
    const schema = compiled(
      'use import\nimport "shared/group.zed"\nimport "shared//./user.zed"\nimport "doc.zed"\ndefinition doc {\n\trelation viewer: user | group#member\n}',
      { resolveImport },
    )
    expect([...schema.definitions.keys()]).toEqual(['user', 'group', 'note', 'doc'])
    expect(schema.uses).toEqual(new Set(['self', 'import']))
  })

  test('their texts are given, and problems name the file', () => {
    const text = 'use import\nimport "shared/group.zed"\nimport "doc.zed"\ndefinition user {}'
    const { problems, imports } = compileSchema(text, { resolveImport })
    expect([...imports.keys()]).toEqual(['shared/user.zed', 'shared/group.zed', 'doc.zed'])
    expect(problems.map(({ code, source }) => [code, source])).toEqual([['duplicate-name', undefined]])
    const broken = compileSchema('use import\nimport "bad.zed"', { resolveImport: () => 'definition user {' })
    expect(schemaError('', broken.problems, broken.imports)).toMatchObject({
      code: 'SCHEMA_PARSE_ERROR',
      facts: { source_code: 'definition user {', start_line_number: '0', start_column_position: '17' },
      message: expect.stringContaining('bad.zed:1:18'),
    })
  })
})

describe('options', () => {
  test('types need not fit when they are not checked', () => {
    const text = 'definition doc {\n\trelation viewer: nobody\n\tpermission view = viewers\n}'
    expect(compileSchema(text).problems).toHaveLength(2)
    expect(compiled(text, { typesChecked: false }).definitions.get('doc')?.members).toEqual([
      'viewer',
      'view',
    ])
    const unused = 'caveat odd(count int, more int) {\n\tcount % 2 == 1\n}'
    expect(compileSchema(unused).problems).toHaveLength(1)
    expect(compileSchema(unused, { typesChecked: false }).problems).toEqual([])
    const unknown =
      'use typechecking\ndefinition doc {\n\trelation viewer: doc\n\tpermission view: nobody = viewer\n}'
    expect(compileSchema(unknown, { typesChecked: false }).problems).toEqual([])
    expect(compileSchema('definition doc {', { typesChecked: false }).schema).toBeUndefined()
    expect(compileSchema('caveat odd(count int) { nobody }', { typesChecked: false }).schema).toBeUndefined()
  })

  test('prefixes', () => {
    const text = 'definition acme/user {}\ndefinition acme/doc {\n\trelation viewer: acme/user\n}'
    expect(compileSchema(text, { schemaPrefixesRequired: true }).problems).toEqual([])
  })
})
