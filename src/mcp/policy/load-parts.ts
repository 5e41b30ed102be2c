// Loading the smaller parts of a policy: roots, context, dates, resources, completions.

import type { CaveatType } from '../../model/schema.ts'
import { parseDuration } from '../tokens/duration.ts'
import { callerRoots, type Loading, loadDemand, variables } from './load-demand.ts'
import { loadRules } from './load-result.ts'
import type { LoadedCompletion, LoadedContextSource, LoadedPolicy, LoadedResource } from './loaded-policy.ts'
import type { Policy, ResourceRule } from './policy.ts'
import type { PolicyPath } from './problem.ts'
import { compileVariable } from './template.ts'
import { compileUriTemplate, type UriTemplate } from './uri-template.ts'

/** The folders of `root`, as absolute paths without a trailing slash. */
export function loadRoots({ report }: Loading, { root, symlinks }: Policy): readonly string[] {
  const roots = root === undefined ? [] : typeof root === 'string' ? [root] : root
  roots.forEach((folder, index) => {
    const at = typeof root === 'string' ? ['root'] : ['root', index]
    if (!/^(?:\/[^/]+)+$/.test(folder) || folder.split('/').some((part) => part === '.' || part === '..'))
      report(
        at,
        `${JSON.stringify(folder)} must be an absolute folder below /, without . and .. and without / at its end`,
      )
  })
  if (roots.length > 0 && symlinks === undefined)
    report(
      ['root'],
      'say symlinks: resolved if the guard sees the same file system, else symlinks: trusted',
      true,
    )
  if (roots.length === 0 && symlinks !== undefined) report(['symlinks'], 'symlinks needs root: /folder', true)
  return roots
}

/** The sources of caveat context. */
export function loadContext(
  loading: Loading,
  context: NonNullable<Policy['context']>,
): LoadedContextSource[] {
  const known = variables(['args', 'item'])
  return Object.entries(context).flatMap(([parameter, source]): LoadedContextSource[] => {
    const at = ['context', parameter]
    const from = typeof source === 'string' ? source : source.from
    const type = loading.schema.parameterType(parameter)
    if (typeof type === 'string') loading.report(at, type, true)
    const usable = typeof type === 'string' ? undefined : (type as CaveatType | undefined)
    if (from === 'clock') return [{ parameter, from, type: usable }]
    const variable = compileVariable(`{${from}}`, known)
    if (typeof variable === 'string') {
      loading.report(
        at,
        `${from} is no source; write clock, ${callerRoots.map((root) => `${root}.name`).join(', ')}, args.name or item.name`,
      )
      return []
    }
    const foreign = variable.root === 'args' || variable.root === 'item'
    const said = typeof source === 'object' && source.untrusted === true
    if (foreign && !said)
      loading.report(
        at,
        `${from} is in the hands of the caller or the server; write { from: ${from}, untrusted: true } if that is meant`,
      )
    if (!foreign && said) loading.report([...at, 'untrusted'], `${from} is trusted; remove untrusted`, true)
    return [{ parameter, from: variable, type: usable }]
  })
}

/** A duration in milliseconds. */
export function loadDuration(
  { report }: Loading,
  text: string | undefined,
  at: PolicyPath,
): number | undefined {
  if (text === undefined) return undefined
  try {
    return parseDuration(text, at.join('.'))
  } catch (error) {
    report(at, (error as Error).message.replace(/^[^:]*: /, ''))
    return undefined
  }
}

/** Observe mode with the instant at which it ends: the end of the given day, UTC. */
export function loadObserve({ report }: Loading, { observe, tools }: Policy): LoadedPolicy['observe'] {
  if (observe === undefined) return undefined
  const dayMs = 86_400_000
  const untilMs = Date.parse(`${observe.until}T00:00:00Z`) + dayMs
  if (Number.isNaN(untilMs)) report(['observe', 'until'], `${observe.until} is no date`)
  observe.tools?.forEach((name, index) => {
    const at = ['observe', 'tools', index]
    if (!tools?.[name]) report(at, `there is no rule for the tool ${JSON.stringify(name)}`)
    else if (tools[name].effect !== 'read')
      report(at, `${name} writes; observe mode relaxes effect: read tools only`)
  })
  return { untilMs, tools: observe.tools && new Set(observe.tools) }
}

/** Resource rules in order. */
export function loadResources(
  loading: Loading,
  rules: readonly ResourceRule[],
  hasRoots: boolean,
): LoadedResource[] {
  return rules.flatMap((rule, index): LoadedResource[] => {
    const at: PolicyPath = ['resources', index]
    const uri = compileUriTemplate(rule.uri)
    if (typeof uri === 'string') loading.report([...at, 'uri'], uri)
    const template: UriTemplate | undefined = typeof uri === 'string' ? undefined : uri
    if (rule.as === 'path' && !hasRoots)
      loading.report(
        [...at, 'as'],
        'as: path needs root: /folder and symlinks: resolved | trusted at the top of the policy',
      )
    if (rule.as === 'path' && template && template.wide === undefined)
      loading.report([...at, 'as'], 'as: path needs one {+path} variable in the uri')
    const earlier = rules.slice(0, index).some((other) => other.uri === rule.uri)
    if (earlier) loading.report([...at, 'uri'], 'an earlier rule has the same uri, so this one is unused')
    const known = variables(['value'], template?.names)
    const demand = loadDemand(loading, rule, known, at, { public: rule.public ?? false })
    const result =
      rule.result === undefined || rule.result === 'whole'
        ? ({ kind: 'whole' } as const)
        : loadRules(loading, rule.result, false, ['value'], [...at, 'result'])
    if (result.kind === 'rules' && result.structure)
      loading.report([...at, 'result'], 'contents are text: write json: text on each rule, or lines')
    const scopes = rule.scopes ?? []
    return template
      ? [{ ...demand, uri: template, as: rule.as, scopes, result, public: rule.public ?? false }]
      : []
  })
}

/** Completion rules. */
export function loadCompletions(
  loading: Loading,
  { completions, prompts, resources }: Policy,
): LoadedCompletion[] {
  return (completions ?? []).map((rule, index): LoadedCompletion => {
    const at = ['completions', index]
    if ((rule.prompt === undefined) === (rule.resource === undefined))
      loading.report(at, 'name either prompt or resource', true)
    if (rule.prompt !== undefined && !prompts?.[rule.prompt])
      loading.report([...at, 'prompt'], `there is no rule for the prompt ${JSON.stringify(rule.prompt)}`)
    if (rule.resource !== undefined && !resources?.some(({ uri }) => uri === rule.resource))
      loading.report(
        [...at, 'resource'],
        `there is no resource rule with the uri ${JSON.stringify(rule.resource)}`,
      )
    const known = variables(['args', 'value'])
    const demand = loadDemand(loading, rule, known, at, { public: rule.public ?? false })
    const { prompt, resource, argument } = rule
    return { ...demand, prompt, resource, argument, public: rule.public ?? false }
  })
}
