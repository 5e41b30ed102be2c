// Rows as the engine picks them out: by their integers, and in words.

import type { NameId } from '../graph/snapshot.ts'
import type { ObjectRef } from '../model/reference.ts'
import type { Relationship } from '../model/relationship.ts'
import type { MemberId } from './plans.ts'
import { objectOf } from './read-rows.ts'
import type { World } from './world.ts'

/** A row by its integers. */
export interface SupportRow {
  readonly resource: number
  readonly relation: MemberId
  readonly subject: number
  readonly subjectRelation: NameId
  readonly traits: number
}

/** A row in words. `resource`: of a row of the graph, the object of its key. */
export function relationshipOf(
  { snapshot, plans }: World,
  row: SupportRow,
  resource: ObjectRef = objectOf(snapshot, row.resource),
): Relationship {
  const { caveat, expiresAtMs } = row.traits === 0 ? {} : snapshot.traits(row.traits)
  return {
    resource,
    relation: plans.members[row.relation]!.name,
    subject: { ...objectOf(snapshot, row.subject), relation: snapshot.nameText(row.subjectRelation) },
    ...(caveat === undefined ? {} : { caveat }),
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
  }
}
