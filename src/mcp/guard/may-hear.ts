// Whether somebody may hear of changes to a resource, now: asked when they begin to listen, and each time there is something to tell.

import { type Ask, isDenial, type Setting } from '../policy/ask.ts'
import { planResource, type ResourcePlan } from '../policy/plan-resource.ts'
import { fillChecks } from '../policy/resolve-demand.ts'
import { callerScope } from '../policy/scope.ts'
import type { Principal } from '../principal.ts'
import { type Answered, askAll } from './bulk-ask.ts'
import type { GuardCore } from './guard-core.ts'

/** What was asked and answered; `plan` only if every question is HAS. */
export interface Hearing {
  readonly asks: readonly Ask[]
  readonly answered?: Answered
  readonly plan?: ResourcePlan
}

/**
 * Asks about a URI as resources/read would: scopes, the policy's whole-call questions, and the resource's own. `at` is the
 * place for the record. Rejects when the service does not answer.
 */
export async function mayHear(
  core: GuardCore,
  principal: Principal,
  uri: string,
  at: string,
  signal: AbortSignal,
): Promise<Hearing> {
  const setting = settingOf(core, principal)
  const plan = planResource(uri, setting, at)
  if (isDenial(plan) || plan.rule.scopes.some((scope) => !principal.scopes.has(scope))) return { asks: [] }
  const wholeCall = wholeCallAsks(setting)
  if (isDenial(wholeCall)) return { asks: [] }
  const asks = [...wholeCall, ...plan.asks]
  const answered = await askAll(core, setting, asks, signal)
  return answered.granted.every(Boolean) ? { asks, answered, plan } : { asks, answered }
}

/** Whether the policy's whole-call questions are HAS for this principal, now. Rejects when the service does not answer. */
export async function mayConnect(core: GuardCore, principal: Principal): Promise<boolean> {
  if (principal.expiresAtMs <= core.clock()) return false
  const setting = settingOf(core, principal)
  const asks = wholeCallAsks(setting)
  if (isDenial(asks)) return false
  const { granted } = await askAll(core, setting, asks, new AbortController().signal)
  return granted.every(Boolean)
}

function settingOf(core: GuardCore, principal: Principal): Setting {
  const { policy } = core
  return {
    policy,
    caller: { principal },
    nowMs: core.clock(),
    realPath: policy.symlinks === 'resolved' ? core.realPath : undefined,
  }
}

function wholeCallAsks(setting: Setting) {
  return fillChecks(setting.policy.also, callerScope(setting.caller), setting, 'call')
}
