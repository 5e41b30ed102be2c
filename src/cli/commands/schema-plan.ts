// cardea schema plan: what a schema write would change and what refuses it, found out on the live data.

import type { Command } from 'commander'
import type { SchemaPlan } from '../../authorizer/authorizer.ts'
import type { Question } from '../../model/decision.ts'
import { CardeaError } from '../../model/errors.ts'
import { formatObject, formatSubject } from '../../model/reference.ts'
import { formatRelationship } from '../../model/relationship-text.ts'
import { exitCode } from '../exit-code.ts'
import { differenceLine } from '../print/difference-line.ts'
import { type RemoteOptions, remoteFlags, withRemote } from '../remote.ts'
import { checkedSchemaFile, readInput } from '../schema-file.ts'
import { parseQuestion } from './check.ts'

interface PlanOptions extends RemoteOptions {
  readonly check?: readonly string[]
  readonly checks?: string
  readonly sample?: string
  readonly failOnChange?: boolean
  readonly json?: boolean
}

const words = { has: 'yes', no: 'no', conditional: 'conditional', unknown: 'no such name' } as const

/** Checks of a file, one a line; blank lines and lines that begin with // are left out. CONFIG_INVALID with the place. */
function checksIn(path: string): Question[] {
  return readInput(path)
    .split(/\r?\n/)
    .flatMap((line, at) => {
      const text = line.trim()
      if (text === '' || text.startsWith('//')) return []
      try {
        return [parseQuestion([text], undefined)]
      } catch (error) {
        const place = `${path}:${at + 1}:${line.indexOf(text) + 1}`
        throw new CardeaError('CONFIG_INVALID', `${place}: ${(error as Error).message}`)
      }
    })
}

function sampleOf(text: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(count)) return count
  throw new CardeaError(
    'CONFIG_INVALID',
    `--sample ${JSON.stringify(text)} is not a whole number, 0 or more.`,
  )
}

async function plan(file: string, options: PlanOptions): Promise<void> {
  const questions = [
    ...(options.check ?? []).map((text) => parseQuestion([text], undefined)),
    ...(options.checks === undefined ? [] : checksIn(options.checks)),
  ]
  const sample = options.sample === undefined ? {} : { sample: sampleOf(options.sample) }
  const to = checkedSchemaFile(file)
  if (to === undefined) return
  const found = await withRemote(options, (authorizer) =>
    authorizer.planSchema(to.text, { questions, ...sample }),
  )
  process.stdout.write(options.json ? `${JSON.stringify(found)}\n` : `${planLines(found).join('\n')}\n`)
  const changed = options.failOnChange === true && found.changed.length > 0
  if (found.blocked.length > 0 || changed) process.exitCode = exitCode.failed
}

function planLines({ differences, blocked, changed, asked }: SchemaPlan): string[] {
  const lines = differences.length === 0 ? ['no change'] : differences.map(differenceLine)
  for (const { message, relationship } of blocked) {
    lines.push(`blocked: ${message}`)
    if (relationship !== undefined && !message.includes(formatRelationship(relationship)))
      lines.push(`  by ${formatRelationship(relationship)}`)
  }
  for (const { question, before, after } of changed) {
    const { resource, permission, subject } = question
    lines.push(
      `answer: ${formatObject(resource)}#${permission}@${formatSubject(subject)}: ${words[before]} becomes ${words[after]}`,
    )
  }
  lines.push(
    blocked.length === 0 ? 'the write would succeed' : `the write would be refused (${blocked.length})`,
    `${changed.length} of ${asked} compared answers would change`,
  )
  return lines
}

export function addSchemaPlanCommand(group: Command): void {
  remoteFlags(
    group
      .command('plan')
      .description(
        'Say what writing a file would change: the schema, what stands in its way, and which answers. Exit code 1 when something stands in its way.',
      ),
  )
    .argument('<file>', 'schema file, - for standard input')
    .option(
      '--check <check>',
      'compare this answer before and after, such as document:readme#view@user:ann (may be repeated)',
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option('--checks <file>', 'compare the answers of a file with one check a line')
    .option('--sample <count>', 'compare besides so many checks made from the data (default 1000; 0: none)')
    .option('--fail-on-change', 'exit code 1 also when a compared answer would change')
    .option('--json', 'print the plan as JSON')
    .action(plan)
}
