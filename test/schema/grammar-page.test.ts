// The schemas in schema/grammar.md compile, are formatted, and its figures are those of the code.

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { formatSchema } from '../../src/schema/formatter.ts'
import { schemaLimits } from '../../src/schema/limits.ts'
import { formatProblem } from '../../src/schema/problem.ts'

const page = readFileSync(new URL('../../schema/grammar.md', import.meta.url), 'utf8')
const samples = [...page.matchAll(/```zed\n([\s\S]*?)```/g)].map(([, text = '']) => text)

test.each(samples.map((text, index) => [index + 1, text] as const))('sample %i', (_number, text) => {
  expect(compileSchema(text).problems).toEqual([])
  const untidyOnPurpose = text.includes('; }')
  if (!untidyOnPurpose) expect(formatSchema(text).text).toBe(text)
})

test('there is a sample for every flag', () => {
  for (const flag of ['expiration', 'self', 'partial', 'typechecking']) {
    expect(samples.some((text) => text.includes(`use ${flag}`))).toBe(true)
  }
})

test('the limits are those of the code', () => {
  for (const limit of [
    'maxTextLength',
    'maxTokens',
    'maxNesting',
    'maxTypesPerRelation',
    'maxMembers',
    'maxCaveatLength',
    'maxProblems',
  ] as const) {
    expect(page).toContain(schemaLimits[limit].toLocaleString('en-US'))
  }
})

test('the shown problem is what is printed', () => {
  const text =
    'definition user {}\n\ndefinition document {\n\trelation viewer: user\n\n\tpermission view = viewr\n}\n'
  const shown = /```text\n([\s\S]*?)\n```/.exec(page)?.[1]
  expect(compileSchema(text).problems.map((problem) => formatProblem(problem, text))).toEqual([
    shown?.replaceAll('\t', '    '),
  ])
})
