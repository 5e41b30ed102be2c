// Lookup of resources: everything of a type on which a subject has a permission.

import { Budget } from './budget.ts'
import { answerOf, type FastPaths, memberOf } from './check.ts'
import { Conditions } from './conditions.ts'
import type { Engine, EngineLimits, StreamEvaluation, WidestNode } from './engine.ts'
import type { FoundObject, FoundObjects } from './found-objects.ts'
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
  paths: FastPaths,
): StreamEvaluation<FoundObject, FoundObjects> {
  return new LookupResources(world, request, nowMs, new Budget(limits), paths)
}

/** Atoms that candidates of one lookup share before they are let go. */
const maxSharedAtoms = 20_000

/** Objects given at once, and so the most of them between two looks at the budget. */
const maxAtOnce = 128

/** Takes the next candidate. */
const candidate = new Int32Array(1)

/** Candidates from the subject's side, then in the order of their keys, each verified unless it is certain. */
class LookupResources implements StreamEvaluation<FoundObject, FoundObjects> {
  readonly #world: World
  readonly #request: Request
  readonly #budget: Budget
  readonly #member: MemberId
  readonly #subject: Subject
  readonly #conditions: Conditions
  readonly #reach: ReverseReach
  #reached = false
  /** The last candidate that was given, or is being verified; the others are above it. */
  #key: number
  /** Made when the first candidate must be verified. */
  #solver: Solver | undefined
  #verifying: Work<Truth> | undefined

  constructor(world: World, request: Request, nowMs: number, budget: Budget, paths: FastPaths) {
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
      paths.runs,
    )
    this.#key = request.afterKey ?? -1
  }

  get steps(): number {
    return this.#budget.steps
  }

  get widest(): WidestNode | undefined {
    return this.#budget.widest
  }

  run(maxSteps: number, into: FoundObjects, maxItems: number): boolean {
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
        if (permissionship !== 'no')
          into.add(this.#key, this.#idOf(this.#key), permissionship === 'has' ? undefined : missing)
      } else {
        if (budget.spent) return false
        if (this.#giveCertain(into, Math.min(end - into.length, maxAtOnce))) continue
        if (this.#reach.above(this.#key, candidate) === 0) return true
        this.#key = candidate[0]! >>> 1
        budget.steps += 1
        this.#verifying = this.#verify(this.#reach.nodeOf(this.#key))
      }
    }
    return false
  }

  /** Gives the next candidates, at most `room`, as long as they are certain; false when there is none or it is not. */
  #giveCertain(into: FoundObjects, room: number): boolean {
    into.reserve(room)
    const { keys, length } = into
    const end = this.#reach.certainAbove(this.#key, keys, length, length + room)
    if (end === length) return false
    this.#world.snapshot.nodeIds(keys, length, end, into.ids)
    if (keys[length] === 0) into.ids[length] = this.#idOf(0)
    into.length = end
    this.#key = keys[end - 1]!
    this.#budget.steps += end - length
    return true
  }

  #verify(node: number): Work<Truth> {
    // What is shared between candidates is worth keeping, but not without bound.
    if (this.#solver === undefined || this.#solver.atoms.size > maxSharedAtoms)
      this.#solver = new Solver(this.#world, this.#subject, this.#conditions, this.#budget)
    return this.#solver.solve(node, this.#member)
  }

  /** An object without a key, which the graph has never seen, is the subject itself. */
  #idOf(key: number): string {
    return key > 0 ? this.#world.snapshot.nodeId(key) : this.#request.subject.id
  }
}
