// Every case of schema/invalid, and every bound that is passed, gives exactly its problems, at exactly its places.

import { describe, expect, test } from 'vitest'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { formatProblem, type Problem, schemaError } from '../../src/schema/problem.ts'
import { parseProblemCodes, typeProblemCodes } from '../../src/schema/problem-code.ts'
import { limitCases } from './limit-cases.ts'
import { invalidCases } from './schema-files.ts'

const cases = new Map([...invalidCases(), ['limits', limitCases()]])

function place({ range }: Problem): string {
  const at = ({ line, column }: { line: number; column: number }) => `${line + 1}:${column + 1}`
  return `${at(range.start)}-${at(range.end)}`
}

describe.each([...cases])('%s', (_file, list) => {
  test.each(list.map((each) => [each.name, each] as const))(
    '%s',
    (_name, { schema: text, options, imports, problems }) => {
      const resolveImport = imports === undefined ? undefined : (path: string) => imports[path]
      const result = compileSchema(text, {
        ...options,
        ...(resolveImport === undefined ? {} : { resolveImport }),
      })
      expect(result.schema).toBeUndefined()
      const found = result.problems.map((problem) => ({
        ...(problem.source === undefined ? {} : { source: problem.source }),
        at: place(problem),
        stage: problem.stage,
        code: problem.code,
        message: problem.message,
      }))
      expect(found).toEqual(problems)
    },
  )

  test.each(list.map((each) => [each.name, each] as const))(
    '%s: text form',
    (_name, { schema: text, options, imports }) => {
      const resolveImport = imports === undefined ? undefined : (path: string) => imports[path]
      const result = compileSchema(text, {
        ...options,
        ...(resolveImport === undefined ? {} : { resolveImport }),
      })
      for (const problem of result.problems) {
        const source = problem.source === undefined ? text : (result.imports.get(problem.source) ?? '')
        const { start, end } = problem.range
        expect(start.offset).toBeLessThanOrEqual(end.offset)
        const [head, line, caret] = formatProblem(problem, source).split('\n')
        expect(head).toBe(
          `${problem.source ?? 'schema'}:${start.line + 1}:${start.column + 1}: error: ${problem.message} (${problem.code})`,
        )
        const expected = source.slice(start.offset, end.offset)
        // A long part of a line is shown by its beginning.
        if (end.line === start.line && expected.length < 80 && /^[ -~]+$/.test(expected)) {
          expect(line?.slice(caret?.indexOf('^'), caret?.length)).toBe(expected)
        }
      }
      const error = schemaError(text, result.problems, result.imports)
      const parse = result.problems.find(({ stage }) => stage === 'parse')
      expect(error.code).toBe(parse === undefined ? 'SCHEMA_TYPE_ERROR' : 'SCHEMA_PARSE_ERROR')
      const first = (parse ?? result.problems[0])!
      expect(error.facts).toMatchObject({
        start_line_number: String(first.range.start.line),
        start_column_position: String(first.range.start.column),
        problem_code: first.code,
      })
    },
  )
})

test('every code of the parse and the type stage has a case', () => {
  const covered = new Set(
    [...cases.values()].flat().flatMap(({ problems }) => problems.map(({ code }) => code)),
  )
  expect([...covered].sort()).toEqual([...parseProblemCodes, ...typeProblemCodes].sort())
})

test('case names do not repeat', () => {
  const names = [...cases.values()].flat().map(({ name }) => name)
  expect(names).toHaveLength(new Set(names).size)
})
