// Shared reach: many questions about one subject, answered by reachability, each knowing what those before it found.

import {
  allRows,
  type NameId,
  type RowCursor,
  type RowSelection,
  type Snapshot,
  usersetRows,
} from '../graph/snapshot.ts'
import type { Relationship } from '../model/relationship.ts'
import { AtomTable } from './atom-table.ts'
import { type Binding, bindingOf } from './binding.ts'
import type { Budget } from './budget.ts'
import { type Conditions, invisible } from './conditions.ts'
import type { ArrowNode, MemberId, Plans } from './plans.ts'
import { type Subject, targetOf } from './subject.ts'
import { relationshipOf } from './support-row.ts'
import { no, yes } from './truth.ts'
import type { World } from './world.ts'

/**
 * `refused`: no, and a row whose condition is false was passed by, which a reason would have to tell.
 * `uncertain`: a row with a condition that is not known to hold was met, so the solver must decide.
 */
export type Found = 'yes' | 'no' | 'refused' | 'uncertain'

/** What is known of an atom. */
const open = 0
const held = 1
const failed = 2
const failedByCondition = 3

const noArrows: readonly ArrowNode[] = []
/** In place of the atom that comes next on a path: the path ends here. */
const ends = -1
/** In place of a relation: no row is needed to get there. */
const noRow = -1

/** A row from an atom's object, as integers. */
class Hops {
  readonly relations: MemberId[] = []
  readonly subjects: number[] = []
  readonly subjectRelations: NameId[] = []
  readonly traits: number[] = []

  set(at: number, relation: MemberId, subject: number, subjectRelation: NameId, traits: number): void {
    this.relations[at] = relation
    this.subjects[at] = subject
    this.subjectRelations[at] = subjectRelation
    this.traits[at] = traits
  }

  copy(at: number, from: Hops, other: number): void {
    this.set(
      at,
      from.relations[other]!,
      from.subjects[other]!,
      from.subjectRelations[other]!,
      from.traits[other]!,
    )
  }
}

/**
 * Breadth first from each resource, as Reach does it; but a search that fails settles every atom it visited, and one
 * that succeeds settles those on its path. Later searches stop at what is settled. Ask one question after the other,
 * each until it has an answer.
 */
export class SharedReach {
  readonly #atoms = new AtomTable()
  readonly #world: World
  readonly #snapshot: Snapshot
  readonly #plans: Plans
  readonly #binding: Binding
  readonly #subject: Subject
  readonly #conditions: Conditions
  readonly #cursor: RowCursor
  #budget: Budget
  /** By atom: what is known, and the search that met it last. */
  readonly #known: number[] = []
  readonly #searches: number[] = []
  /** By atom that the present search has met: whence, and by which row. */
  readonly #parents: number[] = []
  readonly #arrivals = new Hops()
  /** By atom that holds: the next one on its path, and by which row. */
  readonly #nexts: number[] = []
  readonly #departures = new Hops()
  /** By atom that holds and that a path was told of: the row that it departs by. */
  readonly #relationships = new Map<number, Relationship>()
  /** The search under way. */
  #search = 0
  #root = 0
  readonly #queue: number[] = []
  #at = 0
  #uncertain = false
  #refused = false
  /** What is under way within it: arrows of an atom, and the rows in the cursor. */
  #atom = 0
  #arrows: readonly ArrowNode[] = noArrows
  #arrowAt = 0
  #walking = false
  #walkedRelation: MemberId = 0
  #target: string | undefined
  #openedAtStep = 0

  /** The subject must be known to the graph: then it is the same one to every resource. */
  constructor(world: World, subject: Subject, conditions: Conditions, budget: Budget) {
    this.#world = world
    this.#snapshot = world.snapshot
    this.#plans = world.plans
    this.#binding = bindingOf(world.plans, world.snapshot)
    this.#subject = subject
    this.#conditions = conditions
    this.#budget = budget
    this.#cursor = world.snapshot.cursor()
  }

  /** Atoms held. */
  get size(): number {
    return this.#atoms.size
  }

  /** Begins a search; `member` must be monotone. What an unfinished one before it found out is not used. */
  begin(node: number, member: MemberId, budget: Budget): void {
    this.#budget = budget
    this.#search += 1
    this.#queue.length = 0
    this.#at = 0
    this.#uncertain = false
    this.#refused = false
    this.#arrows = noArrows
    this.#arrowAt = 0
    this.#walking = false
    this.#root = this.#atomOf(node, member)
    if (this.#known[this.#root] === open) this.#enqueue(this.#root, ends)
  }

  /** The answer, or undefined when the budget is spent first: call again. */
  run(): Found | undefined {
    if (this.#known[this.#root] !== open) return this.#foundOf(this.#known[this.#root]!)
    for (;;) {
      if (this.#walking) {
        const walked = this.#walk()
        if (walked === undefined) return undefined
        if (walked) return 'yes'
      } else if (this.#arrowAt < this.#arrows.length) {
        this.#openArrow(this.#arrows[this.#arrowAt]!)
        this.#arrowAt += 1
      } else if (this.#at === this.#queue.length) {
        return this.#fail()
      } else {
        const atom = this.#queue[this.#at]!
        this.#at += 1
        this.#budget.steps += 1
        if (this.#visit(atom)) return 'yes'
        if ((this.#at & 63) === 0) {
          this.#budget.hold(this.#atoms.size)
          if (this.#budget.spent) return undefined
        }
      }
    }
  }

  /**
   * Rows on which the last answer, a yes, rests: a path from the resource to the subject. Undefined when the path
   * comes to an object twice or passes the subject, for then some of its rows might do without the others. Else each
   * object has but one row, so there is no way to the subject that leaves one out.
   */
  path(): readonly Relationship[] | undefined {
    const rows: Relationship[] = []
    const nodes = new Set<number>()
    for (let atom = this.#root; atom !== ends; atom = this.#nexts[atom]!) {
      if (this.#departures.relations[atom]! === noRow) continue
      const resource = this.#atoms.nodes[atom]!
      if (nodes.has(resource)) return undefined
      nodes.add(resource)
      rows.push(this.#relationshipFrom(atom))
    }
    return nodes.has(this.#subject.node) ? undefined : rows
  }

  /** Paths run together towards the subject: a row is put into words once. */
  #relationshipFrom(atom: number): Relationship {
    let relationship = this.#relationships.get(atom)
    if (relationship === undefined) {
      const { relations, subjects, subjectRelations, traits } = this.#departures
      relationship = relationshipOf(this.#world, {
        resource: this.#atoms.nodes[atom]!,
        relation: relations[atom]!,
        subject: subjects[atom]!,
        subjectRelation: subjectRelations[atom]!,
        traits: traits[atom]!,
      })
      this.#relationships.set(atom, relationship)
    }
    return relationship
  }

  #foundOf(known: number): Found {
    return known === held ? 'yes' : known === failed ? 'no' : 'refused'
  }

  #atomOf(node: number, member: MemberId): number {
    const added = this.#atoms.add(node, member)
    if (added < 0) return this.#atoms.find(node, member)
    this.#known.push(open)
    this.#searches.push(0)
    this.#parents.push(ends)
    this.#nexts.push(ends)
    this.#arrivals.set(added, noRow, 0, 0, 0)
    this.#departures.set(added, noRow, 0, 0, 0)
    return added
  }

  #enqueue(atom: number, parent: number): void {
    this.#searches[atom] = this.#search
    this.#parents[atom] = parent
    this.#queue.push(atom)
  }

  /** Goes on to an atom, by the row that `arrivals` is then told; true when it is known to hold. */
  #lead(
    parent: number,
    node: number,
    member: MemberId,
    relation: MemberId,
    subjectRelation: NameId,
  ): boolean {
    const atom = this.#atomOf(node, member)
    const known = this.#known[atom]!
    const traits = relation === noRow ? 0 : this.#cursor.traits
    if (known === held) {
      this.#departures.set(parent, relation, node, subjectRelation, traits)
      this.#succeed(parent, atom)
      return true
    }
    if (known !== open) this.#refused ||= known === failedByCondition
    else if (this.#searches[atom] !== this.#search) {
      this.#enqueue(atom, parent)
      this.#arrivals.set(atom, relation, node, subjectRelation, traits)
    }
    return false
  }

  /** Everything from the root down to an atom holds; what comes after that one is `next`. */
  #succeed(atom: number, next: number): void {
    this.#known[atom] = held
    this.#nexts[atom] = next
    for (let child = atom; child !== this.#root; ) {
      const parent = this.#parents[child]!
      this.#known[parent] = held
      this.#nexts[parent] = child
      this.#departures.copy(parent, this.#arrivals, child)
      child = parent
    }
  }

  #fail(): Found {
    if (this.#uncertain) return 'uncertain'
    const verdict = this.#refused ? failedByCondition : failed
    for (const atom of this.#queue) this.#known[atom] = verdict
    return this.#foundOf(verdict)
  }

  /** Looks at one atom; true when it grants. What must be walked is set up. */
  #visit(atom: number): boolean {
    const node = this.#atoms.nodes[atom]!
    const member = this.#atoms.members[atom]!
    const subject = this.#subject
    this.#atom = atom
    if (member === subject.member && node === subject.node) return this.#grant(atom, noRow, 0, 0, 0)
    const steps = this.#plans.steps[member]
    if (steps === undefined) return this.#visitRelation(atom, node, member)
    if (steps.self && subject.member < 0 && subject.relation === 0 && node === subject.node)
      return this.#grant(atom, noRow, 0, 0, 0)
    for (const other of steps.members) if (this.#lead(atom, node, other, noRow, 0)) return true
    this.#arrows = node > 0 ? steps.arrows : noArrows
    this.#arrowAt = 0
    return false
  }

  #visitRelation(atom: number, node: number, member: MemberId): boolean {
    const relation = this.#binding.memberNames[member]!
    if (node <= 0 || relation < 0) return false
    const { node: key, relation: subjectRelation, wildcard } = this.#subject
    if (subjectRelation >= 0) {
      const traits = this.#snapshot.row(node, relation, key, subjectRelation)
      if (this.#holds(traits)) return this.#grant(atom, member, key, subjectRelation, traits)
    }
    if (wildcard > 0) {
      const traits = this.#snapshot.row(node, relation, wildcard, 0)
      if (this.#holds(traits)) return this.#grant(atom, member, wildcard, 0, traits)
    }
    if (this.#plans.members[member]!.hasUsersets) {
      this.#target = undefined
      this.#open(node, member, usersetRows)
    }
    return false
  }

  /** The atom holds, by a row that grants directly or by none. */
  #grant(
    atom: number,
    relation: MemberId,
    subject: number,
    subjectRelation: NameId,
    traits: number,
  ): boolean {
    this.#departures.set(atom, relation, subject, subjectRelation, traits)
    this.#succeed(atom, ends)
    return true
  }

  #holds(traits: number): boolean {
    if (traits < 0) return false
    const truth = this.#conditions.of(traits)
    if (truth > yes) this.#uncertain = true
    else if (truth === no) this.#refused = true
    return truth === yes
  }

  #openArrow(arrow: ArrowNode): void {
    this.#target = arrow.target
    this.#open(this.#atoms.nodes[this.#atom]!, arrow.relation, allRows)
  }

  #open(node: number, relation: MemberId, selection: RowSelection): void {
    const name = this.#binding.memberNames[relation]!
    if (name < 0) return
    this.#snapshot.openForward(this.#cursor, node, name, selection)
    this.#walkedRelation = relation
    this.#openedAtStep = this.#budget.steps
    this.#walking = true
  }

  /** Follows the rows under way; true when one leads to what holds, undefined when the budget is spent before the last. */
  #walk(): boolean | undefined {
    const cursor = this.#cursor
    const budget = this.#budget
    while (cursor.next()) {
      const truth = this.#conditions.of(cursor.traits)
      if (truth === yes) {
        const { node, subjectRelation } = cursor
        const member =
          this.#target === undefined
            ? this.#binding.member(this.#snapshot.nodeType(node), subjectRelation)
            : targetOf(this.#snapshot, this.#binding, node, this.#target)
        if (member >= 0 && this.#lead(this.#atom, node, member, this.#walkedRelation, subjectRelation))
          return true
      } else if (truth === no) this.#refused = true
      else if (truth !== invisible) this.#uncertain = true
      budget.steps += 1
      if ((budget.steps & 255) === 0 && budget.spent) return undefined
    }
    this.#walking = false
    const rows = budget.steps - this.#openedAtStep
    budget.walked(
      rows,
      this.#snapshot,
      this.#atoms.nodes[this.#atom]!,
      this.#binding.memberNames[this.#walkedRelation]!,
    )
    return false
  }
}
