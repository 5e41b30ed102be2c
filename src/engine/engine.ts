// What the engine offers: questions about one world, as evaluations that can be paused.

import type { JsonObject } from '../model/context.ts'
import type {
  Answer,
  Evidence,
  Explanation,
  Question,
  ResolvedSubject,
  SubjectTree,
} from '../model/decision.ts'
import type { CardeaError } from '../model/errors.ts'
import type { RelationshipFilter } from '../model/filter.ts'
import type { ObjectRef, SubjectRef } from '../model/reference.ts'
import type { Relationship } from '../model/relationship.ts'
import type { ObjectKey } from '../store/store.ts'
import type { FoundObject, FoundObjects } from './found-objects.ts'

/** The node from which one evaluation followed the most rows, for an operator who asks what made it slow. */
export interface WidestNode {
  readonly object: ObjectRef
  /** The relation whose rows lead away from a resource; `type#relation` of the rows that lead to a subject. */
  readonly rowsOf: string
  /** Whether the object is the rows' subject. */
  readonly reverse: boolean
  readonly rows: number
}

/**
 * Work under way. `run` does at most about `maxSteps` elementary steps (one visited row or plan instruction each),
 * then gives the value, or undefined when there is more to do: call it again, after letting others run.
 * Errors (LIMIT_EXCEEDED, CAVEAT_EVALUATION_ERROR, UNDEFINED_BY_CYCLE, ...) are thrown from `run`.
 * The world's snapshot must stay pinned until the evaluation is done or dropped. Nothing else needs cleaning up.
 */
export interface Evaluation<Value> {
  run(maxSteps: number): Value | undefined
  /** Elementary steps so far. */
  readonly steps: number
  /** Undefined when no node had many rows. */
  readonly widest?: WidestNode | undefined
}

/** Work that yields results as it goes, in batches of a kind. */
export interface StreamEvaluation<Item, Batch extends Iterable<Item> = Item[]> {
  /**
   * Does at most about `maxSteps` steps and appends what it found to `into`, at most `maxItems` of them.
   * True when there is nothing more to come.
   */
  run(maxSteps: number, into: Batch, maxItems: number): boolean
  readonly steps: number
  readonly widest?: WidestNode | undefined
}

/** Bounds of one request. Exceeding one throws LIMIT_EXCEEDED naming the setting. */
export interface EngineLimits {
  /** Elementary steps of one request. Default 50,000,000. */
  readonly maxSteps: number
  /** Entries (visited nodes, memo entries, stack frames) held at once by one request. Default 20,000,000. */
  readonly maxEntries: number
}

export interface FoundSubjects extends ResolvedSubject {
  /** Position for a cursor: the wildcard is -1, an object that the graph has never seen 0, others their key. */
  readonly key: ObjectKey
  readonly excluded: readonly ResolvedSubject[]
}

/** Position of a row in reading order: by resource key, relation name, subject key, subject relation name. */
export interface RowPosition {
  readonly resourceKey: ObjectKey
  readonly relation: string
  readonly subjectKey: ObjectKey
  readonly subjectRelation: string
}

export interface FoundRow extends RowPosition {
  readonly relationship: Relationship
}

export interface ExplainOptions {
  /** For a no, also search for one relationship that would grant. Default false: it costs as much as many checks. */
  readonly suggest?: boolean
}

/**
 * Every question. Names in a question are known to exist in the world's schema (the authorizer checked).
 * `nowMs` decides expiry. Answers never depend on the order of rows.
 */
export interface Engine<World> {
  check(world: World, question: Question, nowMs: number): Evaluation<Answer>
  /** In the order of the questions, sharing what they have in common. A failing question has its own error. */
  checkBulk(
    world: World,
    questions: readonly Question[],
    nowMs: number,
  ): Evaluation<readonly (Answer | CardeaError)[]>
  explain(world: World, question: Question, nowMs: number, options?: ExplainOptions): Evaluation<Explanation>
  /** Like bulk checks, with what each answer rests on. */
  evidenceBulk(
    world: World,
    questions: readonly Question[],
    nowMs: number,
  ): Evaluation<readonly (Evidence | CardeaError)[]>
  /** Ascending by key, each resource once, only keys above `afterKey` (default: all). */
  lookupResources(
    world: World,
    request: {
      readonly resourceType: string
      readonly permission: string
      readonly subject: SubjectRef
      readonly context?: JsonObject
      readonly afterKey?: ObjectKey
    },
    nowMs: number,
  ): StreamEvaluation<FoundObject, FoundObjects>
  /** Ascending by key (wildcard first), each subject once. */
  lookupSubjects(
    world: World,
    request: {
      readonly resource: ObjectRef
      readonly permission: string
      readonly subjectType: string
      readonly subjectRelation: string
      readonly context?: JsonObject
      readonly afterKey?: ObjectKey
    },
    nowMs: number,
  ): StreamEvaluation<FoundSubjects>
  expand(
    world: World,
    request: { readonly resource: ObjectRef; readonly permission: string },
    nowMs: number,
  ): Evaluation<SubjectTree>
  /** Live rows in reading order, after a position. Uses the adjacency that the filter makes cheapest. */
  readRows(
    world: World,
    request: { readonly filter: RelationshipFilter; readonly after?: RowPosition },
    nowMs: number,
  ): StreamEvaluation<FoundRow>
}
