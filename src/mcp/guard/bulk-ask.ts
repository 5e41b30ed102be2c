// Asking: all questions of one stage of a call, at one revision, within a deadline; anything but HAS is a no.

import type { AuditDecision, AuditReason } from '../../audit/audit.ts'
import type { BulkAnswer } from '../../authorizer/authorizer.ts'
import type { DenialReason, Evidence, Question } from '../../model/decision.ts'
import { CardeaError } from '../../model/errors.ts'
import { formatObject, formatSubject, type ObjectRef } from '../../model/reference.ts'
import type { Relationship } from '../../model/relationship.ts'
import { formatRelationship } from '../../model/relationship-text.ts'
import type { Consistency } from '../../model/revision.ts'
import type { Ask, Setting } from '../policy/ask.ts'
import { narrowingOf } from '../policy/authorization-details.ts'
import type { GuardCore } from './guard-core.ts'

export interface Answered {
  /** One per ask, in order. */
  readonly granted: readonly boolean[]
  readonly decisions: readonly AuditDecision[]
  /** ZedToken of the revision; undefined when nothing was asked. */
  readonly token: string | undefined
  readonly evaluatedAtMs: number | undefined
}

const nothing: Answered = { granted: [], decisions: [], token: undefined, evaluatedAtMs: undefined }

/** Who asks, under which policy: what besides relationships decides. */
export type Asker = Pick<Setting, 'policy' | 'caller'>

/**
 * Asks everything at once. Equal questions are asked once. More than the service takes in one request go in several,
 * the later ones at exactly the revision of the first. Rejects when the service does not answer in time.
 */
export async function askAll(
  core: GuardCore,
  asker: Asker,
  asks: readonly Ask[],
  signal: AbortSignal,
): Promise<Answered> {
  if (asks.length === 0) return nothing
  const { questions, positions } = distinctQuestions(asks)
  const answers: BulkAnswer[] = []
  const askedAtMs = core.clock()
  let consistency = consistencyOf(core)
  const isNewest = consistency.kind === 'fully_consistent'
  let token: string | undefined
  let evaluatedAtMs: number | undefined
  for (let from = 0; from < questions.length; from += core.maxBulkChecks) {
    const part = questions.slice(from, from + core.maxBulkChecks)
    const result = await within(core, signal, (inTime) =>
      core.authorizer.checkBulk(part, {
        consistency,
        evidence: core.explain,
        signal: inTime,
        deadlineMs: core.clock() + core.checkTimeoutMs,
      }),
    )
    if (result.answers.length !== part.length)
      throw new CardeaError(
        'INTERNAL',
        `The service gave ${result.answers.length} answers to ${part.length} questions.`,
      )
    answers.push(...result.answers)
    token ??= result.token
    evaluatedAtMs ??= result.evaluatedAtMs
    consistency = { kind: 'at_exact_snapshot', token: result.token }
  }
  if (isNewest && token !== undefined) core.freshness.saw(token, askedAtMs)
  const narrowing = narrowingOf(asker.policy.authorizationDetails, asker.caller.principal)
  const granted: boolean[] = []
  const textOf = formattedOnce()
  const decisions = asks.map((ask, index) => {
    const answer = answers[positions[index]!]!
    // Questions about the call as a whole are the policy's own; details speak of resources.
    const isOutside = ask.at !== 'call' && narrowing?.covers(ask.resource, ask.permission) === false
    granted.push(!isOutside && isGranted(answer))
    return isOutside && isGranted(answer) ? notCovered(ask) : decisionOf(ask, answer, textOf)
  })
  return { granted, decisions, token, evaluatedAtMs }
}

/** Only a plain HAS without an error is a yes; a conditional answer is none. */
function isGranted(answer: BulkAnswer): boolean {
  return answer.error === undefined && answer.permissionship === 'has'
}

function distinctQuestions(asks: readonly Ask[]): { questions: Question[]; positions: number[] } {
  const questions: Question[] = []
  const groups = new Map<string, Map<string, number>>()
  let last: Ask | undefined
  /** By id: what was asked about the same type of thing, in the same words. */
  let known = new Map<string, number>()
  const positions = asks.map((ask) => {
    // Nearly always the same group for all of a result.
    if (last === undefined || !differsInIdOnly(ask, last)) {
      const key = groupKey(ask)
      known = groups.get(key) ?? new Map()
      groups.set(key, known)
    }
    last = ask
    let position = known.get(ask.resource.id)
    if (position === undefined) {
      position = questions.length
      known.set(ask.resource.id, position)
      questions.push(ask)
    }
    return position
  })
  return { questions, positions }
}

function differsInIdOnly(one: Ask, other: Ask): boolean {
  return (
    one.subject === other.subject &&
    one.permission === other.permission &&
    one.resource.type === other.resource.type &&
    one.context === other.context
  )
}

function groupKey({ resource, permission, subject, context }: Ask): string {
  const conditions = context === undefined ? '' : JSON.stringify(context)
  return `${resource.type}#${permission}@${formatSubject(subject)}${conditions}`
}

function consistencyOf(core: GuardCore): Consistency {
  const { maxStalenessMs } = core.policy
  if (maxStalenessMs === undefined) return { kind: 'fully_consistent' }
  return core.freshness.consistency(core.clock(), maxStalenessMs)
}

/** Runs one request to the service; rejects with DEADLINE_EXCEEDED even if the service never notices. */
export async function within<Value>(
  core: GuardCore,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  if (signal.aborted) throw new CardeaError('CANCELLED', 'The call was cancelled.')
  const controller = new AbortController()
  const abort = () => controller.abort(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      controller.abort()
      const problem = `The service did not answer within ${core.checkTimeoutMs} ms.`
      reject(new CardeaError('DEADLINE_EXCEEDED', problem))
    }, core.checkTimeoutMs).unref()
  })
  try {
    return await Promise.race([run(controller.signal), timeout])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

/** The relationships say yes, the token itself asked for less. */
function notCovered({ at, resource, permission, subject }: Ask): AuditDecision {
  return { at, resource, permission, subject, verdict: 'no', reason: { kind: 'authorization_details' } }
}

function decisionOf(
  { at, resource, permission, subject }: Ask,
  answer: BulkAnswer,
  textOf: (relationship: Relationship) => string,
): AuditDecision {
  if (answer.error) {
    return { at, resource, permission, subject, verdict: 'error', reason: { kind: answer.error.code } }
  }
  const { permissionship: verdict, missing, evidence } = answer
  // One literal, and nothing spread: a result may have thousands of these.
  return {
    at,
    resource,
    permission,
    subject,
    verdict,
    missing: missing.length > 0 ? missing : undefined,
    proof: proofOf(evidence, textOf),
    absences: absencesOf(evidence),
    reason: evidence?.reason && reasonOf(evidence.reason, resource, permission),
  }
}

/** For a yes only, which may rest on no relationship at all. */
function proofOf(
  evidence: Evidence | undefined,
  textOf: (relationship: Relationship) => string,
): readonly string[] | undefined {
  if (evidence === undefined || evidence.reason) return undefined
  // The first is mostly the resource's own, which no other proof names.
  return evidence.proof.map((row, at) => (at === 0 ? formatRelationship(row) : textOf(row)))
}

/** Formats each relationship once: the proofs of one call run together towards its subject. */
function formattedOnce(): (relationship: Relationship) => string {
  const known = new Map<Relationship, string>()
  return (relationship) => {
    let text = known.get(relationship)
    if (text === undefined) {
      text = formatRelationship(relationship)
      known.set(relationship, text)
    }
    return text
  }
}

function absencesOf(evidence: Evidence | undefined): readonly string[] | undefined {
  if (evidence === undefined || evidence.reason || evidence.absences.length === 0) return undefined
  return evidence.absences.map(
    ({ resource, permission, subject }) =>
      `${formatObject(resource)}#${permission}@${formatSubject(subject)}`,
  )
}

const noPath: AuditReason = { kind: 'no_path' }

/** In words only what the question does not say already. */
function reasonOf(
  { kind, resource, name, via }: DenialReason,
  asked: ObjectRef,
  permission: string,
): AuditReason {
  const isThere = name === permission && resource.id === asked.id && resource.type === asked.type
  if (isThere && via.length === 0) return kind === 'no_path' ? noPath : { kind }
  const at = isThere ? undefined : `${formatObject(resource)}#${name}`
  return { kind, at, via: via.length === 0 ? undefined : via.map(formatRelationship) }
}
