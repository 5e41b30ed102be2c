// Corners of the checker: what a problem's facts name, what is not told twice, and names that are almost taken.

import { describe, expect, test } from 'vitest'
import { type CompileOptions, compileSchema } from '../../src/schema/compile-schema.ts'

function codesOf(text: string, options: CompileOptions = {}): string[] {
  return compileSchema(text, options).problems.map(({ code }) => code)
}

describe('facts of a problem', () => {
  const user = 'definition user {}\n'
  test.each([
    ['caveat c(a int, a int) { a > 1 }', { caveat_name: 'c', parameter_name: 'a' }],
    ['definition Bad {}', { definition_name: 'Bad' }],
    [`${user}definition doc {\n relation X: user\n}`, { definition_name: 'doc', relation_name: 'X' }],
    [`${user}definition doc {\n relation own: user\n relation own: user\n}`, { relation_name: 'own' }],
    [
      `${user}definition doc {\n relation own: user | user\n}`,
      { definition_name: 'doc', relation_name: 'own', allowed_type: 'user' },
    ],
    [
      `${user}definition doc {\n relation own: user with cond\n}`,
      { relation_name: 'own', caveat_name: 'cond' },
    ],
    ['definition doc {\n relation own: person\n}', { subject_definition_name: 'person' }],
    [
      `${user}definition doc {\n relation own: user#friend\n}`,
      { subject_definition_name: 'user', subject_relation_name: 'friend' },
    ],
    ['definition doc {\n permission view = own\n}', { relation_name: 'view', reference_name: 'own' }],
    ['definition doc {\n permission view = own->view\n}', { relation_name: 'view', reference_name: 'own' }],
    [
      'definition doc {\n permission one = two\n permission two = one\n}',
      { definition_name: 'doc', relation_name: 'one' },
    ],
    [
      `use typechecking\n${user}definition doc {\n relation own: user\n permission view: doc = own\n}`,
      { definition_name: 'doc', relation_name: 'view' },
    ],
    [`${user}definition user {}`, { definition_name: 'user' }],
    ['use partial\npartial one {\n ...one\n}', { partial_name: 'one' }],
    ['use partial\ndefinition doc {\n ...shared\n}', { partial_name: 'shared' }],
    ['caveat c(abc int, d int) {\n abc > 1\n}', { caveat_name: 'c', parameter_name: 'd' }],
    ['caveat c(abc int) {\n abc + 1\n}', { caveat_name: 'c' }],
  ] as const)('%s', (text, facts) => {
    expect(compileSchema(text).problems[0]?.facts).toMatchObject(facts)
  })

  test('name no parameter where none is at fault', () => {
    expect(compileSchema('caveat c(abc int) {\n abc + 1\n}').problems[0]?.facts).not.toHaveProperty(
      'parameter_name',
    )
  })
})

test('of members with one name the first stays, also when types are not checked', () => {
  const text = `definition user {}
definition doc {
  relation own: user
  permission own = nil
  permission view = own
  permission view = nil
}`
  const { schema } = compileSchema(text, { typesChecked: false })
  const doc = schema!.definitions.get('doc')!
  expect(doc.members).toEqual(['own', 'view'])
  expect([...doc.relations.keys(), ...doc.permissions.keys()]).toEqual(['own', 'view'])
  expect(doc.permissions.get('view')!.expression).toEqual({ kind: 'reference', name: 'own' })
})

test('partials need no prefix', () => {
  const text = `use partial
partial shared {
  relation own: our/user
}
definition our/user {}
definition our/doc {
  ...shared
}`
  expect(codesOf(text, { schemaPrefixesRequired: true })).toEqual([])
})

test('where expiry is not allowed, only what expires is refused', () => {
  const text = `use expiration
caveat cond(flag bool) {
  flag
}
definition user {}
definition doc {
  relation own: user | user with cond
  relation lent: user with expiration
  permission view = own + lent
}`
  expect(codesOf(text, { expirationAllowed: false })).toEqual(['expiration-not-allowed'])
})

test('a badly formed type name is told, even if a caveat has it', () => {
  const text = `caveat Cond(flag bool) {
  flag
}
definition doc {
  relation own: Cond
}`
  expect(codesOf(text)).toEqual(['invalid-reference-name'])
})

test('annotations are checked once everything else is right', () => {
  const text = (own: string) => `use typechecking
definition user {}
definition team {}
definition doc {
  relation own: ${own}
  permission view: user = own
}`
  expect(codesOf(text('user | team'))).toEqual(['incomplete-type-annotation'])
  expect(codesOf(text('user | team | tean'))).toEqual(['unknown-definition'])
})

describe('what was lost explains unknown names', () => {
  test('also when another file lost it', () => {
    const resolveImport = () => 'definition {\n}\n'
    const found = compileSchema('use import\nimport "other.zed"\ndefinition doc {\n relation own: gone\n}', {
      resolveImport,
    })
    expect(found.problems.length).toBeGreaterThan(0)
    expect(found.problems.every(({ source }) => source !== undefined)).toBe(true)
  })

  test('a partial that does not exist', () => {
    const text = 'use partial\ndefinition doc {\n ...shared\n permission view = own\n}'
    expect(codesOf(text)).toEqual(['unknown-partial'])
  })
})

describe('partials', () => {
  const members = (text: string) => {
    const { schema, problems } = compileSchema(`use partial\ndefinition user {}\n${text}`)
    return schema?.definitions.get('doc')?.members ?? problems.map(({ code }) => code)
  }

  test('a member may bear the name of a partial that inserts it', () => {
    const text = `partial shared {
  ...base
}
partial base {
  relation shared: user
}
definition doc {
  ...shared
}`
    expect(members(text)).toEqual(['shared'])
  })

  test('a partial that inserts what does not exist is not circular', () => {
    expect(members('partial shared {\n ...gone\n}\ndefinition doc {\n ...shared\n}')).toEqual([
      'unknown-partial',
    ])
  })

  test('several may insert one, and one several', () => {
    const text = `partial top {
  ...left
  ...right
}
partial left {
  ...base
  relation from_left: user
}
partial right {
  ...deep
}
partial deep {
  relation from_deep: user
}
partial base {
  relation from_base: user
}
partial beside {
  ...base
}
definition doc {
  ...top
}
definition other {
  ...beside
}`
    expect(members(text)).toEqual(['from_base', 'from_left', 'from_deep'])
  })
})

test('a wildcard is passed on to every relation that takes it', () => {
  const text = (taken: string) => `definition user {}
definition group {
  relation member: user:*
  relation one: group#member
  relation two: group#member
}
definition doc {
  relation viewer: group#${taken}
}`
  expect(codesOf(text('one'))).toEqual(['transitive-wildcard'])
  expect(codesOf(text('two'))).toEqual(['transitive-wildcard'])
})
