// cardea lookup-resources | lookup-subjects | expand: who can do what, and to what.

import type { Command } from 'commander'
import type { SubjectTree } from '../../model/decision.ts'
import { formatObject, formatSubject, wildcardId } from '../../model/reference.ts'
import { parseObject, parseSubject } from '../../model/relationship-text.ts'
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
import { parseContext } from './check.ts'

interface LookupOptions extends RemoteOptions, ConsistencyOptions {
  readonly context?: string
  readonly limit?: string
  readonly json?: boolean
}

/** What both lookups hand on, absent options left out. */
function shared(options: LookupOptions) {
  const context = parseContext(options.context)
  return {
    consistency: consistencyOf(options),
    ...(context === undefined ? {} : { context }),
    ...(options.limit === undefined ? {} : { limit: wholeNumber(options.limit, '--limit') }),
  }
}

function conditionalNote(permissionship: string, missing: readonly string[]): string {
  return permissionship === 'conditional' ? `  (conditional: needs ${missing.join(', ')})` : ''
}

async function lookupResources(
  words: readonly [string, string, string],
  options: LookupOptions,
): Promise<void> {
  const [resourceType, permission, subject] = words
  let found = 0
  await withRemote(options, async (authorizer) => {
    const request = { resourceType, permission, subject: parseSubject(subject), ...shared(options) }
    for await (const { resourceId, permissionship, missing } of authorizer.lookupResources(request)) {
      found += 1
      const line = `${resourceType}:${resourceId}${conditionalNote(permissionship, missing)}`
      process.stdout.write(
        `${options.json ? JSON.stringify({ resourceId, permissionship, missing }) : line}\n`,
      )
    }
  })
  if (found === 0) process.exitCode = exitCode.failed
}

async function lookupSubjects(
  words: readonly [string, string, string],
  options: LookupOptions,
): Promise<void> {
  const [resource, permission, subject] = words
  const [subjectType, subjectRelation = ''] = subject.split('#') as [string, string?]
  let found = 0
  await withRemote(options, async (authorizer) => {
    const request = {
      resource: parseObject(resource),
      permission,
      subjectType,
      subjectRelation,
      ...shared(options),
    }
    for await (const { subjectId, permissionship, missing, excluded } of authorizer.lookupSubjects(request)) {
      found += 1
      const name = formatSubject({
        type: subjectType,
        id: subjectId,
        relation: subjectId === wildcardId ? '' : subjectRelation,
      })
      const but =
        excluded.length === 0 ? '' : `  except ${excluded.map((other) => other.subjectId).join(', ')}`
      const line = `${name}${but}${conditionalNote(permissionship, missing)}`
      process.stdout.write(
        `${options.json ? JSON.stringify({ subjectId, permissionship, missing, excluded }) : line}\n`,
      )
    }
  })
  if (found === 0) process.exitCode = exitCode.failed
}

function treeLines(tree: SubjectTree, depth = 0): string[] {
  const indent = '  '.repeat(depth)
  const name = `${formatObject(tree.resource)}#${tree.name}`
  if (tree.kind === 'leaf')
    return [`${indent}${name}: ${tree.subjects.map(formatSubject).join(', ') || 'nobody'}`]
  return [`${indent}${name} (${tree.kind})`, ...tree.children.flatMap((child) => treeLines(child, depth + 1))]
}

async function expand(permission: string, resource: string, options: LookupOptions): Promise<void> {
  const question = { resource: parseObject(resource), permission }
  const { tree } = await withRemote(options, (authorizer) =>
    authorizer.expand(question, { consistency: consistencyOf(options) }),
  )
  process.stdout.write(`${options.json ? JSON.stringify(tree) : treeLines(tree).join('\n')}\n`)
}

export function addLookupCommands(program: Command): void {
  const lookup = (name: string, description: string) =>
    consistencyFlags(remoteFlags(program.command(name).description(description))).option(
      '--json',
      'one JSON object per line',
    )
  lookup('lookup-resources', 'List the resources on which a subject has a permission.')
    .argument('<type>', 'resource type, such as document')
    .argument('<permission>')
    .argument('<subject>', 'such as user:ann')
    .option('--context <json>', 'context for caveats, a JSON object')
    .option('--limit <count>', 'print at most this many')
    .action((type: string, permission: string, subject: string, options: LookupOptions) =>
      lookupResources([type, permission, subject], options),
    )
  lookup('lookup-subjects', 'List the subjects that have a permission on a resource.')
    .argument('<resource>', 'such as document:readme')
    .argument('<permission>')
    .argument('<subject-type>', 'such as user or group#member')
    .option('--context <json>', 'context for caveats, a JSON object')
    .option('--limit <count>', 'print at most this many')
    .action((resource: string, permission: string, type: string, options: LookupOptions) =>
      lookupSubjects([resource, permission, type], options),
    )
  lookup('expand', 'Print the relations behind a permission as a tree.')
    .argument('<permission>')
    .argument('<resource>', 'such as document:readme')
    .action((permission: string, resource: string, options: LookupOptions) =>
      expand(permission, resource, options),
    )
}
