// Loading a policy: text or object in, compiled rules or every problem out. Nothing half-done.

import { isNode, LineCounter, parseDocument } from 'yaml'
import { CardeaError } from '../../model/errors.ts'
import type { Schema } from '../../model/schema.ts'
import { checkIssuers } from '../tokens/issuers.ts'
import { loadAuthorizationDetails } from './authorization-details.ts'
import { type Loading, loadChecks, variables } from './load-demand.ts'
import {
  loadCompletions,
  loadContext,
  loadDuration,
  loadObserve,
  loadResources,
  loadRoots,
} from './load-parts.ts'
import { loadPrompt, loadTool } from './load-tool.ts'
import type { LoadedPolicy, LoadedTool } from './loaded-policy.ts'
import type { Policy } from './policy.ts'
import { policyShape } from './policy-shape.ts'
import {
  createReport,
  formatProblem,
  type PolicyPath,
  type PolicyProblem,
  type Positions,
  type Report,
  yamlPositions,
} from './problem.ts'
import { type SchemaNames, schemaNames } from './schema-names.ts'
import { reportIssue } from './shape-issues.ts'
import { didYouMean } from './suggest-name.ts'
import { definitionProblems, type ToolDefinition } from './tool-definition.ts'

export interface LoadOptions {
  /** The permission schema: types, permissions and caveat parameters must exist in it. */
  readonly schema?: Schema
  /** The tools' own definitions: argument names and output fields must exist in them. */
  readonly tools?: readonly ToolDefinition[]
  /** The schema's names where the schema itself is not at hand. */
  readonly names?: SchemaNames
}

export type PolicyOutcome =
  | { readonly policy: LoadedPolicy; readonly problems?: undefined }
  | { readonly policy?: undefined; readonly problems: readonly PolicyProblem[] }

/**
 * Checks and compiles a policy (policy format, 3.17). `source` is YAML or JSON text, or the typed object.
 * Either the policy, or every problem with line, column (for text) and cure.
 */
export function checkPolicy(source: string | Policy, options: LoadOptions = {}): PolicyOutcome {
  const { value, positions, problems: syntax } = readSource(source)
  if (syntax.length > 0) return { problems: syntax }
  const { report, problems } = createReport(positions)
  const shaped = policyShape.safeParse(value)
  if (!shaped.success) {
    for (const issue of shaped.error.issues) reportIssue(issue, [], value, report)
    return { problems }
  }
  const policy = load(shaped.data, options, report)
  return problems.length > 0 ? { problems } : { policy }
}

/** {@link checkPolicy} for those who cannot go on without: throws CONFIG_INVALID that lists every problem. */
export function loadPolicy(
  source: string | Policy,
  options: LoadOptions & { readonly file?: string } = {},
): LoadedPolicy {
  const { policy, problems } = checkPolicy(source, options)
  if (policy) return policy
  const list = problems.map((problem) => formatProblem(problem, options.file))
  throw new CardeaError('CONFIG_INVALID', list.join('\n'), { path: problems[0]?.path ?? '' })
}

/** The value of a policy as written, where each part of it stands, and what is wrong with the text itself. */
export function readSource(source: string | Policy): {
  value: unknown
  positions: Positions
  problems: readonly PolicyProblem[]
} {
  if (typeof source !== 'string') return { value: source, positions: () => undefined, problems: [] }
  const lines = new LineCounter()
  const document = parseDocument(source, {
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
    version: '1.2',
  })
  const problems = [...document.errors, ...document.warnings].map(({ message, pos }): PolicyProblem => {
    const { line, col } = lines.linePos(pos[0])
    return { path: '', line, column: col, problem: `${message.replace(/[.\s]+$/, '')}.` }
  })
  if (problems.length > 0) return { value: undefined, positions: () => undefined, problems }
  try {
    return {
      value: isNode(document.contents) ? document.toJS() : {},
      positions: yamlPositions(document, lines),
      problems,
    }
  } catch (error) {
    const problem = `${(error as Error).message}.`
    return {
      value: undefined,
      positions: () => undefined,
      problems: [{ path: '', line: 1, column: 1, problem }],
    }
  }
}

function load(source: Policy, options: LoadOptions, report: Report): LoadedPolicy {
  const loading: Loading = { report, schema: options.names ?? schemaNames(options.schema) }
  for (const { path, problem } of source.issuers ? checkIssuers(source.issuers).problems : [])
    report(parsePath(path), problem)
  const roots = loadRoots(loading, source)
  const also = loadChecks(loading, source.also ?? [], variables([]), ['also'])
  const place = { hasRoots: roots.length > 0, asks: also.length > 0 }
  const tools = Object.entries(source.tools ?? {}).map(([name, rule]) => loadTool(loading, name, rule, place))
  const prompts = Object.entries(source.prompts ?? {}).map(([name, rule]) =>
    loadPrompt(loading, name, rule, place),
  )
  if (options.tools) checkDefinitions(tools, options.tools, report)
  return {
    source,
    also,
    authorizationDetails: loadAuthorizationDetails(loading, source.authorization_details ?? {}),
    roots,
    symlinks: source.symlinks ?? 'trusted',
    context: loadContext(loading, source.context ?? {}),
    maxStalenessMs: loadDuration(loading, source.max_staleness, ['max_staleness']),
    trustOnFirstUse: source.trust_on_first_use ?? false,
    observe: loadObserve(loading, source),
    tools: new Map(tools.map((tool) => [tool.name, tool])),
    resources: loadResources(loading, source.resources ?? [], place.hasRoots),
    prompts: new Map(prompts.map((prompt) => [prompt.name, prompt])),
    completions: loadCompletions(loading, source),
    instructions: source.instructions ?? false,
    logging: source.logging ?? 'drop',
  }
}

function checkDefinitions(
  tools: readonly LoadedTool[],
  definitions: readonly ToolDefinition[],
  report: Report,
): void {
  const byName = new Map(definitions.map((definition) => [definition.name, definition]))
  for (const tool of tools) {
    const definition = byName.get(tool.name)
    if (definition === undefined) {
      report(
        ['tools', tool.name],
        `the server has no such tool, so the rule is unused${didYouMean(tool.name, byName.keys())}`,
        true,
      )
      continue
    }
    for (const { path, problem } of definitionProblems(tool, definition))
      report(['tools', tool.name, ...path], problem)
  }
}

function parsePath(path: string): PolicyPath {
  return [...path.matchAll(/[^.[\]]+/g)].map(([step]) => (/^\d+$/.test(step) ? Number(step) : step))
}
