// cardea schema read|write|fmt: the schema of a running server, and files of one's own.

import { readFileSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { CardeaError } from '../../model/errors.ts'
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

export function addSchemaCommands(program: Command): void {
  const group = program.command('schema').description('Read, write and format schemas.')
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
}
