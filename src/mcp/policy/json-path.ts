// JSONPath (RFC 9535) as the policy uses it: compiled once, places instead of copies, filters in linear time.

import { jsonpath } from 'json-p3'
import type { JsonValue } from '../../model/context.ts'
import { isJsonObject } from './json-object.ts'
import { searchPattern } from './pattern.ts'

export type Location = readonly (string | number)[]

/** A value and the way to it from the root. */
export interface Place {
  readonly location: Location
  readonly value: JsonValue
}

export interface JsonPath {
  readonly text: string
  /** Selects at most one thing: names and indices only. */
  readonly singular: boolean
  /** The leading names, up to the first segment that is not one plain name. */
  readonly leadingNames: readonly string[]
  /** Number of segments. */
  readonly length: number
  /** In document order, each place once. */
  select(root: JsonValue): readonly Place[]
}

const environment = new jsonpath.JSONPathEnvironment()
for (const [name, whole] of [
  ['match', true],
  ['search', false],
] as const) {
  const { argTypes, returnType } = environment.functionRegister.get(name)!
  // The library's own run on a backtracking engine, which an upstream's text could keep busy for minutes.
  environment.functionRegister.set(name, {
    argTypes,
    returnType,
    call: (text: unknown, pattern: unknown) =>
      typeof text === 'string' && typeof pattern === 'string' && searchPattern(pattern, text, whole),
  })
}

/** Compiles an RFC 9535 query. Returns a sentence when it is none. */
export function compileJsonPath(text: string): JsonPath | string {
  if (!text.startsWith('$'))
    return `${JSON.stringify(text)} is no JSONPath; it begins with $, such as $.results[*]`
  let query: jsonpath.JSONPathQuery
  try {
    query = environment.compile(text)
  } catch (error) {
    return `${JSON.stringify(text)} is no JSONPath (${(error as Error).message})`
  }
  const leadingNames: string[] = []
  for (const segment of query.segments) {
    const [selector] = segment.selectors
    const plain = segment.selectors.length === 1 && !isDescendant(segment)
    if (!plain || !(selector instanceof jsonpath.selectors.NameSelector)) break
    leadingNames.push(selector.name)
  }
  return {
    text,
    singular: query.singularQuery(),
    leadingNames,
    length: query.segments.length,
    select: selectOf(query),
  }
}

function selectOf(query: jsonpath.JSONPathQuery): JsonPath['select'] {
  const steps = query.segments.map(plainStep)
  if (steps.every((step) => step !== undefined)) return (root) => walk(root, steps)
  const { segments } = query
  const mayRepeat =
    segments.some(({ selectors }) => selectors.length > 1) || segments.filter(isDescendant).length > 1
  return (root) => {
    const { nodes } = query.query(root as never)
    return (mayRepeat ? distinct(nodes) : nodes) as readonly Place[]
  }
}

/** All members of a list or an object. */
const all = Symbol('*')

/** A segment that is one name or `*`; undefined for anything else. */
function plainStep(segment: jsonpath.JSONPathSegment): string | typeof all | undefined {
  const [selector] = segment.selectors
  if (segment.selectors.length !== 1 || isDescendant(segment)) return undefined
  if (selector instanceof jsonpath.selectors.NameSelector) return selector.name
  return selector instanceof jsonpath.selectors.WildcardSelector ? all : undefined
}

/** What most rules say, such as `$.results[*]`, needs no query engine; a result may hold many thousands of places. */
function walk(root: JsonValue, steps: readonly (string | typeof all)[]): readonly Place[] {
  let places: Place[] = [{ location: [], value: root }]
  for (const step of steps) {
    const found: Place[] = []
    for (const { location, value } of places) {
      if (Array.isArray(value)) {
        if (step !== all) continue
        for (let index = 0; index < value.length; index++)
          found.push({ location: [...location, index], value: value[index] })
      } else if (isJsonObject(value)) {
        const names = step === all ? Object.keys(value) : Object.hasOwn(value, step) ? [step] : []
        for (const name of names) found.push({ location: [...location, name], value: value[name]! })
      }
    }
    places = found
  }
  return places
}

function isDescendant(segment: jsonpath.JSONPathSegment): boolean {
  return segment.toString().startsWith('..')
}

/** `$['a','a']` and `$..a..b` may select one place twice; one decision is enough. */
function distinct<Node extends { readonly location: Location }>(nodes: readonly Node[]): Node[] {
  const seen = new Set<string>()
  return nodes.filter(({ location }) => {
    const key = JSON.stringify(location)
    return !seen.has(key) && seen.add(key)
  })
}
