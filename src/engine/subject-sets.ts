// Subject sets: the usersets that a subject is in, found from its side where that is the shorter way.

import type { Snapshot } from '../graph/snapshot.ts'
import { Budget } from './budget.ts'
import type { Conditions } from './conditions.ts'
import type { MemberId, Plans } from './plans.ts'
import { ReverseReach } from './reverse-reach.ts'
import type { Subject } from './subject.ts'
import { yes } from './truth.ts'
import type { World } from './world.ts'

/** The most that such a look may cost at once, in steps. */
const maxLookSteps = 20_000

/** Sets that are looked up next: read before anybody else writes. */
const batch = new Int32Array(256)

/** What the usersets of a relation are together: `too dear` when the other side is no shorter. */
export type WideAnswer = 'yes' | 'no' | 'uncertain' | 'too dear'

/**
 * A resource that is shared with a hundred thousand groups is asked about by somebody who is in three of them: those
 * three are looked up among its rows. Members must be monotone.
 */
export class SubjectSets {
  readonly #world: World
  readonly #snapshot: Snapshot
  readonly #subject: Subject
  readonly #conditions: Conditions
  readonly #found = new Map<MemberId, ReverseReach | undefined>()

  constructor(world: World, subject: Subject, conditions: Conditions) {
    this.#world = world
    this.#snapshot = world.snapshot
    this.#subject = subject
    this.#conditions = conditions
  }

  /**
   * Whether the subject is in any userset that stands in `relation` (of number `name`) of a node. `rows` is how many
   * stand there; finding the sets may cost as much, and no more. Steps are counted in `budget`.
   */
  reach(node: number, relation: MemberId, name: number, rows: number, budget: Budget): WideAnswer {
    let uncertain = false
    if (this.#subject.type < 0) return 'too dear'
    for (const userset of usersetsOf(this.#world.plans, relation)) {
      const sets = this.#setsOf(userset, rows, budget)
      if (sets === undefined || sets.size > rows) return 'too dear'
      const carried = this.#snapshot.nameId(this.#world.plans.members[userset]!.name)
      for (let key = 0; carried >= 0; ) {
        const count = sets.above(key, batch)
        if (count === 0) break
        for (let at = 0; at < count; at += 1) {
          const set = batch[at]! >>> 1
          key = set
          budget.steps += 1
          const traits = this.#snapshot.row(node, name, set, carried)
          if (traits < 0) continue
          const truth = this.#conditions.of(traits)
          if (truth === yes && (batch[at]! & 1) !== 0) return 'yes'
          if (truth >= yes) uncertain = true
        }
      }
    }
    return uncertain ? 'uncertain' : 'no'
  }

  /** Undefined when following them all costs more than walking the rows would. */
  #setsOf(member: MemberId, maxSteps: number, budget: Budget): ReverseReach | undefined {
    if (this.#found.has(member)) return this.#found.get(member)
    const own = new Budget({ maxSteps: Number.MAX_SAFE_INTEGER, maxEntries: Number.MAX_SAFE_INTEGER })
    own.resume(Math.min(maxSteps, maxLookSteps))
    const type = this.#snapshot.nameText(this.#subject.type)
    const reach = new ReverseReach(this.#world, member, type, this.#subject, this.#conditions, own)
    const found = reach.run() ? reach : undefined
    budget.steps += own.steps
    this.#found.set(member, found)
    return found
  }
}

const usersets = new WeakMap<Plans, Map<MemberId, readonly MemberId[]>>()

/** Members whose subjects may stand as usersets in a relation. */
function usersetsOf(plans: Plans, relation: MemberId): readonly MemberId[] {
  let known = usersets.get(plans)
  if (known === undefined) {
    known = new Map()
    usersets.set(plans, known)
  }
  let found = known.get(relation)
  if (found === undefined) {
    const { type, name } = plans.members[relation]!
    const allowed = plans.schema.definitions.get(type)!.relations.get(name)!.types
    found = [
      ...new Set(
        allowed.flatMap((each) =>
          each.wildcard || each.relation === '' ? [] : [plans.find(each.type, each.relation)!.id],
        ),
      ),
    ]
    known.set(relation, found)
  }
  return found
}
