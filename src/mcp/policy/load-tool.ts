// Loading the rules of tools and prompts: their arguments, results and everything that follows a call.

import type { JsonPath } from './json-path.ts'
import { type Loading, loadChecks, loadDemand, loadPath, variables } from './load-demand.ts'
import { loadResult } from './load-result.ts'
import type {
  LoadedAfter,
  LoadedArgument,
  LoadedCall,
  LoadedInjection,
  LoadedPrompt,
  LoadedRefill,
  LoadedResult,
  LoadedTool,
} from './loaded-policy.ts'
import type { AfterRule, ArgumentRule, PromptRule, RefillRule, ToolRule } from './policy.ts'
import type { PolicyPath } from './problem.ts'
import { compileObject } from './template.ts'

/** Compiles one tool rule. `hasRoots`: the policy declares where paths are resolved. */
export function loadTool(
  loading: Loading,
  name: string,
  rule: ToolRule,
  policy: { readonly hasRoots: boolean; readonly asks: boolean },
): LoadedTool {
  const at = ['tools', name]
  const { report } = loading
  const effect = rule.effect ?? 'write'
  const call = loadCall(loading, rule, policy.hasRoots, at)
  const result = loadResult(loading, rule.result, rule.text, ['args'], at)
  const asksAnything = asksAlways(call) || checksItems(result)
  if (rule.public && (asksAnything || call.arguments.length > 0))
    report([...at, 'public'], 'public means that nothing is asked; remove public or the checks', true)
  if (!rule.public && !asksAnything && !policy.asks)
    report(
      at,
      'nothing is asked before or after this tool, or only about an optional argument; check an argument or the result, or say public: true',
      true,
    )
  const refill = loadRefill(loading, rule, [...at, 'refill'])
  return {
    ...call,
    name,
    effect,
    scopes: rule.scopes ?? [],
    public: rule.public ?? false,
    definition: rule.definition,
    result,
    after: (rule.after ?? []).flatMap((one, index) => loadAfter(loading, one, [...at, 'after', index])),
    inject: loadInjections(loading, rule.inject ?? {}, [...at, 'inject']),
    refill,
    asks: new Set(rule.asks),
    progress: rule.progress ?? 'numbers',
    logs: rule.logs ?? 'drop',
    tasks: rule.tasks ?? false,
  }
}

/** Compiles one prompt rule. */
export function loadPrompt(
  loading: Loading,
  name: string,
  rule: PromptRule,
  policy: { readonly hasRoots: boolean; readonly asks: boolean },
): LoadedPrompt {
  const at = ['prompts', name]
  const call = loadCall(loading, rule, policy.hasRoots, at)
  const asksAnything = asksAlways(call)
  if (rule.public && (asksAnything || call.arguments.length > 0))
    loading.report([...at, 'public'], 'public means that nothing is asked; remove public or the checks', true)
  if (!rule.public && !asksAnything && !policy.asks)
    loading.report(
      at,
      'nothing is asked before this prompt, or only about an optional argument; check an argument, or say public: true',
      true,
    )
  return { ...call, name, scopes: rule.scopes ?? [], public: rule.public ?? false, asks: new Set(rule.asks) }
}

function loadCall(
  loading: Loading,
  rule: Pick<ToolRule, 'also' | 'unchecked' | 'arguments'>,
  hasRoots: boolean,
  at: PolicyPath,
): LoadedCall {
  const args = (rule.arguments ?? []).flatMap((one, index) =>
    loadArgument(loading, one, hasRoots, [...at, 'arguments', index]),
  )
  const unchecked = (rule.unchecked ?? []).flatMap((text, index): JsonPath[] => {
    const here = [...at, 'unchecked', index]
    const path = loadPath(loading, text.startsWith('$') ? text : `$[${JSON.stringify(text)}]`, here)
    if (path && path.length === 0) loading.report(here, 'name each argument; $ would be all of them')
    const checked = path && args.find((argument) => argument.at.text === path.text)
    if (checked) loading.report(here, `${text} is checked by arguments; remove it here`)
    return path ? [path] : []
  })
  const also = loadChecks(loading, rule.also ?? [], variables(['args']), [...at, 'also'])
  return { also, unchecked, arguments: args }
}

function loadArgument(
  loading: Loading,
  rule: ArgumentRule,
  hasRoots: boolean,
  at: PolicyPath,
): LoadedArgument[] {
  if (rule.as === 'path' && !hasRoots)
    loading.report(
      [...at, 'as'],
      'as: path needs root: /folder and symlinks: resolved | trusted at the top of the policy',
    )
  const demand = loadDemand(loading, rule, variables(['args', 'value']), at)
  const path = loadPath(loading, rule.at, [...at, 'at'])
  if (path && path.leadingNames.length === 0 && rule.at !== '$')
    loading.report([...at, 'at'], 'name the argument first, such as $.id or $.items[*].id')
  if (path?.singular && rule.denied === 'drop' && !rule.optional)
    loading.report(
      [...at, 'denied'],
      'drop takes single values out of a list; use it with a path such as $.paths[*]',
    )
  return path
    ? [{ ...demand, at: path, as: rule.as, optional: rule.optional ?? false, denied: rule.denied ?? 'fail' }]
    : []
}

/** Whether something is asked in every call; an optional argument may be missing. */
function asksAlways({ also, arguments: args }: LoadedCall): boolean {
  return also.length > 0 || args.some(({ optional }) => !optional)
}

function checksItems(result: LoadedResult): boolean {
  if (result.kind !== 'rules') return false
  const { structure, json, lines } = result
  return lines !== undefined || (structure?.items.length ?? 0) + (json?.items.length ?? 0) > 0
}

function loadAfter(loading: Loading, rule: AfterRule, at: PolicyPath): LoadedAfter[] {
  const { report, schema } = loading
  const each = loadPath(loading, rule.each, [...at, 'each'])
  const known = variables(['args', 'item'])
  const of = rule.of ?? 'result'
  if ((rule.create === undefined) === (rule.delete === undefined)) {
    report(at, 'write either create: "type:id#relation@subject" or delete: "type:id"')
    return []
  }
  if (rule.create !== undefined) {
    const [relationship] = loadChecks({ ...loading, schema: asWritten(schema) }, [rule.create], known, [
      ...at,
      'create',
    ])
    return each && relationship ? [{ each, of, action: { kind: 'create', relationship } }] : []
  }
  const object = compileObject(rule.delete!, known)
  const problem = typeof object === 'string' ? object : schema.typeProblem(object.type)
  if (problem !== undefined) report([...at, 'delete'], problem)
  return each && typeof object !== 'string' ? [{ each, of, action: { kind: 'delete', ...object } }] : []
}

/** Asks for relations instead of permissions: only relations can be written. */
function asWritten(schema: Loading['schema']): Loading['schema'] {
  return { ...schema, problemOf: (check) => schema.relationProblem(check) }
}

function loadInjections(
  loading: Loading,
  inject: { readonly [path: string]: string },
  at: PolicyPath,
): LoadedInjection[] {
  return Object.entries(inject).flatMap(([text, call]): LoadedInjection[] => {
    const path = loadPath(loading, text, [...at, text], true)
    if (path && (!path.singular || path.length !== 1))
      loading.report([...at, text], 'inject fills one argument, such as $.ids', true)
    const match = /^lookup\("([^"]+)",\s*"([^"]+)"\)$/.exec(call)
    const problem = match
      ? loading.schema.permissionProblem(match[1]!, match[2]!)
      : 'write lookup("type", "permission")'
    if (problem !== undefined) loading.report([...at, text], problem)
    return path && match ? [{ path, resourceType: match[1]!, permission: match[2]! }] : []
  })
}

function loadRefill(loading: Loading, rule: ToolRule, at: PolicyPath): LoadedRefill | undefined {
  const refill: RefillRule | undefined = rule.refill
  if (refill === undefined) return undefined
  if ((rule.effect ?? 'write') !== 'read' || !rule.repeatable)
    loading.report(at, 'refill calls the tool again; it needs effect: read and repeatable: true', true)
  const cursor = loadPath(loading, refill.cursor, [...at, 'cursor'])
  const next = loadPath(loading, refill.next, [...at, 'next'])
  const items = loadPath(loading, refill.items, [...at, 'items'])
  for (const [path, key] of [
    [cursor, 'cursor'],
    [next, 'next'],
  ] as const)
    if (path && (!path.singular || path.length === 0))
      loading.report([...at, key], 'name one field, such as $.cursor')
  if (cursor && cursor.length !== 1) loading.report([...at, 'cursor'], 'name an argument, such as $.cursor')
  return cursor && next && items && { cursor, next, items, want: refill.want, maxCalls: refill.max_calls }
}
