// Bulk checks: many questions of one call, answered one after the other.

import type { Answer, Question } from '../model/decision.ts'
import type { CardeaError } from '../model/errors.ts'
import { bulkOf } from './bulk.ts'
import { Check, type FastPaths, has, hasNot } from './check.ts'
import { Conditions } from './conditions.ts'
import type { EngineLimits, Evaluation } from './engine.ts'
import type { Found } from './shared-reach.ts'
import { subjectSeen, unseenResource } from './subject.ts'
import type { World } from './world.ts'

/** Answers in the order of the questions. Each question has the request's limits for itself. */
export function checkBulk(
  world: World,
  questions: readonly Question[],
  nowMs: number,
  limits: EngineLimits,
  paths: FastPaths,
): Evaluation<readonly (Answer | CardeaError)[]> {
  const { snapshot, plans } = world
  // Most questions have no context.
  const conditions = new Conditions(snapshot, plans, undefined, nowMs)
  return bulkOf(world, questions, nowMs, limits, paths, {
    byReach,
    evaluation(question, budget, resourceKey, subjectKey) {
      const { resource, subject, context } = question
      const type = snapshot.nameId(subject.type)
      return new Check(world, question, nowMs, budget, paths, {
        node: resourceKey === 0 ? unseenResource : resourceKey,
        subject: subjectSeen(snapshot, plans, resource, subject, type, subjectKey),
        conditions: context === undefined ? conditions : undefined,
      })
    },
    stepsApart: paths.stepsApart,
    wideRows: paths.wideRows,
  })
}

function byReach(found: Found): Answer | undefined {
  if (found === 'yes') return has
  return found === 'uncertain' ? undefined : hasNot
}
