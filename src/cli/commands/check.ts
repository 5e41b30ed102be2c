// cardea check | explain: does the subject have the permission, and why?

import type { Command } from 'commander'
import type { JsonObject } from '../../model/context.ts'
import type { Question } from '../../model/decision.ts'
import { CardeaError } from '../../model/errors.ts'
import { parseObject, parseObjectAndRelation, parseSubject } from '../../model/relationship-text.ts'
import { exitCode } from '../exit-code.ts'
import { formatExplanation } from '../print/explanation.ts'
import {
  type ConsistencyOptions,
  consistencyFlags,
  consistencyOf,
  type RemoteOptions,
  remoteFlags,
  withRemote,
} from '../remote.ts'

type CheckOptions = RemoteOptions &
  ConsistencyOptions & {
    readonly explain?: boolean
    readonly suggest?: boolean
    readonly json?: boolean
    readonly context?: string
  }

/** `document:a#view@user:ann`, or the three parts `document:a view user:ann` as zed takes them. */
export function parseQuestion(words: readonly string[], context: JsonObject | undefined): Question {
  const added = context === undefined ? {} : { context }
  if (words.length === 3) {
    const [resource, permission, subject] = words as [string, string, string]
    return { resource: parseObject(resource), permission, subject: parseSubject(subject), ...added }
  }
  const at = words[0]?.indexOf('@') ?? -1
  if (words.length !== 1 || at < 0) {
    throw new CardeaError(
      'INVALID_ARGUMENT',
      'Expected document:readme#view@user:ann, or: document:readme view user:ann',
    )
  }
  const { resource, relation } = parseObjectAndRelation(words[0]!.slice(0, at))
  return { resource, permission: relation, subject: parseSubject(words[0]!.slice(at + 1)), ...added }
}

/** Caveat context from the command line; INVALID_ARGUMENT unless it is a JSON object. */
export function parseContext(text: string | undefined): JsonObject | undefined {
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject
  } catch {
    // Told below, together with JSON of another shape.
  }
  throw new CardeaError('INVALID_ARGUMENT', `--context is not a JSON object: ${text}`)
}

async function runCheck(words: readonly string[], options: CheckOptions): Promise<void> {
  const question = parseQuestion(words, parseContext(options.context))
  const explain = options.explain === true
  const result = await withRemote(options, (authorizer) =>
    authorizer.check(question, {
      consistency: consistencyOf(options),
      explain,
      suggest: explain && options.suggest !== false,
    }),
  )
  if (options.json) process.stdout.write(`${JSON.stringify(result)}\n`)
  else if (result.explanation !== undefined)
    process.stdout.write(`${formatExplanation(question, result.explanation)}\n`)
  else if (result.permissionship === 'conditional')
    process.stdout.write(`conditional: needs ${result.missing.join(', ')}\n`)
  else process.stdout.write(`${result.permissionship === 'has' ? 'yes' : 'no'}\n`)
  process.exitCode = result.permissionship === 'has' ? exitCode.ok : exitCode.failed
}

export function addCheckCommands(program: Command): void {
  const described = (command: Command) =>
    consistencyFlags(remoteFlags(command))
      .argument('<question...>', 'document:readme#view@user:ann, or: document:readme view user:ann')
      .option('--context <json>', 'context for caveats, a JSON object')
      .option('--json', 'print the answer as JSON')
  described(
    program
      .command('check')
      .description('Ask whether a subject has a permission. Exit code 0 yes, 1 no or conditional.'),
  )
    .option('--explain', 'also print the proof or the reason')
    .option('--no-suggest', 'with --explain: do not search for a relationship that would grant')
    .action((words: string[], options: CheckOptions) => runCheck(words, options))
  described(program.command('explain').description('The same as check --explain.'))
    .option('--no-suggest', 'do not search for a relationship that would grant')
    .action((words: string[], options: CheckOptions) => runCheck(words, { ...options, explain: true }))
}
