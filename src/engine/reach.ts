// Reach: the quick answer for members that are mere reachability, which most are.

import { allRows, type RowCursor, type RowSelection, type Snapshot, usersetRows } from '../graph/snapshot.ts'
import { AtomTable } from './atom-table.ts'
import { type Binding, bindingOf } from './binding.ts'
import type { Budget } from './budget.ts'
import { type Conditions, invisible } from './conditions.ts'
import type { ArrowNode, MemberId, Plans } from './plans.ts'
import { type Subject, targetOf } from './subject.ts'
import { SubjectSets } from './subject-sets.ts'
import { no, yes } from './truth.ts'
import type { World } from './world.ts'

/** `uncertain`: a row with a condition that is not known to hold was met, so the solver must decide. */
export type Reached = 'yes' | 'no' | 'uncertain'

const noArrows: readonly ArrowNode[] = []
/** More walks at once than these are made anew. */
const maxSpare = 8

/**
 * Breadth first from the resource, over rows that hold for certain. Each atom is visited once, so cycles end by
 * themselves. A `yes` is final; a `no` is when no conditional row was passed by.
 */
export class Reach {
  readonly #atoms = new AtomTable()
  readonly #plans: Plans
  readonly #binding: Binding
  #world: World
  #snapshot: Snapshot
  #cursor: RowCursor
  #subject: Subject
  #conditions: Conditions
  #budget: Budget
  #wideRows: number
  #sets: SubjectSets | undefined
  #next = 0
  #uncertain = false
  /** What is under way: the rows in the cursor lead to usersets, or to `#target` of each subject's object. */
  #walking = false
  #target: string | undefined
  #node = 0
  #arrows: readonly ArrowNode[] = noArrows
  #arrowAt = 0
  /** Where the rows under way were opened, and at which step. */
  #walkedNode = 0
  #walkedRelation = 0
  #openedAtStep = 0
  /** Where enough rows have been walked to try it from the subject's side. */
  #wideAtStep = 0

  private constructor(
    world: World,
    binding: Binding,
    subject: Subject,
    conditions: Conditions,
    budget: Budget,
    wideRows: number,
  ) {
    this.#world = world
    this.#snapshot = world.snapshot
    this.#plans = world.plans
    this.#binding = binding
    this.#cursor = world.snapshot.cursor()
    this.#subject = subject
    this.#conditions = conditions
    this.#budget = budget
    this.#wideRows = wideRows
  }

  /** Begins at a resource, in the memory of a walk that is over. `member` must be monotone. */
  static begin(
    world: World,
    node: number,
    member: MemberId,
    subject: Subject,
    conditions: Conditions,
    budget: Budget,
    wideRows: number,
  ): Reach {
    const binding = bindingOf(world.plans, world.snapshot)
    const spare = binding.spare.pop()
    const reach = spare ?? new Reach(world, binding, subject, conditions, budget, wideRows)
    if (spare !== undefined) {
      spare.#world = world
      spare.#snapshot = world.snapshot
      spare.#cursor = world.snapshot.cursor(spare.#cursor)
      spare.#subject = subject
      spare.#conditions = conditions
      spare.#budget = budget
      spare.#wideRows = wideRows
      spare.#next = 0
      spare.#uncertain = false
      spare.#walking = false
      spare.#arrows = noArrows
      spare.#arrowAt = 0
    }
    reach.#atoms.add(node, member)
    return reach
  }

  /** The answer, or undefined when the budget is spent first: call again. Not again after an answer. */
  run(): Reached | undefined {
    for (;;) {
      if (this.#walking) {
        const walked = this.#walk()
        if (walked === undefined) return undefined
        if (walked) return this.#end('yes')
      } else if (this.#arrowAt < this.#arrows.length) {
        this.#openArrow(this.#arrows[this.#arrowAt]!)
        this.#arrowAt += 1
      } else if (this.#next === this.#atoms.size) {
        return this.#end(this.#uncertain ? 'uncertain' : 'no')
      } else {
        this.#budget.steps += 1
        if (this.#visit(this.#next)) return this.#end('yes')
        this.#next += 1
        if ((this.#next & 63) === 0) {
          this.#budget.hold(this.#atoms.size)
          if (this.#budget.spent) return undefined
        }
      }
    }
  }

  #end(reached: Reached): Reached {
    this.#atoms.clear()
    this.#sets = undefined
    const { spare } = this.#binding
    if (spare.length < maxSpare) spare.push(this)
    return reached
  }

  /** Looks at one atom; true when it grants. What must be walked is set up. */
  #visit(atom: number): boolean {
    const node = this.#atoms.nodes[atom]!
    const member = this.#atoms.members[atom]!
    const subject = this.#subject
    if (member === subject.member && node === subject.node) return true
    const steps = this.#plans.steps[member]
    if (steps === undefined) return this.#visitRelation(node, member)
    if (steps.self && subject.member < 0 && subject.relation === 0 && node === subject.node) return true
    for (const other of steps.members) this.#atoms.add(node, other)
    this.#node = node
    this.#arrows = node > 0 ? steps.arrows : noArrows
    this.#arrowAt = 0
    return false
  }

  #visitRelation(node: number, member: MemberId): boolean {
    const relation = this.#binding.memberNames[member]!
    if (node <= 0 || relation < 0) return false
    const { node: key, relation: subjectRelation, wildcard } = this.#subject
    if (
      key > 0 &&
      subjectRelation >= 0 &&
      this.#holds(this.#snapshot.row(node, relation, key, subjectRelation))
    )
      return true
    if (wildcard > 0 && this.#holds(this.#snapshot.row(node, relation, wildcard, 0))) return true
    if (this.#plans.members[member]!.hasUsersets) {
      this.#open(node, relation, usersetRows)
      this.#target = undefined
    }
    return false
  }

  /** Answers for the usersets under way from the subject's side, or leaves them to be walked. */
  #walkedFromSubject(): boolean {
    this.#sets ??= new SubjectSets(this.#world, this.#subject, this.#conditions)
    const node = this.#walkedNode
    const relation = this.#walkedRelation
    const member = this.#binding.member(this.#snapshot.nodeType(node), relation)
    const rows = this.#snapshot.forwardCount(node, relation, usersetRows)
    const answer = this.#sets.reach(node, member, relation, rows, this.#budget)
    if (answer === 'too dear') return false
    this.#walking = false
    if (answer === 'uncertain') this.#uncertain = true
    return answer === 'yes'
  }

  #holds(traits: number): boolean {
    if (traits < 0) return false
    const truth = this.#conditions.of(traits)
    if (truth > yes) this.#uncertain = true
    return truth === yes
  }

  #openArrow(arrow: ArrowNode): void {
    const relation = this.#binding.memberNames[arrow.relation]!
    if (relation < 0) return
    this.#open(this.#node, relation, allRows)
    this.#target = arrow.target
  }

  #open(node: number, relation: number, selection: RowSelection): void {
    this.#snapshot.openForward(this.#cursor, node, relation, selection)
    this.#walkedNode = node
    this.#walkedRelation = relation
    this.#openedAtStep = this.#budget.steps
    this.#wideAtStep = this.#budget.steps + this.#wideRows
    this.#walking = true
  }

  /**
   * Adds the atoms that the rows under way lead to. True when that has shown that the subject is among them, undefined
   * when the budget is spent before the last.
   */
  #walk(): boolean | undefined {
    const cursor = this.#cursor
    while (cursor.next()) {
      if (this.#budget.steps === this.#wideAtStep && this.#target === undefined) {
        // The row in hand counts as well: either all are answered for now, or none.
        if (this.#walkedFromSubject()) return true
        if (!this.#walking) return false
        this.#wideAtStep = -1
      }
      const truth = this.#conditions.of(cursor.traits)
      if (truth === yes) {
        const other = cursor.node
        const member =
          this.#target === undefined
            ? this.#binding.member(this.#snapshot.nodeType(other), cursor.subjectRelation)
            : targetOf(this.#snapshot, this.#binding, other, this.#target)
        if (member >= 0) this.#atoms.add(other, member)
      } else if (truth !== invisible && truth !== no) this.#uncertain = true
      this.#budget.steps += 1
      if ((this.#budget.steps & 255) === 0 && this.#budget.spent) return undefined
    }
    this.#walking = false
    const rows = this.#budget.steps - this.#openedAtStep
    this.#budget.walked(rows, this.#snapshot, this.#walkedNode, this.#walkedRelation)
    return false
  }
}
