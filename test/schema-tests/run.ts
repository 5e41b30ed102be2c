// Test support: validation files as text, run with other files held in memory.

import { runValidationFile } from '../../src/schema-tests/run-validation-file.ts'
import type { ValidationFailure, ValidationReport } from '../../src/schema-tests/validation-report.ts'

/** Noon of the day on which the tests take place. */
export const nowMs = Date.parse('2031-06-30T12:00:00Z')

export function run(
  text: string,
  files: { readonly [path: string]: string } = {},
  path = 'tests/case.yaml',
): Promise<ValidationReport> {
  return runValidationFile(text, { path, readFile: (name) => files[name], nowMs })
}

/** `file:line:column kind message`, and the lines of the detail below. */
export function shown({ file, line, column, kind, message, detail }: ValidationFailure): string {
  return [`${file}:${line}:${column} ${kind} ${message}`, ...detail].join('\n')
}

export async function failuresOf(
  text: string,
  files?: { readonly [path: string]: string },
): Promise<string[]> {
  return (await run(text, files)).failures.map(shown)
}
