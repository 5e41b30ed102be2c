// Evidence in bulk: what many answers of one call rest on.

import type { Evidence, Question } from '../model/decision.ts'
import type { CardeaError } from '../model/errors.ts'
import { type BulkQuestion, bulkOf } from './bulk.ts'
import { type FastPaths, has, hasNot } from './check.ts'
import type { EngineLimits, Evaluation } from './engine.ts'
import { Explaining } from './explain.ts'
import { evaluationOf, type Work } from './paused-work.ts'
import type { World } from './world.ts'

/** Like bulk checks, with the proof of each yes and the reason of each other answer. */
export function evidenceBulk(
  world: World,
  questions: readonly Question[],
  nowMs: number,
  limits: EngineLimits,
  paths: FastPaths,
): Evaluation<readonly (Evidence | CardeaError)[]> {
  return bulkOf(world, questions, nowMs, limits, paths, (asked) =>
    evaluationOf(asked.budget, evidenceOf(asked)),
  )
}

function* evidenceOf({ world, question, nowMs, budget, shared }: BulkQuestion): Work<Evidence> {
  const found = shared && (yield* shared.find(question, budget))
  if (found === 'no') {
    const { resource, permission } = question
    const reason = { kind: 'no_path', resource, name: permission, via: [], missing: [] } as const
    return { ...hasNot, proof: [], absences: [], reason }
  }
  const proof = found === 'yes' ? shared?.proof() : undefined
  if (proof === undefined) return yield* new Explaining(world, question, nowMs, budget).evidence()
  return { ...has, proof, absences: [] }
}
