// Evidence in bulk: what many answers of one call rest on.

import type { Evidence, Question } from '../model/decision.ts'
import type { CardeaError } from '../model/errors.ts'
import { bulkOf, type SharedSubject } from './bulk.ts'
import type { FastPaths } from './check.ts'
import type { EngineLimits, Evaluation } from './engine.ts'
import { Explaining } from './explain.ts'
import { evaluationOf } from './paused-work.ts'
import type { Found } from './shared-reach.ts'
import type { World } from './world.ts'

/** Like bulk checks, with the proof of each yes and the reason of each other answer. */
export function evidenceBulk(
  world: World,
  questions: readonly Question[],
  nowMs: number,
  limits: EngineLimits,
  paths: FastPaths,
): Evaluation<readonly (Evidence | CardeaError)[]> {
  return bulkOf(world, questions, nowMs, limits, paths, {
    byReach,
    evaluation: (question, budget) =>
      evaluationOf(budget, new Explaining(world, question, nowMs, budget).evidence()),
    // An explanation by itself takes longer than room for what many share.
    stepsApart: 0,
    // From the subject's side it would be known that there is a path, but not which.
    wideRows: Number.POSITIVE_INFINITY,
  })
}

const none: readonly never[] = []

/** Where a proof is not known to be all needed, or a condition stood in the way, only an explanation can tell. */
function byReach(found: Found, question: Question, shared: SharedSubject): Evidence | undefined {
  if (found === 'no') {
    const { resource, permission } = question
    const reason = { kind: 'no_path', resource, name: permission, via: none, missing: none } as const
    return { permissionship: 'no', missing: none, proof: none, absences: none, reason }
  }
  const proof = found === 'yes' ? shared.proof(question) : undefined
  return proof && { permissionship: 'has', missing: none, proof, absences: none }
}
