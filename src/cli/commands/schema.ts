// cardea schema read|write|fmt|lint|diff|plan: the schema of a running server, and files of one's own.

import { writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { diffSchemas } from '../../schema/diff.ts'
import { formatSchema } from '../../schema/formatter.ts'
import { lintSchema } from '../../schema/lint.ts'
import { formatProblem } from '../../schema/problem.ts'
import { exitCode } from '../exit-code.ts'
import { differenceLine } from '../print/difference-line.ts'
import { type RemoteOptions, remoteFlags, withRemote } from '../remote.ts'
import { checkedSchemaFile, formatProblems, importsBeside, readInput } from '../schema-file.ts'
import { addSchemaPlanCommand } from './schema-plan.ts'

function formatFiles(files: readonly string[], check: boolean): void {
  for (const file of files) {
    const text = readInput(file)
    const formatted = formatSchema(text)
    if (formatted.text === undefined) {
      process.stderr.write(`${formatProblems(file, text, formatted.problems, new Map()).join('\n')}\n`)
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
      const schema = checkedSchemaFile(file)
      if (schema === undefined) return
      const { token } = await withRemote(options, (authorizer) => authorizer.writeSchema(schema.text))
      process.stdout.write(`${token}\n`)
    })
  addSchemaPlanCommand(group)
  group
    .command('diff')
    .description('Print the differences between two schema files. Exit code 1 when there are any.')
    .argument('<from>', 'schema file')
    .argument('<to>', 'schema file')
    .option('--json', 'print the differences as JSON')
    .action((fromFile: string, toFile: string, options: { json?: boolean }) => {
      const from = checkedSchemaFile(fromFile)
      const to = checkedSchemaFile(toFile)
      if (from === undefined || to === undefined) return
      const differences = diffSchemas(from.schema, to.schema)
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
