// Evidence in bulk holds what it says, whatever the questions before it have found out.

import { expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { Evidence } from '../../src/model/decision.ts'
import { CardeaError } from '../../src/model/errors.ts'
import type { Case } from '../reference/generate.ts'
import {
  type CheckQuestion,
  checksOf,
  describeCase,
  describeQuestion,
  type Said,
} from '../reference/questions.ts'
import { finish, worldOf } from './cardea-systems.ts'
import { judgeEvidence } from './judge-explanation.ts'
import { monotone } from './monotone.ts'
import { randomCases } from './run-cases.ts'

async function evidenceOf(
  each: Case,
  questions: readonly CheckQuestion[],
  steps: number,
  reach: boolean,
): Promise<readonly Said<Evidence>[]> {
  const evaluation = createEngine({}, { reach }).evidenceBulk(await worldOf(each), questions, each.nowMs)
  return finish(evaluation, steps).map((answer) =>
    answer instanceof CardeaError ? { error: answer.code } : { value: answer },
  )
}

test.each([
  { steps: 1_000_000, reach: true, count: 20 },
  { steps: 1, reach: true, count: 8 },
  { steps: 1000, reach: false, count: 4 },
])(
  'random questions, all at once, in slices of $steps steps, fast paths: $reach',
  async (options) => {
    let proofs = 0
    for (const [number, drawn] of randomCases(options.count, 7000 + options.steps).entries()) {
      const each = (number % 4 > 0 && monotone(drawn)) || drawn
      // Neighbours in this order ask about different subjects, so that what is shared is taken up again and again.
      const questions = checksOf(each).filter((_, at) => at % 3 === 0)
      const said = await evidenceOf(each, questions, options.steps, options.reach)
      questions.forEach((question, at) => {
        const answer = said[at]!
        const complaint = judgeEvidence(each, question, answer)
        if (complaint !== undefined)
          expect.fail(`${complaint}\n${describeQuestion(question)}\n${describeCase(each)}`)
        if (answer.error === undefined && answer.value.proof.length > 1) proofs += 1
      })
    }
    expect(proofs).toBeGreaterThan(options.count * 2)
  },
  300_000,
)
