// Rows as the engine picks them out: by their integers, and in words.

import type { NameId } from '../graph/snapshot.ts'
import type { ObjectRef } from '../model/reference.ts'
import type { Relationship } from '../model/relationship.ts'
import type { MemberId } from './plans.ts'
import type { World } from './world.ts'

/** A row by its integers. */
export interface SupportRow {
  readonly resource: number
  readonly relation: MemberId
  readonly subject: number
  readonly subjectRelation: NameId
  readonly traits: number
}

/** A row in words; `resource`: its resource, in words already. */
export function relationshipOf(
  { snapshot, plans }: World,
  { relation, subject, subjectRelation, traits }: Omit<SupportRow, 'resource'>,
  resource: ObjectRef,
): Relationship {
  const row = {
    resource,
    relation: plans.members[relation]!.name,
    subject: {
      type: snapshot.nameText(snapshot.nodeType(subject)),
      id: snapshot.nodeId(subject),
      relation: snapshot.nameText(subjectRelation),
    },
  }
  if (traits === 0) return row
  const { caveat, expiresAtMs } = snapshot.traits(traits)
  return { ...row, ...(caveat && { caveat }), ...(expiresAtMs !== undefined && { expiresAtMs }) }
}
