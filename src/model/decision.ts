// Decisions: what a check answers, and why.

import type { JsonObject } from './context.ts'
import type { ObjectRef, SubjectRef } from './reference.ts'
import type { Relationship, RelationshipUpdate } from './relationship.ts'

/** Three-valued answer. `conditional` is never a yes: whoever must choose treats it as a no. */
export type Permissionship = 'has' | 'no' | 'conditional'

/** Does `subject` have `permission` on `resource`? */
export interface Question {
  readonly resource: ObjectRef
  /** A permission or a relation of the resource's definition. */
  readonly permission: string
  readonly subject: SubjectRef
  /** Request context for caveats. */
  readonly context?: JsonObject
}

export interface Answer {
  readonly permissionship: Permissionship
  /** For `conditional`: the caveat parameters whose values would decide, sorted; else empty. */
  readonly missing: readonly string[]
}

/** Outcome of one caveat on one relationship. */
export interface CaveatOutcome {
  readonly name: string
  readonly expression: string
  readonly result: 'true' | 'false' | 'missing' | 'unevaluated'
  /** Request context overlaid by the stored context. */
  readonly context: JsonObject
  readonly missing: readonly string[]
}

/** One step of how an answer came about. The children explain it. */
export interface TraceNode {
  readonly resource: ObjectRef
  /** Relation or permission evaluated on `resource`. */
  readonly name: string
  readonly kind: 'relation' | 'permission'
  /** `identity`: the userset asked about is the subject itself. `cycle`: already being evaluated above. */
  readonly operation:
    | 'relation'
    | 'union'
    | 'intersection'
    | 'exclusion'
    | 'arrow'
    | 'all'
    | 'nil'
    | 'self'
    | 'identity'
    | 'cycle'
  readonly permissionship: Permissionship
  /** The relationship that led from the parent to this node, or that grants here directly. */
  readonly relationship?: Relationship
  readonly caveat?: CaveatOutcome
  readonly children: readonly TraceNode[]
}

/** A fact that must stay untrue for a granted answer to hold: what an exclusion relies on. */
export interface Absence {
  readonly resource: ObjectRef
  readonly permission: string
  readonly subject: SubjectRef
}

/** Why a check did not answer `has`, and where. */
export interface DenialReason {
  readonly kind: 'no_path' | 'blocked_by_exclusion' | 'condition_false' | 'context_missing'
  /** The object and the relation or permission at which the path ends. */
  readonly resource: ObjectRef
  readonly name: string
  /** Relationships that do lead there: of the path that came closest, or of the exclusion that blocks. */
  readonly via: readonly Relationship[]
  readonly missing: readonly string[]
}

/**
 * One relationship whose writing or deletion would turn a `no` into `has`, as far as a bounded search can tell.
 * `found`: it was tried. `not_determined`: the search ended without one, which does not mean that there is none.
 * `impossible`: the schema leads from no relationship to such a subject.
 */
export type Suggestion = (
  | { readonly outcome: 'found'; readonly update: RelationshipUpdate }
  | { readonly outcome: 'not_determined' | 'impossible' }
) & {
  /** Candidates that were tried. */
  readonly tried: number
  /** The most that would have been. */
  readonly maxTried: number
}

/** What an answer rests on. */
export interface Evidence extends Answer {
  /**
   * For `has`: relationships which alone, with the absences, evaluate to yes, and no proper subset of which does.
   * Empty for an identity and for every other answer.
   */
  readonly proof: readonly Relationship[]
  readonly absences: readonly Absence[]
  /** Set unless the answer is `has`. */
  readonly reason?: DenialReason
}

/** Why the answer is what it is. */
export interface Explanation extends Evidence {
  /** Of a `no`, when asked for. */
  readonly suggestion?: Suggestion
  readonly tree: TraceNode
}

/** A subject that a lookup found, or that a wildcard excludes. */
export interface ResolvedSubject extends Answer {
  /** May be the wildcard `*`. */
  readonly subjectId: string
}

/** A userset tree as Expand answers it: the permission's expression, with relations as leaves, not expanded further. */
export type SubjectTree = {
  /** What is expanded here; operator nodes repeat their parent's. */
  readonly resource: ObjectRef
  readonly name: string
} & (
  | { readonly kind: 'leaf'; readonly subjects: readonly SubjectRef[] }
  | { readonly kind: 'union' | 'intersection' | 'exclusion'; readonly children: readonly SubjectTree[] }
)
