// Relationships: the rows that everything else is derived from, and the changes made to them.

import type { JsonObject } from './context.ts'
import type { ObjectRef, SubjectRef } from './reference.ts'

/** A caveat's name and the part of its context that is stored with a relationship. */
export interface CaveatRef {
  readonly name: string
  /** Stored context. It wins over the request's context for the same key. */
  readonly context?: JsonObject
}

/**
 * `resource#relation@subject`, perhaps under a caveat, perhaps until an instant.
 * Its identity is resource, relation and subject; caveat and expiry are not part of it.
 */
export interface Relationship {
  readonly resource: ObjectRef
  readonly relation: string
  readonly subject: SubjectRef
  readonly caveat?: CaveatRef
  /** Milliseconds since the Unix epoch. At and after this instant no read sees the relationship. */
  readonly expiresAtMs?: number
}

export type UpdateOperation = 'create' | 'touch' | 'delete'

/** What a writer asks for. `create` fails on a live row, `touch` inserts or replaces, `delete` of nothing is no error. */
export interface RelationshipUpdate {
  readonly operation: UpdateOperation
  readonly relationship: Relationship
}

/** Whether a relationship is visible at `nowMs` (milliseconds since the Unix epoch). */
export function isLive(relationship: Pick<Relationship, 'expiresAtMs'>, nowMs: number): boolean {
  return relationship.expiresAtMs === undefined || relationship.expiresAtMs > nowMs
}
