// cardea relationship touch|create|delete|read: change and look at the rows.

import type { Command } from 'commander'
import { CardeaError } from '../../model/errors.ts'
import type { RelationshipFilter } from '../../model/filter.ts'
import type { UpdateOperation } from '../../model/relationship.ts'
import { formatRelationship, parseRelationship, parseSubject } from '../../model/relationship-text.ts'
import { exitCode } from '../exit-code.ts'
import { wholeNumber } from '../flags.ts'
import {
  type ConsistencyOptions,
  consistencyFlags,
  consistencyOf,
  type RemoteOptions,
  remoteFlags,
  withRemote,
} from '../remote.ts'

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

/** `document`, `document:readme`, `document:rea%` (prefix), each perhaps with `#viewer`. */
export function parseResourceFilter(text: string): RelationshipFilter {
  const match = /^([^:#@]+)(?::([^#@%]*)(%?))?(?:#([^@]+))?$/.exec(text)
  if (match === null) {
    throw new CardeaError(
      'INVALID_ARGUMENT',
      `Expected type, type:id, type:prefix% or type:id#relation, found ${JSON.stringify(text)}.`,
    )
  }
  const [, resourceType, id, percent, relation] = match
  return {
    resourceType: resourceType!,
    ...(id === undefined || id === '' ? {} : percent === '%' ? { resourceIdPrefix: id } : { resourceId: id }),
    ...(relation === undefined ? {} : { relation }),
  }
}

function parseSubjectFilter(text: string): NonNullable<RelationshipFilter['subject']> {
  if (!text.includes(':')) return { type: text }
  const { type, id, relation } = parseSubject(text)
  return text.includes('#') ? { type, id, relation } : { type, id }
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
}
