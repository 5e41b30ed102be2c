// Lookup of resources: everything of a type on which a subject has a permission.

import type { Answer } from '../model/decision.ts'
import { Budget } from './budget.ts'
import { answerOf, memberOf } from './check.ts'
import { Conditions } from './conditions.ts'
import type { Engine, EngineLimits, FoundObject, StreamEvaluation, WidestNode } from './engine.ts'
import type { Work } from './paused-work.ts'
import type { MemberId } from './plans.ts'
import { ReverseReach } from './reverse-reach.ts'
import { Solver } from './solver.ts'
import { resolve, type Subject } from './subject.ts'
import type { Truth } from './truth.ts'
import type { World } from './world.ts'

type Request = Parameters<Engine<World>['lookupResources']>[1]

export function lookupResources(
  world: World,
  request: Request,
  nowMs: number,
  limits: EngineLimits,
): StreamEvaluation<FoundObject> {
  return new LookupResources(world, request, nowMs, new Budget(limits))
}

/** Atoms that candidates of one lookup share before they are let go. */
const maxSharedAtoms = 20_000

/** Candidates taken at once, and so the most of them between two looks at the budget. */
const batchSize = 128

/** One for all: most of what is found holds for certain. */
const nothingMissing: readonly string[] = Object.freeze([])

/** Candidates from the subject's side, then in the order of their keys, each verified unless it is certain. */
class LookupResources implements StreamEvaluation<FoundObject> {
  readonly #world: World
  readonly #request: Request
  readonly #budget: Budget
  readonly #member: MemberId
  readonly #subject: Subject
  readonly #conditions: Conditions
  readonly #reach: ReverseReach
  #reached = false
  /** Candidates that come next, from `#at` to `#end`; the rest are those above `#key`. */
  readonly #next = new Int32Array(batchSize)
  #at = 0
  #end = 0
  #key: number
  #solver: Solver
  #verifying: Work<Truth> | undefined

  constructor(world: World, request: Request, nowMs: number, budget: Budget) {
    const { snapshot, plans } = world
    this.#world = world
    this.#request = request
    this.#budget = budget
    this.#member = memberOf(plans, request.resourceType, request.permission).id
    this.#subject = resolve(snapshot, plans, undefined, request.subject).subject
    this.#conditions = new Conditions(snapshot, plans, request.context, nowMs)
    this.#reach = new ReverseReach(
      world,
      this.#member,
      request.subject.type,
      this.#subject,
      this.#conditions,
      budget,
    )
    this.#solver = new Solver(world, this.#subject, this.#conditions, budget)
    this.#key = request.afterKey ?? -1
  }

  get steps(): number {
    return this.#budget.steps
  }

  get widest(): WidestNode | undefined {
    return this.#budget.widest
  }

  run(maxSteps: number, into: FoundObject[], maxItems: number): boolean {
    const budget = this.#budget
    budget.resume(maxSteps)
    if (!this.#reached && !this.#reach.run()) return false
    this.#reached = true
    const end = into.length + maxItems
    while (into.length < end) {
      if (this.#verifying !== undefined) {
        const step = this.#verifying.next()
        if (!step.done) return false
        this.#verifying = undefined
        const { permissionship, missing } = answerOf(step.value, this.#conditions.truths)
        if (permissionship !== 'no') into.push(this.#found(permissionship, missing))
      } else if (this.#at === this.#end) {
        this.#end = this.#reach.above(this.#key, this.#next)
        this.#at = 0
        if (this.#end === 0) return true
        if (budget.spent) return false
      } else {
        const candidate = this.#next[this.#at]!
        this.#at += 1
        this.#key = candidate >>> 1
        budget.steps += 1
        if ((candidate & 1) !== 0) into.push(this.#found('has', nothingMissing))
        else this.#verifying = this.#verify(this.#reach.nodeOf(this.#key))
      }
    }
    return false
  }

  #verify(node: number): Work<Truth> {
    // What is shared between candidates is worth keeping, but not without bound.
    if (this.#solver.atoms.size > maxSharedAtoms)
      this.#solver = new Solver(this.#world, this.#subject, this.#conditions, this.#budget)
    return this.#solver.solve(node, this.#member)
  }

  /** The object of the current key. One that the graph has never seen is the subject itself. */
  #found(permissionship: Answer['permissionship'], missing: readonly string[]): FoundObject {
    const key = this.#key
    const id = key > 0 ? this.#world.snapshot.nodeId(key) : this.#request.subject.id
    return { key, id, permissionship, missing }
  }
}
