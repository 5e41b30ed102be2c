// A JSON value under result rules: its items with their questions, and what is left of it once they are answered.

import type { JsonValue } from '../../model/context.ts'
import { type Ask, formatLocation, formatStep, isDenial, type Setting } from './ask.ts'
import { isJsonObject } from './json-object.ts'
import { type Location, Place } from './json-path.ts'
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
    addItems(rule, rule.items.select(value), { root, scope, asking, at, items })
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

/** What planning one tree has in common. */
interface Planning {
  readonly root: Mark
  readonly scope: Scope
  readonly asking: Asking
  readonly at: string
  readonly items: Item[]
}

interface Waiting {
  readonly place: Place
  readonly parent: ParentScope | undefined
}

/** Adds what one rule finds, and the children of that. */
function addItems(rule: LoadedItems, places: readonly Place[], planning: Planning): void {
  const names = fillNames(rule.root, planning.scope)
  const parent = names && { names }
  const beside = new Siblings(planning.root, planning.at)
  const waiting: Waiting[] = []
  for (const place of places) {
    addItem(rule, place, parent, beside, planning, waiting)
    for (let next = waiting.pop(); next; next = waiting.pop())
      addItem(rule, next.place, next.parent, beside, planning, waiting)
  }
}

function addItem(
  rule: LoadedItems,
  place: Place,
  parent: ParentScope | undefined,
  beside: Siblings,
  { scope, asking, items }: Planning,
  waiting: Waiting[],
): void {
  const { value } = place
  const mark = beside.mark(place)
  const text = beside.text(place)
  mark.covered = true
  const from = asking.asks.length
  const demand = parent
    ? resolveDemand(rule, value, scope.withRoots({ item: value }, parent), asking.setting, text)
    : { denied: 'root: a variable is missing' }
  const children = childrenOf(rule, value)
  const denied = isDenial(demand)
    ? demand.denied
    : children !== undefined && !Array.isArray(children)
      ? `${rule.children} is no list`
      : undefined
  if (denied !== undefined || isDenial(demand)) {
    asking.refused.push(`${text}: ${denied}`)
    items.push({ rule, mark, from, to: from, refused: true })
    return
  }
  for (const ask of demand.asks) asking.asks.push(ask)
  items.push({ rule, mark, from, to: asking.asks.length, refused: false })
  if (children === undefined) return
  const here: ParentScope = { names: demand.names, item: value }
  const container = [...place.location, rule.children!]
  ;(children as readonly JsonValue[]).forEach((child, index) => {
    waiting.push({ place: new Place(container, index, child), parent: here })
  })
}

function childrenOf({ children }: LoadedItems, value: JsonValue): JsonValue | undefined {
  return children !== undefined && isJsonObject(value) && Object.hasOwn(value, children)
    ? value[children]
    : undefined
}

/** Marks and names of places, of which one after the other mostly lie in the same list. */
class Siblings {
  readonly #root: Mark
  readonly #at: string
  /** Of the place before. */
  #container: Location = []
  #mark: Mark
  #text: string

  /** `at` begins the name of each place. */
  constructor(root: Mark, at: string) {
    this.#root = root
    this.#at = `${at} `
    this.#mark = root
    this.#text = `${at} $`
  }

  mark({ container, step }: Place): Mark {
    this.#enter(container)
    return step === undefined ? this.#mark : this.#mark.below(step)
  }

  text({ container, step }: Place): string {
    this.#enter(container)
    return step === undefined ? this.#text : this.#text + formatStep(step)
  }

  #enter(container: Location): void {
    if (container === this.#container) return
    this.#container = container
    this.#mark = this.#root.at(container)
    this.#text = this.#at + formatLocation(container)
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
