// Observe mode: until its end date, reads show what would be denied, and say so to the operator. Nothing else is relaxed.

import type { LoadedTool } from '../policy/loaded-policy.ts'
import type { Exchange } from './exchange.ts'

/** Whether per-resource denials of this tool are relaxed now. Set in the policy, never by a request. */
export function isObserved({ policy, core }: Exchange, rule: LoadedTool): boolean {
  const { observe } = policy
  if (observe === undefined || rule.effect !== 'read' || core.clock() >= observe.untilMs) return false
  return observe.tools === undefined || observe.tools.has(rule.name)
}
