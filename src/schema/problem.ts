// Problems found in a schema text: data with a code and a range, and the text form with an excerpt.

import { CardeaError, type ErrorFacts } from '../model/errors.ts'
import { schemaLimits } from './limits.ts'
import type { ProblemCode } from './problem-code.ts'
import { type Range, SourceText, type Span } from './source-text.ts'

/** `parse`: SCHEMA_PARSE_ERROR; `type`: SCHEMA_TYPE_ERROR; `lint`: a warning that refuses nothing. */
export type ProblemStage = 'parse' | 'type' | 'lint'

/** One thing wrong with a schema text. */
export interface Problem {
  readonly code: ProblemCode
  readonly severity: 'error' | 'warning'
  readonly stage: ProblemStage
  /** What is wrong and how to cure it, without the place. */
  readonly message: string
  /** 0-based lines and columns (UTF-16 units), end exclusive. */
  readonly range: Range
  /** The imported file it is in; absent for the text itself. */
  readonly source?: string
  /** Names involved: definition_name, relation_name, caveat_name, ... */
  readonly facts: ErrorFacts
}

/** Gathers problems up to the limit; everything after that is counted as one. */
export class ProblemList {
  readonly #problems: { readonly order: number; readonly problem: Problem }[] = []
  readonly #seen = new Set<string>()
  readonly #sources: (string | undefined)[] = []
  #overflow = false

  /** Whether nothing more will be recorded, so that looking on is in vain. */
  get full(): boolean {
    return this.#overflow
  }

  get count(): number {
    return this.#problems.length
  }

  add(
    source: SourceText,
    span: Span,
    stage: ProblemStage,
    code: ProblemCode,
    message: string,
    facts: ErrorFacts = {},
  ): void {
    if (this.#overflow) return
    const key = `${source.name ?? ''}\n${span.start}\n${span.end}\n${code}\n${message}`
    if (this.#seen.has(key)) return
    this.#seen.add(key)
    const full = this.#problems.length >= schemaLimits.maxProblems
    this.#overflow = full
    let order = this.#sources.indexOf(source.name)
    if (order < 0) order = this.#sources.push(source.name) - 1
    const problem: Problem = {
      code: full ? 'too-many-problems' : code,
      severity: stage === 'lint' ? 'warning' : 'error',
      stage,
      message: full ? `More than ${schemaLimits.maxProblems} problems; the others are left out.` : message,
      range: source.range(span),
      ...(source.name === undefined ? {} : { source: source.name }),
      facts: full ? {} : facts,
    }
    this.#problems.push({ order: full ? Number.MAX_SAFE_INTEGER : order, problem })
  }

  /** By file in the order of their first problem, then by place, then by code. */
  sorted(): readonly Problem[] {
    const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
    return this.#problems
      .toSorted(
        (a, b) =>
          a.order - b.order ||
          a.problem.range.start.offset - b.problem.range.start.offset ||
          a.problem.range.end.offset - b.problem.range.end.offset ||
          compareText(a.problem.code, b.problem.code),
      )
      .map((entry) => entry.problem)
  }
}

/** A name for a message: quoted, and cut when it is huge. */
export function quoteName(text: string): string {
  return `\`${text.length > 64 ? `${text.slice(0, 60)}…` : text}\``
}

const excerptWidth = 100

/** Control characters would let a schema write to the reader's terminal. */
function printable(text: string): string {
  return text.replace(/\p{Cc}|\p{Cf}|\p{Cs}/gu, (character) => (character === '\t' ? '    ' : '?'))
}

/**
 * The text form: `name:line:column: error: message (code)` with 1-based line and column, and the line with a caret
 * under the range.
 *
 * @param text the text of the file that the problem is in (of `problem.source` when that is set)
 * @param name shown instead of `problem.source`; default `schema`
 */
export function formatProblem(problem: Problem, text: string, name?: string): string {
  const { start, end } = problem.range
  const shownName = name ?? problem.source ?? 'schema'
  const head = `${printable(shownName)}:${start.line + 1}:${start.column + 1}: ${problem.severity}: ${printable(problem.message)} (${problem.code})`
  const line = new SourceText(text).line(start.line)
  const from = start.column > excerptWidth - 20 ? start.column - 40 : 0
  const shown = line.slice(from, from + excerptWidth)
  const before = printable(line.slice(from, start.column))
  const endColumn = end.line === start.line ? end.column : line.length
  const marked = printable(line.slice(start.column, Math.min(endColumn, from + excerptWidth)))
  const gutter = String(start.line + 1)
  const lead = from > 0 ? '…' : ''
  const tail = from + excerptWidth < line.length ? '…' : ''
  const caret = '^'.repeat(Math.max(1, marked.length))
  return [
    head,
    `${gutter} | ${lead}${printable(shown)}${tail}`,
    `${' '.repeat(gutter.length)} | ${' '.repeat(lead.length + before.length)}${caret}`,
  ].join('\n')
}

/**
 * One error for a refused schema: SCHEMA_PARSE_ERROR when any problem is of the parse stage, else SCHEMA_TYPE_ERROR.
 * The message has the text form of every problem. The facts are those of the first one of that stage, with its range
 * (0-based, as the wire wants it) and the source line.
 *
 * @param problems at least one error, as compileSchema gives them
 * @param imports texts of imported files, as compileSchema gives them
 */
export function schemaError(
  text: string,
  problems: readonly Problem[],
  imports: ReadonlyMap<string, string> = new Map(),
): CardeaError {
  const errors = problems.filter((problem) => problem.severity === 'error')
  const first = errors.find((problem) => problem.stage === 'parse') ?? errors[0]
  if (first === undefined) throw new Error('A schema error needs at least one problem.')
  const textOf = (problem: Problem): string =>
    problem.source === undefined ? text : (imports.get(problem.source) ?? '')
  const facts: ErrorFacts = {
    ...first.facts,
    problem_code: first.code,
    start_line_number: String(first.range.start.line),
    start_column_position: String(first.range.start.column),
    end_line_number: String(first.range.end.line),
    end_column_position: String(first.range.end.column),
    source_code: new SourceText(textOf(first)).line(first.range.start.line).slice(0, 1000),
  }
  return new CardeaError(
    first.stage === 'parse' ? 'SCHEMA_PARSE_ERROR' : 'SCHEMA_TYPE_ERROR',
    errors.map((problem) => formatProblem(problem, textOf(problem))).join('\n'),
    facts,
  )
}
