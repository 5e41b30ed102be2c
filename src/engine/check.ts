// Check: one question, by reach where that can answer, by the solver where it cannot.

import type { Answer, Question } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import { Budget } from './budget.ts'
import { Conditions } from './conditions.ts'
import type { EngineLimits, Evaluation } from './engine.ts'
import { evaluationOf, type Work } from './paused-work.ts'
import type { MemberPlan, Plans } from './plans.ts'
import { Reach } from './reach.ts'
import { Solver } from './solver.ts'
import { resolve } from './subject.ts'
import { no, type Truth, type Truths, yes } from './truth.ts'
import type { World } from './world.ts'

/** Paths that can be turned off, so that tests can compare what they answer with the general one. */
export interface FastPaths {
  /** Answer monotone members by reachability. Default true. */
  readonly reach: boolean
}

const has: Answer = { permissionship: 'has', missing: [] }
const hasNot: Answer = { permissionship: 'no', missing: [] }

/** The answer for a truth; throws the error on which it depends. */
export function answerOf(truth: Truth, truths: Truths): Answer {
  if (truth === yes) return has
  return truth === no ? hasNot : { permissionship: 'conditional', missing: truths.missingNames(truth) }
}

/** The member asked about. The authorizer has checked that it exists; UNKNOWN_RELATION_OR_PERMISSION if it did not. */
export function memberOf(plans: Plans, type: string, name: string): MemberPlan {
  const member = plans.find(type, name)
  if (member !== undefined) return member
  throw new CardeaError(
    'UNKNOWN_RELATION_OR_PERMISSION',
    `Definition ${JSON.stringify(type)} has no relation or permission ${JSON.stringify(name)}.`,
    { definition_name: type, relation_or_permission_name: name },
  )
}

export function check(
  world: World,
  question: Question,
  nowMs: number,
  limits: EngineLimits,
  paths: FastPaths,
): Evaluation<Answer> {
  const budget = new Budget(limits)
  return evaluationOf(budget, checkWork(world, question, nowMs, budget, paths))
}

/** The work of one check on a budget that it may share with others. */
export function* checkWork(
  world: World,
  question: Question,
  nowMs: number,
  budget: Budget,
  paths: FastPaths,
): Work<Answer> {
  const { snapshot, plans } = world
  const member = memberOf(plans, question.resource.type, question.permission)
  const { node, subject } = resolve(snapshot, plans, question.resource, question.subject)
  const conditions = new Conditions(snapshot, plans, question.context, nowMs)
  if (paths.reach && member.monotone) {
    const reach = new Reach(world, node, member.id, subject, conditions, budget)
    let reached = reach.run()
    while (reached === undefined) {
      yield
      reached = reach.run()
    }
    if (reached !== 'uncertain') return reached === 'yes' ? has : hasNot
  }
  const solver = new Solver(world, subject, conditions, budget)
  return answerOf(yield* solver.solve(node, member.id), conditions.truths)
}
