// Shared reach: many questions about one subject, answered by reachability, each knowing what those before it found.

import {
  allRows,
  type NameId,
  type RowCursor,
  type RowSelection,
  type Snapshot,
  usersetRows,
} from '../graph/snapshot.ts'
import type { ObjectRef } from '../model/reference.ts'
import type { Relationship } from '../model/relationship.ts'
import { AtomTable } from './atom-table.ts'
import { type Binding, bindingOf } from './binding.ts'
import type { Budget } from './budget.ts'
import { type Conditions, invisible } from './conditions.ts'
import type { ArrowNode, MemberId, Plans } from './plans.ts'
import { objectOf } from './read-rows.ts'
import { type Subject, targetOf } from './subject.ts'
import { SubjectSets } from './subject-sets.ts'
import { relationshipOf } from './support-row.ts'
import { no, yes } from './truth.ts'
import type { World } from './world.ts'

/**
 * `refused`: no, and a row whose condition is false was passed by, which a reason would have to tell.
 * `uncertain`: a row with a condition that is not known to hold was met, so the solver must decide.
 */
export type Found = 'yes' | 'no' | 'refused' | 'uncertain'

/** What is known of an atom: positive for the search that met it last and did not settle it, 0 for none. */
const held = -1
const failed = -2
const failedByCondition = -3

const noArrows: readonly ArrowNode[] = []
/** What is left of paths from one atom on. */
interface Ending {
  readonly rows: readonly Relationship[]
  /** The objects that have these rows, each once, the subject not among them. */
  readonly nodes: readonly number[]
}

/** In place of a relation: no row is needed to get there. */
const noRow = -1

/** Where a path goes on from an atom that holds. */
interface Departure {
  /** The next atom; undefined at the end of the path. */
  readonly next: number | undefined
  /** The row that leads there, or grants: its relation or {@link noRow}, and the rest of it. */
  readonly relation: MemberId
  readonly subject: number
  readonly subjectRelation: NameId
  readonly traits: number
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
  /** By atom. */
  #states = new Int32Array(256)
  /** Of atoms that hold. */
  readonly #departures = new Map<number, Departure>()
  /** Of atoms that hold and that a path led on from: the rest of that path. */
  readonly #endings = new Map<number, Ending | undefined>()
  /** Of atoms on those: the row that they depart by. */
  readonly #relationships = new Map<number, Relationship>()
  /** The search under way: atoms as it met them, each with the place of the one before, and the row from there. */
  #search = 0
  #root = 0
  #met = 0
  #at = 0
  readonly #queue: number[] = []
  readonly #froms: number[] = []
  readonly #relations: MemberId[] = []
  readonly #subjectRelations: NameId[] = []
  readonly #traits: number[] = []
  #uncertain = false
  #refused = false
  /** What is under way within it: the place of an atom, its arrows, and the rows in the cursor. */
  #place = 0
  #arrows: readonly ArrowNode[] = noArrows
  #arrowAt = 0
  #walking = false
  #walkedRelation: MemberId = 0
  #target: string | undefined
  #openedAtStep = 0
  /** Where enough rows have been walked to try it from the subject's side, and the sets that it is in. */
  #wideAtStep = 0
  readonly #wideRows: number
  #sets: SubjectSets | undefined

  /**
   * The subject must be known to the graph: then it is the same one to every resource. Lists of at least `wideRows`
   * usersets are looked at from the subject's side, where that is shorter; what is found so has no path.
   */
  constructor(
    world: World,
    subject: Subject,
    conditions: Conditions,
    budget: Budget,
    wideRows = Number.POSITIVE_INFINITY,
  ) {
    this.#world = world
    this.#wideRows = wideRows
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
    this.#met = 0
    this.#at = 0
    this.#uncertain = false
    this.#refused = false
    this.#arrows = noArrows
    this.#arrowAt = 0
    this.#walking = false
    this.#root = this.#atomOf(node, member)
    if (this.#states[this.#root]! >= 0) this.#meet(this.#root, 0, noRow, 0, 0)
  }

  /** The answer, or undefined when the budget is spent first: call again. */
  run(): Found | undefined {
    if (this.#states[this.#root]! < 0) return foundOf(this.#states[this.#root]!)
    for (;;) {
      if (this.#walking) {
        const walked = this.#walk()
        if (walked === undefined) return undefined
        if (walked) return 'yes'
      } else if (this.#arrowAt < this.#arrows.length) {
        this.#openArrow(this.#arrows[this.#arrowAt]!)
        this.#arrowAt += 1
      } else if (this.#at === this.#met) {
        return this.#fail()
      } else {
        this.#place = this.#at
        this.#at += 1
        this.#budget.steps += 1
        if (this.#visit(this.#queue[this.#place]!)) return 'yes'
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
   * object has but one row, so there is no way to the subject that leaves one out. `asked`: the resource, in words.
   */
  path(asked: ObjectRef): readonly Relationship[] | undefined {
    const node = this.#atoms.nodes[this.#root]!
    let departure = this.#departures.get(this.#root)!
    // Members of the resource itself lead on without a row.
    while (departure.relation === noRow && departure.next !== undefined)
      departure = this.#departures.get(departure.next)!
    if (departure.relation === noRow) return []
    if (node === this.#subject.node) return undefined
    const first = relationshipOf(this.#world, departure, asked)
    if (departure.next === undefined) return [first]
    const ending = this.#endingFrom(departure.next)
    return ending === undefined || ending.nodes.includes(node) ? undefined : [first, ...ending.rows]
  }

  /** Paths run together towards the subject: what they have in common is put into words once. */
  #endingFrom(start: number): Ending | undefined {
    if (this.#endings.has(start)) return this.#endings.get(start)
    const rows: Relationship[] = []
    const nodes: number[] = []
    for (let atom: number | undefined = start; atom !== undefined; ) {
      const departure: Departure = this.#departures.get(atom)!
      if (departure.relation !== noRow) {
        const node = this.#atoms.nodes[atom]!
        nodes.push(node)
        rows.push(this.#relationshipFrom(atom, node, departure))
      }
      atom = departure.next
    }
    const isPlain = new Set(nodes).size === nodes.length && !nodes.includes(this.#subject.node)
    const ending = isPlain ? { rows, nodes } : undefined
    this.#endings.set(start, ending)
    return ending
  }

  #relationshipFrom(atom: number, node: number, departure: Departure): Relationship {
    let relationship = this.#relationships.get(atom)
    if (relationship === undefined) {
      relationship = relationshipOf(this.#world, departure, objectOf(this.#snapshot, node))
      this.#relationships.set(atom, relationship)
    }
    return relationship
  }

  #atomOf(node: number, member: MemberId): number {
    const atom = this.#atoms.intern(node, member)
    if (atom >= this.#states.length) {
      const grown = new Int32Array(this.#states.length * 2)
      grown.set(this.#states)
      this.#states = grown
    }
    return atom
  }

  #meet(atom: number, from: number, relation: MemberId, subjectRelation: NameId, traits: number): void {
    this.#states[atom] = this.#search
    const place = this.#met
    this.#met = place + 1
    this.#queue[place] = atom
    this.#froms[place] = from
    this.#relations[place] = relation
    this.#subjectRelations[place] = subjectRelation
    this.#traits[place] = traits
  }

  /** Goes on from the atom under way to another; true when that one is known to hold. */
  #lead(
    node: number,
    member: MemberId,
    relation: MemberId,
    subjectRelation: NameId,
    traits: number,
  ): boolean {
    const atom = this.#atomOf(node, member)
    const state = this.#states[atom]!
    if (state === held) {
      this.#succeed({ next: atom, relation, subject: node, subjectRelation, traits })
      return true
    }
    if (state < 0) this.#refused ||= state === failedByCondition
    else if (state !== this.#search) this.#meet(atom, this.#place, relation, subjectRelation, traits)
    return false
  }

  /** The atom under way holds, and so does everything from the root down to it. */
  #succeed(departure: Departure): void {
    let place = this.#place
    let last = departure
    for (;;) {
      const atom = this.#queue[place]!
      this.#states[atom] = held
      this.#departures.set(atom, last)
      if (atom === this.#root) return
      last = {
        next: atom,
        relation: this.#relations[place]!,
        subject: this.#atoms.nodes[atom]!,
        subjectRelation: this.#subjectRelations[place]!,
        traits: this.#traits[place]!,
      }
      place = this.#froms[place]!
    }
  }

  #fail(): Found {
    if (this.#uncertain) return 'uncertain'
    const state = this.#refused ? failedByCondition : failed
    for (let place = 0; place < this.#met; place += 1) this.#states[this.#queue[place]!] = state
    return foundOf(state)
  }

  /** Looks at one atom; true when it grants. What must be walked is set up. */
  #visit(atom: number): boolean {
    const node = this.#atoms.nodes[atom]!
    const member = this.#atoms.members[atom]!
    const subject = this.#subject
    if (member === subject.member && node === subject.node) return this.#grant(noRow, 0, 0, 0)
    const steps = this.#plans.steps[member]
    if (steps === undefined) return this.#visitRelation(node, member)
    if (steps.self && subject.member < 0 && subject.relation === 0 && node === subject.node)
      return this.#grant(noRow, 0, 0, 0)
    for (const other of steps.members) if (this.#lead(node, other, noRow, 0, 0)) return true
    this.#arrows = node > 0 ? steps.arrows : noArrows
    this.#arrowAt = 0
    return false
  }

  #visitRelation(node: number, member: MemberId): boolean {
    const relation = this.#binding.memberNames[member]!
    if (node <= 0 || relation < 0) return false
    const { node: key, relation: subjectRelation, wildcard } = this.#subject
    if (subjectRelation >= 0) {
      const traits = this.#snapshot.row(node, relation, key, subjectRelation)
      if (this.#holds(traits)) return this.#grant(member, key, subjectRelation, traits)
    }
    if (wildcard > 0) {
      const traits = this.#snapshot.row(node, relation, wildcard, 0)
      if (this.#holds(traits)) return this.#grant(member, wildcard, 0, traits)
    }
    if (this.#plans.members[member]!.hasUsersets) {
      this.#target = undefined
      this.#open(node, member, usersetRows)
    }
    return false
  }

  /** The atom under way holds, by a row that grants directly or by none. */
  #grant(relation: MemberId, subject: number, subjectRelation: NameId, traits: number): boolean {
    this.#succeed({ next: undefined, relation, subject, subjectRelation, traits })
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
    this.#open(this.#atoms.nodes[this.#queue[this.#place]!]!, arrow.relation, allRows)
  }

  #open(node: number, relation: MemberId, selection: RowSelection): void {
    const name = this.#binding.memberNames[relation]!
    if (name < 0) return
    this.#snapshot.openForward(this.#cursor, node, name, selection)
    this.#walkedRelation = relation
    this.#openedAtStep = this.#budget.steps
    this.#wideAtStep = this.#openedAtStep + this.#wideRows
    this.#walking = true
  }

  /** Answers for the usersets under way from the subject's side, or leaves them to be walked; true when one of them grants. */
  #walkedFromSubject(): boolean {
    this.#sets ??= new SubjectSets(this.#world, this.#subject, this.#conditions)
    const node = this.#atoms.nodes[this.#queue[this.#place]!]!
    const name = this.#binding.memberNames[this.#walkedRelation]!
    const rows = this.#snapshot.forwardCount(node, name, usersetRows)
    const answer = this.#sets.reach(node, this.#walkedRelation, name, rows, this.#budget)
    if (answer === 'too dear') return false
    this.#walking = false
    if (answer === 'uncertain') this.#uncertain = true
    return answer === 'yes' && this.#grant(noRow, 0, 0, 0)
  }

  /** Follows the rows under way; true when one leads to what holds, undefined when the budget is spent before the last. */
  #walk(): boolean | undefined {
    const cursor = this.#cursor
    const budget = this.#budget
    while (cursor.next()) {
      if (budget.steps === this.#wideAtStep && this.#target === undefined) {
        // The row in hand counts as well: either all are answered for now, or none.
        if (this.#walkedFromSubject()) return true
        if (!this.#walking) return false
        this.#wideAtStep = -1
      }
      const truth = this.#conditions.of(cursor.traits)
      if (truth === yes) {
        const { node, subjectRelation } = cursor
        const member =
          this.#target === undefined
            ? this.#binding.member(this.#snapshot.nodeType(node), subjectRelation)
            : targetOf(this.#snapshot, this.#binding, node, this.#target)
        const { traits } = cursor
        if (member >= 0 && this.#lead(node, member, this.#walkedRelation, subjectRelation, traits))
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
      this.#atoms.nodes[this.#queue[this.#place]!]!,
      this.#binding.memberNames[this.#walkedRelation]!,
    )
    return false
  }
}

function foundOf(state: number): Found {
  return state === held ? 'yes' : state === failed ? 'no' : 'refused'
}
