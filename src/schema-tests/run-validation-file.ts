// Runs a validation file: its schema and relationships in a datastore in memory, its assertions, its expected relations.

import type { Authorizer } from '../authorizer/authorizer.ts'
import { createAuthorizer } from '../authorizer/create-authorizer.ts'
import { defaultLimits } from '../authorizer/limits.ts'
import { validateRelationship, validateUpdates } from '../authorizer/validate-updates.ts'
import { CardeaError } from '../model/errors.ts'
import { isLive, type Relationship } from '../model/relationship.ts'
import type { Schema } from '../model/schema.ts'
import { printSchema } from '../schema/printer.ts'
import { memoryStore } from '../store/memory/store.ts'
import { refuteAssertion } from './assertion.ts'
import { compareEntries } from './compare-entries.ts'
import { joinPaths, loadSchema, type ReadFile, type SchemaSource } from './load-schema.ts'
import { Membership, withoutContext, withUndecidedCaveats } from './membership.ts'
import {
  type ExpectedRelations,
  type PlacedRelationship,
  readValidationFile,
  type ValidationFile,
} from './read-validation-file.ts'
import { failureAt, type ValidationFailure, type ValidationReport } from './validation-report.ts'

export interface ValidationOptions {
  /** Path of the file, shown with failures; schema files and imports are looked up from its folder. Default `validation.yaml`. */
  readonly path?: string
  /** Gives the text of schema files and imports by path, undefined when there is none. */
  readonly readFile: ReadFile
  /** The instant at which relationships expire or not, milliseconds since the Unix epoch. Default: now. */
  readonly nowMs?: number
}

/**
 * Runs the text of a validation file (reference: schema language, validation file). Bad input of any kind becomes
 * failures of the report; the promise rejects only when the program itself is at fault.
 */
export async function runValidationFile(text: string, options: ValidationOptions): Promise<ValidationReport> {
  const { path = 'validation.yaml', readFile, nowMs = Date.now() } = options
  const file = readValidationFile(text, path)
  const failures = [...file.failures]
  const warnings = [...file.warnings]
  const source = schemaSource(file, path, readFile, failures)
  const loaded = source === undefined ? undefined : loadSchema(source, readFile)
  failures.push(...(loaded?.failures ?? []))
  warnings.push(...(loaded?.warnings ?? []))
  const schema = loaded?.schema
  if (schema !== undefined) {
    const fitting = fittingRelationships(schema, file.relationships, path, failures)
    // Answers over a part of the relationships would only mislead.
    if (fitting.length === file.relationships.length && failures.length === 0) {
      failures.push(...(await runAssertions(schema, fitting, file, path, nowMs)))
      failures.push(...(await runExpectedRelations(schema, fitting, file.expected, path, nowMs)))
    }
  }
  return {
    file: path,
    passed: failures.length === 0,
    failures: byPlace(failures),
    warnings: byPlace(warnings),
    relationshipCount: file.relationships.length,
    assertionCount: file.assertions.length,
    expectedRelationCount: file.expected.length,
  }
}

/** File by file, in the order in which files come up; within a file by line and column. */
function byPlace(failures: readonly ValidationFailure[]): readonly ValidationFailure[] {
  const files = failures.map(({ file }) => file)
  return failures.toSorted(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  )
}

/** Checks a schema on its own, as if a validation file had nothing else. */
export function runSchemaFile(text: string, path: string, readFile: ReadFile): ValidationReport {
  const { failures, warnings } = loadSchema({ text, file: path }, readFile)
  const counts = { relationshipCount: 0, assertionCount: 0, expectedRelationCount: 0 }
  return { file: path, passed: failures.length === 0, failures, warnings, ...counts }
}

function schemaSource(
  { schema, schemaFile }: ValidationFile,
  path: string,
  readFile: ReadFile,
  failures: ValidationFailure[],
): SchemaSource | undefined {
  if (schema !== undefined) return { text: schema.text, file: path, places: schema.places }
  if (schemaFile === undefined) return undefined
  const file = joinPaths(path, schemaFile.path)
  const text = readFile(file)
  if (text === undefined)
    failures.push(failureAt('file', path, schemaFile.place, `There is no file ${file}.`))
  return text === undefined ? undefined : { text, file }
}

function fittingRelationships(
  schema: Schema,
  relationships: readonly PlacedRelationship[],
  path: string,
  failures: ValidationFailure[],
): Relationship[] {
  return relationships.flatMap(({ relationship, place }) => {
    try {
      validateRelationship(relationship, defaultLimits)
      validateUpdates(schema, [{ operation: 'create', relationship }])
      return [relationship]
    } catch (thrown) {
      failures.push(failureAt('relationship', path, place, CardeaError.from(thrown).message))
      return []
    }
  })
}

/** Lets `use` ask an authorizer that has the schema and the relationships. */
async function withAuthorizer<Value>(
  schema: Schema,
  relationships: readonly Relationship[],
  nowMs: number,
  use: (authorizer: Authorizer) => Promise<Value>,
): Promise<Value> {
  const clock = () => nowMs
  const authorizer = await createAuthorizer({ store: memoryStore({ clock }), clock })
  try {
    // Printed, so that imports and partials are resolved in it.
    await authorizer.writeSchema(printSchema(schema))
    await authorizer.importRelationships(batchesOf(relationships))
    return await use(authorizer)
  } finally {
    await authorizer.close()
  }
}

async function* batchesOf(relationships: readonly Relationship[]): AsyncGenerator<readonly Relationship[]> {
  const size = 1000
  for (let at = 0; at < relationships.length; at += size) yield relationships.slice(at, at + size)
}

function runAssertions(
  schema: Schema,
  relationships: readonly Relationship[],
  { assertions }: ValidationFile,
  path: string,
  nowMs: number,
): Promise<ValidationFailure[]> {
  return withAuthorizer(schema, relationships, nowMs, async (authorizer) => {
    const failures: ValidationFailure[] = []
    for (const { text, question, expected, place } of assertions) {
      const refuted = await refuteAssertion(authorizer, question, expected)
      if (refuted === undefined) continue
      failures.push(failureAt('assertion', path, place, `${text}: ${refuted.message}`, refuted.detail))
    }
    return failures
  })
}

async function runExpectedRelations(
  schema: Schema,
  relationships: readonly Relationship[],
  expected: readonly ExpectedRelations[],
  path: string,
  nowMs: number,
): Promise<ValidationFailure[]> {
  if (expected.length === 0) return []
  const undecided = withUndecidedCaveats(schema)
  const rows = relationships.filter((relationship) => isLive(relationship, nowMs)).map(withoutContext)
  return withAuthorizer(undecided, rows, nowMs, async (authorizer) => {
    const membership = new Membership(authorizer, undecided, rows)
    const failures: ValidationFailure[] = []
    for (const permission of expected) {
      try {
        const found = await membership.entriesOf(permission.resource, permission.permission)
        const { differences, diff } = compareEntries(permission, found)
        if (differences.length === 0) continue
        const message = `${permission.text}: the subjects found differ from those expected`
        failures.push(failureAt('expected-relations', path, permission.place, message, diff, differences))
      } catch (thrown) {
        const { message } = CardeaError.from(thrown)
        failures.push(failureAt('expected-relations', path, permission.place, message))
      }
    }
    return failures
  })
}
