// A JSON value under result rules: its items with their questions, and what is left of it once they are answered.

import type { JsonValue } from '../../model/context.ts'
import { type Ask, formatLocation, isDenial, type Setting } from './ask.ts'
import { isJsonObject } from './json-object.ts'
import type { Location } from './json-path.ts'
import type { LoadedItems, LoadedTreeRules } from './loaded-policy.ts'
import { applyMarks, Mark } from './marks.ts'
import { fillNames, resolveDemand } from './resolve-demand.ts'
import type { ParentScope, Scope } from './scope.ts'

/** Collects the questions of a whole result, so that all are asked at once. */
export interface Asking {
  readonly setting: Setting
  readonly asks: Ask[]
  /** Things denied without asking, for the operator. */
  readonly refused: string[]
}

/** `undefined`: the whole result is denied. Takes one answer per ask of the {@link Asking}. */
export type Filter<Value> = (granted: readonly boolean[]) => Value | undefined

interface Item {
  readonly rule: LoadedItems
  readonly mark: Mark
  readonly from: number
  readonly to: number
  readonly refused: boolean
}

/** Plans a tree. `at` begins the place of each question. `extra` marks places further. */
export function planTree(
  rules: LoadedTreeRules,
  value: JsonValue,
  scope: Scope,
  asking: Asking,
  at: string,
): (granted: readonly boolean[], extra?: (root: Mark) => void) => { readonly value: JsonValue } | undefined {
  const root = new Mark()
  root.skeleton = true
  const items: Item[] = []
  for (const rule of rules.items) {
    markSkeleton(root, rule.items.leadingNames, rule.items.length)
    for (const place of rule.items.select(value))
      addItems(rule, place.value, place.location, root, scope, asking, at, items)
  }
  for (const path of rules.unchecked) {
    markSkeleton(root, path.leadingNames, path.length)
    for (const { location } of path.select(value)) root.at(location).covered = true
  }
  return (granted, extra) => {
    for (const { rule, mark, from, to, refused } of items) {
      if (!refused && to <= granted.length && allGranted(granted, from, to)) continue
      if (rule.denied === 'fail') return undefined
      if (rule.denied === 'drop') mark.dropped = true
      else mark.redaction = rule.denied
    }
    extra?.(root)
    const finish = markSets(rules, value, root)
    const left = applyMarks(value, root)
    if (left === undefined) return { value: Array.isArray(value) ? [] : {} }
    finish(left)
    return { value: left }
  }
}

/** Plain names before the last segment lead to a container that stays, even when nothing in it does. */
function markSkeleton(root: Mark, names: readonly string[], length: number): void {
  for (let depth = 1; depth <= Math.min(names.length, length - 1); depth++)
    root.at(names.slice(0, depth)).skeleton = true
}

function addItems(
  rule: LoadedItems,
  first: JsonValue,
  location: Location,
  root: Mark,
  scope: Scope,
  asking: Asking,
  at: string,
  items: Item[],
): void {
  const rootNames = fillNames(rule.root, scope)
  const waiting: { value: JsonValue; location: Location; parent: ParentScope | undefined }[] = [
    { value: first, location, parent: rootNames && { names: rootNames } },
  ]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { value } = next
    const place = `${at} ${formatLocation(next.location)}`
    const here = scope.withRoots({ item: value }, next.parent)
    const demand = rootNames
      ? resolveDemand(rule, value, here, asking.setting, place)
      : { denied: 'root: a variable is missing' }
    const children =
      rule.children !== undefined && isJsonObject(value) && Object.hasOwn(value, rule.children)
        ? value[rule.children]
        : undefined
    const mark = root.at(next.location)
    mark.covered = true
    const from = asking.asks.length
    const denied = isDenial(demand)
      ? demand.denied
      : children !== undefined && !Array.isArray(children)
        ? `${rule.children} is no list`
        : undefined
    if (denied !== undefined || isDenial(demand)) {
      asking.refused.push(`${place}: ${denied}`)
      items.push({ rule, mark, from, to: from, refused: true })
      continue
    }
    for (const ask of demand.asks) asking.asks.push(ask)
    items.push({ rule, mark, from, to: asking.asks.length, refused: false })
    if (children === undefined) continue
    const parent: ParentScope = { names: demand.names, item: value }
    const below = next.location
    ;(children as readonly JsonValue[]).forEach((child, index) => {
      waiting.push({ value: child, location: [...below, rule.children!, index], parent })
    })
  }
}

function allGranted(granted: readonly boolean[], from: number, to: number): boolean {
  for (let index = from; index < to; index++) if (granted[index] !== true) return false
  return true
}

/** Marks what `set` rules say; counts are put in once it is known what is left. */
function markSets(rules: LoadedTreeRules, value: JsonValue, root: Mark): (left: JsonValue) => void {
  const counts: ((left: JsonValue) => void)[] = []
  for (const { path, value: wanted } of rules.sets) {
    markSkeleton(root, path.leadingNames, path.length)
    for (const { location } of path.select(value)) {
      const mark = root.at(location)
      if (wanted === 'remove') mark.dropped = true
      else if (wanted === null) mark.replacement = { value: null }
      else {
        mark.replacement = { value: 0 }
        mark.onKept = (container, key) => {
          counts.push((left) => {
            container[key] = wanted.count.select(left).length
          })
        }
      }
    }
  }
  return (left) => {
    for (const count of counts) count(left)
  }
}
