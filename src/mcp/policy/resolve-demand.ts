// A demand on one value, resolved: which questions must all be HAS, or why it is denied without asking.

import type { JsonValue } from '../../model/context.ts'
import { type Ask, type Denial, fillCheck, isDenial, type Setting } from './ask.ts'
import { caveatContext } from './caveat-context.ts'
import type { LoadedCase, LoadedDemand, LoadedMatch } from './loaded-policy.ts'
import type { NamedValue, NamedValues, Scope } from './scope.ts'
import { type CheckTemplate, fillTemplate, plainText, type Template } from './template.ts'

export interface Resolved {
  readonly asks: readonly Ask[]
  /** Names given by `let`. */
  readonly names: NamedValues
}

/** Resolves `demand` for `value`. The scope holds `value` or `item` already. */
export function resolveDemand(
  demand: LoadedDemand,
  value: JsonValue,
  scope: Scope,
  setting: Setting,
  at: string,
): Resolved | Denial {
  let here = named(demand, value, scope)
  if (isDenial(here)) return here
  let checks = demand.all
  if (demand.cases) {
    const one = demand.cases.find(({ when }) => applies(when, value, here as Scope))
    if (!one) return { denied: 'no case applies' }
    here = named(one, value, here)
    if (isDenial(here)) return here
    checks = one.all
  }
  const asks = fillChecks(checks, here, setting, at)
  return isDenial(asks) ? asks : { asks, names: here.named }
}

/** The questions of checks, all in one scope. */
export function fillChecks(
  checks: readonly CheckTemplate[],
  scope: Scope,
  setting: Setting,
  at: string,
): readonly Ask[] | Denial {
  const context = caveatContext(setting, scope)
  if (context !== undefined && isDenial(context)) return context as Denial
  const asks = new Array<Ask>(checks.length)
  for (let index = 0; index < checks.length; index++) {
    const ask = fillCheck(checks[index]!, scope, setting.caller, at, context)
    if (isDenial(ask)) return ask
    asks[index] = ask
  }
  return asks
}

function applies(when: LoadedCase['when'], value: JsonValue, scope: Scope): boolean {
  if (when === undefined) return true
  if ('select' in when) return when.select(value).length > 0
  const found = scope.find(when.root, when.path)
  return found !== undefined && found.raw !== null && (found.raw ?? found.encoded) !== ''
}

function named(
  { matches, lets }: Pick<LoadedDemand, 'matches' | 'lets'>,
  value: JsonValue,
  scope: Scope,
): Scope | Denial {
  if (matches.length === 0 && lets.length === 0) return scope
  const groups = matchAll(matches, value)
  if (groups === undefined) return { denied: 'match: the value has another form' }
  const here = matches.length === 0 ? scope : scope.withRoots({ match: groups })
  const names = fillNames(lets, here)
  return names === undefined ? { denied: 'let: a variable is missing' } : here.withNames(names)
}

function matchAll(
  matches: readonly LoadedMatch[],
  value: JsonValue,
): { readonly [group: string]: string } | undefined {
  const groups: { [group: string]: string } = {}
  for (const { path, pattern } of matches) {
    const text = plainText(path === undefined ? value : path.select(value)[0]?.value)
    const found = text === undefined ? undefined : pattern.match(text)
    if (found === undefined) return undefined
    Object.assign(groups, found)
  }
  return groups
}

/** Names from templates, each seeing those before it. Undefined when a variable is missing. */
export function fillNames(
  lets: readonly (readonly [name: string, template: Template])[],
  scope: Scope,
): NamedValues | undefined {
  const names: { [name: string]: NamedValue } = {}
  let here = scope
  for (const [name, template] of lets) {
    const encoded = fillTemplate(template, here)
    if (encoded === undefined) return undefined
    names[name] = { encoded }
    here = here.withNames({ [name]: { encoded } })
  }
  return names
}
