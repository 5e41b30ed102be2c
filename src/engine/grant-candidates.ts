// Candidates for a grant: the single rows that could lead from a question's resource to its subject, narrowest first.

import type { RowTraits, Snapshot } from '../graph/snapshot.ts'
import { allRows } from '../graph/snapshot.ts'
import type { Question } from '../model/decision.ts'
import { wildcardId } from '../model/reference.ts'
import type { AllowedType } from '../model/schema.ts'
import type { Budget } from './budget.ts'
import type { Equation } from './equation.ts'
import type { RowChange } from './hypothetical-snapshot.ts'
import type { Work } from './paused-work.ts'
import type { MemberId, PlanNode, Plans } from './plans.ts'
import { reversePlanOf } from './reverse-plan.ts'
import type { Solver } from './solver.ts'
import type { World } from './world.ts'

/** A relation at which a row could be added, and what its subject would have to be. */
export interface Opening {
  readonly node: number
  readonly relation: MemberId
  /** Of an arrow: the member that the subject's object must have. Of a relation that may grant by itself: undefined. */
  readonly target: string | undefined
  /** Steps from the question. */
  readonly depth: number
}

/** A row to try. `breadth` orders: the smaller, the fewer others are granted something by it. */
export interface GrantCandidate {
  readonly change: RowChange
  readonly breadth: readonly number[]
}

/** Openings kept of one question: beyond, the nearest ones are tried only. */
const maxOpenings = 400

/** Rows that expire are suggested for this long, in milliseconds. */
const suggestedLifetimeMs = 3_600_000

/**
 * Relations of solved atoms at which one row more can make `root` truer: everything that is reached without passing
 * under an odd number of subtractions. Nearest first.
 */
export function* openingsOf(
  solver: Solver,
  root: number,
  plans: Plans,
  budget: Budget,
): Work<readonly Opening[]> {
  const found: Opening[] = []
  const seen = new Set<string>()
  const queue: { readonly atom: number; readonly positive: boolean; readonly depth: number }[] = []
  const enter = (atom: number, positive: boolean, depth: number): void => {
    const key = `${atom},${positive}`
    if (seen.has(key)) return
    seen.add(key)
    queue.push({ atom, positive, depth })
  }
  const opened = new Set<string>()
  const open = (opening: Opening): void => {
    const key = `${opening.node},${opening.relation},${opening.target}`
    if (opened.has(key)) return
    opened.add(key)
    found.push(opening)
  }
  const walk = (plan: PlanNode, equation: Equation, at: (typeof queue)[number], positive: boolean): void => {
    const { depth } = at
    if (equation.kind === 'atom') enter(equation.atom, positive, depth)
    else if (equation.kind === 'some' || equation.kind === 'every') {
      budget.steps += equation.rows.length
      for (const row of equation.rows) if (row.atom >= 0) enter(row.atom, positive, depth + 1)
      // All rows must lead there: another one only helps where there is none.
      const helps = positive && (equation.kind === 'some' || equation.rows.length === 0)
      const target = plan.kind === 'arrow' ? plan.target : undefined
      if (helps) open({ node: solver.atoms.nodes[at.atom]!, relation: equation.relation, target, depth })
    } else if (equation.kind === 'exclusion' && plan.kind === 'exclusion') {
      walk(plan.base, equation.base, at, positive)
      walk(plan.subtracted, equation.subtracted, at, !positive)
    } else if ('operands' in equation && 'operands' in plan) {
      equation.operands.forEach((operand, index) => {
        walk(plan.operands[index]!, operand, at, positive)
      })
    }
  }
  enter(root, true, 0)
  for (let next = 0; next < queue.length && found.length < maxOpenings; next += 1) {
    const at = queue[next]!
    budget.steps += 1
    if (budget.spent) yield
    const member = plans.members[solver.atoms.members[at.atom]!]!
    // A relation is its own plan: the equation says it all.
    walk(member.expression ?? { kind: 'self' }, solver.equations[at.atom]!, at, at.positive)
  }
  return found
}

/** Whether any row at all can lead from the question to its subject: false is final, true only says that it may. */
export function canBeGranted(plans: Plans, { resource, permission, subject }: Question): boolean {
  const first = plans.find(resource.type, permission)!.id
  const seen = new Set([first])
  const enter = (id: MemberId | undefined): void => {
    if (id !== undefined) seen.add(id)
  }
  const follow = (plan: PlanNode, type: string): boolean => {
    switch (plan.kind) {
      case 'nil':
        return false
      case 'self':
        return subject.relation === '' && type === subject.type
      case 'member':
        enter(plan.member)
        return false
      case 'arrow':
        for (const allowed of typesOf(plans, plan.relation)) enter(plans.find(allowed.type, plan.target)?.id)
        return false
      case 'exclusion':
        return follow(plan.base, type)
      default:
        return plan.operands.some((operand) => follow(operand, type))
    }
  }
  // A set grows while it is walked: each member that is entered gets its turn.
  for (const id of seen) {
    const { type, name, expression } = plans.members[id]!
    if (type === subject.type && name === subject.relation) return true
    if (expression !== undefined) {
      if (follow(expression, type)) return true
      continue
    }
    for (const allowed of typesOf(plans, id)) {
      if (allowed.type === subject.type && allowed.relation === subject.relation) return true
      if (allowed.relation !== '') enter(plans.find(allowed.type, allowed.relation)?.id)
    }
  }
  return false
}

/** What an opening's row may be: the subject itself, everyone of its type, or sets and objects by a member. */
export interface OpeningForms {
  readonly itself: readonly AllowedType[]
  readonly everyone: readonly AllowedType[]
  /** `member`: what the subject must have on the row's object. */
  readonly holders: readonly { readonly allowed: AllowedType; readonly member: string }[]
}

export function formsOf(plans: Plans, { relation, target }: Opening, { subject }: Question): OpeningForms {
  const types = typesOf(plans, relation)
  if (target !== undefined) {
    const holders = types.filter(({ type }) => plans.find(type, target) !== undefined)
    return {
      itself: [],
      everyone: [],
      holders: simplest(holders).map((allowed) => ({ allowed, member: target })),
    }
  }
  return {
    itself: simplest(
      types.filter(
        ({ type, relation: name, wildcard }) =>
          type === subject.type && name === subject.relation && !wildcard,
      ),
    ),
    everyone: simplest(
      types.filter(({ type, wildcard }) => subject.relation === '' && type === subject.type && wildcard),
    ),
    holders: simplest(types.filter(({ relation: name }) => name !== '')).map((allowed) => ({
      allowed,
      member: allowed.relation,
    })),
  }
}

/** Makes the candidate of an opening, a form that it allows and an object for the row's subject. */
export function candidateOf(
  { snapshot, plans }: World,
  opening: Opening,
  allowed: AllowedType,
  object: number,
  resource: number,
  nowMs: number,
): GrantCandidate {
  const { name } = plans.members[opening.relation]!
  const traits: RowTraits = {
    ...(allowed.caveat === undefined ? {} : { caveat: { name: allowed.caveat } }),
    ...(allowed.expiration ? { expiresAtMs: nowMs + suggestedLifetimeMs } : {}),
  }
  const hasTraits = allowed.caveat !== undefined || allowed.expiration
  const isSet = allowed.relation !== '' || opening.target !== undefined
  return {
    change: {
      operation: 'touch',
      resource: opening.node,
      relation: snapshot.nameId(name),
      subject: object,
      subjectRelation: snapshot.nameId(allowed.relation),
      ...(hasTraits ? { traits } : {}),
    },
    breadth: [
      snapshot.nodeId(object) === wildcardId ? 2 : isSet ? 1 : 0,
      opening.node === resource ? 0 : 1,
      isSet ? subjectsOf(snapshot, object) : leadingTo(snapshot, opening.node),
      opening.depth,
      dependentsOf(plans, opening.relation),
      opening.relation,
    ],
  }
}

/** Narrowest first; candidates of one breadth stay in the order in which they were found. */
export function byBreadth(left: GrantCandidate, right: GrantCandidate): number {
  for (const [at, breadth] of left.breadth.entries()) {
    if (breadth !== right.breadth[at]) return breadth - right.breadth[at]!
  }
  return 0
}

/** Of forms that differ in traits only the one that needs least; forms under different caveats are all kept. */
function simplest(types: readonly AllowedType[]): AllowedType[] {
  const kept = new Map<string, AllowedType>()
  for (const allowed of [...types].sort((left, right) => traitCount(left) - traitCount(right))) {
    const form = `${allowed.type}#${allowed.relation}`
    if (kept.has(form)) continue
    kept.set(`${form} ${allowed.caveat ?? ''}`, kept.get(`${form} ${allowed.caveat ?? ''}`) ?? allowed)
    if (allowed.caveat === undefined) kept.set(form, allowed)
  }
  return [...new Set(kept.values())]
}

function traitCount({ caveat, expiration }: AllowedType): number {
  return (caveat === undefined ? 0 : 2) + (expiration ? 1 : 0)
}

function typesOf(plans: Plans, relation: MemberId): readonly AllowedType[] {
  const { type, name } = plans.members[relation]!
  return plans.schema.definitions.get(type)!.relations.get(name)!.types
}

/** How many rows name the object or a set of its own as their subject: what hangs on it. */
function leadingTo(snapshot: Snapshot, node: number): number {
  return snapshot
    .placesOf(node)
    .reduce(
      (sum, { type, relation, subjectRelation }) =>
        sum + snapshot.reverseCount(node, subjectRelation, type, relation),
      0,
    )
}

/** How many rows the object has: those who would gain what the row gives. */
function subjectsOf(snapshot: Snapshot, node: number): number {
  return snapshot
    .relationsOf(node)
    .reduce((sum, relation) => sum + snapshot.forwardCount(node, relation, allRows), 0)
}

/** How many relations and permissions can follow from a relation: a viewer's are fewer than an owner's. */
function dependentsOf(plans: Plans, relation: MemberId): number {
  const { usersetHolders, included, includedByArrow } = reversePlanOf(plans)
  const seen = new Set([relation])
  for (const id of seen) {
    for (const holder of usersetHolders[id]!) seen.add(holder)
    for (const { permission } of [...included[id]!, ...includedByArrow[id]!]) seen.add(permission)
  }
  return seen.size
}
