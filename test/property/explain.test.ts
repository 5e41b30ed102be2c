// Explanations hold what they say: a proof grants alone and nothing in it is idle; a reason fits the denial.

import { describe, expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { Explanation } from '../../src/model/decision.ts'
import type { Relationship } from '../../src/model/relationship.ts'
import type { Expression } from '../../src/model/schema.ts'
import { reach, reachInSchema } from '../reference/dependencies.ts'
import type { Case } from '../reference/generate.ts'
import { namesIn } from '../reference/minimise.ts'
import {
  type CheckQuestion,
  checksOf,
  describeCase,
  describeQuestion,
  type Said,
} from '../reference/questions.ts'
import { finish, say, worldOf } from './cardea-systems.ts'
import { answersHas, fewOf, has, judgeExplanation, list } from './judge-explanation.ts'
import { rowKey } from './row-key.ts'
import { failSmall, randomCases, referenceOf } from './run-cases.ts'

const engine = createEngine()

async function explained(each: Case, question: CheckQuestion): Promise<Said<Explanation>> {
  const world = await worldOf(each)
  return say(() => finish(engine.explain(world, question, each.nowMs), 1000))
}

describe('explain', () => {
  test('proofs and reasons of random questions', async () => {
    let proofs = 0
    const reasons = new Set<string>()
    for (const each of randomCases(80, 100)) {
      const world = await worldOf(each)
      for (const question of fewOf(each, 8)) {
        const said = await say(() => finish(engine.explain(world, question, each.nowMs), 1000))
        const complaint = judgeExplanation(each, question, said)
        if (complaint === undefined) {
          if (said.error === undefined && said.value.proof.length > 0) proofs += 1
          if (said.error === undefined && said.value.reason) reasons.add(said.value.reason.kind)
          continue
        }
        await failSmall({ case: each, question }, async (candidate) =>
          judgeExplanation(
            candidate.case,
            candidate.question,
            await explained(candidate.case, candidate.question),
          ),
        )
      }
    }
    expect(proofs).toBeGreaterThan(50)
    expect([...reasons].sort()).toEqual([
      'blocked_by_exclusion',
      'condition_false',
      'context_missing',
      'no_path',
    ])
  }, 300_000)

  test('a proof stays enough while other rows come, as long as its absences hold', async () => {
    let held = 0
    for (const each of randomCases(60, 101)) {
      const world = await worldOf(each)
      for (const question of excludingOf(each, 12)) {
        const said = await say(() => finish(engine.explain(world, question, each.nowMs), 1000))
        if (said.error !== undefined || said.value.permissionship !== 'has') continue
        for (const share of [1, 2, 3]) {
          const more = withMore(each, said.value.proof, share)
          if (!holdAbsences(more, question, said.value)) continue
          if (more.relationships.length > said.value.proof.length && said.value.absences.length > 0) held += 1
          const told = `${describeQuestion(question)}\nproof ${list(said.value.proof)}\n${describeCase(more)}`
          expect(has(referenceOf(more).world, question) ? '' : told).toBe('')
        }
      }
    }
    expect(held).toBeGreaterThan(25)
  }, 300_000)
})

/** Questions answered "has" over an exclusion whose absences can be said. */
function excludingOf(each: Case, count: number): CheckQuestion[] {
  const reference = referenceOf(each)
  const found: CheckQuestion[] = []
  for (const question of checksOf(each)) {
    if (found.length === count) break
    const { features } = reach(each, [{ object: question.resource, name: question.permission }])
    // What a row of `.all` demands can't be said as an absence, nor can what takes away from what is taken away.
    if (!features.has('exclusion') || features.has('arrow .all') || subtractsTwice(each, question)) continue
    if (answersHas(reference, question)) found.push(question)
  }
  return found
}

/** The case with the proof's rows and every `share`-th of the others. */
function withMore(each: Case, proof: readonly Relationship[], share: number): Case {
  const kept = new Set(proof.map(rowKey))
  const relationships = each.relationships.filter((row, at) => at % share === 0 || kept.has(rowKey(row)))
  return { ...each, relationships }
}

function holdAbsences(each: Case, question: CheckQuestion, { absences }: Explanation): boolean {
  const reference = referenceOf(each)
  return absences.every(({ resource, permission, subject }) => {
    const verdict = reference.check(resource, permission, subject, question.context)
    return verdict.kind === 'decided' && verdict.permissionship === 'no'
  })
}

/** Whether the question can meet an exclusion inside of what an exclusion subtracts. */
function subtractsTwice({ schema }: Case, { resource, permission }: CheckQuestion): boolean {
  const expressionsOf = (members: Iterable<string>) =>
    [...members].flatMap((member) => {
      const [type, name] = member.split('#') as [string, string]
      const expression = schema.definitions.get(type)?.permissions.get(name)?.expression
      return expression === undefined ? [] : [{ type, expression }]
    })
  return expressionsOf(reachInSchema(schema, resource.type, permission)).some(({ type, expression }) =>
    subtractedIn(expression).some((subtracted) => {
      const reached = namesIn(subtracted).flatMap((name) => [...reachInSchema(schema, type, name)])
      const inside = [subtracted, ...expressionsOf(reached).map((each) => each.expression)]
      return inside.some((each) => subtractedIn(each).length > 0)
    }),
  )
}

function subtractedIn(expression: Expression): Expression[] {
  if (expression.kind === 'exclusion') {
    const { base, subtracted } = expression
    return [subtracted, ...subtractedIn(base), ...subtractedIn(subtracted)]
  }
  return 'operands' in expression ? expression.operands.flatMap(subtractedIn) : []
}
