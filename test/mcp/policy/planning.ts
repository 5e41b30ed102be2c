// Shared by the planning tests: a policy of one tool, and answers that are given by hand.

import { type Ask, isDenial, type Setting } from '../../../src/mcp/policy/ask.ts'
import type { RealPath } from '../../../src/mcp/policy/canonical-path.ts'
import { loadPolicy } from '../../../src/mcp/policy/load-policy.ts'
import { planCall } from '../../../src/mcp/policy/plan-call.ts'
import { planResult } from '../../../src/mcp/policy/plan-result.ts'
import type { Policy, ToolRule } from '../../../src/mcp/policy/policy.ts'
import type { Principal } from '../../../src/mcp/principal.ts'
import type { JsonObject, JsonValue } from '../../../src/model/context.ts'
import { formatObject, formatSubject } from '../../../src/model/reference.ts'

export const alice: Principal = {
  issuer: 'https://idp.example',
  subject: 'alice',
  kind: 'user',
  subjectRef: { type: 'user', id: 'alice', relation: '' },
  agentRef: { type: 'agent', id: 'client/one/app', relation: '' },
  actors: [],
  scopes: new Set(),
  claims: { sub: 'alice', tenant: 'acme', level: 3 },
  expiresAtMs: Date.parse('2027-01-01T00:00:00Z'),
}

export function settingOf(
  policy: Policy,
  more: { principal?: Principal; request?: JsonObject; realPath?: RealPath } = {},
): Setting {
  return {
    policy: loadPolicy(policy),
    caller: { principal: more.principal ?? alice, request: more.request },
    nowMs: Date.parse('2026-12-01T00:00:00Z'),
    realPath: more.realPath,
  }
}

/** `document:a#view`, with its subject if that is not alice. */
export function textOf(ask: Ask): string {
  const subject = formatSubject(ask.subject)
  return `${formatObject(ask.resource)}#${ask.permission}${subject === 'user:alice' ? '' : `@${subject}`}`
}

/** The forwarded arguments, or the reason of the denial. `grants` are the answers HAS. */
export function call(
  rule: ToolRule,
  args: JsonValue | undefined,
  grants: readonly string[],
  rest: Policy = {},
  more: Parameters<typeof settingOf>[1] = {},
): { asks: string[]; args?: JsonObject; denied?: string } {
  const setting = settingOf({ ...rest, tools: { t: rule } }, more)
  const plan = planCall(setting.policy.tools.get('t')!, args, setting)
  if (isDenial(plan)) return { asks: [], denied: plan.denied }
  const asks = plan.asks.map(textOf)
  return { asks, ...plan.decide(asks.map((ask) => grants.includes(ask))) }
}

export interface Outcome {
  asks: string[]
  refused: readonly string[]
  content?: readonly JsonValue[]
  structuredContent?: JsonValue
  denied?: string
}

/** What is left of a result. */
export function filtered(
  rule: ToolRule,
  result: JsonObject,
  grants: readonly string[],
  rest: Policy & { args?: JsonObject } = {},
): Outcome {
  const { args = {}, ...policy } = rest
  const setting = settingOf({ ...policy, tools: { t: rule } })
  const plan = planResult(setting.policy.tools.get('t')!.result, result, args, setting)
  if (isDenial(plan)) return { asks: [], refused: [], denied: plan.denied }
  const asks = plan.asks.map(textOf)
  return { asks, refused: plan.refused, ...plan.filter(asks.map((ask) => grants.includes(ask))) }
}
