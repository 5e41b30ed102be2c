// The printed form of schemas, to the character.

import { expect, test } from 'vitest'
import type { Expression } from '../../src/model/schema.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { printExpression, printSchema } from '../../src/schema/printer.ts'

function printed(text: string): string {
  const { schema, problems } = compileSchema(text)
  if (schema === undefined) throw new Error(problems.map(({ message }) => message).join('\n'))
  return printSchema(schema)
}

test('caveats by name, then definitions by name; members as written; use lines that are needed', () => {
  expect(
    printed(`use partial
use expiration
use self
use typechecking
definition user { permission act_as = self; }
caveat zoned(zone string, allowed list<string>) { zone   in allowed }
definition doc {
  permission view: user = (viewer&owner->act_as)-banned
  ...shared
  relation viewer: user|user:*   with zoned and expiration
}
partial shared {
  relation owner: user#...;
  relation banned: user
}
caveat adult(age int) { age>=18 }
definition acme/empty {}
`),
  ).toBe(`use self

use expiration

caveat adult(age int) {
	age >= 18
}

caveat zoned(allowed list<string>, zone string) {
	zone in allowed
}

definition acme/empty {}

definition doc {
	permission view = (viewer & owner->act_as) - banned
	relation owner: user
	relation banned: user
	relation viewer: user | user:* with zoned and expiration
}

definition user {
	permission act_as = self
}`)
})

test('use lines that nothing needs are left out', () => {
  expect(printed('use self\nuse expiration\ndefinition user {}')).toBe('definition user {}')
  expect(printed('')).toBe('')
})

test('comments: a blank line before, unless first; long and long-lined ones get stars', () => {
  expect(
    printed(`// about users
definition user {
  /* the boss */
  relation boss: user
  // sees
  /** This comment is longer than the seventy characters that may stand on one line, so it is broken up. */
  permission see = boss
  /*
     several
     * lines

     in all
  */
  permission look = see
}
/**   docs   */
definition doc {}`),
  ).toBe(`/** docs */
definition doc {}

// about users
definition user {
	/* the boss */
	relation boss: user

	// sees
	/**
	 * This comment is longer than the seventy characters that may stand on one line, so it is broken up.
	 */
	permission see = boss

	/*
	 * several
	 * lines
	 *${' '}
	 * in all
	 */
	permission look = see
}`)
})

test.each([
  ['//', '// '],
  ['//   x   y', '// x   y'],
  ['////x', '// //x'],
  ['/**/', '/*  */'],
  ['/** */', '/**  */'],
  ['/***x*/', '/** x */'],
  ['/* **x** */', '/* *x** */'],
  ['/*\n*x\n** y\n   *   z\n\nv\n*/', '/*\n * x\n * * y\n * z\n * \n * v\n */'],
  ['/**\n\nx\r\n\r\n*/', '/** x */'],
  [`/*${'x'.repeat(70)}*/`, `/* ${'x'.repeat(70)} */`],
  [`/*${'x'.repeat(71)}*/`, `/*\n * ${'x'.repeat(71)}\n */`],
  [`/*${'é'.repeat(36)}*/`, `/*\n * ${'é'.repeat(36)}\n */`],
])('the comment %j', (comment, expected) => {
  const text = printed(`${comment}\ndefinition user {}`)
  expect(text).toBe(`${expected}\ndefinition user {}`)
  // A star that starts the text of a comment of one line is taken for decoration, one each time.
  if (!expected.startsWith('/* *')) expect(printed(text)).toBe(text)
})

test('a long caveat expression is broken into lines and compiles again', () => {
  const text = printed(
    `caveat many(first string, second string, third string, fourth string) {\n\t\tfirst == "a rather long value" && second == 'and another one' && // why\n\t\tthird == "and a third one that is longer" && fourth == "and one more"\n}`,
  )
  expect(text.split('\n').length).toBeGreaterThan(3)
  for (const line of text.split('\n').slice(1, -1)) expect(line).toMatch(/^\t\S/)
  expect(printed(text)).toBe(text)
})

test('parentheses are where they are needed, and only there', () => {
  const reference = (name: string): Expression => ({ kind: 'reference', name })
  const [aaa, bbb, ccc] = ['aaa', 'bbb', 'ccc'].map(reference) as [Expression, Expression, Expression]
  const union: Expression = { kind: 'union', operands: [aaa, bbb] }
  const intersection: Expression = { kind: 'intersection', operands: [aaa, bbb] }
  const exclusion: Expression = { kind: 'exclusion', base: aaa, subtracted: bbb }
  const cases: readonly (readonly [Expression, string])[] = [
    [{ kind: 'intersection', operands: [union, ccc] }, 'aaa + bbb & ccc'],
    [{ kind: 'exclusion', base: ccc, subtracted: union }, 'ccc - aaa + bbb'],
    [{ kind: 'union', operands: [ccc, intersection] }, 'ccc + (aaa & bbb)'],
    [{ kind: 'exclusion', base: intersection, subtracted: ccc }, '(aaa & bbb) - ccc'],
    [{ kind: 'exclusion', base: exclusion, subtracted: ccc }, '(aaa - bbb) - ccc'],
    [{ kind: 'exclusion', base: ccc, subtracted: exclusion }, 'ccc - (aaa - bbb)'],
    [{ kind: 'union', operands: [exclusion, ccc] }, '(aaa - bbb) + ccc'],
    [
      { kind: 'intersection', operands: [{ kind: 'union', operands: [exclusion, ccc] }, aaa] },
      '((aaa - bbb) + ccc) & aaa',
    ],
    [{ kind: 'arrow', relation: 'aaa', target: 'bbb', quantifier: 'any', style: 'function' }, 'aaa.any(bbb)'],
  ]
  for (const [expression, text] of cases) {
    expect(printExpression(expression)).toBe(text)
    const relations = ['aaa', 'bbb', 'ccc'].map((name) => `relation ${name}: doc`).join('\n')
    const { schema } = compileSchema(`definition doc {\n${relations}\npermission all_of_it = ${text}\n}`)
    expect(schema?.definitions.get('doc')?.permissions.get('all_of_it')?.expression).toEqual(expression)
  }
})
