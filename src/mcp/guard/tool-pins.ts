// Tool pins: a definition counts only if it is approved, and only as long as every word of it stays the same.

import { type AuthzenMapping, compileAuthzenMapping } from '../policy/authzen-mapping.ts'
import type { LoadedPolicy, LoadedTool } from '../policy/loaded-policy.ts'
import { formatPath } from '../policy/problem.ts'
import { didYouMean } from '../policy/suggest-name.ts'
import {
  type DefinitionProblem,
  definitionHash,
  definitionProblems,
  type ToolDefinition,
} from '../policy/tool-definition.ts'
import type { GuardLog } from './guard-core.ts'

/** A tool that may be listed and called. */
export interface UsableTool {
  readonly rule: LoadedTool
  readonly definition: ToolDefinition
  readonly hash: string
  /** Questions that the tool's author adds. */
  readonly mapping: AuthzenMapping | undefined
}

const maxRemembered = 1000

/** Approved hashes of one guard, by tool name. */
export class ToolPins {
  readonly #approved = new Map<string, string>()
  /** Definitions that are usable under a policy. What was approved stays so, and nobody changes what they say. */
  readonly #usable = new WeakMap<
    ToolDefinition,
    { readonly policy: LoadedPolicy; readonly tool: UsableTool }
  >()
  readonly #told = new Set<string>()
  readonly #mappings = new Map<string, AuthzenMapping | string | undefined>()
  readonly #log: GuardLog

  constructor(approved: { readonly [tool: string]: string }, log: GuardLog) {
    for (const [tool, hash] of Object.entries(approved)) this.#approved.set(tool, hash)
    this.#log = log
  }

  /**
   * The tool if the policy has a rule for it, its definition is approved and unchanged, and the rule fits it.
   * Otherwise undefined, and the operator is told why, once.
   */
  usable(policy: LoadedPolicy, definition: ToolDefinition): UsableTool | undefined {
    const known = this.#usable.get(definition)
    if (known?.policy === policy) return known.tool
    const tool = this.#judged(policy, definition)
    if (tool !== undefined) this.#usable.set(definition, { policy, tool })
    return tool
  }

  #judged(policy: LoadedPolicy, definition: ToolDefinition): UsableTool | undefined {
    const rule = policy.tools.get(definition.name)
    if (rule === undefined) return undefined
    const hash = definitionHash(definition)
    const pinned = rule.definition ?? this.#approved.get(rule.name)
    if (pinned === undefined && !policy.trustOnFirstUse)
      return this.#refuse(
        rule.name,
        hash,
        'its definition is not approved; add its hash as `definition` to the rule, or say trust_on_first_use: true',
      )
    if (pinned !== undefined && pinned !== hash)
      return this.#refuse(
        rule.name,
        hash,
        `its definition is not the approved one (${pinned}); look at what changed before you approve it`,
      )
    const problems = definitionProblems(rule, definition)
    if (problems.length > 0) return this.#refuse(rule.name, hash, problems.map(sentence).join(' '))
    const mapping = this.#mappingOf(definition, hash)
    if (typeof mapping === 'string') return this.#refuse(rule.name, hash, `${mapping}.`)
    if (pinned === undefined) this.#approved.set(rule.name, hash)
    return { rule, definition, hash, mapping }
  }

  /** Tells the operator, once, of rules whose tool is not among all that the server has. */
  tellUnused(policy: LoadedPolicy, names: ReadonlySet<string>): void {
    for (const tool of policy.tools.keys())
      if (!names.has(tool)) {
        const reason = `the server has no such tool, so its rule is unused${didYouMean(tool, names)}`
        this.#tell(tool, '', reason, `The policy has a rule for the tool ${tool}, but ${reason}.`)
      }
  }

  /** Hashes approved so far, to be kept for the next start. */
  approved(): { readonly [tool: string]: string } {
    return Object.fromEntries(this.#approved)
  }

  #mappingOf(definition: ToolDefinition, hash: string): AuthzenMapping | string | undefined {
    if (!this.#mappings.has(hash)) {
      if (this.#mappings.size >= maxRemembered) this.#mappings.clear()
      this.#mappings.set(hash, compileAuthzenMapping(definition.inputSchema))
    }
    return this.#mappings.get(hash)
  }

  #refuse(tool: string, hash: string, reason: string): undefined {
    this.#tell(tool, hash, reason, `The tool ${tool} is neither listed nor callable: ${reason}`)
  }

  #tell(tool: string, hash: string, reason: string, message: string): void {
    const key = `${tool} ${hash} ${reason}`
    if (this.#told.has(key)) return
    if (this.#told.size >= maxRemembered) this.#told.clear()
    this.#told.add(key)
    this.#log.warn({ tool, ...(hash !== '' && { definition: hash }) }, message)
  }
}

function sentence({ path, problem }: DefinitionProblem): string {
  return `${formatPath(path)}: ${problem}.`
}
