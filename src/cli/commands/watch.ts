// cardea relationship watch: changes as they happen, each once and in order, over reconnects.

import type { Command } from 'commander'
import type { Authorizer, WatchEvent } from '../../authorizer/authorizer.ts'
import { CardeaError } from '../../model/errors.ts'
import { formatRelationship } from '../../model/relationship-text.ts'
import { parseResourceFilter } from '../parse-filter.ts'
import { type RemoteOptions, remoteFlags, withRemote } from '../remote.ts'
import { untilInterrupted } from '../transfer/interruption.ts'

interface WatchOptions extends RemoteOptions {
  readonly after?: string
  readonly schema?: boolean
  readonly checkpoints?: boolean
  readonly json?: boolean
}

/** Pauses between attempts to reach the server again, in milliseconds; the last one repeats. */
const retryDelaysMs = [200, 500, 1000, 2000, 5000]

/** What can be cured by asking again from the last token. */
const passing = new Set(['UNAVAILABLE', 'OVERLOADED'])

/** Where to begin when no token is given: the newest revision, known before the first event comes. */
async function newestToken(authorizer: Authorizer): Promise<string | undefined> {
  try {
    return (await authorizer.readSchema({ consistency: { kind: 'fully_consistent' } })).token
  } catch (error) {
    if (error instanceof CardeaError && error.code === 'SCHEMA_NOT_FOUND') return undefined
    throw error
  }
}

function printEvent({ kind, token, changes, metadata }: WatchEvent, json: boolean): void {
  if (json) {
    const printed = changes.map(({ operation, relationship }) => ({
      operation,
      relationship: formatRelationship(relationship),
    }))
    const event = { kind, token, changes: printed, ...(metadata === undefined ? {} : { metadata }) }
    process.stdout.write(`${JSON.stringify(event)}\n`)
    return
  }
  const lines =
    kind === 'changes'
      ? changes.map(({ operation, relationship }) => `${operation} ${formatRelationship(relationship)}`)
      : [kind]
  // The token stands on the last line of its revision: who resumes by it has seen all of them.
  lines.forEach((line, at) => {
    process.stdout.write(at === lines.length - 1 ? `${line}\t${token}\n` : `${line}\n`)
  })
}

async function watch(filters: readonly string[], options: WatchOptions): Promise<void> {
  const interruption = untilInterrupted()
  const { signal } = interruption
  try {
    await withRemote(options, async (authorizer) => {
      let after = options.after ?? (await newestToken(authorizer))
      for (let failures = 0; !signal.aborted; ) {
        try {
          const events = authorizer.watch({
            filters: filters.map(parseResourceFilter),
            ...(after === undefined ? {} : { after }),
            ...(options.schema ? { schema: true } : {}),
            // Always: a token that moves on keeps a quiet watch inside the window of what can be read.
            checkpoints: true,
            signal,
          })
          for await (const event of events) {
            failures = 0
            after = event.token
            if (event.kind !== 'checkpoint' || options.checkpoints) printEvent(event, options.json === true)
          }
        } catch (error) {
          if (signal.aborted) return
          if (!(error instanceof CardeaError) || !passing.has(error.code)) throw error
          const delayMs = retryDelaysMs[Math.min(failures, retryDelaysMs.length - 1)]!
          failures += 1
          process.stderr.write(`cardea: ${error.message} Going on from the last token in ${delayMs} ms.\n`)
          await new Promise((resolve) => setTimeout(resolve, delayMs))
        }
      }
    })
  } finally {
    interruption.end()
  }
}

export function addWatchCommand(group: Command): void {
  remoteFlags(
    group
      .command('watch')
      .description(
        'Print changes as they happen, each once and in order; with the last change of a revision stands the ZedToken to go on from. Reconnects by itself.',
      ),
  )
    .argument('[filter...]', 'type, type:id, type:prefix% or type:id#relation; none: everything')
    .option('--after <token>', 'begin behind this ZedToken instead of now')
    .option('--schema', 'also say when the schema was written')
    .option('--checkpoints', 'also say, about every second, that nothing more can come before a token')
    .option('--json', 'one JSON object per revision')
    .action(watch)
}
