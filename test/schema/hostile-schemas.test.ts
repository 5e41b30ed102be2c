// Texts made to hurt: each is answered with problems (or read) in bounded time, without touching the stack's end.

import { expect, test } from 'vitest'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { formatSchema } from '../../src/schema/formatter.ts'
import { schemaLimits } from '../../src/schema/limits.ts'
import { lintSchema } from '../../src/schema/lint.ts'
import { printSchema } from '../../src/schema/printer.ts'
import { formatProblem } from '../../src/schema/problem.ts'

/** Generous, for a busy machine: what these guard against takes minutes, or for ever. */
const maxMs = 20_000

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)
const expression = (text: string) =>
  `definition user {\n\trelation boss: user\n\tpermission see = ${text}\n}\n`

function codesWithin(text: string): readonly string[] {
  const start = performance.now()
  const { schema, problems } = compileSchema(text)
  for (const problem of problems) expect(formatProblem(problem, text).length).toBeLessThan(2000)
  formatSchema(text)
  if (schema !== undefined) printSchema(schema)
  expect(performance.now() - start).toBeLessThan(maxMs)
  expect(schema === undefined).toBe(problems.length > 0)
  return problems.map(({ code }) => code)
}

const refused: readonly (readonly [string, () => string, string])[] = [
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

test.each(refused)('refused: %s', (_name, text, code) => {
  const codes = codesWithin(text())
  expect(codes).toContain(code)
  expect(codes.length).toBeLessThanOrEqual(schemaLimits.maxProblems + 1)
})

const read: readonly (readonly [string, () => string])[] = [
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

test.each(read)('read: %s', (_name, text) => {
  expect(codesWithin(text())).toEqual([])
})

test('the nesting that is allowed ends exactly where the limit says', () => {
  const limit = schemaLimits.maxNesting
  const codes = (text: string) => compileSchema(expression(text)).problems.map(({ code }) => code)
  const parentheses = (count: number) => `${'('.repeat(count)}boss${')'.repeat(count)}`
  expect(codes(parentheses(limit))).toEqual([])
  expect(codes(parentheses(limit + 1))).toContain('nesting-too-deep')
  expect(codes(`boss${' - boss'.repeat(limit - 1)}`)).toEqual([])
  expect(codes(`boss${' - boss'.repeat(limit)}`)).toContain('nesting-too-deep')
})

test('imports that import each other without end', () => {
  let calls = 0
  const { problems } = compileSchema('use import\nimport "f0.zed"', {
    resolveImport: (path) => {
      calls++
      return `use import\nimport "f${Number(path.slice(1, -4)) + 1}.zed"`
    },
  })
  expect(problems.map(({ code }) => code)).toEqual(['nesting-too-deep'])
  expect(calls).toBe(schemaLimits.maxNesting)
})

test('the linter gives up with a warning instead of running on', () => {
  const start = performance.now()
  const chain = numbers(10_000).map(
    (n) => `permission edit_${n + 1} = (edit_${n} & boss) - (boss & edit_0)\n`,
  )
  const warnings = lintSchema(
    `definition user {\nrelation boss: user\npermission edit_0 = boss\n${chain.join('')}}`,
  )
  expect(warnings.map(({ code }) => code)).toContain('lint-incomplete')
  expect(performance.now() - start).toBeLessThan(maxMs)
})

test('a problem in a line of megabytes shows a part of it, without control characters', () => {
  const text = `definition user {} ${' '.repeat(300_000)}\u001b[31m${'x'.repeat(300_000)}`
  const shown = formatProblem(compileSchema(text).problems[0]!, text)
  expect(shown.length).toBeLessThan(500)
  expect(shown).not.toContain('\u001b')
})
