// Loading what a named resource must grant: matches, names, checks and cases.

import { compileJsonPath, type JsonPath } from './json-path.ts'
import type { LoadedCase, LoadedDemand, LoadedMatch } from './loaded-policy.ts'
import { compilePattern, type Pattern } from './pattern.ts'
import type { Case, Demand } from './policy.ts'
import type { PolicyPath, Report } from './problem.ts'
import type { SchemaNames } from './schema-names.ts'
import {
  type CheckTemplate,
  compileCheck,
  compileTemplate,
  compileVariable,
  type Template,
  type Variables,
} from './template.ts'

/** What loading needs everywhere. */
export interface Loading {
  readonly report: Report
  readonly schema: SchemaNames
}

/** Roots that every place has. */
export const callerRoots = ['claims', 'subject', 'agent', 'request'] as const

export function variables(roots: readonly string[], names: Iterable<string> = []): Variables {
  return { roots: new Set([...callerRoots, ...roots]), names: new Set(names) }
}

/** Compiles one JSONPath; reports and gives undefined when it is none. */
export function loadPath(
  { report }: Loading,
  text: string,
  at: PolicyPath,
  atKey = false,
): JsonPath | undefined {
  const compiled = compileJsonPath(text)
  if (typeof compiled !== 'string') return compiled
  report(at, compiled, atKey)
  return undefined
}

/** The same for many; those that are none are left out, after their report. */
export function loadPaths(loading: Loading, texts: readonly string[], at: PolicyPath): JsonPath[] {
  return texts.flatMap((text, index) => loadPath(loading, text, [...at, index]) ?? [])
}

export function loadPattern({ report }: Loading, text: string, at: PolicyPath): Pattern | undefined {
  const compiled = compilePattern(text)
  if (typeof compiled !== 'string') return compiled
  report(at, compiled)
  return undefined
}

export function loadTemplate(
  { report }: Loading,
  text: string,
  known: Variables,
  at: PolicyPath,
): Template | undefined {
  const compiled = compileTemplate(text, known)
  if (typeof compiled !== 'string') return compiled
  report(at, compiled)
  return undefined
}

/** Compiles checks and asks the schema whether it knows their types and permissions. */
export function loadChecks(
  { report, schema }: Loading,
  texts: readonly string[],
  known: Variables,
  at: PolicyPath,
): CheckTemplate[] {
  return texts.flatMap((text, index) => {
    const check = compileCheck(text, known)
    const problem = typeof check === 'string' ? check : schema.problemOf(check)
    if (problem !== undefined) report([...at, index], problem)
    return typeof check === 'string' ? [] : [check]
  })
}

/** Compiles a demand. `place.public` says that none is wanted; `extraPatterns` bring their groups as `match.*`. */
export function loadDemand(
  loading: Loading,
  demand: Demand,
  known: Variables,
  at: PolicyPath,
  place: { readonly public?: boolean; readonly hasMatch?: boolean } = {},
): LoadedDemand {
  const { report } = loading
  const named = loadNamed(loading, demand, known, at, place.hasMatch ?? false)
  if (place.public && (demand.all || demand.cases))
    report(at, 'public means that nothing is asked; remove public or the checks')
  if (!place.public && !demand.all && !demand.cases)
    report(at, 'nothing is asked here; write all: ["type:{...}#permission"], or cases')
  if (demand.all && demand.cases)
    report([...at, 'cases'], 'all and cases exclude each other; move all into the last case')
  const cases = demand.cases?.map((one, index) => loadCase(loading, one, named, [...at, 'cases', index]))
  return {
    matches: named.matches,
    lets: named.lets,
    all: loadChecks(loading, demand.all ?? [], named.known, [...at, 'all']),
    cases,
  }
}

function loadWhen(loading: Loading, text: string, known: Variables, at: PolicyPath): LoadedCase['when'] {
  if (text.startsWith('$')) return loadPath(loading, text, at)
  const variable = compileVariable(`{${text}}`, known)
  if (typeof variable !== 'string') return variable
  loading.report(
    at,
    `${text} is no condition; write a JSONPath such as $.pull_request, or a variable such as match.name`,
  )
  return undefined
}

interface Named {
  readonly known: Variables
  readonly matches: LoadedMatch[]
  readonly lets: (readonly [string, Template])[]
}

function loadCase(loading: Loading, one: Case, outer: Named, at: PolicyPath): LoadedCase {
  const when = one.when === undefined ? undefined : loadWhen(loading, one.when, outer.known, [...at, 'when'])
  const named = loadNamed(loading, one, outer.known, at, outer.known.roots.has('match'))
  const all = loadChecks(loading, one.all, named.known, [...at, 'all'])
  return { when, matches: named.matches, lets: named.lets, all, cases: undefined }
}

function loadNamed(
  loading: Loading,
  demand: Pick<Demand, 'match' | 'let'>,
  outer: Variables,
  at: PolicyPath,
  hasMatch: boolean,
): Named {
  const matches = loadMatches(loading, demand.match, [...at, 'match'])
  const roots = new Set(outer.roots)
  if (matches.length > 0 || hasMatch) roots.add('match')
  const names = new Set(outer.names)
  const lets: (readonly [string, Template])[] = []
  for (const [name, text] of Object.entries(demand.let ?? {})) {
    if (roots.has(name) || knownRoots.has(name))
      loading.report([...at, 'let', name], `${name} is the name of a root; choose another`, true)
    const template = loadTemplate(loading, text, { roots, names }, [...at, 'let', name])
    if (template) lets.push([name, template])
    names.add(name)
  }
  return { known: { roots, names }, matches, lets }
}

/** Roots of any place; no `let` may hide one. */
const knownRoots: ReadonlySet<string> = new Set([
  ...callerRoots,
  'args',
  'value',
  'item',
  'parent',
  'match',
  'clock',
])

function loadMatches(loading: Loading, match: Demand['match'], at: PolicyPath): LoadedMatch[] {
  if (match === undefined) return []
  if (typeof match === 'string') {
    const pattern = loadPattern(loading, match, at)
    return pattern ? [{ path: undefined, pattern }] : []
  }
  const seen = new Set<string>()
  return Object.entries(match).flatMap(([text, expression]) => {
    const path = loadPath(loading, text, [...at, text], true)
    if (path && !path.singular)
      loading.report([...at, text], `${text} may select several values; name one`, true)
    const pattern = loadPattern(loading, expression, [...at, text])
    for (const group of pattern?.groups ?? []) {
      if (seen.has(group)) loading.report([...at, text], `the group ${group} is named twice`)
      seen.add(group)
    }
    return path && pattern ? [{ path, pattern }] : []
  })
}
