// Lookup plans: of everything that the reverse plan leads on to, what can lead to one member that is looked for.

import type { MemberId, Plans } from './plans.ts'
import { type Included, type ReversePlan, reversePlanOf } from './reverse-plan.ts'

/** A member to mark on a node, for having reached another one there. */
export interface Landing {
  readonly member: MemberId
  /** Whether it holds because the other one does; else it must be checked. */
  readonly certain: boolean
  /** Whether rows lead on from it. */
  readonly leadsOn: boolean
}

/** Rows to follow from a node, from subject to resource. */
export interface RowEdge {
  /** The relation that the rows belong to. */
  readonly relation: MemberId
  /** What their subjects carry: '' for plain ones. */
  readonly subjectRelation: string
  /** Where each row's resource is reached. */
  readonly landings: readonly Landing[]
}

export interface LookupPlan {
  /** Rows with plain subjects of a type. */
  plain(type: string): readonly RowEdge[]
  /** Rows with the wildcard of a type. */
  wildcard(type: string): readonly RowEdge[]
  /** What a plain object of a type is on itself. */
  self(type: string): readonly Landing[]
  /** By member. Those that only lead to others of the same object have no landing of their own. */
  readonly landings: readonly (readonly Landing[])[]
  /** By member: rows that lead on from it. */
  readonly edges: readonly (readonly RowEdge[])[]
}

const lookupPlans = new WeakMap<Plans, Map<MemberId, LookupPlan>>()

/** The lookup plan for a member, made when first asked for. */
export function lookupPlanOf(plans: Plans, target: MemberId): LookupPlan {
  let byTarget = lookupPlans.get(plans)
  if (byTarget === undefined) {
    byTarget = new Map()
    lookupPlans.set(plans, byTarget)
  }
  let plan = byTarget.get(target)
  if (plan === undefined) {
    plan = makeLookupPlan(plans, reversePlanOf(plans), target)
    byTarget.set(target, plan)
  }
  return plan
}

function makeLookupPlan(plans: Plans, reverse: ReversePlan, target: MemberId): LookupPlan {
  const relevant = leadingTo(plans, reverse, target)
  const leadsOn = plans.members.map(
    ({ id }) =>
      reverse.usersetHolders[id]!.some((holder) => relevant.has(holder)) ||
      reverse.includedByArrow[id]!.some(({ permission }) => relevant.has(permission)),
  )
  const landings = plans.members.map(({ id }): readonly Landing[] =>
    Array.from(holdingOn(reverse, id), ([member, certain]) => ({
      member,
      certain,
      leadsOn: leadsOn[member]!,
    })).filter(({ member, leadsOn }) => member === target || (leadsOn && relevant.has(member))),
  )
  const rowsInto = (relation: MemberId, subjectRelation: string): RowEdge[] =>
    relevant.has(relation) ? [{ relation, subjectRelation, landings: landings[relation]! }] : []
  const landingsBy = ({ permission, certain }: Included) =>
    landings[permission]!.map((landing) => ({ ...landing, certain: certain && landing.certain }))
  return {
    plain: (type) => reverse.plainHolders(type).flatMap((relation) => rowsInto(relation, '')),
    wildcard: (type) => reverse.wildcardHolders(type).flatMap((relation) => rowsInto(relation, '')),
    self: (type) => reverse.selfIncluded(type).flatMap(landingsBy),
    landings,
    edges: plans.members.map(({ id, name }) => [
      ...reverse.usersetHolders[id]!.flatMap((relation) => rowsInto(relation, name)),
      ...reverse.includedByArrow[id]!.filter(({ permission }) => relevant.has(permission)).flatMap((edge) =>
        edge.subjectRelations.map((subjectRelation) => ({
          relation: edge.relation,
          subjectRelation,
          landings: landingsBy(edge),
        })),
      ),
    ]),
  }
}

/** Members from which the target can be reached, itself included. */
function leadingTo(plans: Plans, reverse: ReversePlan, target: MemberId): ReadonlySet<MemberId> {
  const sources: MemberId[][] = plans.members.map(() => [])
  for (const { id } of plans.members) {
    for (const holder of reverse.usersetHolders[id]!) sources[holder]!.push(id)
    for (const { permission } of reverse.included[id]!) sources[permission]!.push(id)
    for (const { permission } of reverse.includedByArrow[id]!) sources[permission]!.push(id)
  }
  const found = new Set([target])
  for (const member of found) for (const source of sources[member]!) found.add(source)
  return found
}

/** What may hold on an object because a member does, that one included, and whether it holds for certain. */
function holdingOn(reverse: ReversePlan, member: MemberId): ReadonlyMap<MemberId, boolean> {
  const found = new Map<MemberId, boolean>([[member, true]])
  const queue = [member]
  for (const next of queue) {
    for (const edge of reverse.included[next]!) {
      const certain = edge.certain && found.get(next)!
      const known = found.get(edge.permission)
      if (known === true || known === certain) continue
      found.set(edge.permission, certain)
      queue.push(edge.permission)
    }
  }
  return found
}
