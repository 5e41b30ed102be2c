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
  const solver = new Solver(world, subject, conditions, budget)
  for (const atom of candidates(reach, member.id, request.afterKey)) {
    const node = reach.atoms.nodes[atom]!
    let answer = answerOf(1, conditions.truths)
    if (!reach.isCertain(atom)) {
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

/** Atoms of the member, ascending by node. A subject that the graph has never seen comes first, with key 0. */
function candidates(reach: ReverseReach, member: MemberId, afterKey: number | undefined): number[] {
  const { atoms } = reach
  const found: number[] = []
  for (let atom = 0; atom < atoms.size; atom += 1) {
    if (atoms.members[atom] !== member) continue
    if (afterKey === undefined || atoms.nodes[atom]! > afterKey) found.push(atom)
  }
  return found.sort((left, right) => atoms.nodes[left]! - atoms.nodes[right]!)
}

function found(
  { snapshot }: World,
  subject: SubjectRef,
  node: number,
  answer: Pick<FoundObject, 'permissionship' | 'missing'>,
): FoundObject {
  return { key: Math.max(0, node), id: node > 0 ? snapshot.nodeId(node) : subject.id, ...answer }
}
