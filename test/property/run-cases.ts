// Runs a property over random cases; a failing question is made small before it is reported.

import fc from 'fast-check'
import { judgeByTable } from '../reference/caveat-tables.ts'
import { ask, judge } from '../reference/compare.ts'
import { ReferenceEvaluator } from '../reference/evaluator.ts'
import { type Case, caseArbitrary } from '../reference/generate.ts'
import type { Complaint } from '../reference/judge.ts'
import { type Asked, minimise } from '../reference/minimise.ts'
import { type AnyQuestion, describeCase, describeQuestion } from '../reference/questions.ts'
import type { System } from '../reference/system.ts'

/** CARDEA_RUNS multiplies the number of random cases: 1 by default, 20 for a long night. */
const factor = Number(process.env.CARDEA_RUNS ?? 1)
/** CARDEA_SEED picks other cases than the fixed ones. */
const seed = Number(process.env.CARDEA_SEED ?? 20261121)

/** Random cases, the same in every run unless the environment says otherwise. */
export function randomCases(count: number, salt: number): Case[] {
  return fc.sample(caseArbitrary(), { seed: seed + salt * 7919, numRuns: Math.ceil(count * factor) })
}

export function referenceOf(each: Case): ReferenceEvaluator {
  return new ReferenceEvaluator({ ...each, judgeCaveat: judgeByTable })
}

/** Fails with the smallest case on which `complain` still complains. */
export async function failSmall<Question extends AnyQuestion>(
  asked: Asked<Question>,
  complain: (asked: Asked<Question>) => Promise<Complaint>,
): Promise<never> {
  const smallest = await minimise(asked, async (candidate) => (await complain(candidate)) !== undefined)
  const complaint = await complain(smallest)
  throw new Error(
    `${complaint ?? 'not repeatable on its own'}\n${describeQuestion(smallest.question)}\n\n${describeCase(smallest.case)}`,
  )
}

/** Asks a system every question of a kind about a case and holds its answers against the reference. */
export async function expectAgreement<Question extends AnyQuestion>(
  system: System,
  each: Case,
  questions: readonly Question[],
): Promise<void> {
  const reference = referenceOf(each)
  await system.load(each)
  for (const question of questions) {
    const complaint = judge(reference, question, await ask(system, question), 'exact')
    if (complaint === undefined) continue
    await failSmall({ case: each, question }, async (candidate) => {
      await system.load(candidate.case)
      const said = await ask(system, candidate.question)
      return judge(referenceOf(candidate.case), candidate.question, said, 'exact')
    })
  }
}
