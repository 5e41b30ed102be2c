// Replay: asks again what an audit log says was decided, at the same revision, or looks at the recorded proof when that is gone.

import type { AuditDecision, AuditEvent } from '../audit/audit.ts'
import { readAuditLog, tokenOf } from '../audit/read-audit-log.ts'
import { archivedSchema } from '../audit/schema-archive.ts'
import type { Authorizer, BulkAnswer } from '../authorizer/authorizer.ts'
import { createAuthorizer } from '../authorizer/create-authorizer.ts'
import type { Question } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import { formatObject, formatSubject } from '../model/reference.ts'
import { parseRelationship } from '../model/relationship-text.ts'
import { memoryStore } from '../store/memory/store.ts'

export interface ReplayedDecision {
  readonly seq: number
  readonly callId: string
  /** `document:plan#view@user:alice`. */
  readonly question: string
  readonly recorded: AuditDecision['verdict']
  /**
   * `agrees`, by the service at the recorded revision or by the recorded proof alone. `differs`: the log does not tell
   * what the data of that moment says. `undecidable`: nobody can tell any more, for the reason in `detail`.
   */
  readonly outcome: 'agrees' | 'differs' | 'undecidable'
  readonly by?: 'revision' | 'proof'
  readonly detail?: string
}

export interface ReplayOptions {
  readonly path: string
  /** Where revisions are asked at; unset: only recorded proofs are looked at. */
  readonly service?: Authorizer
  /** Only the records of this call. */
  readonly callId?: string
  /** Milliseconds since the Unix epoch: what has expired by now cannot be seen any more. */
  readonly nowMs: number
}

/** Most questions of one request. */
const maxAsked = 1000

/** Replays every decision of a log. Throws what the service throws, except that a revision is too old. */
export async function* replayAuditLog(options: ReplayOptions): AsyncGenerator<ReplayedDecision> {
  for await (const entry of readAuditLog(options.path)) {
    // An intent's decisions are in the outcome again.
    if (entry.kind !== 'event' || entry.body.phase === 'intent') continue
    if (options.callId !== undefined && entry.body.callId !== options.callId) continue
    yield* replayEvent(entry.seq, entry.body, options)
  }
}

async function* replayEvent(
  seq: number,
  event: AuditEvent,
  options: ReplayOptions,
): AsyncGenerator<ReplayedDecision> {
  const byToken = new Map<string, AuditDecision[]>()
  for (const decision of event.decisions) {
    const base = { seq, callId: event.callId, question: 'redacted', recorded: decision.verdict }
    if ('redacted' in decision || decision.verdict === 'error') {
      const detail =
        'redacted' in decision ? 'it was redacted' : 'the question could not be answered then either'
      yield { ...base, recorded: decision.verdict ?? 'error', outcome: 'undecidable', detail }
      continue
    }
    const token = tokenOf(event, decision) ?? ''
    const group = byToken.get(token)
    if (group) group.push(decision)
    else byToken.set(token, [decision])
  }
  for (const [token, decisions] of byToken) {
    for (let from = 0; from < decisions.length; from += maxAsked) {
      const part = decisions.slice(from, from + maxAsked)
      const answers = token === '' ? undefined : await askAgain(part, token, options.service)
      for (const [index, decision] of part.entries()) {
        const judged = await judge(decision, answers?.[index], event, options)
        const question = `${formatObject(decision.resource)}#${decision.permission}@${formatSubject(decision.subject)}`
        yield { seq, callId: event.callId, question, recorded: decision.verdict, ...judged }
      }
    }
  }
}

/** The answers of that revision; undefined when it is older than what the service keeps. */
async function askAgain(
  decisions: readonly AuditDecision[],
  token: string,
  service: Authorizer | undefined,
): Promise<readonly BulkAnswer[] | undefined> {
  try {
    const questions = decisions.map(questionOf)
    const consistency = { kind: 'at_exact_snapshot', token } as const
    return (await service?.checkBulk(questions, { consistency }))?.answers
  } catch (thrown) {
    if (CardeaError.from(thrown).code === 'REVISION_OUT_OF_RANGE') return undefined
    throw thrown
  }
}

function questionOf({ resource, permission, subject }: AuditDecision): Question {
  return { resource, permission, subject }
}

type Judgement = Pick<ReplayedDecision, 'outcome' | 'by' | 'detail'>

async function judge(
  decision: AuditDecision,
  answer: BulkAnswer | undefined,
  event: AuditEvent,
  options: ReplayOptions,
): Promise<Judgement> {
  if (decision.reason?.kind === 'authorization_details')
    return { outcome: 'undecidable', detail: 'the token itself asked for less than its relationships grant' }
  if (answer === undefined) return judgeProof(decision, event, options)
  if (answer.error)
    return { outcome: 'undecidable', detail: `the service cannot answer it: ${answer.error.message}` }
  if (answer.permissionship === decision.verdict) return { outcome: 'agrees', by: 'revision' }
  const depends = event.contextDigest !== undefined && answer.permissionship === 'conditional'
  if (depends) return judgeProof(decision, event, options)
  const rows = [...(decision.proof ?? []), ...(decision.reason?.via ?? [])]
  if (rows.some((row) => hasExpired(row, options.nowMs))) return judgeProof(decision, event, options)
  return {
    outcome: 'differs',
    by: 'revision',
    detail: `the data of that revision says ${answer.permissionship}`,
  }
}

function hasExpired(row: string, nowMs: number): boolean {
  const { expiresAtMs } = parseRelationship(row)
  return expiresAtMs !== undefined && expiresAtMs <= nowMs
}

/** A yes by its proof alone: the archived schema, the recorded rows, the recorded instant, and nothing else. */
async function judgeProof(
  decision: AuditDecision,
  event: AuditEvent,
  { path }: ReplayOptions,
): Promise<Judgement> {
  const undecidable = (detail: string): Judgement => ({ outcome: 'undecidable', detail })
  if (decision.verdict !== 'has')
    return undecidable('a no leaves no proof that could be looked at once its revision is gone')
  if (decision.proof === undefined) return undecidable('no proof was recorded')
  const hash =
    tokenOf(event, decision) === event.resultToken
      ? event.schemaHash
      : (event.argumentsSchemaHash ?? event.schemaHash)
  const schema = hash === undefined ? undefined : await archivedSchema(path, hash)
  if (schema === undefined)
    return undecidable(
      `its schema ${hash ?? '(not recorded)'} is not in the archive, or is not what was archived`,
    )
  const { permissionship, missing } = await askProof(
    decision,
    schema,
    event.evaluatedAtMs ?? Date.parse(event.at),
  )
  if (permissionship === 'conditional')
    return undecidable(`it depends on ${missing.join(', ')}, and of the context only a digest was recorded`)
  if (permissionship === 'no')
    return { outcome: 'differs', by: 'proof', detail: 'the recorded proof does not grant it' }
  const { absences = [] } = decision
  if (absences.length === 0) return { outcome: 'agrees', by: 'proof' }
  return { outcome: 'agrees', by: 'proof', detail: `provided that nobody was ${absences.join(' or ')}` }
}

async function askProof(decision: AuditDecision, schema: string, evaluatedAtMs: number) {
  const authorizer = await createAuthorizer({ store: memoryStore(), clock: () => evaluatedAtMs })
  try {
    await authorizer.writeSchema(schema)
    const rows = decision.proof!.map(parseRelationship)
    if (rows.length > 0)
      await authorizer.writeRelationships({
        updates: rows.map((relationship) => ({ operation: 'touch', relationship })),
      })
    return await authorizer.check(questionOf(decision), { consistency: { kind: 'fully_consistent' } })
  } finally {
    await authorizer.close()
  }
}
