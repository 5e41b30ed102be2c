// Evidence in bulk holds what it says, whatever the questions before it have found out.

import { expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { Evidence } from '../../src/model/decision.ts'
import { CardeaError } from '../../src/model/errors.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import type { Case } from '../reference/generate.ts'
import { printSchema } from '../reference/print-schema.ts'
import {
  type CheckQuestion,
  checksOf,
  describeCase,
  describeQuestion,
  type Said,
} from '../reference/questions.ts'
import { relax } from '../reference/relax.ts'
import { finish, worldOf } from './cardea-systems.ts'
import { judgeEvidence } from './judge-explanation.ts'
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

/** The same case with nothing that takes away, so that every answer is a matter of reachability and conditions. */
function monotone(each: Case): Case {
  const relaxed = relax(each.schema, { exclusion: true, intersection: true })
  const { schema } = compileSchema(printSchema(relaxed))
  if (schema === undefined) throw new Error(`A relaxed schema does not compile.\n${describeCase(each)}`)
  return { ...each, schema }
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
      const each = number % 4 === 0 ? drawn : monotone(drawn)
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
