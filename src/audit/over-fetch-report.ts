// Over-fetch, from the log: how much more the tools return than their callers may see, and what observe mode has shown of it.

import { readAuditLog } from './read-audit-log.ts'

/** What one tool's results held. */
export interface OverFetchRow {
  readonly tool: string
  readonly calls: number
  /** Things that results held and that were asked about. */
  readonly returned: number
  /** Those that were denied, or would have been without observe mode. */
  readonly denied: number
  /** The denied ones by object type. */
  readonly deniedByType: { readonly [type: string]: number }
  /** Calls in which observe mode let something pass that is denied. */
  readonly observedCalls: number
  /** Calls whose decisions were blanked in part, so that nobody can count them. */
  readonly unknownCalls: number
}

/** Counts the questions about results, per tool, by name. Redacted decisions are not counted, and said. */
export async function reportOverFetch(path: string): Promise<readonly OverFetchRow[]> {
  const rows = new Map<string, Counts>()
  for await (const { kind, body } of readAuditLog(path)) {
    if (kind !== 'event' || body.phase !== 'outcome' || typeof body.tool !== 'string') continue
    let counts = rows.get(body.tool)
    if (counts === undefined) {
      counts = { calls: 0, returned: 0, denied: 0, byType: new Map(), observedCalls: 0, unknownCalls: 0 }
      rows.set(body.tool, counts)
    }
    counts.calls++
    if (body.mode === 'observe') counts.observedCalls++
    if (body.decisions.some((decision) => 'redacted' in decision)) counts.unknownCalls++
    for (const decision of body.decisions) {
      if ('redacted' in decision || !decision.at.startsWith('result ')) continue
      counts.returned++
      if (decision.verdict === 'has') continue
      counts.denied++
      const { type } = decision.resource
      counts.byType.set(type, (counts.byType.get(type) ?? 0) + 1)
    }
  }
  return [...rows]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([tool, { byType, ...counts }]) => ({ tool, ...counts, deniedByType: Object.fromEntries(byType) }))
}

interface Counts {
  calls: number
  returned: number
  denied: number
  readonly byType: Map<string, number>
  observedCalls: number
  unknownCalls: number
}
