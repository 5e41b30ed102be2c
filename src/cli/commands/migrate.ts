// cardea migrate: prepares a PostgreSQL database, or brings its tables up to this version.

import type { Command } from 'commander'
import { CardeaError } from '../../model/errors.ts'
import { postgresDriver } from '../datastore-url.ts'
import { flag } from '../flags.ts'

export function addMigrateCommand(program: Command): void {
  program
    .command('migrate')
    .description('Make or update the tables of a PostgreSQL datastore. Safe to repeat.')
    .addOption(flag('--datastore <name>', 'postgres://...').makeOptionMandatory())
    .action(async ({ datastore }: { datastore: string }) => {
      if (!/^postgres(ql)?:/.test(datastore)) {
        throw new CardeaError(
          'CONFIG_INVALID',
          'cardea migrate is for --datastore postgres://...; SQLite files are migrated when they are opened.',
        )
      }
      const { migratePostgres } = await postgresDriver(() => import('../../store/postgres/tables.ts'))
      const { from, to } = await migratePostgres({ connectionString: datastore })
      process.stdout.write(
        from === to
          ? `The tables are at version ${to} already.\n`
          : `Migrated the tables from version ${from} to ${to}.\n`,
      )
    })
}
