// Reading: the entries of a log, and the question an investigation begins with: who has been shown this?

import type { ObjectRef } from '../model/reference.ts'
import type { AuditDecision, AuditEvent, AuditPrincipal } from './audit.ts'
import { type Entry, entryOf, parseLine } from './entry.ts'
import { linesOf, segmentsOf } from './segments.ts'

/** The entries of a log, oldest first. Lines that are no entries are left out; {@link verifyAuditLog} tells them. */
export async function* readAuditLog(path: string): AsyncGenerator<Entry> {
  for (const file of await segmentsOf(path)) {
    for await (const line of linesOf(file)) {
      const parsed = line.complete ? parseLine(line.text) : undefined
      if (parsed) yield entryOf(parsed)
    }
  }
}

export interface ExposureQuery {
  readonly path: string
  readonly resource: ObjectRef
  /** Only calls before this instant, ISO 8601 in UTC. */
  readonly before?: string
  /** Only calls whose revision this holds for, say one before a given ZedToken. Whoever knows the tokens passes it. */
  readonly atRevision?: (token: string) => boolean
}

/** One call in which a resource was shown, or handed to a tool that acted on it. */
export interface Exposure {
  readonly seq: number
  readonly callId: string
  readonly at: string
  readonly method: string
  readonly tool?: string
  readonly effect?: 'read' | 'write'
  /** Unset when it was redacted. */
  readonly principal?: AuditPrincipal
  /** `argument $.id` or `result $.results[3]`. */
  readonly where: string
  readonly permission: string
  readonly proof: readonly string[]
  /** ZedToken of the revision at which that was decided. */
  readonly token?: string
  /** In observe mode: it was shown although the answer was no. */
  readonly wouldBeDenied: boolean
}

export interface Exposures {
  readonly exposures: readonly Exposure[]
  /** Entries whose decisions were blanked, so that nobody can tell any more. */
  readonly unknown: readonly number[]
}

/** Who has been shown a resource, through which tool, at which revision. */
export async function findExposures(query: ExposureQuery): Promise<Exposures> {
  const exposures: Exposure[] = []
  const unknown: number[] = []
  for await (const entry of readAuditLog(query.path)) {
    if (entry.kind !== 'event' || !reachedTheCaller(entry.body)) continue
    const event = entry.body
    if (query.before !== undefined && event.at >= query.before) continue
    for (const decision of event.decisions) {
      if ('redacted' in decision) {
        if (unknown.at(-1) !== entry.seq) unknown.push(entry.seq)
        continue
      }
      const token = tokenOf(event, decision)
      if (!concerns(decision, query.resource) || !shown(decision, event)) continue
      if (query.atRevision && token !== undefined && !query.atRevision(token)) continue
      exposures.push({
        seq: entry.seq,
        callId: event.callId,
        at: event.at,
        method: event.method,
        tool: event.tool,
        effect: event.effect,
        principal: event.principal && 'redacted' in event.principal ? undefined : event.principal,
        where: decision.at,
        permission: decision.permission,
        proof: decision.proof ?? [],
        token,
        wouldBeDenied: decision.verdict !== 'has',
      })
    }
  }
  return { exposures, unknown }
}

/** What is asked about things that came back begins its place with one of these. */
const ofResults = /^(?:result|list|suggestion) /

/** ZedToken of the revision at which a decision was taken. */
export function tokenOf(event: AuditEvent, { at }: AuditDecision): string | undefined {
  const [first, second] = ofResults.test(at)
    ? [event.resultToken, event.argumentsToken]
    : [event.argumentsToken, event.resultToken]
  return first ?? second
}

/** A refused or denied call showed nothing; an intent says only what was about to happen. */
function reachedTheCaller(event: AuditEvent): boolean {
  return event.phase === 'outcome' && (event.outcome === 'allowed' || event.outcome === 'filtered')
}

function concerns(decision: AuditDecision, resource: ObjectRef): boolean {
  return decision.resource.type === resource.type && decision.resource.id === resource.id
}

/** Whole-call questions (`call`) name no shown thing. Observe mode lets denied reads through. */
function shown(decision: AuditDecision, event: AuditEvent): boolean {
  if (decision.at === 'call') return false
  return decision.verdict === 'has' || (event.mode === 'observe' && event.effect === 'read')
}
