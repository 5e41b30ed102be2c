// Bulk checks: many questions of one call, sharing what the same subject's have in common.

import { canonicalJson } from '../model/canonical-json.ts'
import type { Answer, Question } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import { Budget } from './budget.ts'
import { Check, type FastPaths } from './check.ts'
import type { EngineLimits, Evaluation } from './engine.ts'
import { evaluationOf, type Work } from './paused-work.ts'
import type { World } from './world.ts'

/** Answers in the order of the questions. Equal questions are asked once. Each has the request's limits for itself. */
export function checkBulk(
  world: World,
  questions: readonly Question[],
  nowMs: number,
  limits: EngineLimits,
  paths: FastPaths,
): Evaluation<readonly (Answer | CardeaError)[]> {
  const total = new Budget({ ...limits, maxSteps: Number.MAX_SAFE_INTEGER })
  return evaluationOf(total, bulkWork(world, questions, nowMs, limits, paths, total))
}

function* bulkWork(
  world: World,
  questions: readonly Question[],
  nowMs: number,
  limits: EngineLimits,
  paths: FastPaths,
  total: Budget,
): Work<readonly (Answer | CardeaError)[]> {
  const known = new Map<string, Answer | CardeaError>()
  const answers: (Answer | CardeaError)[] = []
  for (const question of questions) {
    const key = keyOf(question)
    let answer = known.get(key)
    if (answer === undefined) {
      answer = yield* oneOf(world, question, nowMs, limits, paths, total)
      known.set(key, answer)
    }
    answers.push(answer)
  }
  return answers
}

function* oneOf(
  world: World,
  question: Question,
  nowMs: number,
  limits: EngineLimits,
  paths: FastPaths,
  total: Budget,
): Work<Answer | CardeaError> {
  const budget = new Budget(limits)
  try {
    const check = new Check(world, question, nowMs, budget, paths)
    for (;;) {
      const before = budget.steps
      const answer = check.run(4096)
      total.steps += 1 + budget.steps - before
      if (total.spent) yield
      if (answer !== undefined) return answer
    }
  } catch (error) {
    return CardeaError.from(error)
  } finally {
    total.absorb(budget)
  }
}

/** Structured, so that no two different questions share a key. */
function keyOf({ resource, permission, subject, context }: Question): string {
  const names = [resource.type, resource.id, permission, subject.type, subject.id, subject.relation]
  return context === undefined ? JSON.stringify(names) : `${JSON.stringify(names)}${canonicalJson(context)}`
}
