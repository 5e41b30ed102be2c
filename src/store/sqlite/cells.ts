// Cells: updates and log entries as flat arrays of primitives, which cross a thread's border several times faster
// than objects do. Also the copy that later changes to the caller's objects cannot reach.

import type { JsonObject } from '../../model/context.ts'
import type { Relationship, RelationshipUpdate } from '../../model/relationship.ts'
import { canonicalObject, parseObjectText } from '../canonical-json.ts'
import type { Change, Head, LogEntry } from '../store.ts'
import { assertExpiry, traitsFrom } from '../traits.ts'

export type Cell = string | number | null

/**
 * Cells per update: operation, resource type and id, relation, subject type, id and relation, caveat, its context as
 * canonical JSON, expiry.
 */
export const updateWidth = 10

/** INVALID_ARGUMENT when a context cannot be JSON or an expiry is no whole number. */
export function encodeUpdates(updates: readonly RelationshipUpdate[]): Cell[] {
  const cells: Cell[] = []
  for (const { operation, relationship } of updates) {
    const { resource, relation, subject, caveat, expiresAtMs } = relationship
    assertExpiry(expiresAtMs)
    cells.push(
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
    )
  }
  return cells
}

/** Identity of the update at `at`, a multiple of {@link updateWidth}. */
export function updatedRelationship(cells: readonly Cell[], at: number): Relationship {
  return {
    resource: { type: cells[at + 1] as string, id: cells[at + 2] as string },
    relation: cells[at + 3] as string,
    subject: {
      type: cells[at + 4] as string,
      id: cells[at + 5] as string,
      relation: cells[at + 6] as string,
    },
  }
}

/**
 * Cells per change: operation (1 touch, 2 delete), resource key, type and id, relation, subject key, type, id and
 * relation, whether a row existed (0, 1), then caveat, context and expiry as they are now, then as they were.
 */
export const changeWidth = 16

/** A log entry on its way between threads. */
export interface EncodedEntry {
  readonly head: Head
  readonly schemaText?: string
  /** Canonical JSON. */
  readonly metadata?: string
  readonly changes: readonly Cell[]
}

export function decodeEntry({ head, schemaText, metadata, changes }: EncodedEntry): LogEntry {
  const decoded: Change[] = []
  for (let at = 0; at < changes.length; at += changeWidth) decoded.push(decodeChange(changes, at))
  return {
    ...head,
    changes: decoded,
    ...(schemaText === undefined ? {} : { schemaText }),
    ...(metadata === undefined ? {} : { metadata: parseObjectText(metadata) as JsonObject }),
  }
}

function decodeChange(cells: readonly Cell[], at: number): Change {
  const traitsAt = (first: number) =>
    traitsFrom(
      cells[first] as string | null,
      cells[first + 1] as string | null,
      cells[first + 2] as number | null,
    )
  const deleted = cells[at] === 2
  const previous = cells[at + 9] === 1 ? traitsAt(at + 13) : undefined
  return {
    operation: deleted ? 'delete' : 'touch',
    relationship: {
      resource: { type: cells[at + 2] as string, id: cells[at + 3] as string },
      relation: cells[at + 4] as string,
      subject: {
        type: cells[at + 6] as string,
        id: cells[at + 7] as string,
        relation: cells[at + 8] as string,
      },
      ...(deleted ? previous : traitsAt(at + 10)),
    },
    resourceKey: cells[at + 1] as number,
    subjectKey: cells[at + 5] as number,
    ...(previous === undefined ? {} : { previous }),
  }
}
