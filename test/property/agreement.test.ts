// The engine and the authorizer say what the reference evaluator says, whatever the question, the step and the page.

import { afterAll, describe, expect, test } from 'vitest'
import { judge } from '../reference/compare.ts'
import { reach } from '../reference/dependencies.ts'
import type { Case } from '../reference/generate.ts'
import {
  checksOf,
  expansionsOf,
  nodesOf,
  resourceLookupsOf,
  subjectLookupsOf,
} from '../reference/questions.ts'
import type { System } from '../reference/system.ts'
import { authorizerSystem, engineSystem } from './cardea-systems.ts'
import { monotone } from './monotone.ts'
import { expectAgreement, failSmall, randomCases, referenceOf } from './run-cases.ts'

const systems: readonly (readonly [System, number])[] = [
  [engineSystem({ steps: 1_000_000, items: 1_000_000, reach: true }), 40],
  [engineSystem({ steps: 1_000_000, items: 1_000_000, reach: false }), 20],
  [engineSystem({ steps: 1, items: 1, reach: true }), 15],
  [engineSystem({ steps: 7, items: 2, reach: false }), 10],
  [authorizerSystem({ pageSize: 0 }), 15],
  [authorizerSystem({ pageSize: 1 }), 10],
  [authorizerSystem({ pageSize: 3 }), 10],
]

/** Trees of cyclic data have no end; everything else is asked of every node. */
function finiteExpansionsOf(each: Case) {
  return expansionsOf(each).filter(
    ({ resource, permission }) => !reach(each, [{ object: resource, name: permission }]).cyclic,
  )
}

describe.each(systems.map(([system, count], at) => ({ name: system.name, system, count, salt: at })))(
  '$name',
  ({ system, count, salt }) => {
    const cases = randomCases(count, salt)
    afterAll(() => system.close())

    test('check', async () => {
      for (const each of cases) await expectAgreement(system, each, checksOf(each))
    })

    test('bulk check', async () => {
      for (const each of cases) {
        const questions = checksOf(each)
        const reference = referenceOf(each)
        await system.load(each)
        const answers = await system.checkBulk(questions)
        for (const [at, question] of questions.entries()) {
          if (judge(reference, question, answers[at]!, 'exact') === undefined) continue
          await failSmall({ case: each, question }, async (candidate) => {
            await system.load(candidate.case)
            const [said] = await system.checkBulk([candidate.question])
            return judge(referenceOf(candidate.case), candidate.question, said!, 'exact')
          })
        }
      }
    })

    test('lookup of resources', async () => {
      for (const each of cases) await expectAgreement(system, each, resourceLookupsOf(each))
    })

    test('lookup of subjects', async () => {
      for (const each of cases) await expectAgreement(system, each, subjectLookupsOf(each))
    })

    test('expand', async () => {
      for (const each of cases) await expectAgreement(system, each, finiteExpansionsOf(each))
    })
  },
  300_000,
)

describe('reachability alone', () => {
  const cases = randomCases(60, 60).flatMap((each) => monotone(each) ?? [])

  test.each([
    { wideRows: 64, stepsApart: 0 },
    { wideRows: 1, stepsApart: 0 },
    // Questions about one subject begin to share when some of them are answered.
    { wideRows: 64, stepsApart: 20 },
    { wideRows: 64, stepsApart: 1000 },
  ])('with paths %o', async (paths) => {
    const system = engineSystem({ steps: 100, items: 10, reach: true, ...paths })
    for (const each of cases) {
      await expectAgreement(system, each, checksOf(each))
      // In bulk each subject is asked about often enough for its questions to share what they find.
      await system.load(each)
      const questions = checksOf(each)
      const answers = await system.checkBulk(questions)
      for (const [at, question] of questions.entries())
        expect(judge(referenceOf(each), question, answers[at]!, 'exact')).toBeUndefined()
    }
    await system.close()
  })
})

describe('the order of rows', () => {
  const system = engineSystem({ steps: 100, items: 10, reach: true })
  const cyclic = randomCases(60, 50).filter((each) => {
    const members = nodesOf(each).map(({ resource, permission }) => ({ object: resource, name: permission }))
    return reach(each, members).cyclic
  })

  test('does not matter to cyclic data', async () => {
    expect(cyclic.length).toBeGreaterThan(4)
    for (const each of cyclic) {
      const rows = each.relationships
      const interleaved = rows.filter((_, at) => at % 2 === 1).concat(rows.filter((_, at) => at % 2 === 0))
      for (const relationships of [[...rows].reverse(), interleaved]) {
        const turned = { ...each, relationships }
        await expectAgreement(system, turned, checksOf(turned))
        await expectAgreement(system, turned, resourceLookupsOf(turned))
      }
    }
  }, 300_000)
})
