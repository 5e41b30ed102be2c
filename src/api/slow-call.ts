// What the log says about a slow call: what was asked, and where the work went. Ids only when the operator wants them.

import type { Cost } from '../authorizer/authorizer.ts'
import type { ObjectRef, SubjectRef } from '../model/reference.ts'

/** What a call asks, as far as a method tells. A check names objects; a lookup names the type that it looks for. */
export interface Asked {
  readonly resource?: ObjectRef
  readonly resourceType?: string
  readonly permission: string
  readonly subject?: SubjectRef
  readonly subjectType?: string
}

/**
 * Facts for the log. `plan` is the permission that was evaluated and for which type of subject, `widest` the list of
 * rows that was longest, as `folder#viewer` (from a resource) or `document#viewer@user` (to a subject).
 */
export function slowCallFacts(
  asked: Asked | readonly Asked[],
  cost: Cost | undefined,
  withIds: boolean,
): Record<string, unknown> {
  const [first, ...others] = isList(asked) ? asked : [asked]
  const facts: Record<string, unknown> = {}
  if (first !== undefined) facts.plan = planOf(first, withIds)
  if (others.length > 0) facts.questions = 1 + others.length
  if (cost === undefined) return facts
  facts.steps = cost.steps
  const { widest } = cost
  if (widest !== undefined) {
    const object = named(widest.object, withIds)
    facts.widest = widest.reverse ? `${widest.rowsOf}@${object}` : `${object}#${widest.rowsOf}`
    facts.widestRows = widest.rows
  }
  return facts
}

function isList(asked: Asked | readonly Asked[]): asked is readonly Asked[] {
  return Array.isArray(asked)
}

function planOf(
  { resource, resourceType, permission, subject, subjectType }: Asked,
  withIds: boolean,
): string {
  const on = resource === undefined ? resourceType : named(resource, withIds)
  const who = subject === undefined ? subjectType : named(subject, withIds)
  const relation = subject === undefined || subject.relation === '' ? '' : `#${subject.relation}`
  return `${on}#${permission}@${who}${relation}`
}

function named({ type, id }: ObjectRef, withIds: boolean): string {
  return withIds ? `${type}:${id}` : type
}
