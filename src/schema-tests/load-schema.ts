// The schema of a validation file: from its own text or another file, with its problems placed where they are written.

import type { Schema } from '../model/schema.ts'
import { compileSchema } from '../schema/compile-schema.ts'
import { lintSchema } from '../schema/lint.ts'
import { formatProblem, type Problem } from '../schema/problem.ts'
import type { Place } from './place.ts'
import { failureAt, type ValidationFailure } from './validation-report.ts'

/** Gives a file's text by its path, or undefined when there is none. */
export type ReadFile = (path: string) => string | undefined

/** A schema text with where it comes from. */
export interface SchemaSource {
  readonly text: string
  /** Path of the file that it is in. */
  readonly file: string
  /** Place of each line, when the text is a block inside that file. */
  readonly places?: readonly Place[]
}

/** A path seen from the folder of another: `joinPaths('tests/a.yaml', '../x.zed')` is `x.zed`. */
export function joinPaths(from: string, path: string): string {
  if (/^([/\\]|[a-zA-Z]:)/.test(path)) return path
  const segments = from.split('/').slice(0, -1)
  for (const segment of path.split('/')) {
    if (segment === '' || segment === '.') continue
    const last = segments.at(-1)
    if (segment === '..' && last !== undefined && !['', '.', '..'].includes(last)) segments.pop()
    else segments.push(segment)
  }
  return segments.join('/')
}

/** Compiles and lints. Imports are read from files beside the one that the text is in. */
export function loadSchema(
  source: SchemaSource,
  readFile: ReadFile,
): {
  readonly schema?: Schema
  readonly failures: ValidationFailure[]
  readonly warnings: ValidationFailure[]
} {
  const imports = new Map<string, string>()
  const resolveImport = (path: string): string | undefined => {
    const text = readFile(joinPaths(source.file, path))
    if (text !== undefined) imports.set(path, text)
    return text
  }
  const placed = (problem: Problem) => failureOf(problem, source, imports)
  const { schema, problems } = compileSchema(source.text, { resolveImport })
  if (schema === undefined) return { failures: problems.map(placed), warnings: [] }
  return { schema, failures: [], warnings: lintSchema(source.text, { resolveImport }).map(placed) }
}

function failureOf(
  problem: Problem,
  source: SchemaSource,
  imports: ReadonlyMap<string, string>,
): ValidationFailure {
  const { line, column } = problem.range.start
  const text = problem.source === undefined ? source.text : (imports.get(problem.source) ?? '')
  const [, ...excerpt] = formatProblem(problem, text).split('\n')
  const message = `${problem.message} (${problem.code})`
  if (problem.source !== undefined) {
    const place = { line: line + 1, column: column + 1 }
    return failureAt('schema', joinPaths(source.file, problem.source), place, message, excerpt)
  }
  const start =
    source.places === undefined ? { line: line + 1, column: 1 } : (source.places[line] ?? source.places[0]!)
  return failureAt(
    'schema',
    source.file,
    { line: start.line, column: start.column + column },
    message,
    excerpt,
  )
}
