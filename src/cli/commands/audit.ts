// cardea audit tail|verify|replay|exposures|over-fetch: what the audit log says, and whether it is what was written and what was so.

import { existsSync, readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { JWK } from 'jose'
import { reportOverFetch } from '../../audit/over-fetch-report.ts'
import { findExposures, readAuditLog } from '../../audit/read-audit-log.ts'
import { verifyAuditLog } from '../../audit/verify-audit-log.ts'
import { CardeaError } from '../../model/errors.ts'
import { formatSubject } from '../../model/reference.ts'
import { parseObject } from '../../model/relationship-text.ts'
import { exitCode } from '../exit-code.ts'
import { wholeNumber } from '../flags.ts'
import { type RemoteOptions, remoteFlags, withRemote } from '../remote.ts'
import type { ReplayOptions } from '../replay-audit.ts'

function readKey(path: string): JWK {
  try {
    const key = JSON.parse(readFileSync(path, 'utf8')) as JWK
    if (key.kty !== 'OKP' || key.crv !== 'Ed25519' || typeof key.x !== 'string')
      throw new Error('it is not an Ed25519 key')
    return key
  } catch (cause) {
    throw new CardeaError(
      'CONFIG_INVALID',
      `--public-key ${path} is no JWK file: ${(cause as Error).message}`,
      {},
      { cause },
    )
  }
}

async function verify(
  path: string,
  options: { publicKey?: string[]; checkpoints?: string; mayStartLate?: boolean; json?: boolean },
): Promise<void> {
  requireLog(path)
  const publicKeys = (options.publicKey ?? []).map(readKey)
  const verified = await verifyAuditLog({
    path,
    publicKeys,
    ...(options.checkpoints === undefined ? {} : { checkpointPath: options.checkpoints }),
    mayStartLate: options.mayStartLate === true,
  })
  if (options.json) process.stdout.write(`${JSON.stringify(verified)}\n`)
  else {
    for (const { kind, file, line, detail } of verified.problems) {
      process.stdout.write(`${file}${line === undefined ? '' : `:${line}`}: ${kind}: ${detail}\n`)
    }
    const signed =
      publicKeys.length === 0
        ? 'no key given: who could write the log could have rewritten it, and whether its end was cut off cannot be told'
        : `signed up to entry ${verified.signedUpTo ?? 'none'}`
    process.stdout.write(
      `${verified.ok ? 'intact' : 'NOT INTACT'}: ${verified.entries} entries in ${verified.files} files; ${signed}\n`,
    )
  }
  // A key that signed nothing proves nothing.
  const unsigned = publicKeys.length > 0 && verified.signedUpTo === undefined
  if (unsigned && !options.json)
    process.stdout.write('NOT VERIFIED: no checkpoint was signed by the given keys\n')
  if (!verified.ok || unsigned) process.exitCode = exitCode.failed
}

/** A log that is not there is no empty log. */
function requireLog(path: string): void {
  if (!existsSync(path)) throw new CardeaError('CONFIG_INVALID', `There is no audit log at ${path}.`)
}

async function tail(path: string, options: { last: string; json?: boolean }): Promise<void> {
  requireLog(path)
  const count = wholeNumber(options.last, '--last')
  const last: unknown[] = []
  for await (const entry of readAuditLog(path)) {
    last.push(entry)
    if (last.length > count) last.shift()
  }
  for (const entry of last as { seq: number; kind: string; body: Record<string, unknown> }[]) {
    if (options.json || entry.kind !== 'event') process.stdout.write(`${JSON.stringify(entry)}\n`)
    else {
      const { at, phase, method, tool, outcome, decisions, detail, principal } = entry.body as {
        [key: string]: string
      } & { decisions?: { verdict?: string }[]; principal?: { subject?: string } }
      const asked = decisions ?? []
      const granted = asked.filter(({ verdict }) => verdict === 'has').length
      const who = principal?.subject ?? 'nobody'
      const counts = asked.length === 0 ? '' : `  ${granted}/${asked.length} granted`
      process.stdout.write(
        `${at}  ${phase}  ${who}  ${method}${tool === undefined ? '' : ` ${tool}`}  ${outcome ?? ''}${counts}${detail === undefined ? '' : `  (${detail})`}\n`,
      )
    }
  }
}

async function exposures(
  path: string,
  resource: string,
  options: { before?: string; json?: boolean },
): Promise<void> {
  requireLog(path)
  if (options.before !== undefined && Number.isNaN(Date.parse(options.before))) {
    throw new CardeaError(
      'INVALID_ARGUMENT',
      `--before ${JSON.stringify(options.before)} is no ISO 8601 instant, such as 2026-01-31T12:00:00Z.`,
    )
  }
  const before = options.before === undefined ? {} : { before: options.before }
  const found = await findExposures({ path, resource: parseObject(resource), ...before })
  if (options.json) process.stdout.write(`${JSON.stringify(found)}\n`)
  else {
    for (const { at, principal, method, tool, where, permission, wouldBeDenied } of found.exposures) {
      const who = principal === undefined ? '(redacted)' : formatSubject(principal.subjectRef)
      process.stdout.write(
        `${at}  ${who}  ${tool ?? method}  ${permission} at ${where}${wouldBeDenied ? '  (observe mode: would be denied)' : ''}\n`,
      )
    }
    if (found.unknown.length > 0)
      process.stdout.write(`redacted, so nobody can tell: entries ${found.unknown.join(', ')}\n`)
    process.stdout.write(`${found.exposures.length} exposures of ${resource}\n`)
  }
}

async function replay(
  path: string,
  options: RemoteOptions & { offline?: boolean; call?: string; json?: boolean },
): Promise<void> {
  requireLog(path)
  const { call: callId } = options
  const common: ReplayOptions = { path, nowMs: Date.now(), ...(callId === undefined ? {} : { callId }) }
  if (options.offline) await printReplay(common, options.json === true)
  else await withRemote(options, (service) => printReplay({ ...common, service }, options.json === true))
}

async function printReplay(options: ReplayOptions, json: boolean): Promise<void> {
  // Loaded here: it brings a whole authorizer, which no other command of the log needs.
  const { replayAuditLog } = await import('../replay-audit.ts')
  const counts = { revision: 0, proof: 0, differs: 0, undecidable: 0 }
  const why = new Map<string, number>()
  for await (const one of replayAuditLog(options)) {
    if (one.outcome === 'agrees') counts[one.by!]++
    else counts[one.outcome]++
    if (one.outcome === 'undecidable') why.set(one.detail!, (why.get(one.detail!) ?? 0) + 1)
    if (json) process.stdout.write(`${JSON.stringify(one)}\n`)
    else if (one.outcome === 'differs')
      process.stdout.write(`entry ${one.seq}: ${one.question}: recorded ${one.recorded}, but ${one.detail}\n`)
  }
  const total = counts.revision + counts.proof + counts.differs + counts.undecidable
  if (options.callId !== undefined && total === 0)
    throw new CardeaError('INVALID_ARGUMENT', `The log holds no decision of a call ${options.callId}.`)
  if (!json) {
    process.stdout.write(
      `${total} decisions: ${counts.revision} evaluated again at their revision and equal, ${counts.proof} held by their recorded proof, ${counts.differs} different, ${counts.undecidable} undecidable\n`,
    )
    for (const [reason, count] of why) process.stdout.write(`undecidable: ${count}: ${reason}\n`)
  }
  if (counts.differs > 0) process.exitCode = exitCode.failed
}

async function overFetch(path: string, options: { json?: boolean }): Promise<void> {
  requireLog(path)
  const rows = await reportOverFetch(path)
  if (options.json) {
    process.stdout.write(`${JSON.stringify(rows)}\n`)
    return
  }
  for (const { tool, calls, returned, denied, deniedByType, observedCalls, unknownCalls } of rows) {
    const types = Object.entries(deniedByType).map(([type, count]) => `${type} ${count}`)
    const share = returned === 0 ? '' : ` (${Math.round((100 * denied) / returned)} %)`
    const notes = [
      types.length > 0 ? `: ${types.join(', ')}` : '',
      observedCalls > 0 ? `; shown in observe mode in ${observedCalls} calls` : '',
      unknownCalls > 0 ? `; ${unknownCalls} calls redacted in part` : '',
    ]
    process.stdout.write(
      `${tool}  ${calls} calls returned ${returned} things, ${denied} denied${share}${notes.join('')}\n`,
    )
  }
}

export function addAuditCommands(program: Command): void {
  const group = program.command('audit').description('Read and verify an audit log.')
  group
    .command('verify')
    .description(
      'Find what was changed, removed, reordered, inserted or cut off. Exit code 1 when something was.',
    )
    .argument('<log>')
    .option('--public-key <file...>', 'JWK files of the keys that sign checkpoints')
    .option('--checkpoints <file>', 'where the checkpoints are (default: beside the log)')
    .option('--may-start-late', 'accept that the oldest segments are gone')
    .option('--json', 'print the result as JSON')
    .action(verify)
  remoteFlags(
    group
      .command('replay')
      .description(
        'Ask again what was decided: at the recorded revision while the server keeps it, later by the recorded proof and the archived schema. Exit code 1 when an answer differs.',
      )
      .argument('<log>')
      .option('--call <id>', 'only the records of one call')
      .option('--offline', 'ask no server; look at recorded proofs only')
      .option('--json', 'one JSON object per decision'),
  ).action(replay)
  group
    .command('tail')
    .description('Print the newest entries.')
    .argument('<log>')
    .option('--last <count>', 'how many', '20')
    .option('--json', 'one JSON object per line')
    .action(tail)
  group
    .command('over-fetch')
    .description(
      'How much more each tool returns than its callers may see, by type; what observe mode is run for.',
    )
    .argument('<log>')
    .option('--json', 'print the result as JSON')
    .action(overFetch)
  group
    .command('exposures')
    .description('Who has been shown a resource, when and through which tool.')
    .argument('<log>')
    .argument('<resource>', 'such as document:readme')
    .option('--before <instant>', 'only calls before this ISO 8601 instant')
    .option('--json', 'print the result as JSON')
    .action(exposures)
}
