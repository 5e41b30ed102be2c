// Schema files: read with what they import, their problems told with file, line and column.

import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { CardeaError } from '../model/errors.ts'
import type { Schema } from '../model/schema.ts'
import { compileSchema } from '../schema/compile-schema.ts'
import { printSchema } from '../schema/printer.ts'
import { formatProblem, type Problem } from '../schema/problem.ts'
import { exitCode } from './exit-code.ts'

/** A file, or standard input for `-`. CONFIG_INVALID when it cannot be read. */
export function readInput(path: string): string {
  try {
    return readFileSync(path === '-' ? 0 : path, 'utf8')
  } catch (cause) {
    throw new CardeaError(
      'CONFIG_INVALID',
      `${path} cannot be read: ${(cause as Error).message}`,
      {},
      { cause },
    )
  }
}

/** Texts of files that a schema file imports, relative to its folder. */
export function importsBeside(path: string): (name: string) => string | undefined {
  return (name) => {
    try {
      return readFileSync(join(path === '-' ? '.' : dirname(path), name), 'utf8')
    } catch {
      return undefined
    }
  }
}

/** Problems as people read them: `file:line:column: error: ...` with the line and a mark below it. */
export function formatProblems(
  path: string,
  text: string,
  problems: readonly Problem[],
  imports: ReadonlyMap<string, string>,
): string[] {
  return problems.map((problem) => {
    const source = problem.source === undefined ? text : (imports.get(problem.source) ?? '')
    const file = problem.source === undefined ? path : join(dirname(path), problem.source)
    return formatProblem(problem, source, file)
  })
}

export interface SchemaFile {
  readonly schema: Schema
  /** What a server takes: the text of the file, or one text of it and its imports. */
  readonly text: string
}

/** Reads and checks a file. SCHEMA_PARSE_ERROR or SCHEMA_TYPE_ERROR with every problem in its message. */
export function readSchemaFile(path: string): SchemaFile {
  const text = readInput(path)
  const { schema, problems, imports } = compileSchema(text, { resolveImport: importsBeside(path) })
  if (schema === undefined) {
    const parse = problems.some(({ stage }) => stage === 'parse')
    throw new CardeaError(
      parse ? 'SCHEMA_PARSE_ERROR' : 'SCHEMA_TYPE_ERROR',
      formatProblems(path, text, problems, imports).join('\n'),
    )
  }
  return { schema, text: imports.size === 0 ? text : printSchema(schema) }
}

/** The checked file; its problems are printed and end the command with exit code 1. */
export function checkedSchemaFile(path: string): SchemaFile | undefined {
  try {
    return readSchemaFile(path)
  } catch (error) {
    if (!(error instanceof CardeaError) || error.code === 'CONFIG_INVALID') throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = exitCode.failed
    return undefined
  }
}
