// Lint: what a policy may say, and deserves a second look.

import { checkPolicy, type LoadOptions, readSource } from './load-policy.ts'
import type { LoadedPolicy, LoadedTool } from './loaded-policy.ts'
import type { Policy } from './policy.ts'
import { createReport, type PolicyProblem, type Report } from './problem.ts'
import type { ToolDefinition } from './tool-definition.ts'

export interface LintOptions extends LoadOptions {
  /** Milliseconds since the Unix epoch; observe mode is judged by it. */
  readonly nowMs: number
}

export interface LintOutcome {
  /** With these the policy does not load. */
  readonly problems: readonly PolicyProblem[]
  /** With these it does. */
  readonly warnings: readonly PolicyProblem[]
}

/** Loads the policy and tells what deserves a second look. */
export function lintPolicy(source: string | Policy, options: LintOptions): LintOutcome {
  const { policy, problems } = checkPolicy(source, options)
  if (problems) return { problems, warnings: [] }
  const { report, problems: warnings } = createReport(readSource(source).positions)
  lintWhole(policy, options, report)
  for (const tool of policy.tools.values())
    lintTool(
      tool,
      options.tools?.find(({ name }) => name === tool.name),
      report,
    )
  policy.resources.forEach((resource, index) => {
    if (resource.public && resource.result.kind === 'whole')
      report(['resources', index, 'public'], 'whoever has a token may read this', true)
  })
  for (const { name } of options.tools ?? []) {
    if (!policy.tools.has(name))
      report(
        ['tools'],
        `the server's tool ${JSON.stringify(name)} has no rule, so it is neither listed nor callable`,
      )
  }
  return { problems: [], warnings }
}

function lintWhole(policy: LoadedPolicy, { nowMs }: LintOptions, report: Report): void {
  const { observe, source } = policy
  if (policy.trustOnFirstUse)
    report(
      ['trust_on_first_use'],
      'the first definition of each tool is believed; for production approve each by its hash (`definition`)',
      true,
    )
  if (observe && observe.untilMs <= nowMs) report(['observe', 'until'], 'observe mode has ended; remove it')
  else if (observe) report(['observe'], 'reads show what is denied until the end date', true)
  if (policy.maxStalenessMs !== undefined)
    report(['max_staleness'], 'a revoked grant may serve for this long', true)
  if (policy.roots.length > 0 && policy.symlinks === 'trusted')
    report(['symlinks'], 'a link below the root leads wherever it points, under its own name', true)
  if (policy.logging === 'pass')
    report(['logging'], 'log notifications say what the server likes, to whoever is connected', true)
  if (source.issuers === undefined && source.resource !== undefined)
    report(['resource'], 'no issuers are named; tokens are then somebody else’s to check', true)
}

type Annotated = ToolDefinition & {
  readonly annotations?: { readonly readOnlyHint?: unknown; readonly destructiveHint?: unknown }
}

function lintTool(tool: LoadedTool, definition: Annotated | undefined, report: Report): void {
  const at = ['tools', tool.name]
  const hints = definition?.annotations
  if (tool.effect === 'read' && (hints?.destructiveHint === true || hints?.readOnlyHint === false))
    report([...at, 'effect'], 'the server itself says that this tool changes something', true)
  if (tool.public && tool.effect === 'write')
    report([...at, 'public'], 'whoever has a token may have this tool write', true)
  if (tool.public && tool.result.kind === 'whole' && tool.unchecked.length > 0)
    report(
      [...at, 'public'],
      'a public tool with arguments gives its whole result to whoever has a token',
      true,
    )
  const checksEach = tool.arguments.some(({ optional }) => !optional)
  if (tool.result.kind === 'whole' && !checksEach && !tool.public)
    report(
      [...at, 'result'],
      'the whole result leaves after whole-call questions alone; no resource in it is asked about',
      true,
    )
  if (tool.progress === 'message') report([...at, 'progress'], 'progress texts are sent as they are', true)
  if (tool.logs === 'pass')
    report([...at, 'logs'], 'log notifications of this tool are sent as they are', true)
  if (tool.effect === 'write' && tool.result.kind === 'rules')
    report(
      [...at, 'result'],
      'what the result of a write names is looked at after the write is done; check the arguments too',
      true,
    )
  if (
    tool.result.kind === 'rules' &&
    tool.result.structure &&
    !tool.result.mirror &&
    !tool.result.json &&
    !tool.result.lines
  )
    report([...at, 'result'], 'all text of the result is removed; say text: mirror if clients need it', true)
}
