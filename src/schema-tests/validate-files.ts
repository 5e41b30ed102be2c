// Runs several validation files and schema files, and says in words how it went: what `cardea validate` prints.

import type { ReadFile } from './load-schema.ts'
import { runSchemaFile, runValidationFile } from './run-validation-file.ts'
import { failureAt, type ValidationFailure, type ValidationReport } from './validation-report.ts'

export interface ValidateFilesOptions {
  /** Gives a file's text by its path, undefined when it cannot be read. */
  readonly readFile: ReadFile
  /** The instant at which relationships expire or not, milliseconds since the Unix epoch. Default: now. */
  readonly nowMs?: number
  /** Whether warnings fail as well. Default false. */
  readonly failOnWarnings?: boolean
}

export interface ValidatedFiles {
  /** In the order of the paths. */
  readonly reports: readonly ValidationReport[]
  /** What to print, ending with a newline. */
  readonly text: string
  /** 0 when every file passed, 1 otherwise. */
  readonly exitCode: 0 | 1
}

/** Runs `.zed` files as schemas and all others as validation files. Bad input is part of the result, never thrown. */
export async function validateFiles(
  paths: readonly string[],
  options: ValidateFilesOptions,
): Promise<ValidatedFiles> {
  const reports: ValidationReport[] = []
  for (const path of paths) reports.push(await validateFile(path, options))
  const { failOnWarnings = false } = options
  const failed = reports.filter(
    ({ passed, warnings }) => !passed || (failOnWarnings && warnings.length > 0),
  ).length
  const summary =
    failed === 0
      ? `${countOf(paths.length, 'file')} passed`
      : `${failed} of ${countOf(paths.length, 'file')} failed`
  const lines = [...reports.flatMap(formatReport), summary]
  return { reports, text: `${lines.map(printable).join('\n')}\n`, exitCode: failed === 0 ? 0 : 1 }
}

async function validateFile(
  path: string,
  { readFile, nowMs }: ValidateFilesOptions,
): Promise<ValidationReport> {
  const text = readFile(path)
  if (text === undefined) {
    const counts = { relationshipCount: 0, assertionCount: 0, expectedRelationCount: 0 }
    const failure = failureAt('file', path, { line: 1, column: 1 }, 'The file cannot be read.')
    return { file: path, passed: false, failures: [failure], warnings: [], ...counts }
  }
  if (path.endsWith('.zed')) return runSchemaFile(text, path, readFile)
  return runValidationFile(text, { path, readFile, ...(nowMs === undefined ? {} : { nowMs }) })
}

function countOf(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

/** The lines for one file: its failures, its warnings, and a last line that counts. */
function formatReport(report: ValidationReport): string[] {
  const { file, passed, failures, warnings, relationshipCount, assertionCount, expectedRelationCount } =
    report
  const counts = [
    countOf(relationshipCount, 'relationship'),
    countOf(assertionCount, 'assertion'),
    countOf(expectedRelationCount, 'expected relation'),
    ...(warnings.length === 0 ? [] : [countOf(warnings.length, 'warning')]),
  ]
  const verdict = passed ? 'passed' : `failed with ${countOf(failures.length, 'failure')}`
  const isSchema = file.endsWith('.zed')
  return [
    ...failures.flatMap((failure) => formatFailure(failure, 'error')),
    ...warnings.flatMap((warning) => formatFailure(warning, 'warning')),
    `${file}: ${verdict}${isSchema ? '' : ` (${counts.join(', ')})`}`,
  ]
}

function formatFailure(
  { file, line, column, message, detail, differences }: ValidationFailure,
  severity: string,
): string[] {
  return [
    `${file}:${line}:${column}: ${severity}: ${message}`,
    ...detail.map((each) => `    ${each}`),
    ...differences.map(
      ({ kind, subject, line, column }) => `    ${file}:${line}:${column}: ${kind} ${subject}`,
    ),
  ]
}

/** Control characters would let a file write to the reader's terminal. */
function printable(line: string): string {
  return line.replace(/\p{Cc}|\p{Cf}|\p{Cs}/gu, (character) => (character === '\t' ? '    ' : '?'))
}
