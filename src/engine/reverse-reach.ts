// Reverse reach: the objects on which a subject may hold one member, found by following relationships from its side.

import { NodeMarks } from '../graph/node-marks.ts'
import type { NameId, NodeRun, RowCursor, Snapshot } from '../graph/snapshot.ts'
import { type Binding, bindingOf } from './binding.ts'
import type { Budget } from './budget.ts'
import { type Conditions, invisible } from './conditions.ts'
import { type Landing, type LookupPlan, lookupPlanOf, type RowEdge } from './lookup-plan.ts'
import type { MemberId } from './plans.ts'
import { type Subject, unseenSubject } from './subject.ts'
import { no, yes } from './truth.ts'
import type { World } from './world.ts'

/** No object has this key: here it stands for a subject that the graph has never seen. */
const unseen = 0

/** Rows taken from lists at once, and short lists: so some thousand rows at most lie between two looks at the budget. */
const runRows = 256
const runLists = 64

/** Room for nodes that a wave begins with. Arrays of up to 64 bytes cost a tenth of larger ones in V8: no memory outside its heap. */
const fewNodes = 16

/** Where the resources of rows are reached: as one member. */
interface Target {
  readonly marks: NodeMarks
  /** Whether it holds because what the rows' subjects have does; else it must be checked. */
  readonly certain: boolean
  /** Where they wait to be followed further, when that leads on: what is certain, and what is not. */
  readonly waves: readonly [certain: Wave, perhaps: Wave] | undefined
}

/** Rows to follow, in the numbering of the graph. */
interface Path {
  readonly type: NameId
  readonly relation: NameId
  readonly subjectRelation: NameId
  readonly targets: readonly Target[]
}

/**
 * Nodes on which one member was reached, all of them for certain or all perhaps, in the order in which they were. One
 * that turns out to be certain stands among both.
 */
class Wave {
  readonly certain: boolean
  readonly edges: readonly RowEdge[]
  /** Made from the edges when the first node is followed. */
  paths: readonly Path[] | undefined
  nodes = noNodes
  length = 0
  /** How many of them have been followed, or are being followed. */
  followed = 0

  constructor(edges: readonly RowEdge[], certain: boolean) {
    this.edges = edges
    this.certain = certain
  }

  /** Makes room for some more. */
  reserve(count: number): void {
    const least = this.length + count
    if (least <= this.nodes.length) return
    const grown = new Int32Array(Math.max(least, 2 * this.nodes.length, fewNodes))
    grown.set(this.nodes)
    this.nodes = grown
  }
}

/** Nodes of a run of rows; and those of them that are news where it leads no further. Read before anybody else writes. */
const run: NodeRun = { nodes: new Int32Array(runRows), length: 0 }
const spare = new Int32Array(runRows)

const noNodes = new Int32Array(0)
const noPaths: readonly Path[] = []

/**
 * Marks what is reached, `certain` where it is known to hold; the rest may hold, and is for a check to decide.
 * Nothing that holds, or depends on missing context, is left out.
 */
export class ReverseReach {
  readonly #snapshot: Snapshot
  readonly #binding: Binding
  readonly #plan: LookupPlan
  readonly #target: MemberId
  readonly #conditions: Conditions
  readonly #budget: Budget
  readonly #byRuns: boolean
  readonly #cursor: RowCursor
  /** By member. */
  readonly #marks: (NodeMarks | undefined)[] = []
  readonly #wavesOf: (readonly [Wave, Wave] | undefined)[] = []
  readonly #waves: Wave[] = []
  /** What is under way: nodes of a wave, from `#first` to `#end`, along one path after the other. */
  #wave: Wave | undefined
  #first = 0
  #end = 0
  #pathAt = 0
  #nodeAt = 0
  /** Whether the cursor stands among the rows of the node. */
  #walking = false
  #openedAtStep = 0
  #reached = 0

  /** `byRuns`: take rows without traits many at a time; false: one by one, to compare. */
  constructor(
    world: World,
    target: MemberId,
    subjectType: string,
    subject: Subject,
    conditions: Conditions,
    budget: Budget,
    byRuns = true,
  ) {
    this.#snapshot = world.snapshot
    this.#binding = bindingOf(world.plans, world.snapshot)
    this.#plan = lookupPlanOf(world.plans, target)
    this.#target = target
    this.#conditions = conditions
    this.#budget = budget
    this.#byRuns = byRuns
    this.#cursor = world.snapshot.cursor()
    if (subject.member >= 0) this.#reachOne(subject.node, this.#plan.landings[subject.member]!)
    else {
      this.#reachOne(subject.node, this.#plan.self(subjectType))
      this.#begin(subject.node, this.#plan.plain(subjectType))
      this.#begin(subject.wildcard, this.#plan.wildcard(subjectType))
    }
  }

  /** Follows everything; false when the budget is spent first: call again. */
  run(): boolean {
    for (;;) {
      const paths = this.#wave?.paths ?? noPaths
      if (this.#pathAt < paths.length) {
        if (!this.#follow(this.#wave!, paths[this.#pathAt]!)) return false
        this.#pathAt += 1
        this.#nodeAt = this.#first
      } else if (!this.#takeWave()) return true
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

  /** Those above a key that are certain, as {@link NodeMarks.certainAbove} gives them. */
  certainAbove(key: number, into: Int32Array, from: number, to: number): number {
    return this.#marks[this.#target]?.certainAbove(key, into, from, to) ?? from
  }

  /** The node that a key given by {@link above} stands for. */
  nodeOf(key: number): number {
    return key === unseen ? unseenSubject : key
  }

  /** The subject itself is reached, as certain as anything. */
  #reachOne(node: number, landings: readonly Landing[]): void {
    run.nodes[0] = Math.max(unseen, node)
    this.#reach(
      1,
      landings.map((landing) => this.#targetOf(landing)),
      true,
    )
  }

  #begin(node: number, edges: readonly RowEdge[]): void {
    if (node <= 0) return
    const wave = new Wave(edges, true)
    wave.reserve(1)
    wave.nodes[0] = node
    wave.length = 1
    this.#waves.push(wave)
  }

  /** Begins with nodes that nobody has followed yet, those that are certain first; false when there are none. */
  #takeWave(): boolean {
    let found: Wave | undefined
    for (const wave of this.#waves)
      if (wave.followed < wave.length && (found === undefined || (wave.certain && !found.certain)))
        found = wave
    if (found === undefined) return false
    found.paths ??= found.edges.flatMap((edge) => this.#pathOf(edge))
    this.#wave = found
    this.#first = found.followed
    this.#end = found.length
    found.followed = found.length
    this.#pathAt = 0
    this.#nodeAt = this.#first
    return true
  }

  /** None when the graph does not know one of the names. */
  #pathOf({ relation, subjectRelation, landings }: RowEdge): Path[] {
    const path = {
      type: this.#binding.memberTypes[relation]!,
      relation: this.#binding.memberNames[relation]!,
      subjectRelation: this.#snapshot.nameId(subjectRelation),
      targets: landings.map((landing) => this.#targetOf(landing)),
    }
    return path.type < 0 || path.relation < 0 || path.subjectRelation < 0 ? [] : [path]
  }

  #targetOf({ member, certain, leadsOn }: Landing): Target {
    let marks = this.#marks[member]
    if (marks === undefined) {
      marks = new NodeMarks(this.#snapshot.maxNode)
      this.#marks[member] = marks
    }
    let waves = this.#wavesOf[member]
    if (waves === undefined && leadsOn) {
      const edges = this.#plan.edges[member]!
      waves = [new Wave(edges, true), new Wave(edges, false)]
      this.#wavesOf[member] = waves
      this.#waves.push(...waves)
    }
    return { marks, certain, waves }
  }

  /** Reaches what the nodes under way lead to along a path; false when the budget is spent before the last. */
  #follow(wave: Wave, path: Path): boolean {
    const budget = this.#budget
    while (this.#nodeAt < this.#end) {
      if (this.#byRuns && !this.#walking && this.#followShort(wave, path)) {
        budget.hold(this.#reached)
        if (budget.spent) return false
        continue
      }
      const { type, relation, subjectRelation, targets } = path
      const node = wave.nodes[this.#nodeAt]!
      if (!this.#walking) {
        this.#snapshot.openReverse(this.#cursor, node, subjectRelation, type, relation)
        this.#walking = true
        budget.steps += 1
        this.#openedAtStep = budget.steps
      }
      if (!this.#walk(targets, wave.certain)) return false
      this.#walking = false
      this.#nodeAt += 1
      budget.walked(budget.steps - this.#openedAtStep, this.#snapshot, node, relation, type)
      budget.hold(this.#reached)
      if (budget.spent) return false
    }
    return true
  }

  /** Follows the next nodes, as far as few rows without traits lead on from them; false when the first is another. */
  #followShort({ nodes, certain }: Wave, { type, relation, subjectRelation, targets }: Path): boolean {
    const from = this.#nodeAt
    const end = Math.min(this.#end, from + runLists)
    const only = targets.length === 1 && certain ? targets[0]! : undefined
    let rows = 0
    let lists = 0
    if (only?.certain && only.waves === undefined) {
      const { marks } = only
      const { count, news } = marks
      lists = this.#snapshot.markReverse(marks, nodes, from, end, subjectRelation, type, relation)
      rows = marks.count - count
      this.#reached += marks.news - news
    } else {
      run.length = 0
      lists = this.#snapshot.takeReverse(run, nodes, from, end, subjectRelation, type, relation)
      rows = run.length
      if (rows > 0) this.#reach(rows, targets, certain)
    }
    this.#nodeAt += lists
    this.#budget.steps += lists + rows
    return lists > 0
  }

  /** Reaches the resource of each row under way; false when the budget is spent before the last. */
  #walk(targets: readonly Target[], certain: boolean): boolean {
    const cursor = this.#cursor
    const budget = this.#budget
    const { nodes } = run
    for (;;) {
      const count = this.#byRuns ? cursor.fill(nodes) : 0
      if (count > 0) {
        this.#reach(count, targets, certain)
        budget.steps += count
      }
      if (count < runRows) {
        if (!cursor.next()) return true
        budget.steps += 1
        const { traits } = cursor
        const truth = traits === 0 ? yes : this.#conditions.of(traits)
        if (truth !== invisible && truth !== no) {
          nodes[0] = cursor.node
          this.#reach(1, targets, certain && truth === yes)
        }
      }
      if (budget.spent) return false
    }
  }

  /** Reaches the first `count` nodes of the run. */
  #reach(count: number, targets: readonly Target[], certain: boolean): void {
    const { nodes } = run
    for (let at = 0; at < targets.length; at += 1) {
      const { marks, certain: surely, waves } = targets[at]!
      const holds = certain && surely
      if (waves === undefined) this.#reached += marks.mark(nodes, count, holds, spare, 0)
      else {
        const wave = waves[holds ? 0 : 1]
        const before = wave.length
        wave.reserve(count)
        wave.length = marks.mark(nodes, count, holds, wave.nodes, before)
        this.#reached += wave.length - before
      }
    }
  }
}
