// Lookup of resources: everything of a type on which a subject has a permission.

import type { SubjectRef } from '../model/reference.ts'
import { Budget } from './budget.ts'
import { answerOf, memberOf } from './check.ts'
import { Conditions } from './conditions.ts'
import type { Engine, EngineLimits, FoundObject, StreamEvaluation } from './engine.ts'
import { streamOf } from './paused-work.ts'
import type { MemberId } from './plans.ts'
import { ReverseReach } from './reverse-reach.ts'
import { Solver } from './solver.ts'
import { resolve } from './subject.ts'
import { yes } from './truth.ts'
import type { World } from './world.ts'

type Request = Parameters<Engine<World>['lookupResources']>[1]

export function lookupResources(
  world: World,
  request: Request,
  nowMs: number,
  limits: EngineLimits,
): StreamEvaluation<FoundObject> {
  const budget = new Budget(limits)
  return streamOf(budget, lookupWork(world, request, nowMs, budget))
}

/** Candidates from the subject's side, then in the order of their keys, each verified unless it is certain. */
function* lookupWork(
  world: World,
  request: Request,
  nowMs: number,
  budget: Budget,
): Generator<FoundObject | undefined, void, void> {
  const { snapshot, plans } = world
  const member = memberOf(plans, request.resourceType, request.permission)
  const { subject } = resolve(snapshot, plans, undefined, request.subject)
  const conditions = new Conditions(snapshot, plans, request.context, nowMs)
  const reach = new ReverseReach(world, conditions, budget)
  for (const _ of reach.follow(request.subject, subject)) yield undefined
  let solver = new Solver(world, subject, conditions, budget)
  for (const node of candidates(reach, member.id, request.afterKey, snapshot.maxNode, budget)) {
    if (node === undefined) {
      yield undefined
      continue
    }
    let answer = answerOf(yes, conditions.truths)
    if (!reach.isCertain(reach.atoms.find(node, member.id))) {
      // What is shared between candidates is worth keeping, but not without bound.
      if (solver.atoms.size > maxSharedAtoms) solver = new Solver(world, subject, conditions, budget)
      const work = solver.solve(node, member.id)
      let step = work.next()
      while (!step.done) {
        yield undefined
        step = work.next()
      }
      answer = answerOf(step.value, conditions.truths)
    }
    budget.steps += 1
    if (answer.permissionship !== 'no') yield found(world, request.subject, node, answer)
    if (budget.spent) yield undefined
  }
}

/** Atoms that candidates of one lookup share before they are let go. */
const maxSharedAtoms = 20_000

/** Few enough to sort; more are marked in a bitmap, which gives them in order without a long pause. */
const maxSorted = 1024

/**
 * Nodes reached for the member, ascending, with an undefined now and then where the work can pause. A subject that the
 * graph has never seen comes first.
 */
function* candidates(
  reach: ReverseReach,
  member: MemberId,
  afterKey: number | undefined,
  maxNode: number,
  budget: Budget,
): Generator<number | undefined, void, void> {
  const { atoms } = reach
  const few: number[] = []
  let marks: Uint32Array | undefined
  const take = (node: number) => {
    if (marks !== undefined && node > 0) marks[node >>> 5]! |= 1 << (node & 31)
    else few.push(node)
  }
  for (let atom = 0; atom < atoms.size; atom += 1) {
    if ((atom & 4095) === 4095) {
      budget.steps += 256
      if (budget.spent) yield undefined
    }
    if (atoms.members[atom] !== member) continue
    if (afterKey !== undefined && atoms.nodes[atom]! <= afterKey) continue
    if (marks === undefined && few.length === maxSorted) {
      marks = new Uint32Array((maxNode >>> 5) + 1)
      for (const node of few.splice(0)) take(node)
    }
    take(atoms.nodes[atom]!)
  }
  yield* few.sort((left, right) => left - right)
  if (marks === undefined) return
  for (let word = 0; word < marks.length; word += 1) {
    if ((word & 4095) === 4095) {
      budget.steps += 256
      if (budget.spent) yield undefined
    }
    for (let bits = marks[word]!; bits !== 0; bits &= bits - 1)
      yield word * 32 + (31 - Math.clz32(bits & -bits))
  }
}

function found(
  { snapshot }: World,
  subject: SubjectRef,
  node: number,
  answer: Pick<FoundObject, 'permissionship' | 'missing'>,
): FoundObject {
  return { key: Math.max(0, node), id: node > 0 ? snapshot.nodeId(node) : subject.id, ...answer }
}
