// Reverse reach: the objects on which a subject may hold one member, found by following relationships from its side.

import type { RowCursor, Snapshot } from '../graph/snapshot.ts'
import { type Binding, bindingOf } from './binding.ts'
import type { Budget } from './budget.ts'
import { type Conditions, invisible } from './conditions.ts'
import { type Landing, type LookupPlan, lookupPlanOf, type RowEdge } from './lookup-plan.ts'
import { NodeMarks } from './node-marks.ts'
import type { MemberId, Plans } from './plans.ts'
import { type Subject, unseenSubject } from './subject.ts'
import { no, yes } from './truth.ts'
import type { World } from './world.ts'

const noEdges: readonly RowEdge[] = []
const noLandings: readonly Landing[] = []

/** No object has this key: here it stands for a subject that the graph has never seen. */
const unseen = 0

/**
 * Marks what is reached, `certain` where it is known to hold; the rest may hold, and is for a check to decide.
 * Nothing that holds, or depends on missing context, is left out.
 */
export class ReverseReach {
  readonly #snapshot: Snapshot
  readonly #plans: Plans
  readonly #binding: Binding
  readonly #plan: LookupPlan
  readonly #target: MemberId
  readonly #conditions: Conditions
  readonly #budget: Budget
  readonly #cursor: RowCursor
  readonly #marks: (NodeMarks | undefined)[] = []
  /** What to follow: nodes with the edges to follow from there. One may come twice, when it turns out to be certain. */
  readonly #nodes: number[] = []
  readonly #edges: (readonly RowEdge[])[] = []
  /** Member by which the node was reached; -1 for the subject itself, which is certain. */
  readonly #members: MemberId[] = []
  #next = 0
  /** What is under way: edges from a node, and the rows in the cursor with where they lead. */
  #node = 0
  #certain = false
  #from: readonly RowEdge[] = noEdges
  #edgeAt = 0
  #walking = false
  #walkedType = 0
  #walkedRelation = 0
  #openedAtStep = 0
  #landings: readonly Landing[] = noLandings
  #reached = 0

  constructor(
    world: World,
    target: MemberId,
    subjectType: string,
    subject: Subject,
    conditions: Conditions,
    budget: Budget,
  ) {
    this.#snapshot = world.snapshot
    this.#plans = world.plans
    this.#binding = bindingOf(world.plans, world.snapshot)
    this.#plan = lookupPlanOf(world.plans, target)
    this.#target = target
    this.#conditions = conditions
    this.#budget = budget
    this.#cursor = world.snapshot.cursor()
    if (subject.member >= 0) this.#reach(subject.node, this.#plan.landings[subject.member]!, true)
    else {
      this.#reach(subject.node, this.#plan.self(subjectType), true)
      this.#enqueue(subject.node, this.#plan.plain(subjectType), -1)
      this.#enqueue(subject.wildcard, this.#plan.wildcard(subjectType), -1)
    }
  }

  /** Follows everything; false when the budget is spent first: call again. */
  run(): boolean {
    for (;;) {
      if (this.#walking && !this.#walk()) return false
      if (this.#edgeAt < this.#from.length) {
        this.#open(this.#from[this.#edgeAt]!)
        this.#edgeAt += 1
      } else if (this.#next === this.#nodes.length) {
        return true
      } else {
        this.#node = this.#nodes[this.#next]!
        this.#from = this.#edges[this.#next]!
        const member = this.#members[this.#next]!
        this.#certain = member < 0 || this.#marks[member]!.isCertain(Math.max(unseen, this.#node))
        this.#edgeAt = 0
        this.#next += 1
        this.#budget.steps += 1
        this.#budget.hold(this.#reached)
        if (this.#budget.spent) return false
      }
    }
  }

  /** How often something was reached. */
  get size(): number {
    return this.#reached
  }

  /** Objects above a key (from -1 up) that were reached, as {@link NodeMarks.above} gives them; key 0: the subject. */
  above(key: number, into: Int32Array): number {
    return this.#marks[this.#target]?.above(key, into) ?? 0
  }

  /** The node that a key given by {@link above} stands for. */
  nodeOf(key: number): number {
    return key === unseen ? unseenSubject : key
  }

  #open({ relation, subjectRelation, landings }: RowEdge): void {
    const type = this.#binding.memberTypes[relation]!
    const name = this.#binding.memberNames[relation]!
    const carried = subjectRelation === '' ? 0 : this.#snapshot.nameId(subjectRelation)
    if (this.#node <= 0 || carried < 0 || type < 0 || name < 0) return
    this.#snapshot.openReverse(this.#cursor, this.#node, carried, type, name)
    this.#landings = landings
    this.#walkedType = type
    this.#walkedRelation = name
    this.#openedAtStep = this.#budget.steps
    this.#walking = true
  }

  /** Reaches the resource of each row under way; false when the budget is spent before the last. */
  #walk(): boolean {
    const cursor = this.#cursor
    const budget = this.#budget
    while (cursor.next()) {
      const { traits } = cursor
      const truth = traits === 0 ? yes : this.#conditions.of(traits)
      if (truth !== invisible && truth !== no)
        this.#reach(cursor.node, this.#landings, this.#certain && truth === yes)
      budget.steps += 1
      if ((budget.steps & 255) === 0 && budget.spent) return false
    }
    this.#walking = false
    const rows = budget.steps - this.#openedAtStep
    budget.walked(rows, this.#snapshot, this.#node, this.#walkedRelation, this.#walkedType)
    return true
  }

  #reach(node: number, landings: readonly Landing[], certain: boolean): void {
    for (let at = 0; at < landings.length; at += 1) {
      const landing = landings[at]!
      const { member } = landing
      let marks = this.#marks[member]
      if (marks === undefined) {
        marks = new NodeMarks(this.#snapshot.maxNode)
        this.#marks[member] = marks
      }
      if (!marks.mark(Math.max(unseen, node), certain && landing.certain)) continue
      this.#reached += 1
      if (landing.leadsOn) this.#enqueue(node, this.#plan.edges[member]!, member)
    }
  }

  #enqueue(node: number, edges: readonly RowEdge[], member: MemberId): void {
    this.#nodes.push(node)
    this.#edges.push(edges)
    this.#members.push(member)
  }
}
