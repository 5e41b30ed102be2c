// The Authorizer: one interface for every door, in-process or over the wire.

import type { WidestNode } from '../engine/engine.ts'
import type { JsonObject } from '../model/context.ts'
import type {
  Answer,
  Evidence,
  Explanation,
  Permissionship,
  Question,
  ResolvedSubject,
  SubjectTree,
} from '../model/decision.ts'
import type { CardeaError } from '../model/errors.ts'
import type { Precondition, RelationshipFilter } from '../model/filter.ts'
import type { ObjectRef, SubjectRef } from '../model/reference.ts'
import type { Relationship, RelationshipUpdate } from '../model/relationship.ts'
import type { Consistency } from '../model/revision.ts'
import type { MemberReference } from '../schema/dependencies.ts'
import type { SchemaDifference } from '../schema/diff.ts'
import type { ReflectionFilter } from '../schema/reflect.ts'
import type { ReflectedCaveat, ReflectedDefinition } from '../schema/reflection.ts'

/** What every call may carry. */
export interface CallOptions {
  /** Aborting ends the work within milliseconds; the call rejects with CANCELLED. */
  readonly signal?: AbortSignal
  /** Milliseconds since the Unix epoch after which the call rejects with DEADLINE_EXCEEDED. */
  readonly deadlineMs?: number
  /** In this process: where work that takes more than a moment writes down what it cost, however it ends. */
  readonly bill?: { cost?: Cost }
}

/** What the work of one call cost, for an operator who asks why it was slow. */
export interface Cost {
  /** Elementary steps: rows followed and instructions done. */
  readonly steps: number
  readonly widest: WidestNode | undefined
}

export interface Read extends CallOptions {
  /** Default minimize_latency. */
  readonly consistency?: Consistency
}

/** `token` is the ZedToken of the revision that was evaluated. */
export interface CheckResult extends Answer {
  readonly token: string
  /** Why; present when asked for. */
  readonly explanation?: Explanation
}

export type BulkAnswer =
  | (Answer & {
      readonly explanation?: Explanation
      readonly evidence?: Evidence
      readonly error?: undefined
    })
  | { readonly error: CardeaError }

export interface CheckBulkResult {
  readonly token: string
  /** One per question, in the order of the questions. */
  readonly answers: readonly BulkAnswer[]
  /** Instant at which caveats and expiry were evaluated, milliseconds since the Unix epoch. */
  readonly evaluatedAtMs: number
}

export interface LookupResourcesRequest extends Read {
  readonly resourceType: string
  readonly permission: string
  readonly subject: SubjectRef
  readonly context?: JsonObject
  /** Most results; 0 or unset: all. */
  readonly limit?: number
  readonly cursor?: string
}

export interface FoundResource extends Answer {
  /** `has` or `conditional`, never `no`. */
  readonly resourceId: string
  readonly token: string
  /** Resumes after this result at the same revision. */
  readonly cursor: string
}

export interface LookupSubjectsRequest extends Read {
  readonly resource: ObjectRef
  readonly permission: string
  readonly subjectType: string
  /** Unset or empty: plain objects of the type. */
  readonly subjectRelation?: string
  readonly context?: JsonObject
  /** Default `include`. */
  readonly wildcards?: 'include' | 'exclude'
  /** Most concrete subjects; 0 or unset: all. */
  readonly limit?: number
  readonly cursor?: string
}

export interface FoundSubject extends ResolvedSubject {
  /** Of a wildcard: those it does not cover. */
  readonly excluded: readonly ResolvedSubject[]
  readonly token: string
  readonly cursor: string
}

export interface ReadRelationshipsRequest extends Read {
  readonly filter: RelationshipFilter
  readonly limit?: number
  readonly cursor?: string
}

export interface ExportRelationshipsRequest extends Read {
  /** Unset: everything. */
  readonly filter?: RelationshipFilter
  readonly cursor?: string
}

export interface FoundRelationship {
  readonly relationship: Relationship
  readonly token: string
  readonly cursor: string
}

/** How many live relationships a counter's filter matches. */
export interface RelationshipCount {
  readonly count: number
  /** The ZedToken of the revision that was counted. */
  readonly token: string
}

export interface WriteRelationshipsRequest extends CallOptions {
  readonly updates: readonly RelationshipUpdate[]
  readonly preconditions?: readonly Precondition[]
  /** Stored with the revision, shown by Watch. At most 65,000 bytes of JSON. */
  readonly metadata?: JsonObject
  /**
   * Each must answer `has` at the revision on which the write is based, and nothing changes until it is committed.
   * One that does not: REQUIREMENT_FAILED, nothing written.
   */
  readonly require?: readonly Question[]
  /** Does everything but the commit; the token is then that of the revision it would have been based on. */
  readonly dryRun?: boolean
}

/** What a schema write would do. */
export interface SchemaPlan {
  /** Revision of the data that was looked at. */
  readonly token: string
  readonly differences: readonly SchemaDifference[]
  /** What refuses the write: empty when it would succeed. `relationship` is one offending row. */
  readonly blocked: readonly { readonly message: string; readonly relationship?: Relationship }[]
  /** Questions whose answers would change. `unknown`: the schema has no such name. */
  readonly changed: readonly {
    readonly question: Question
    readonly before: Permissionship | 'unknown'
    readonly after: Permissionship | 'unknown'
  }[]
  /** How many questions were compared. */
  readonly asked: number
}

export interface SchemaPlanOptions extends CallOptions {
  /** Compared before and after. */
  readonly questions?: readonly Question[]
  /** Besides, up to this many questions made from objects and subjects that the datastore has. Default 1000; 0: none. */
  readonly sample?: number
}

export interface DeleteRelationshipsRequest extends CallOptions {
  readonly filter: RelationshipFilter
  readonly preconditions?: readonly Precondition[]
  readonly limit?: number
  readonly allowPartial?: boolean
  readonly metadata?: JsonObject
}

export interface DeleteRelationshipsResult {
  readonly token: string
  readonly deletedCount: number
  /** `partial` whenever the limit was reached: ask again until `complete`. */
  readonly progress: 'complete' | 'partial'
}

export interface WatchRequest extends CallOptions {
  /** Only changes whose resource has one of these types. Not together with `filters`. */
  readonly resourceTypes?: readonly string[]
  /** Only changes that match one of these. */
  readonly filters?: readonly RelationshipFilter[]
  /** Everything after this ZedToken; unset: everything from now on. */
  readonly after?: string
  /** Also tell when the schema was written. */
  readonly schema?: boolean
  /** Also tell, about every second, that nothing more can come at or before a revision. */
  readonly checkpoints?: boolean
}

/** What happened at one revision. */
export interface WatchEvent {
  /** Resumes after this event. */
  readonly token: string
  readonly kind: 'changes' | 'schema' | 'checkpoint'
  /** Rows as they are after a touch, or as they were before a delete. */
  readonly changes: readonly { readonly operation: 'touch' | 'delete'; readonly relationship: Relationship }[]
  readonly metadata?: JsonObject
}

export interface ReflectSchemaResult {
  readonly token: string
  readonly definitions: readonly ReflectedDefinition[]
  readonly caveats: readonly ReflectedCaveat[]
}

/** Relations and permissions, sorted by definition, then name. */
export interface MemberReferences {
  readonly token: string
  readonly references: readonly MemberReference[]
}

/**
 * The front desk. Everything rejects with CardeaError. Requests are validated here (types, relations, ids, limits),
 * so that every door answers alike.
 */
export interface Authorizer {
  /**
   * `suggest`, together with `explain`: for a no, also search for one relationship that would grant. Costs as much as a
   * hundred checks and tells what the schema and the data look like.
   */
  check(
    question: Question,
    options?: Read & { readonly explain?: boolean; readonly suggest?: boolean },
  ): Promise<CheckResult>
  /**
   * The same without a promise where there is nothing to wait for: no revision that has yet to arrive, and no work
   * beyond its first slice. What is refused is thrown then. Authorizers that always wait do not have it.
   */
  checkAtOnce?(question: Question, options?: Read): CheckResult | Promise<CheckResult>
  /**
   * All at one revision and one instant. A question that cannot be answered has an error of its own. `evidence`: with
   * what each answer rests on, at little more than the cost of the checks; `explain`: with whole explanations instead.
   */
  checkBulk(
    questions: readonly Question[],
    options?: Read & { readonly explain?: boolean; readonly evidence?: boolean },
  ): Promise<CheckBulkResult>
  lookupResources(request: LookupResourcesRequest): AsyncIterable<FoundResource>
  lookupSubjects(request: LookupSubjectsRequest): AsyncIterable<FoundSubject>
  expand(
    question: { readonly resource: ObjectRef; readonly permission: string },
    options?: Read,
  ): Promise<{ readonly token: string; readonly tree: SubjectTree }>

  readRelationships(request: ReadRelationshipsRequest): AsyncIterable<FoundRelationship>
  /** In a stable order; resumes after any row by its cursor. */
  exportRelationships(request?: ExportRelationshipsRequest): AsyncIterable<FoundRelationship>
  writeRelationships(request: WriteRelationshipsRequest): Promise<{ readonly token: string }>
  deleteRelationships(request: DeleteRelationshipsRequest): Promise<DeleteRelationshipsResult>
  importRelationships(
    rows: AsyncIterable<readonly Relationship[]>,
    options?: CallOptions,
  ): Promise<{ readonly token: string; readonly count: number }>

  /**
   * Keeps a filter under a name (3 to 64 lower-case letters, digits and underscores over the wire), durably and for
   * all processes. COUNTER_ALREADY_REGISTERED; what a filter of a read is refused for.
   */
  registerCounter(name: string, filter: RelationshipFilter, options?: CallOptions): Promise<void>
  /** Counts at the newest revision there is. COUNTER_NOT_REGISTERED. */
  countRelationships(name: string, options?: CallOptions): Promise<RelationshipCount>
  /** Forgets a counter. COUNTER_NOT_REGISTERED. */
  unregisterCounter(name: string, options?: CallOptions): Promise<void>

  /**
   * Each change exactly once and in order, until the caller ends it. A caller that reads too slowly is ended with
   * OVERLOADED, a token older than the garbage collection window with REVISION_OUT_OF_RANGE.
   */
  watch(request: WatchRequest): AsyncIterable<WatchEvent>

  /** SCHEMA_NOT_FOUND when there is none. */
  readSchema(options?: Read): Promise<{ readonly text: string; readonly token: string }>
  /** Replaces the whole schema. The empty text deletes it. All problems of the text are reported at once. */
  writeSchema(text: string, options?: CallOptions): Promise<{ readonly token: string }>

  /** What {@link writeSchema} would do, without doing it. */
  planSchema(text: string, options?: SchemaPlanOptions): Promise<SchemaPlan>
  /** The schema's elements as data; those of the filters, or all. INVALID_FILTER. */
  reflectSchema(filters?: readonly ReflectionFilter[], options?: Read): Promise<ReflectSchemaResult>
  /** What would change from the schema in force to `text`, which is parsed but need not fit the data. */
  diffSchema(
    text: string,
    options?: Read,
  ): Promise<{ readonly token: string; readonly differences: readonly SchemaDifference[] }>
  /** Everything whose answer a relation (empty: the definition as a subject) can affect. */
  computablePermissions(
    member: {
      readonly definitionName: string
      readonly relationName: string
      readonly definitionPrefix?: string
    },
    options?: Read,
  ): Promise<MemberReferences>
  /** Everything that is looked at to compute a permission. */
  dependentRelations(
    member: { readonly definitionName: string; readonly permissionName: string },
    options?: Read,
  ): Promise<MemberReferences>

  close(): Promise<void>
}
