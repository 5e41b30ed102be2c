// Texts made to hurt: deep, wide, long or never ending.

import { schemaLimits } from '../../src/schema/limits.ts'

export const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)
export const expression = (text: string) =>
  `definition user {\n\trelation boss: user\n\tpermission see = ${text}\n}\n`

/** What must be refused, and a code that says why. */
export const refused: readonly (readonly [string, () => string, string])[] = [
  ['parentheses', () => expression(`${'('.repeat(100_000)}boss${')'.repeat(100_000)}`), 'nesting-too-deep'],
  ['parentheses that never close', () => expression('('.repeat(100_000)), 'nesting-too-deep'],
  ['a chain of exclusions', () => expression(`boss${' - boss'.repeat(100_000)}`), 'nesting-too-deep'],
  [
    'operators in turn',
    () => expression(`${'boss - (boss & ('.repeat(60)}boss${'))'.repeat(60)}`),
    'nesting-too-deep',
  ],
  ['a chain of arrows', () => expression(`boss${'->boss'.repeat(100_000)}`), 'nested-arrow'],
  ['nested parameter types', () => `caveat deep(x1 ${'list<'.repeat(100_000)}int`, 'nesting-too-deep'],
  ['a long name', () => `definition ${'a'.repeat(4_000_000)} {}`, 'invalid-definition-name'],
  ['a long path', () => `definition ${'aaa/'.repeat(100_000)}aaa {}`, 'invalid-definition-name'],
  ['a long relation name', () => expression(`bosses${'s'.repeat(3_000_000)}`), 'invalid-reference-name'],
  ['a comment that never ends', () => `/*${'*'.repeat(4_000_000)}`, 'unterminated-comment'],
  ['strings that never end', () => `use import\n${'import "\n'.repeat(30_000)}`, 'unterminated-string'],
  ['comments that open within a comment', () => '/*'.repeat(100_000), 'unterminated-comment'],
  ['comments that never end, one a line', () => `${'// /*\n'.repeat(100_000)}/* `, 'unterminated-comment'],
  [
    'a string of megabytes that never ends',
    () => `use import\nimport "${'a'.repeat(4_000_000)}`,
    'unterminated-string',
  ],
  [
    'a string in a caveat that never ends',
    () => `caveat many(x1 string) { x1 == "${'a'.repeat(4_000_000)}`,
    'unterminated-string',
  ],
  [
    'triple quotes in a caveat that never end',
    () => `caveat many(x1 string) { x1 == """${'a\n'.repeat(1_000_000)}`,
    'unterminated-string',
  ],
  ['a long caveat name', () => `caveat ${'a'.repeat(4_000_000)}(x1 int) { x1 == 1 }`, 'invalid-caveat-name'],
  ['a long flag', () => `use ${'a'.repeat(4_000_000)}`, 'unknown-use-flag'],
  [
    'lists in a caveat',
    () => `caveat many(x1 int) { ${'['.repeat(40_000)}x1${']'.repeat(40_000)} == [] }`,
    'caveat-invalid',
  ],
  ['a caveat that never ends', () => `caveat many(x1 int) {${'{'.repeat(100_000)}`, 'expected-token'],
  ['braces', () => '{'.repeat(100_000), 'unexpected-token'],
  ['strange characters', () => '\u0000\ud800'.repeat(100_000), 'unrecognized-character'],
  ['more text than allowed', () => ' '.repeat(schemaLimits.maxTextLength + 1), 'schema-too-large'],
  ['more tokens than allowed', () => ';\n'.repeat(schemaLimits.maxTokens + 1), 'schema-too-large'],
  ['broken members', () => `definition user {\n${'\trelation boss\n'.repeat(30_000)}}`, 'too-many-problems'],
  [
    'repeated members',
    () => `definition user {\n${'\trelation boss: user\n'.repeat(30_000)}}`,
    'duplicate-member',
  ],
  [
    'unknown names',
    () =>
      `definition user {\n${numbers(15_000)
        .map((n) => `permission see_${n} = nobody_${n}\n`)
        .join('')}}`,
    'unknown-reference',
  ],
  [
    'a circle of names',
    () =>
      `definition user {\n${numbers(15_000)
        .map((n) => `permission see_${n} = see_${(n + 1) % 15_000}\n`)
        .join('')}}`,
    'alias-cycle',
  ],
  [
    'subject types without end',
    () =>
      `definition user {\n\trelation boss: ${numbers(2_000)
        .map((n) => `user with c${n}`)
        .join(' | ')}\n}`,
    'schema-too-large',
  ],
  [
    'a circle of partials',
    () =>
      `use partial\n${numbers(10_000)
        .map((n) => `partial p${n} {\n\t...p${(n + 1) % 10_000}\n}\n`)
        .join('')}`,
    'unresolved-partials',
  ],
  [
    'partials that double',
    () =>
      `use partial\n${numbers(60)
        .map((n) => `partial p${n} {\n\t...p${n + 1}\n\t...p${n + 1}\n}\n`)
        .join('')}partial p60 {\n\trelation boss: user\n}\ndefinition user {\n\t...p0\n}`,
    'schema-too-large',
  ],
  [
    'annotations over a long chain',
    () =>
      `use typechecking\ndefinition user {\n\trelation see_0: user\n${numbers(10_000)
        .map((n) => `\tpermission see_${n + 1}: user = see_${n} + see_0\n`)
        .join('')}}`,
    'annotation-too-complex',
  ],
  [
    'a long expression',
    () => `caveat many(x1 int) { ${'x1 == 1 || '.repeat(99_000)}true }`,
    'caveat-too-long',
  ],
  [
    'a deep expression',
    () => `caveat many(x1 int) { ${'('.repeat(40_000)}x1 == 1${')'.repeat(40_000)} }`,
    'caveat-invalid',
  ],
  [
    'parameters without end',
    () =>
      `caveat many(${numbers(10_000)
        .map((n) => `p${n} int`)
        .join(', ')}) { p0 == 1 }`,
    'caveat-unused-parameter',
  ],
]

/** What is large and allowed. */
export const read: readonly (readonly [string, () => string])[] = [
  ['a wide union', () => expression(`boss${' + boss'.repeat(100_000)}`)],
  ['as deep as allowed', () => expression(`${'boss & ('.repeat(49)}boss${')'.repeat(49)}`)],
  ['comments only', () => '/**/'.repeat(100_000)],
  ['lines only', () => '\r\n'.repeat(300_000)],
  [
    'many members',
    () =>
      `definition user {\n${numbers(10_000)
        .map((n) => `relation boss_${n}: user\n`)
        .join('')}}`,
  ],
  [
    'many definitions',
    () =>
      numbers(20_000)
        .map((n) => `definition user_${n} {}\n`)
        .join(''),
  ],
  [
    'a long chain of names',
    () =>
      `definition user {\n${numbers(10_000)
        .map((n) => `permission see_${n} = see_${n + 1}\n`)
        .join('')}permission see_10000 = nil\n}`,
  ],
  [
    'a long chain of partials',
    () =>
      `use partial\n${numbers(10_000)
        .map((n) => `partial p${n} {\n\t...p${n + 1}\n}\n`)
        .join('')}partial p10000 {\n\trelation boss: user\n}\ndefinition user {\n\t...p0\n}`,
  ],
  [
    'one partial in many',
    () =>
      `use partial\npartial p0 {\n}\n${numbers(10_000)
        .map((n) => `partial p${n + 1} {\n\t...p0\n}\n`)
        .join('')}definition user {}`,
  ],
]
