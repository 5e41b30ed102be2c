// Reverse reach: everything that a subject may hold, found by following relationships from its side.

import type { RowCursor, Snapshot } from '../graph/snapshot.ts'
import type { SubjectRef } from '../model/reference.ts'
import { AtomTable } from './atom-table.ts'
import { type Binding, bindingOf } from './binding.ts'
import type { Budget } from './budget.ts'
import { type Conditions, invisible } from './conditions.ts'
import type { MemberId, Plans } from './plans.ts'
import { type ReversePlan, reversePlanOf } from './reverse-plan.ts'
import type { Subject } from './subject.ts'
import { no, yes } from './truth.ts'
import type { World } from './world.ts'

/**
 * Atoms in the order they are reached. `certain` atoms are known to hold; the others may, and are for a check to
 * decide. Nothing that holds, or depends on missing context, is left out.
 */
export class ReverseReach {
  readonly atoms = new AtomTable()
  readonly #snapshot: Snapshot
  readonly #plans: Plans
  readonly #binding: Binding
  readonly #reverse: ReversePlan
  readonly #conditions: Conditions
  readonly #budget: Budget
  readonly #cursor: RowCursor
  #certain = new Uint8Array(64)
  /** Atoms to follow; one may come twice, when it turns out to be certain after all. */
  readonly #queue: number[] = []

  constructor(world: World, conditions: Conditions, budget: Budget) {
    this.#snapshot = world.snapshot
    this.#plans = world.plans
    this.#binding = bindingOf(world.plans, world.snapshot)
    this.#reverse = reversePlanOf(world.plans)
    this.#conditions = conditions
    this.#budget = budget
    this.#cursor = world.snapshot.cursor()
  }

  isCertain(atom: number): boolean {
    return this.#certain[atom] === 1
  }

  /** Follows everything from the subject. */
  *follow(reference: SubjectRef, subject: Subject): Generator<void, void, void> {
    if (subject.member >= 0) this.#reach(subject.node, subject.member, true)
    else {
      for (const { permission, certain } of this.#reverse.selfIncluded(reference.type))
        this.#reach(subject.node, permission, certain)
      yield* this.#holders(this.#reverse.plainHolders(reference.type), subject.node, 0, true)
      yield* this.#holders(this.#reverse.wildcardHolders(reference.type), subject.wildcard, 0, true)
    }
    for (let at = 0; at < this.#queue.length; at += 1) {
      const atom = this.#queue[at]!
      const certain = this.isCertain(atom)
      const node = this.atoms.nodes[atom]!
      const member = this.atoms.members[atom]!
      this.#budget.steps += 1
      for (const edge of this.#reverse.included[member]!)
        this.#reach(node, edge.permission, certain && edge.certain)
      yield* this.#holders(
        this.#reverse.usersetHolders[member]!,
        node,
        this.#binding.memberNames[member]!,
        certain,
      )
      for (const edge of this.#reverse.includedByArrow[member]!) {
        for (const name of edge.subjectRelations) {
          const relation = name === '' ? 0 : this.#snapshot.nameId(name)
          yield* this.#rows(edge.relation, node, relation, edge.permission, certain && edge.certain)
        }
      }
      if (this.#budget.spent) yield
    }
  }

  *#holders(
    relations: readonly MemberId[],
    node: number,
    subjectRelation: number,
    certain: boolean,
  ): Generator<void, void, void> {
    for (const relation of relations) yield* this.#rows(relation, node, subjectRelation, relation, certain)
  }

  /** Reaches `member` on every resource that has the node in a relation. */
  *#rows(
    relation: MemberId,
    node: number,
    subjectRelation: number,
    member: MemberId,
    certain: boolean,
  ): Generator<void, void, void> {
    const type = this.#binding.memberTypes[relation]!
    const name = this.#binding.memberNames[relation]!
    if (node <= 0 || subjectRelation < 0 || type < 0 || name < 0) return
    const cursor = this.#cursor
    this.#snapshot.openReverse(cursor, node, subjectRelation, type, name)
    while (cursor.next()) {
      const truth = this.#conditions.of(cursor.traits)
      if (truth !== invisible && truth !== no) this.#reach(cursor.node, member, certain && truth === yes)
      this.#budget.steps += 1
      if ((this.#budget.steps & 255) === 0 && this.#budget.spent) yield
    }
  }

  #reach(node: number, member: MemberId, certain: boolean): void {
    let atom = this.atoms.add(node, member)
    if (atom < 0) {
      atom = this.atoms.find(node, member)
      if (!certain || this.#certain[atom] === 1) return
    }
    if (atom >= this.#certain.length) {
      const grown = new Uint8Array(this.#certain.length * 2)
      grown.set(this.#certain)
      this.#certain = grown
    }
    this.#certain[atom] = certain ? 1 : 0
    this.#queue.push(atom)
    this.#budget.hold(this.#queue.length)
  }
}
