// Bulk checks: many questions of one call, answered one after the other.

import type { Answer, Question } from '../model/decision.ts'
import type { CardeaError } from '../model/errors.ts'
import { type BulkQuestion, bulkOf, type SharedSubject } from './bulk.ts'
import { Check, type FastPaths, has, hasNot } from './check.ts'
import type { EngineLimits, Evaluation } from './engine.ts'
import { evaluationOf, type Work } from './paused-work.ts'
import type { World } from './world.ts'

/** Answers in the order of the questions. Each question has the request's limits for itself. */
export function checkBulk(
  world: World,
  questions: readonly Question[],
  nowMs: number,
  limits: EngineLimits,
  paths: FastPaths,
): Evaluation<readonly (Answer | CardeaError)[]> {
  return bulkOf(world, questions, nowMs, limits, paths, (asked) => {
    const { question, budget, shared } = asked
    if (shared === undefined) return new Check(world, question, nowMs, budget, paths)
    return evaluationOf(budget, sharedCheck(asked, shared))
  })
}

function* sharedCheck(asked: BulkQuestion, shared: SharedSubject): Work<Answer> {
  const { world, question, nowMs, budget, paths } = asked
  const found = yield* shared.find(question, budget)
  if (found === 'yes') return has
  if (found === 'no' || found === 'refused') return hasNot
  const check = new Check(world, question, nowMs, budget, paths)
  for (;;) {
    const answer = check.advance()
    if (answer !== undefined) return answer
    yield
  }
}
