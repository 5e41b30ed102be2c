// A call's arguments: what they name, what is asked about it, and what is forwarded once the answers are there.

import type { JsonObject, JsonValue } from '../../model/context.ts'
import { type Ask, type Denial, formatLocation, isDenial, type Setting } from './ask.ts'
import { canonicalPath } from './canonical-path.ts'
import { canonicalUri } from './canonical-uri.ts'
import { isJsonObject } from './json-object.ts'
import { Place } from './json-path.ts'
import type { LoadedArgument, LoadedCall } from './loaded-policy.ts'
import { applyMarks, Mark } from './marks.ts'
import { fillChecks, resolveDemand } from './resolve-demand.ts'
import { callerScope } from './scope.ts'

export interface CallPlan {
  /** Whole-call questions, then those of the arguments. All are asked at one revision. */
  readonly asks: readonly Ask[]
  /** The arguments in canonical form, before anything is dropped. */
  readonly canonical: JsonObject
  /** Takes one answer per ask, in order; gives the arguments to forward, canonical, or a denial. */
  decide(granted: readonly boolean[]): { readonly args: JsonObject } | Denial
}

interface Candidate {
  readonly rule: LoadedArgument
  readonly place: Place
  readonly from: number
  readonly to: number
  readonly refused?: string
}

/**
 * Plans a call (policy format, 3.2): every argument is covered by a rule or named as unchecked, every named resource
 * raises its questions, and what is checked is what is forwarded.
 */
export function planCall(
  rule: LoadedCall,
  given: JsonValue | undefined,
  setting: Setting,
): CallPlan | Denial {
  const args = given ?? {}
  if (!isJsonObject(args)) return { denied: 'arguments are no object' }
  const found = findPlaces(rule, args, setting)
  if (isDenial(found)) return found
  const stranger = uncovered(args, found.covered, false, [])
  if (stranger)
    return { denied: `the argument ${formatLocation(stranger)} is neither checked nor listed as unchecked` }
  const canonical = applyMarks(args, found.canonical, true) as JsonObject
  const scope = callerScope(setting.caller).withRoots({ args: canonical })
  const whole = fillChecks([...setting.policy.also, ...rule.also], scope, setting, 'call')
  if (isDenial(whole)) return whole
  const asks: Ask[] = [...whole]
  const candidates = found.places.map(({ rule: argument, place }): Candidate => {
    const at = `argument ${formatLocation(place.location)}`
    const demand = resolveDemand(argument, place.value, scope.withRoots({ value: place.value }), setting, at)
    const from = asks.length
    if (isDenial(demand)) return { rule: argument, place, from, to: from, refused: `${at}: ${demand.denied}` }
    asks.push(...demand.asks)
    return { rule: argument, place, from, to: asks.length }
  })
  const refused = candidates.find((one) => one.refused !== undefined && one.rule.denied === 'fail')?.refused
  if (refused !== undefined) return { denied: refused }
  return { asks, canonical, decide: (granted) => decide(canonical, whole.length, candidates, granted) }
}

function findPlaces(
  rule: LoadedCall,
  args: JsonObject,
  setting: Setting,
): { places: { rule: LoadedArgument; place: Place }[]; canonical: Mark; covered: Mark } | Denial {
  const canonical = new Mark()
  const covered = new Mark()
  const places: { rule: LoadedArgument; place: Place }[] = []
  for (const argument of rule.arguments) {
    const selected = argument.at.select(args)
    if (selected.length === 0 && !argument.optional) return { denied: `${argument.at.text} selects nothing` }
    covered.at(argument.at.leadingNames).skeleton = true
    for (const { container, step, location, value } of selected) {
      const plain = canonicalValue(argument.as, value, setting)
      if (plain === undefined)
        return { denied: `argument ${formatLocation(location)} is no ${argument.as} of this policy` }
      if (plain !== value) canonical.at(location).replacement = { value: plain }
      covered.at(location).covered = true
      places.push({ rule: argument, place: new Place(container, step, plain) })
    }
  }
  for (const path of rule.unchecked) {
    covered.at(path.leadingNames).skeleton = true
    for (const { location } of path.select(args)) covered.at(location).covered = true
  }
  return { places, canonical, covered }
}

function canonicalValue(
  as: 'path' | 'uri' | undefined,
  value: JsonValue,
  setting: Setting,
): JsonValue | undefined {
  if (as === undefined) return value
  if (typeof value !== 'string') return undefined
  return as === 'uri' ? canonicalUri(value) : canonicalPath(value, setting.policy.roots, setting.realPath)
}

/** The first place that no rule covers. */
function uncovered(
  value: JsonValue,
  mark: Mark,
  covered: boolean,
  location: (string | number)[],
): typeof location | undefined {
  if (covered || mark.covered) return undefined
  if (typeof value !== 'object' || value === null) return location
  const isRoot = location.length === 0
  if (!isRoot && mark.isLeaf && !mark.skeleton) return location
  for (const [key, member] of Object.entries(value)) {
    const step = Array.isArray(value) ? Number(key) : key
    const child = mark.child(step)
    const here = [...location, step]
    const stranger = child ? uncovered(member, child, false, here) : here
    if (stranger) return stranger
  }
  return undefined
}

function decide(
  canonical: JsonObject,
  wholeCount: number,
  candidates: readonly Candidate[],
  granted: readonly boolean[],
): { readonly args: JsonObject } | Denial {
  if (!granted.slice(0, wholeCount).every(Boolean)) return { denied: 'a whole-call question is not HAS' }
  const marks = new Mark()
  const left = new Map<LoadedArgument, number>()
  let dropped = false
  for (const { rule, place, from, to, refused } of candidates) {
    const has =
      refused === undefined && granted.slice(from, to).every((one) => one === true) && to <= granted.length
    if (!has && rule.denied === 'fail')
      return { denied: `argument ${formatLocation(place.location)} is not HAS` }
    left.set(rule, (left.get(rule) ?? 0) + (has ? 1 : 0))
    if (has) continue
    marks.at(place.location).dropped = true
    dropped = true
  }
  for (const [rule, count] of left) if (count === 0) return { denied: `nothing of ${rule.at.text} is HAS` }
  return { args: dropped ? (applyMarks(canonical, marks, true) as JsonObject) : canonical }
}
