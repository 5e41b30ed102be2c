// Cycles of every length, through exclusions, conditions and all-arrows, held against the reference evaluator.

import { describe, expect, test } from 'vitest'
import { engineSystem } from '../property/cardea-systems.ts'
import { expectAgreement, referenceOf } from '../property/run-cases.ts'
import { clubQuestions as questions, clubWorlds as worlds } from './club-worlds.ts'

describe('clubs that admit and reject each other', () => {
  const groups = Array.from({ length: 18 }, (_, at) => at)

  test.each(groups)('worlds %i', async (group) => {
    const system = engineSystem({ steps: group % 2 === 0 ? 1_000_000 : 3, items: 1, reach: true })
    for (const world of worlds.slice(group * 2, group * 2 + 2))
      await expectAgreement(system, world, questions)
    await system.close()
  })

  test('have answers of every kind', () => {
    const answers = new Map<string, number>()
    for (const world of worlds) {
      for (const { resource, permission, subject, context } of questions.filter((_, at) => at % 4 === 0)) {
        const verdict = referenceOf(world).check(resource, permission, subject, context)
        const answer = verdict.kind === 'decided' ? verdict.permissionship : verdict.because
        answers.set(answer, (answers.get(answer) ?? 0) + 1)
      }
    }
    for (const answer of ['has', 'no', 'conditional', 'cycle'])
      expect(answers.get(answer), answer).toBeGreaterThan(10)
  })
})
