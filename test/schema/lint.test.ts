// The linter: each rule warns about its own example, not about the better one, and is silenced by a comment.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { formatSchema } from '../../src/schema/formatter.ts'
import { lintSchema } from '../../src/schema/lint.ts'
import { lintRules } from '../../src/schema/lint-rules.ts'
import { lintRulesPage } from '../../src/schema/lint-rules-page.ts'
import { type LintCode, lintCodes } from '../../src/schema/problem-code.ts'

function codes(text: string): readonly string[] {
  return lintSchema(text).map(({ code }) => code)
}

/** `code line:column` of each warning, 1-based. */
function places(text: string): readonly string[] {
  return lintSchema(text).map(({ code, range: { start } }) => `${code} ${start.line + 1}:${start.column + 1}`)
}

/** Where each rule warns in its own example, and what it says there. */
const examples: { readonly [code in LintCode]: readonly [place: string, part: string, message: string] } = {
  'relation-name-references-parent': [
    '4:11-4:26',
    'viewer_document',
    'The relation `viewer_document` repeats the name of its definition; drop the suffix.',
  ],
  'unused-caveat': ['1:8-1:17', 'in_office', 'No relation allows subjects `with in_office`.'],
  'relations-without-permission': [
    '3:12-3:20',
    'document',
    '`document` has relations and no permission; give callers a permission to check.',
  ],
  'unknown-annotation-type': [
    '5:26-5:29',
    'tem',
    'The annotation names `tem`, and there is no such definition.',
  ],
  'permission-references-itself': ['5:29-5:33', 'view', 'The permission `view` refers to itself.'],
  'arrow-references-unreachable-relation': [
    '10:28-10:32',
    'read',
    'None of the subject types of `parent` has `read`, so this arrow grants nothing.',
  ],
  'arrow-references-relation': [
    '10:28-10:34',
    'viewer',
    '`viewer` is a relation of `folder`; let the arrow lead to a permission.',
  ],
  'arrow-walks-subject-relation': [
    '10:20-10:33',
    'owner->access',
    '`owner` allows `group#member`, and the arrow ignores `#member`.',
  ],
  'mixed-operators': [
    '7:29-7:43',
    'banned + owner',
    'Different operators side by side: this one means `(banned + owner)`; write the parentheses.',
  ],
  'duplicate-operand': ['6:37-6:43', 'viewer', '`viewer` stands twice in this union.'],
  'exclusion-without-effect': [
    '8:29-8:35',
    'banned',
    'What is subtracted here can hold `group`, what it is subtracted from `user`: it never takes effect.',
  ],
  'intersection-always-empty': [
    '8:20-8:35',
    'viewer & caller',
    'The operands of this intersection share no subject type: it is always empty.',
  ],
  'grant-stops-at-group': [
    '8:26-8:31',
    'group',
    'A relationship to a `group` grants to that object alone, not to those in it; `group#member` would.',
  ],
  'wildcard-reaches-write': ['5:13-5:17', 'edit', 'A wildcard relationship can grant `edit` to everyone.'],
}

describe.each(lintRules.map((rule) => [rule.id, rule] as const))('%s', (id, rule) => {
  test('says what is wrong, and exactly where', () => {
    const warnings = lintSchema(rule.example).map(({ range: { start, end }, message }) => [
      `${start.line + 1}:${start.column + 1}-${end.line + 1}:${end.column + 1}`,
      rule.example.slice(start.offset, end.offset),
      message,
    ])
    expect(warnings).toEqual([examples[id]])
  })

  test('warns about its example and about nothing else', () => {
    expect(compileSchema(rule.example).problems).toEqual([])
    expect(new Set(codes(rule.example))).toEqual(new Set([id]))
    for (const warning of lintSchema(rule.example)) {
      expect(warning).toMatchObject({ severity: 'warning', stage: 'lint' })
    }
  })

  test('is content with the better schema', () => {
    expect(compileSchema(rule.better).problems).toEqual([])
    expect(codes(rule.better)).toEqual([])
  })

  test('is silenced on the element, in either spelling, and nothing else is', () => {
    const [warning] = lintSchema(rule.example)
    const lines = rule.example.split('\n')
    const line = warning!.range.start.line
    for (const comment of [
      `// cardea-ignore: ${id}`,
      `// spicedb-ignore-warning: ${id}`,
      `/* cardea-ignore: other, ${id} */`,
    ]) {
      expect(codes([...lines.slice(0, line), comment, ...lines.slice(line)].join('\n'))).toEqual([])
    }
    const other = [...lines.slice(0, line), '// cardea-ignore: no-such-rule', ...lines.slice(line)].join('\n')
    expect(codes(other)).toEqual([id])
  })

  test('its texts are formatted', () => {
    expect(formatSchema(rule.example).text).toBe(`${rule.example}\n`)
    expect(formatSchema(rule.better).text).toBe(`${rule.better}\n`)
  })
})

test('every code has a rule and the other way round', () => {
  expect(lintRules.map(({ id }) => id).sort()).toEqual([...lintCodes].sort())
})

test('docs/lint-rules.md is the page that the rules make', () => {
  const page = readFileSync(new URL('../../docs/lint-rules.md', import.meta.url), 'utf8')
  expect(page).toBe(lintRulesPage())
})

test('a comment on a definition silences its members', () => {
  const text = (comment: string) => `definition user {}

${comment}
definition document {
	relation viewer_document: user
	relation owner: user
	relation banned: user
	permission view = viewer_document - banned + owner
}`
  expect(codes(text(''))).toEqual(['relation-name-references-parent', 'mixed-operators'])
  expect(codes(text('// cardea-ignore: mixed-operators'))).toEqual(['relation-name-references-parent'])
  expect(codes(text('// cardea-ignore: mixed-operators, relation-name-references-parent'))).toEqual([])
})

test('a schema that does not compile gives its errors and no warnings', () => {
  const text = 'definition document {\n\trelation viewer_document: nobody\n}'
  expect(lintSchema(text)).toEqual(compileSchema(text).problems)
})

describe('places and exceptions', () => {
  test('mixed operators: the operand that binds tighter', () => {
    const text = (expression: string) =>
      `definition document {\n\trelation aaa: document\n\trelation bbb: document\n\trelation ccc: document\n\tpermission view = ${expression}\n}`
    expect(places(text('aaa + bbb & ccc'))).toEqual(['mixed-operators 5:20'])
    expect(places(text('aaa & bbb + ccc'))).toEqual(['mixed-operators 5:26'])
    expect(places(text('aaa - (bbb & ccc + aaa)'))).toEqual(['mixed-operators 5:33'])
    for (const fine of [
      'aaa + bbb + ccc',
      'aaa - bbb - ccc',
      '(aaa + bbb) & ccc',
      'aaa - (bbb + ccc)',
      'aaa->view + bbb',
    ]) {
      expect(codes(text(fine))).toEqual([])
    }
  })

  test('the name of a prefixed definition is its last segment', () => {
    expect(
      places('definition acme/user {\n\trelation boss_user: acme/user\n\tpermission see = boss_user\n}'),
    ).toEqual(['relation-name-references-parent 2:11'])
    expect(
      codes('definition acme/user {\n\trelation boss_acme: acme/user\n\tpermission see = boss_acme\n}'),
    ).toEqual([])
  })

  test('an arrow to a relation of its own definition is fine, to one of another is not', () => {
    const text = `definition folder {
	relation parent: folder
	relation viewer: folder
	permission view = viewer + parent->viewer
}
definition document {
	relation folder: folder
	permission view = folder->viewer
}`
    expect(places(text)).toEqual(['arrow-references-relation 8:28'])
  })

  test('an arrow that some subject types answer is fine', () => {
    const text = (types: string) => `definition user {
	permission view = nil
}
definition robot {}
definition document {
	relation owner: ${types}
	permission view = owner->view
}`
    expect(codes(text('user | robot'))).toEqual([])
    expect(places(text('robot'))).toEqual(['arrow-references-unreachable-relation 7:27'])
  })

  test('a wildcard through intersections and exclusions', () => {
    const text = (expression: string) => `definition user {}
definition document {
	relation viewer: user:*
	relation owner: user
	permission view = viewer
	permission edit = ${expression}
}`
    expect(codes(text('owner + view'))).toEqual(['wildcard-reaches-write'])
    expect(codes(text('viewer - owner'))).toEqual(['wildcard-reaches-write'])
    expect(codes(text('viewer & view'))).toEqual(['wildcard-reaches-write'])
    expect(codes(text('viewer & owner'))).toEqual([])
    expect(codes(text('owner - viewer'))).toEqual([])
  })

  test('a wildcard behind arrows and usersets of permissions', () => {
    const text = `definition user {}
definition folder {
	relation viewer: user:*
	permission view = viewer
}
definition document {
	relation folder: folder
	relation reader: folder#view
	permission delete = folder->view
	permission write_all = reader
}`
    expect(places(text)).toEqual(['wildcard-reaches-write 9:13', 'wildcard-reaches-write 10:13'])
  })

  test('types behind exclusions are followed, self counts as its own type', () => {
    const text = `use self

definition user {
	relation blocked: user
	relation machine: robot
	permission act_as = self - blocked
	permission odd = self - machine
}
definition robot {}`
    expect(places(text)).toEqual(['exclusion-without-effect 7:26'])
  })

  test('a group that is walked by an arrow, or whose members are allowed beside it, is fine', () => {
    const text = (types: string, expression: string) => `definition user {}
definition group {
	relation member: user | group#member
	permission belong = member
}
definition document {
	relation viewer: ${types}
	permission view = ${expression}
}`
    expect(codes(text('user | group', 'viewer'))).toEqual(['grant-stops-at-group'])
    expect(codes(text('group', 'viewer->belong'))).toEqual([])
    expect(codes(text('group | group#member', 'viewer'))).toEqual([])
  })
})
