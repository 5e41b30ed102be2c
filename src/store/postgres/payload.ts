// Payloads: writes as the JSON that the SQL functions read, and their refusals as the errors that every store gives.

import { CardeaError } from '../../model/errors.ts'
import type { Precondition, RelationshipFilter } from '../../model/filter.ts'
import type { Relationship, RelationshipUpdate } from '../../model/relationship.ts'
import type { Revision } from '../../model/revision.ts'
import { canonicalObject } from '../canonical-json.ts'
import {
  headMoved,
  preconditionFailed,
  relationshipExists,
  schemaBlocked,
  schemaChanged,
  tooManyChanges,
  tooManyToDelete,
} from '../refusals.ts'
import type { SchemaGuard, WriteConditions } from '../store.ts'
import { assertExpiry, traitsFrom } from '../traits.ts'
import type { Refused } from './commit-queue.ts'
import { tablesVersion } from './tables-version.ts'

type UpdateCells = [
  operation: string,
  resourceType: string,
  resourceId: string,
  relation: string,
  subjectType: string,
  subjectId: string,
  subjectRelation: string,
  caveat: string | null,
  context: string | null,
  expiresAtMs: number | null,
]

/** INVALID_ARGUMENT when a context cannot be JSON or an expiry is no whole number. */
export function updateCells({ operation, relationship }: RelationshipUpdate): UpdateCells {
  const { resource, relation, subject, caveat, expiresAtMs } = relationship
  assertExpiry(expiresAtMs)
  return [
    operation,
    resource.type,
    resource.id,
    relation,
    subject.type,
    subject.id,
    subject.relation,
    caveat?.name ?? null,
    canonicalObject(caveat?.context) ?? null,
    expiresAtMs ?? null,
  ]
}

function relationshipFrom(cells: UpdateCells): Relationship {
  const [, resourceType, resourceId, relation, subjectType, subjectId, subjectRelation] = cells
  return {
    resource: { type: resourceType, id: resourceId },
    relation,
    subject: { type: subjectType, id: subjectId, relation: subjectRelation },
    ...traitsFrom(cells[7], cells[8], cells[9]),
  }
}

/** What a transaction does, beside its conditions. */
export type Work =
  | { readonly updates: readonly UpdateCells[] }
  /** What was copied in the same transaction. */
  | { readonly copied: true }
  | {
      readonly delete: {
        readonly filter: RelationshipFilter
        readonly limit: number
        readonly allowPartial: boolean
        readonly maxChanges: number
      }
    }
  | { readonly schemaText: string; readonly guards: readonly SchemaGuard[] }

/** The conditions as the functions know them; without a clock's instants, the server's count. */
export interface PayloadConditions {
  readonly schemaRevision: Revision
  readonly baseRevision?: Revision | undefined
  readonly preconditions?: readonly Precondition[] | undefined
  readonly metadata?: WriteConditions['metadata'] | undefined
  readonly nowMs?: number | undefined
  readonly committedAtMs?: number | undefined
}

/** One transaction as JSON: a copy that later changes to the caller's objects cannot reach. */
export function payloadOf(work: Work, conditions: PayloadConditions): string {
  const { schemaRevision, baseRevision, preconditions = [], metadata, nowMs, committedAtMs } = conditions
  return JSON.stringify({
    ...work,
    program: tablesVersion,
    schemaRevision,
    baseRevision,
    preconditions,
    metadata: canonicalObject(metadata),
    nowMs,
    committedAtMs,
  })
}

/** The error for a refusal of the transaction that `work` and `conditions` make. */
export function refusalOf(
  refused: Refused,
  { schemaRevision, baseRevision, preconditions }: PayloadConditions,
  work: Work,
): CardeaError {
  const number = (fact: string) => Number(refused[fact])
  switch (refused.code) {
    case 'SCHEMA_CHANGED':
      return schemaChanged(schemaRevision, number('inForce'))
    case 'SERIALIZATION_FAILURE':
      return headMoved(baseRevision!, number('head'))
    case 'PRECONDITION_FAILED':
      return preconditionFailed(preconditions![number('at')]!)
    case 'RELATIONSHIP_EXISTS':
      return relationshipExists(relationshipFrom(refused.update as UpdateCells))
    case 'TOO_MANY_RELATIONSHIPS_FOR_TRANSACTIONAL_DELETE':
      if ('delete' in work) return tooManyToDelete(work.delete.limit, work.delete.filter)
      break
    case 'SCHEMA_BLOCKED_BY_DATA':
      if ('guards' in work) {
        return schemaBlocked(work.guards[number('at')]!, relationshipFrom(refused.row as UpdateCells))
      }
      break
    case 'LIMIT_EXCEEDED':
      if ('delete' in work) return tooManyChanges(work.delete.maxChanges)
      return new CardeaError(
        'LIMIT_EXCEEDED',
        `A datastore holds at most ${refused.limit} names of types, relations and caveats.`,
        { limit: String(refused.limit) },
      )
    case 'READ_ONLY':
      return new CardeaError(
        'READ_ONLY',
        `The database was migrated by a newer Cardea and takes writes from version ${refused.minWriter} of the tables on; this program knows version ${tablesVersion}. Reads go on; update it to write.`,
        { known_version: String(tablesVersion), min_writer: String(refused.minWriter) },
      )
    case 'INVALID_ARGUMENT':
      return new CardeaError(
        'INVALID_ARGUMENT',
        'Relationships are written under READ COMMITTED; begin the transaction with it.',
      )
  }
  return new CardeaError('STORE_FAILED', `PostgreSQL refused the write: ${JSON.stringify(refused)}.`)
}
