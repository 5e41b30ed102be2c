// The reverse plan: what a subject, or an atom that has been reached, leads on to.

import { type MemberId, mentions, type PlanNode, type Plans } from './plans.ts'

/** A permission that can hold because something else does. `certain`: then it does hold; else it must be checked. */
export interface Included {
  readonly permission: MemberId
  readonly certain: boolean
}

export interface IncludedByArrow extends Included {
  /** The relation whose rows lead from the permission's object to the reached one. */
  readonly relation: MemberId
  /** Relations that the rows' subjects may carry (empty for plain ones); the arrow looks at their objects only. */
  readonly subjectRelations: readonly string[]
}

/**
 * Edges from the subject's side. They over-approximate: of an intersection the first operand is followed, of an
 * exclusion the base, of `all` any row, since nothing can hold unless those do.
 */
export interface ReversePlan {
  /** Relations that may have plain subjects of a type. */
  plainHolders(type: string): readonly MemberId[]
  /** Relations that may have the wildcard of a type. */
  wildcardHolders(type: string): readonly MemberId[]
  /** By member: relations that may have it as a userset. */
  readonly usersetHolders: readonly (readonly MemberId[])[]
  /** By member: permissions of the same object. */
  readonly included: readonly (readonly Included[])[]
  /** By member: permissions of objects that have an arrow to it. */
  readonly includedByArrow: readonly (readonly IncludedByArrow[])[]
  /** Permissions that a plain object of the type may have on itself. */
  selfIncluded(type: string): readonly Included[]
}

const reversePlans = new WeakMap<Plans, ReversePlan>()

/** The reverse plan of these plans, made when first asked for. */
export function reversePlanOf(plans: Plans): ReversePlan {
  const known = reversePlans.get(plans)
  if (known !== undefined) return known
  const made = makeReversePlan(plans)
  reversePlans.set(plans, made)
  return made
}

function makeReversePlan(plans: Plans): ReversePlan {
  const plain = new Map<string, MemberId[]>()
  const wildcard = new Map<string, MemberId[]>()
  const usersetHolders: MemberId[][] = plans.members.map(() => [])
  const included: Included[][] = plans.members.map(() => [])
  const includedByArrow: IncludedByArrow[][] = plans.members.map(() => [])
  const self = new Map<string, Included[]>()

  for (const { id, type, name, isRelation, isPart, expression } of plans.members) {
    // What is subtracted grants nothing.
    if (isPart) continue
    if (isRelation) {
      const seen = new Set<string>()
      for (const allowed of plans.schema.definitions.get(type)!.relations.get(name)!.types) {
        // Forms that differ in caveat or expiry only are one place to look.
        const form = `${allowed.type}#${allowed.relation}${allowed.wildcard ? '*' : ''}`
        if (seen.has(form)) continue
        seen.add(form)
        if (allowed.wildcard) push(wildcard, allowed.type, id)
        else if (allowed.relation === '') push(plain, allowed.type, id)
        else usersetHolders[plans.find(allowed.type, allowed.relation)!.id]!.push(id)
      }
      continue
    }
    const certain = isLocalUnion(expression!)
    const edges = { permission: id, certain }
    for (const leaf of leaves(expression!)) {
      if (leaf.kind === 'self') push(self, type, edges)
      if (leaf.kind === 'member') included[leaf.member]!.push(edges)
      if (leaf.kind === 'arrow') {
        for (const [targetType, subjectRelations] of arrowSubjects(plans, leaf.relation)) {
          const target = plans.find(targetType, leaf.target)
          if (target !== undefined)
            includedByArrow[target.id]!.push({ ...edges, relation: leaf.relation, subjectRelations })
        }
      }
    }
  }
  return {
    plainHolders: (type) => plain.get(type) ?? [],
    wildcardHolders: (type) => wildcard.get(type) ?? [],
    usersetHolders,
    included,
    includedByArrow,
    selfIncluded: (type) => self.get(type) ?? [],
  }
}

function push<Value>(map: Map<string, Value[]>, key: string, value: Value): void {
  const values = map.get(key)
  if (values === undefined) map.set(key, [value])
  else values.push(value)
}

/** Subject types of a relation, each with the subject relations it occurs with. */
function arrowSubjects(plans: Plans, relation: MemberId): Map<string, readonly string[]> {
  const { type, name } = plans.members[relation]!
  const byType = new Map<string, Set<string>>()
  for (const allowed of plans.schema.definitions.get(type)!.relations.get(name)!.types) {
    if (allowed.wildcard) continue
    const relations = byType.get(allowed.type) ?? new Set()
    byType.set(allowed.type, relations.add(allowed.relation))
  }
  return new Map([...byType].map(([subjectType, relations]) => [subjectType, [...relations]]))
}

function isLocalUnion(expression: PlanNode): boolean {
  let union = true
  mentions(expression, (node) => {
    if (node.kind === 'intersection' || node.kind === 'exclusion' || (node.kind === 'arrow' && node.all))
      union = false
  })
  return union
}

/** The operands without any of which the expression cannot hold. */
function leaves(expression: PlanNode): readonly PlanNode[] {
  switch (expression.kind) {
    case 'union':
      return expression.operands.flatMap(leaves)
    case 'intersection':
      return leaves(expression.operands[0]!)
    case 'exclusion':
      return leaves(expression.base)
    default:
      return [expression]
  }
}
