// cardea relationship touch|create|delete|read|watch|import|export: change and look at the rows.

import type { Command } from 'commander'
import type { UpdateOperation } from '../../model/relationship.ts'
import { formatRelationship, parseRelationship } from '../../model/relationship-text.ts'
import { exitCode } from '../exit-code.ts'
import { wholeNumber } from '../flags.ts'
import { parseResourceFilter, parseSubjectFilter } from '../parse-filter.ts'
import {
  type ConsistencyOptions,
  consistencyFlags,
  consistencyOf,
  type RemoteOptions,
  remoteFlags,
  withRemote,
} from '../remote.ts'
import { addTransferCommands } from './transfer.ts'
import { addWatchCommand } from './watch.ts'

const descriptions: Readonly<Record<UpdateOperation, string>> = {
  touch: 'Write relationships, replacing what is there.',
  create: 'Write relationships that must not exist yet.',
  delete: 'Delete relationships; one that does not exist is no error.',
}

interface ReadOptions extends RemoteOptions, ConsistencyOptions {
  readonly subject?: string
  readonly limit?: string
  readonly json?: boolean
}

async function write(
  operation: UpdateOperation,
  texts: readonly string[],
  options: RemoteOptions,
): Promise<void> {
  const updates = texts.map((text) => ({ operation, relationship: parseRelationship(text) }))
  const { token } = await withRemote(options, (authorizer) => authorizer.writeRelationships({ updates }))
  process.stdout.write(`${token}\n`)
}

async function read(filter: string, options: ReadOptions): Promise<void> {
  const subject = options.subject === undefined ? {} : { subject: parseSubjectFilter(options.subject) }
  const limit = options.limit === undefined ? {} : { limit: wholeNumber(options.limit, '--limit') }
  let found = 0
  await withRemote(options, async (authorizer) => {
    const rows = authorizer.readRelationships({
      filter: { ...parseResourceFilter(filter), ...subject },
      consistency: consistencyOf(options),
      ...limit,
    })
    for await (const { relationship } of rows) {
      found += 1
      process.stdout.write(
        `${options.json ? JSON.stringify(relationship) : formatRelationship(relationship)}\n`,
      )
    }
  })
  if (found === 0) process.exitCode = exitCode.failed
}

export function addRelationshipCommands(program: Command): void {
  const group = program.command('relationship').description('Write and read relationships.')
  for (const operation of ['touch', 'create', 'delete'] as const) {
    remoteFlags(group.command(operation).description(`${descriptions[operation]} Prints the ZedToken.`))
      .argument('<relationship...>', 'such as document:readme#viewer@user:ann')
      .action((texts: string[], options: RemoteOptions) => write(operation, texts, options))
  }
  consistencyFlags(
    remoteFlags(
      group.command('read').description('Print the relationships that match. Exit code 1 when none does.'),
    ),
  )
    .argument('<filter>', 'type, type:id, type:prefix% or type:id#relation')
    .option('--subject <subject>', 'type, type:id or type:id#relation')
    .option('--limit <count>', 'print at most this many')
    .option('--json', 'one JSON object per line')
    .action((filter: string, options: ReadOptions) => read(filter, options))
  addWatchCommand(group)
  addTransferCommands(group)
}
