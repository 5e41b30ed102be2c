// Resources by URI: which rule a URI falls under, what is asked about it, and its canonical form.

import { type Ask, type Denial, isDenial, type Setting } from './ask.ts'
import { canonicalPath } from './canonical-path.ts'
import { canonicalUri } from './canonical-uri.ts'
import type { LoadedResource } from './loaded-policy.ts'
import { resolveDemand } from './resolve-demand.ts'
import { callerScope, type Scope } from './scope.ts'

export interface ResourcePlan {
  readonly rule: LoadedResource
  /** What is forwarded: the form that was checked. */
  readonly uri: string
  readonly asks: readonly Ask[]
  /** The variables of the URI, for the rules of its contents. */
  readonly scope: Scope
}

/** Plans one URI. The first rule that matches decides; none, or a variable that cannot be an id: denied. */
export function planResource(uri: string, setting: Setting, at: string): ResourcePlan | Denial {
  for (const rule of setting.policy.resources) {
    const found = matchUri(rule, uri, setting)
    if (found === undefined) continue
    if (isDenial(found)) return found
    const names = Object.fromEntries(Object.entries(found.values).map(([name, raw]) => [name, { raw }]))
    const scope = callerScope(setting.caller).withRoots({ value: found.uri }).withNames(names)
    const demand = resolveDemand(rule, found.uri, scope, setting, at)
    if (isDenial(demand)) return demand
    return { rule, uri: found.uri, asks: demand.asks, scope }
  }
  return { denied: `${at}: no resource rule matches` }
}

interface MatchedUri {
  readonly uri: string
  readonly values: { readonly [name: string]: string }
}

/** Undefined: another rule may match. A denial: this one does, and says no. */
function matchUri(
  { uri: template, as }: LoadedResource,
  given: string,
  setting: Setting,
): MatchedUri | Denial | undefined {
  const uri = as === undefined ? given : canonicalUri(given)
  const values = uri === undefined ? undefined : template.match(uri)
  if (uri === undefined || values === undefined) return undefined
  if (as !== 'path') return { uri, values }
  const wide = template.wide!
  // Of a file URI the path is absolute (RFC 8089), whether the template's variable begins before or after its slash.
  const slash = values[wide]!.startsWith('/') ? '' : '/'
  const path = decodePath(`${slash}${values[wide]}`)
  const canonical =
    path === undefined ? undefined : canonicalPath(path, setting.policy.roots, setting.realPath)
  if (canonical === undefined) return { denied: `${given} is no path of this policy` }
  const encoded = canonical.split('/').map(encodeURIComponent).join('/')
  return {
    uri: template.fill({ ...values, [wide]: slash === '' ? encoded : encoded.slice(1) }),
    values: { ...values, [wide]: canonical },
  }
}

function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}
