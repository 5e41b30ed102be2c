// cardea schema read|write|fmt|lint|diff|plan: the schema of a running server, and files of one's own.

import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { CardeaError } from '../../model/errors.ts'
import { formatAllowedType, type Schema } from '../../model/schema.ts'
import { compileSchema } from '../../schema/compile-schema.ts'
import { diffSchemas, type SchemaDifference } from '../../schema/diff.ts'
import { formatSchema } from '../../schema/formatter.ts'
import { lintSchema } from '../../schema/lint.ts'
import { formatProblem, type Problem } from '../../schema/problem.ts'
import { schemaGuards } from '../../schema/schema-guards.ts'
import { exitCode } from '../exit-code.ts'
import { type RemoteOptions, remoteFlags, withRemote } from '../remote.ts'

/** A file, or standard input for `-`. */
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
function importsBeside(path: string): (name: string) => string | undefined {
  return (name) => {
    try {
      return readFileSync(join(path === '-' ? '.' : dirname(path), name), 'utf8')
    } catch {
      return undefined
    }
  }
}

function printProblems(
  path: string,
  text: string,
  problems: readonly Problem[],
  imports: ReadonlyMap<string, string>,
): void {
  for (const problem of problems) {
    const source = problem.source === undefined ? text : (imports.get(problem.source) ?? '')
    process.stderr.write(`${formatProblem(problem, source, problem.source ?? path)}\n`)
  }
}

/** The checked schema of a file; its problems are printed and end the command with exit code 1. */
export function schemaOf(path: string): Schema | undefined {
  const text = readInput(path)
  const { schema, problems, imports } = compileSchema(text, { resolveImport: importsBeside(path) })
  if (schema === undefined) {
    printProblems(path, text, problems, imports)
    process.exitCode = exitCode.failed
  }
  return schema
}

function differenceLine(difference: SchemaDifference): string {
  const what = difference.kind.replaceAll('_', ' ')
  if ('definition' in difference) return `${what}: ${difference.definition.name}`
  if ('relation' in difference) {
    const type = 'subjectType' in difference ? ` (${formatAllowedType(difference.subjectType)})` : ''
    return `${what}: ${difference.relation.parentDefinitionName}#${difference.relation.name}${type}`
  }
  if ('permission' in difference)
    return `${what}: ${difference.permission.parentDefinitionName}#${difference.permission.name}`
  if ('caveat' in difference) return `${what}: ${difference.caveat.name}`
  return `${what}: ${difference.parameter.parentCaveatName}.${difference.parameter.name}`
}

function formatFiles(files: readonly string[], check: boolean): void {
  for (const file of files) {
    const text = readInput(file)
    const formatted = formatSchema(text)
    if (formatted.text === undefined) {
      printProblems(file, text, formatted.problems, new Map())
      process.exitCode = exitCode.failed
    } else if (check) {
      if (formatted.text === text) continue
      process.stdout.write(`${file} is not formatted\n`)
      process.exitCode = exitCode.failed
    } else if (file === '-') process.stdout.write(formatted.text)
    else if (formatted.text !== text) writeFileSync(file, formatted.text)
  }
}

function lintFiles(files: readonly string[], json: boolean): void {
  for (const file of files) {
    const text = readInput(file)
    const problems = lintSchema(text, { resolveImport: importsBeside(file) })
    if (json) process.stdout.write(`${JSON.stringify({ file, problems })}\n`)
    else for (const problem of problems) process.stdout.write(`${formatProblem(problem, text, file)}\n`)
    if (problems.length > 0) process.exitCode = exitCode.failed
  }
}

/** What a write of the file would change, and which rows could stand in its way. */
async function plan(file: string, options: RemoteOptions): Promise<void> {
  const to = schemaOf(file)
  if (to === undefined) return
  await withRemote(options, async (authorizer) => {
    const from = await authorizer.readSchema().then(
      ({ text }) => compileSchema(text).schema,
      (error: CardeaError) => {
        if (error.code === 'SCHEMA_NOT_FOUND') return undefined
        throw error
      },
    )
    const empty = compileSchema('').schema!
    const differences = diffSchemas(from ?? empty, to)
    if (differences.length === 0) process.stdout.write('no change\n')
    for (const difference of differences) process.stdout.write(`${differenceLine(difference)}\n`)
    const { guards, problems } = schemaGuards(from, to)
    for (const { message } of problems) process.stdout.write(`refused: ${message}\n`)
    let blocked = problems.length
    for (const { filter, message, caveat, expiration } of guards) {
      for await (const { relationship } of authorizer.readRelationships({
        filter,
        consistency: { kind: 'fully_consistent' },
      })) {
        if (caveat !== undefined && (relationship.caveat?.name ?? null) !== caveat) continue
        if (expiration !== undefined && (relationship.expiresAtMs !== undefined) !== expiration) continue
        process.stdout.write(`blocked: ${message}\n`)
        blocked += 1
        break
      }
    }
    if (blocked > 0) process.exitCode = exitCode.failed
  })
}

export function addSchemaCommands(program: Command): void {
  const group = program.command('schema').description('Read, write, compare and tidy schemas.')
  remoteFlags(group.command('read').description('Print the schema of the server.'))
    .option('--json', 'print text and token as JSON')
    .option('--out <file>', 'write to a file instead')
    .action(async (options: RemoteOptions & { json?: boolean; out?: string }) => {
      const schema = await withRemote(options, (authorizer) => authorizer.readSchema())
      const text = options.json ? `${JSON.stringify(schema)}\n` : `${schema.text.trimEnd()}\n`
      if (options.out === undefined) process.stdout.write(text)
      else writeFileSync(options.out, text)
    })
  remoteFlags(group.command('write').description('Replace the schema of the server. Prints the ZedToken.'))
    .argument('<file>', 'schema file, - for standard input')
    .action(async (file: string, options: RemoteOptions) => {
      const { token } = await withRemote(options, (authorizer) => authorizer.writeSchema(readInput(file)))
      process.stdout.write(`${token}\n`)
    })
  remoteFlags(
    group
      .command('plan')
      .description(
        'Say what writing a file would change, and what stands in its way. Exit code 1 when something does.',
      ),
  )
    .argument('<file>', 'schema file')
    .action(plan)
  group
    .command('diff')
    .description('Print the differences between two schema files. Exit code 1 when there are any.')
    .argument('<from>', 'schema file')
    .argument('<to>', 'schema file')
    .option('--json', 'print the differences as JSON')
    .action((fromFile: string, toFile: string, options: { json?: boolean }) => {
      const from = schemaOf(fromFile)
      const to = schemaOf(toFile)
      if (from === undefined || to === undefined) return
      const differences = diffSchemas(from, to)
      if (options.json) process.stdout.write(`${JSON.stringify(differences)}\n`)
      else for (const difference of differences) process.stdout.write(`${differenceLine(difference)}\n`)
      if (differences.length > 0) process.exitCode = exitCode.failed
    })
  group
    .command('fmt')
    .description('Give schema files their one layout; every comment stays.')
    .argument('<file...>', 'schema files, - for standard input')
    .option('--check', 'change nothing; exit code 1 when a file is not formatted')
    .action((files: string[], options: { check?: boolean }) => formatFiles(files, options.check === true))
  group
    .command('lint')
    .description('Look for what is allowed but unwise. Exit code 1 when something is found.')
    .argument('<file...>', 'schema files')
    .option('--json', 'one JSON object per file')
    .action((files: string[], options: { json?: boolean }) => lintFiles(files, options.json === true))
}
