// Filters: which relationships a read, a delete, a precondition or a Watch is about.

import type { Relationship } from './relationship.ts'

/** Which subjects match. */
export interface SubjectFilter {
  readonly type: string
  /** Exact id, the wildcard `*` included. Unset: every id. */
  readonly id?: string
  /** Unset: any relation. Empty string: only subjects without a relation. */
  readonly relation?: string
}

/** Which relationships match; every field that is set must hold. */
export interface RelationshipFilter {
  readonly resourceType?: string
  readonly resourceId?: string
  /** Excludes `resourceId`. Compared byte by byte. */
  readonly resourceIdPrefix?: string
  readonly relation?: string
  readonly subject?: SubjectFilter
}

/** A condition on the state before a write. `must_match` needs at least one live row, `must_not_match` none. */
export interface Precondition {
  readonly operation: 'must_match' | 'must_not_match'
  readonly filter: RelationshipFilter
}

/** Whether a filter holds for a relationship (expiry is not looked at). */
export function matchesFilter(filter: RelationshipFilter, relationship: Relationship): boolean {
  const { resource, relation, subject } = relationship
  if (filter.resourceType !== undefined && filter.resourceType !== resource.type) return false
  if (filter.resourceId !== undefined && filter.resourceId !== resource.id) return false
  if (filter.resourceIdPrefix !== undefined && !resource.id.startsWith(filter.resourceIdPrefix)) return false
  if (filter.relation !== undefined && filter.relation !== relation) return false
  if (filter.subject === undefined) return true
  if (filter.subject.type !== subject.type) return false
  if (filter.subject.id !== undefined && filter.subject.id !== subject.id) return false
  return filter.subject.relation === undefined || filter.subject.relation === subject.relation
}
