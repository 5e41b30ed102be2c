// The program: every command and flag.

import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addAuditCommands } from './commands/audit.ts'
import { addCheckCommands } from './commands/check.ts'
import { addDatastoreCommands } from './commands/datastore.ts'
import { addDemoCommand } from './commands/demo.ts'
import { addIdCommands } from './commands/id.ts'
import { addLookupCommands } from './commands/lookup.ts'
import { addMigrateCommand } from './commands/migrate.ts'
import { addPolicyCommands } from './commands/policy.ts'
import { addRelationshipCommands } from './commands/relationship.ts'
import { addSchemaCommands } from './commands/schema.ts'
import { addServeCommand } from './commands/serve.ts'
import { addValidateCommand } from './commands/validate.ts'

function packageVersion(): string {
  return (
    JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  ).version
}

/** A fresh program; unknown commands and flags end it with exit code 2 and the nearest known name. */
export function createProgram(): Command {
  const program = new Command('cardea')
    .description('Relationship-based authorization for services and AI agents.')
    .version(packageVersion())
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for the flags)')
    .exitOverride()
  addServeCommand(program)
  addMigrateCommand(program)
  addDatastoreCommands(program)
  addDemoCommand(program)
  addCheckCommands(program)
  addLookupCommands(program)
  addRelationshipCommands(program)
  addSchemaCommands(program)
  addValidateCommand(program)
  addAuditCommands(program)
  addPolicyCommands(program)
  addIdCommands(program)
  for (const command of everyCommand(program)) command.exitOverride()
  return program
}

function everyCommand(command: Command): Command[] {
  return [command, ...command.commands.flatMap(everyCommand)]
}
