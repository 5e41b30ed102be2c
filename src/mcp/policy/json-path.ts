// JSONPath (RFC 9535) as the policy uses it: compiled once, places instead of copies, filters in linear time.

import { jsonpath } from 'json-p3'
import type { JsonValue } from '../../model/context.ts'
import { isJsonObject } from './json-object.ts'
import { searchPattern } from './pattern.ts'

export type Location = readonly (string | number)[]

/** A value and where it is: in which list or object, and there under which name or index (the root is in none). */
export class Place {
  /** The same array for places that a query finds side by side. */
  readonly container: Location
  readonly step: string | number | undefined
  readonly value: JsonValue

  constructor(container: Location, step: string | number | undefined, value: JsonValue) {
    this.container = container
    this.step = step
    this.value = value
  }

  /** The way from the root. */
  get location(): Location {
    return this.step === undefined ? this.container : [...this.container, this.step]
  }
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
    return (mayRepeat ? distinct(nodes) : nodes).map(
      ({ location, value }) => new Place(location.slice(0, -1), location.at(-1), value as JsonValue),
    )
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
  let places = [new Place([], undefined, root)]
  for (const wanted of steps) {
    const found: Place[] = []
    for (const place of places) {
      const { location, value } = place
      if (Array.isArray(value)) {
        if (wanted !== all) continue
        for (let index = 0; index < value.length; index++)
          found.push(new Place(location, index, value[index]))
      } else if (isJsonObject(value)) {
        const names = wanted === all ? Object.keys(value) : Object.hasOwn(value, wanted) ? [wanted] : []
        for (const name of names) found.push(new Place(location, name, value[name]!))
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
