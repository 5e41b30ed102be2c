// A policy that was loaded: checked, with every path, pattern and template compiled.

import type { JsonValue } from '../../model/context.ts'
import type { CaveatType } from '../../model/schema.ts'
import type { LoadedDetails } from './authorization-details.ts'
import type { JsonPath } from './json-path.ts'
import type { Pattern } from './pattern.ts'
import type { Policy } from './policy.ts'
import type { CheckTemplate, Template, Variable } from './template.ts'
import type { UriTemplate } from './uri-template.ts'

export interface LoadedPolicy {
  /** As written. */
  readonly source: Policy
  readonly also: readonly CheckTemplate[]
  readonly authorizationDetails: ReadonlyMap<string, LoadedDetails>
  readonly roots: readonly string[]
  readonly symlinks: 'resolved' | 'trusted'
  readonly context: readonly LoadedContextSource[]
  /** Undefined: fully consistent. */
  readonly maxStalenessMs: number | undefined
  readonly trustOnFirstUse: boolean
  readonly observe: { readonly untilMs: number; readonly tools: ReadonlySet<string> | undefined } | undefined
  readonly tools: ReadonlyMap<string, LoadedTool>
  readonly resources: readonly LoadedResource[]
  readonly prompts: ReadonlyMap<string, LoadedPrompt>
  readonly completions: readonly LoadedCompletion[]
  readonly instructions: boolean
  readonly logging: 'drop' | 'pass'
}

export interface LoadedContextSource {
  readonly parameter: string
  /** `clock`, or where the value is found. */
  readonly from: 'clock' | Variable
  /** Type of the caveat parameter; undefined when no schema was given at load: values go as they are. */
  readonly type: CaveatType | undefined
}

export interface LoadedDemand {
  readonly matches: readonly LoadedMatch[]
  readonly lets: readonly (readonly [name: string, template: Template])[]
  readonly all: readonly CheckTemplate[]
  /** Instead of `all`. */
  readonly cases: readonly LoadedCase[] | undefined
}

export interface LoadedCase extends LoadedDemand {
  /** Undefined: always. */
  readonly when: JsonPath | Variable | undefined
}

/** Undefined `path`: the value itself. */
export interface LoadedMatch {
  readonly path: JsonPath | undefined
  readonly pattern: Pattern
}

export interface LoadedArgument extends LoadedDemand {
  readonly at: JsonPath
  readonly as: 'path' | 'uri' | undefined
  readonly optional: boolean
  readonly denied: 'fail' | 'drop'
}

/** What a call's arguments must satisfy; shared by tools and prompts. */
export interface LoadedCall {
  readonly also: readonly CheckTemplate[]
  readonly unchecked: readonly JsonPath[]
  readonly arguments: readonly LoadedArgument[]
}

export interface LoadedTool extends LoadedCall {
  readonly name: string
  readonly effect: 'read' | 'write'
  readonly scopes: readonly string[]
  readonly public: boolean
  readonly definition: string | undefined
  readonly result: LoadedResult
  readonly after: readonly LoadedAfter[]
  readonly inject: readonly LoadedInjection[]
  readonly refill: LoadedRefill | undefined
  readonly asks: ReadonlySet<string>
  readonly progress: 'numbers' | 'message'
  readonly logs: 'drop' | 'pass'
  readonly tasks: boolean
}

export type LoadedResult =
  | { readonly kind: 'whole' }
  | { readonly kind: 'fixed'; readonly value: JsonValue; readonly text: string | undefined }
  | LoadedRules

export interface LoadedRules {
  readonly kind: 'rules'
  /** Rules on `structuredContent`. */
  readonly structure: LoadedTreeRules | undefined
  /** Rules on the JSON in text blocks. */
  readonly json: LoadedTreeRules | undefined
  readonly lines: LoadedLines | undefined
  readonly mirror: boolean
}

/** What is kept of one JSON value. */
export interface LoadedTreeRules {
  readonly items: readonly LoadedItems[]
  readonly unchecked: readonly JsonPath[]
  readonly sets: readonly LoadedSet[]
}

export interface LoadedItems extends LoadedDemand {
  readonly items: JsonPath
  readonly children: string | undefined
  readonly root: readonly (readonly [name: string, template: Template])[]
  readonly denied: 'drop' | 'fail' | { readonly redact: readonly string[]; readonly keep: readonly string[] }
}

export interface LoadedLines extends LoadedDemand {
  readonly pattern: Pattern
  readonly unmatched: 'remove' | 'fail'
  readonly denied: 'drop' | 'fail'
}

export interface LoadedSet {
  readonly path: JsonPath
  readonly value: 'remove' | null | { readonly count: JsonPath }
}

export interface LoadedAfter {
  readonly each: JsonPath
  readonly of: 'result' | 'arguments'
  readonly action:
    | { readonly kind: 'create'; readonly relationship: CheckTemplate }
    | { readonly kind: 'delete'; readonly type: string; readonly id: Template }
}

export interface LoadedInjection {
  readonly path: JsonPath
  readonly resourceType: string
  readonly permission: string
}

export interface LoadedRefill {
  readonly cursor: JsonPath
  readonly next: JsonPath
  readonly items: JsonPath
  readonly want: number
  readonly maxCalls: number
}

export interface LoadedResource extends LoadedDemand {
  readonly uri: UriTemplate
  readonly as: 'path' | 'uri' | undefined
  readonly scopes: readonly string[]
  readonly result: { readonly kind: 'whole' } | LoadedRules
  readonly public: boolean
}

export interface LoadedPrompt extends LoadedCall {
  readonly name: string
  readonly scopes: readonly string[]
  readonly public: boolean
  readonly asks: ReadonlySet<string>
}

export interface LoadedCompletion extends LoadedDemand {
  readonly prompt: string | undefined
  readonly resource: string | undefined
  readonly argument: string
  readonly public: boolean
}
