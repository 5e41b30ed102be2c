// Explanations of cyclic worlds: a proof rests on rows that do not rest on themselves, and a reason fits.

import { expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import { finish, say, worldOf } from '../property/cardea-systems.ts'
import { judgeExplanation } from '../property/judge-explanation.ts'
import { describeCase, describeQuestion } from '../reference/questions.ts'
import { clubQuestions, clubWorlds } from './club-worlds.ts'

const groups = Array.from({ length: 12 }, (_, at) => at)

test.each(groups)('world %i', async (at) => {
  const each = clubWorlds[at]!
  const world = await worldOf(each)
  const engine = createEngine()
  for (const question of clubQuestions.filter((_, place) => (place + at) % 3 === 0)) {
    const answer = await say(() => finish(engine.check(world, question, each.nowMs), 1000))
    if (answer.error !== undefined || (answer.value.permissionship === 'no' && question.subject.id !== 'ann'))
      continue
    const said = await say(() => finish(engine.explain(world, question, each.nowMs), at % 2 === 0 ? 1000 : 1))
    const complaint = judgeExplanation(each, question, said)
    if (complaint !== undefined)
      expect.fail(`${complaint}\n${describeQuestion(question)}\n${describeCase(each)}`)
  }
})
