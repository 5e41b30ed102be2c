// Properties of the whole room: texts survive printing and formatting, and no text whatsoever makes it throw.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { printExpression } from '../../src/caveats/print-expression.ts'
import type { Caveat, Definition, Schema } from '../../src/model/schema.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { diffSchemas } from '../../src/schema/diff.ts'
import { formatSchema } from '../../src/schema/formatter.ts'
import { tokenize } from '../../src/schema/lexer.ts'
import { lintSchema } from '../../src/schema/lint.ts'
import { printSchema } from '../../src/schema/printer.ts'
import { formatProblem, ProblemList } from '../../src/schema/problem.ts'
import { SourceText } from '../../src/schema/source-text.ts'
import { readFolder } from './schema-files.ts'
import { schemaTexts } from './schema-text.ts'

const runs = { numRuns: 200 }

function compiled(text: string): Schema {
  const { schema, problems } = compileSchema(text)
  if (schema === undefined) throw new Error(problems.map((each) => formatProblem(each, text)).join('\n'))
  return schema
}

const byName = <Named extends { readonly name: string }>(map: ReadonlyMap<string, Named>): Named[] =>
  [...map.values()].sort((a, b) => (a.name < b.name ? -1 : 1))

/** A schema without what printing leaves out: annotations, order of definitions and parameters, layout of comments. */
function essence(schema: Schema): unknown {
  const words = (comments: readonly string[]) => comments.map((comment) => comment.replace(/[\s*/]+/g, ' '))
  const definition = ({ name, comments, members, relations, permissions }: Definition) => ({
    name,
    comments: words(comments),
    members,
    relations: [...relations.values()].map((each) => ({ ...each, comments: words(each.comments) })),
    permissions: [...permissions.values()].map(({ name, comments, expression }) => ({
      name,
      comments: words(comments),
      expression,
    })),
  })
  const caveat = ({ name, comments, parameters, expression }: Caveat) => ({
    name,
    comments: words(comments),
    parameters: [...parameters].sort(([a], [b]) => (a < b ? -1 : 1)),
    expression: printExpression(expression),
  })
  return {
    definitions: byName(schema.definitions).map(definition),
    caveats: byName(schema.caveats).map(caveat),
  }
}

/** Everything that formatting must keep; of a caveat's expression all but the blanks around its lines. */
function meaning({ definitions, caveats, uses }: Schema): unknown {
  const expression = (text: string) => text.split(/\r\n|\n/).map((line) => line.trim())
  return {
    definitions: [...definitions.values()],
    caveats: [...caveats.values()].map((each) => ({ ...each, expression: expression(each.expression) })),
    uses,
  }
}

function commentsIn(text: string): readonly string[] {
  const tokens = tokenize(new SourceText(text), new ProblemList())
  return tokens.flatMap(({ comments }) =>
    comments.map(({ start, end }) =>
      text
        .slice(start, end)
        .split(/\r\n|\n/)
        .map((line) => line.trim())
        .join('\n'),
    ),
  )
}

const examples = [...readFolder('examples', '.zed').values()]
const texts = () =>
  fc.oneof({ weight: 20, arbitrary: schemaTexts() }, { weight: 1, arbitrary: fc.constantFrom(...examples) })

test('generated texts compile and reach every construct', () => {
  const seen = new Set<string>()
  fc.assert(
    fc.property(schemaTexts(), (text) => {
      const schema = compiled(text)
      for (const definition of schema.definitions.values()) {
        for (const { types } of definition.relations.values()) {
          for (const type of types)
            seen.add(`type ${type.wildcard} ${type.relation !== ''} ${type.caveat !== undefined}`)
        }
        for (const { expression } of definition.permissions.values()) seen.add(expression.kind)
      }
    }),
    { ...runs, seed: 1 },
  )
  for (const kind of ['nil', 'self', 'reference', 'arrow', 'union', 'intersection', 'exclusion'])
    expect(seen).toContain(kind)
  expect(seen).toContain('type true false true')
  expect(seen).toContain('type false true true')
})

test('print, then compile: the same schema; print again: the same text', () => {
  fc.assert(
    fc.property(texts(), (text) => {
      const schema = compiled(text)
      const printed = printSchema(schema)
      const again = compiled(printed)
      expect(essence(again)).toEqual(essence(schema))
      expect(printSchema(again)).toBe(printed)
      expect(diffSchemas(again, again)).toEqual([])
    }),
    runs,
  )
})

test('format: the same meaning and comments; format again: the same text', () => {
  fc.assert(
    fc.property(texts(), (text) => {
      const { text: formatted = '', problems } = formatSchema(text)
      expect(problems).toEqual([])
      expect(formatSchema(formatted).text).toBe(formatted)
      expect(meaning(compiled(formatted))).toEqual(meaning(compiled(text)))
      expect(commentsIn(formatted)).toEqual(commentsIn(text))
    }),
    runs,
  )
})

test('printed texts are formatted already, but for blanks at the end of empty comment lines', () => {
  fc.assert(
    fc.property(texts(), (text) => {
      const printed = printSchema(compiled(text))
      expect(formatSchema(printed).text).toBe(printed === '' ? '' : `${printed.replace(/ +$/gm, '')}\n`)
    }),
    runs,
  )
})

const vocabulary = [
  ...[
    'definition',
    'caveat',
    'relation',
    'permission',
    'nil',
    'with',
    'use',
    'self',
    'expiration',
    'partial',
  ],
  ...[
    'import',
    'typechecking',
    'and',
    'any',
    'all',
    'user',
    'doc',
    'viewer',
    'member',
    'string',
    'list',
    '"a"',
    "'",
  ],
  ...[
    '{',
    '}',
    '(',
    ')',
    '<',
    '>',
    ':',
    ';',
    '#',
    '*',
    '...',
    '|',
    '+',
    '-',
    '&',
    '->',
    '.',
    ',',
    '/',
    '=',
    '"',
    '"""',
  ],
  ...['\n', ' ', '\t', '\r\n', '//', '/*', '*/', '@', '\u0000', '\ud800', 'é', '𝔄', '[', ']', '%', '1', '_'],
]

function tamesAnything(text: string): void {
  const { schema, problems } = compileSchema(text)
  expect(schema === undefined).toBe(problems.length > 0)
  for (const { range, code } of problems) {
    expect(code).toMatch(/^[a-z-]+$/)
    expect(range.start.offset).toBeGreaterThanOrEqual(0)
    expect(range.end.offset).toBeLessThanOrEqual(text.length)
    expect(range.start.offset).toBeLessThanOrEqual(range.end.offset)
    if (range.start.offset < range.end.offset) continue
    expect(range.start).toEqual(range.end)
  }
  for (const problem of problems) formatProblem(problem, text)
  expect(compileSchema(text).problems).toEqual(problems)
  lintSchema(text)
  const { text: formatted } = formatSchema(text)
  if (schema !== undefined) {
    expect(formatted).toBeDefined()
    printSchema(schema)
  }
  if (formatted !== undefined) expect(formatSchema(formatted).text).toBe(formatted)
}

test('random text is refused with problems, never with a throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), tamesAnything), runs)
})

test('random words of the language are refused with problems, never with a throw', () => {
  const soup = fc.array(fc.constantFrom(...vocabulary), { maxLength: 60 })
  fc.assert(
    fc.property(soup, fc.boolean(), (words, spaced) => tamesAnything(words.join(spaced ? ' ' : ''))),
    { numRuns: 500 },
  )
})

test('good texts with a stretch removed or doubled are refused or read, never with a throw', () => {
  fc.assert(
    fc.property(texts(), fc.nat(), fc.nat({ max: 40 }), fc.boolean(), (text, from, length, double) => {
      const start = text.length === 0 ? 0 : from % text.length
      const stretch = text.slice(start, start + length)
      tamesAnything(text.slice(0, start) + (double ? stretch + stretch : '') + text.slice(start + length))
    }),
    { numRuns: 500 },
  )
})
