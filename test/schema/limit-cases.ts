// Invalid schemas that are too large for a YAML file: each bound of the language, passed by one.

import { schemaLimits } from '../../src/schema/limits.ts'
import type { ExpectedProblem, InvalidCase } from './schema-files.ts'

const { maxNesting, maxProblems, maxTextLength, maxTokens, maxTypesPerRelation, maxCaveatLength } =
  schemaLimits

interface LimitCase {
  readonly name: string
  schema(): string
  readonly imports?: InvalidCase['imports']
  readonly problems: readonly ExpectedProblem[]
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)
const permission = (text: string) =>
  `definition user {\n\trelation boss: user\n\tpermission see = ${text}\n}\n`
const parse = (code: string, at: string, message: string): ExpectedProblem => ({
  at,
  stage: 'parse',
  code,
  message,
})
const type = (code: string, at: string, message: string): ExpectedProblem => ({
  ...parse(code, at, message),
  stage: 'type',
})
/** A name of so many characters as a message shows it. */
const shown = (letter: string) => `\`${letter.repeat(60)}…\``
const definitionRule =
  '3 to 64 characters (a-z, 0-9, _), a letter first, no _ last; prefixes end in `/`; at most 128 in all.'
const memberRule = '3 to 64 characters (a-z, 0-9, _), a letter first, no _ last.'
const tooDeep =
  'The expression is nested more than 100 deep; split it into several permissions, or subtract a union: `a - (b + c)`.'

const cases: readonly LimitCase[] = [
  {
    name: 'a definition of one character too many',
    schema: () => `definition ${'a'.repeat(65)} {}\n`,
    problems: [
      parse(
        'invalid-definition-name',
        '1:12-1:77',
        `${shown('a')} cannot name a definition: ${definitionRule}`,
      ),
    ],
  },
  {
    name: 'a definition and its prefix of one character too many',
    schema: () => `definition ${'a'.repeat(64)}/${'b'.repeat(64)} {}\n`,
    problems: [
      parse(
        'invalid-definition-name',
        '1:12-1:141',
        `${shown('a')} cannot name a definition: ${definitionRule}`,
      ),
    ],
  },
  {
    name: 'a relation of one character too many',
    schema: () => `definition user {\n\trelation ${'a'.repeat(65)}: user\n}\n`,
    problems: [
      parse('invalid-relation-name', '2:11-2:76', `${shown('a')} cannot name a relation: ${memberRule}`),
    ],
  },
  {
    name: 'a permission of one character too many',
    schema: () => `definition user {\n\tpermission ${'a'.repeat(65)} = nil\n}\n`,
    problems: [
      parse('invalid-permission-name', '2:13-2:78', `${shown('a')} cannot name a permission: ${memberRule}`),
    ],
  },
  {
    name: 'a caveat of one character too many',
    schema: () => `caveat ${'a'.repeat(129)}(count int) {\n\tcount > 1\n}\n`,
    problems: [
      parse(
        'invalid-caveat-name',
        '1:8-1:137',
        `${shown('a')} cannot name a caveat: 1 to 128 of a-z, A-Z, 0-9, _ and \`/\`.`,
      ),
    ],
  },
  {
    name: 'parentheses one too deep',
    schema: () => permission(`${'('.repeat(maxNesting + 1)}boss${')'.repeat(maxNesting + 1)}`),
    problems: [parse('nesting-too-deep', '3:120-3:124', tooDeep)],
  },
  {
    name: 'a chain of exclusions one too long',
    schema: () => permission(`boss${' - boss'.repeat(maxNesting)}`),
    problems: [parse('nesting-too-deep', '3:723-3:723', tooDeep)],
  },
  {
    name: 'a parameter type one too deep',
    schema: () =>
      `caveat deep(count ${'list<'.repeat(maxNesting + 1)}int${'>'.repeat(maxNesting + 1)}) {\n}\n`,
    problems: [parse('nesting-too-deep', '1:519-1:523', 'The type is nested more than 100 deep.')],
  },
  {
    name: 'imports one too deep',
    schema: () => 'use import\n\nimport "f0.zed"\n',
    imports: Object.fromEntries(
      numbers(maxNesting + 1).map((n) => [`f${n}.zed`, `use import\n\nimport "f${n + 1}.zed"\n`]),
    ),
    problems: [
      {
        source: 'f99.zed',
        ...parse('nesting-too-deep', '3:8-3:18', 'More than 100 imports deep or 1000 files in all.'),
      },
    ],
  },
  {
    name: 'a text of one character too many',
    schema: () => ' '.repeat(maxTextLength + 1),
    problems: [
      parse(
        'schema-too-large',
        '1:1-1:1',
        'The schema has more than 4194304 characters; split it or generate less.',
      ),
    ],
  },
  {
    name: 'one token too many',
    schema: () => `definition user {}${'\n;'.repeat(maxTokens - 4)}`,
    problems: [
      parse('unexpected-token', '2:1-2:2', 'Expected `definition`, `caveat` or `use`, found `;`.'),
      parse(
        'schema-too-large',
        '999996:2-999996:2',
        'The schema has more than 1000000 tokens; split it or generate less.',
      ),
    ],
  },
  {
    name: 'one subject type too many',
    schema: () =>
      `definition user {\n\trelation boss: ${numbers(maxTypesPerRelation + 1)
        .map(() => 'user')
        .join(' | ')}\n}\n`,
    problems: [parse('schema-too-large', '2:7017-2:7021', 'A relation takes at most 1000 subject types.')],
  },
  {
    name: 'one member too many, partials spliced in',
    schema: () =>
      `use partial\npartial many {\n${numbers(2000)
        .map((n) => `\trelation boss_${n}: user\n`)
        .join('')}}\n${numbers(100)
        .map((n) => `definition user_${n} {\n\t...many\n}\n`)
        .join('')}definition user {}\n`,
    problems: [
      parse(
        'schema-too-large',
        '2302:2-2302:9',
        'The definitions have more than 200000 members in all, partials spliced in.',
      ),
    ],
  },
  {
    name: 'one problem too many',
    schema: () =>
      `definition user {\n${numbers(maxProblems + 1)
        .map((n) => `\tpermission see_${100 + n} = nobody\n`)
        .join('')}}\n`,
    problems: [
      ...numbers(maxProblems).map((n) =>
        type(
          'unknown-reference',
          `${n + 2}:23-${n + 2}:29`,
          '`user` has no relation or permission `nobody`.',
        ),
      ),
      type('too-many-problems', '102:23-102:29', 'More than 100 problems; the others are left out.'),
    ],
  },
  {
    name: 'an expression of one character too many',
    schema: () => `caveat many(count int) {\n\tcount > 1${' '.repeat(maxCaveatLength - 15)}&& true\n}\n`,
    problems: [
      parse('caveat-too-long', '2:2-2:100003', 'The expression has more than 100000 characters; shorten it.'),
    ],
  },
  {
    name: 'a caveat of too many parentheses',
    schema: () => `caveat many(count int) {\n\t${'('.repeat(300)}count == 1${')'.repeat(300)}\n}\n`,
    problems: [parse('caveat-invalid', '2:252-2:252', 'Exceeded maxDepth (250).')],
  },
  {
    name: 'annotations over a long chain',
    schema: () =>
      `use typechecking\ndefinition user {\n\trelation see_0: user\n${numbers(10_000)
        .map((n) => `\tpermission see_${n + 1}: user = see_${n} + see_0\n`)
        .join('')}}\n`,
    problems: [
      type(
        'annotation-too-complex',
        '1416:13-1416:21',
        'The type annotations of this schema are too many to check; leave some out.',
      ),
    ],
  },
]

/** Made when asked for: some are megabytes. */
export function limitCases(): readonly InvalidCase[] {
  return cases.map(({ name, schema, imports, problems }) => ({
    name: `limit: ${name}`,
    schema: schema(),
    ...(imports === undefined ? {} : { imports }),
    problems,
  }))
}
