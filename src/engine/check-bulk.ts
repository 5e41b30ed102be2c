// Bulk checks: many questions of one call, answered one after the other.

import type { Answer, Question } from '../model/decision.ts'
import type { CardeaError } from '../model/errors.ts'
import { type BulkQuestion, bulkOf } from './bulk.ts'
import { Check, type FastPaths, has, hasNot } from './check.ts'
import type { EngineLimits, Evaluation } from './engine.ts'
import type { Work } from './paused-work.ts'
import type { World } from './world.ts'

/** Answers in the order of the questions. Equal questions are asked once. Each has the request's limits for itself. */
export function checkBulk(
  world: World,
  questions: readonly Question[],
  nowMs: number,
  limits: EngineLimits,
  paths: FastPaths,
): Evaluation<readonly (Answer | CardeaError)[]> {
  return bulkOf(world, questions, nowMs, limits, paths, checkOne)
}

function* checkOne({ world, question, nowMs, budget, paths, shared }: BulkQuestion): Work<Answer> {
  const found = shared && (yield* shared.find(question, budget))
  if (found === 'yes') return has
  if (found === 'no' || found === 'refused') return hasNot
  const check = new Check(world, question, nowMs, budget, paths)
  for (;;) {
    const answer = check.advance()
    if (answer !== undefined) return answer
    yield
  }
}
