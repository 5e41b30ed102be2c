// Cycles of every length, through exclusions, conditions and all-arrows, held against the reference evaluator.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../../src/model/context.ts'
import { parseSubject } from '../../src/model/relationship-text.ts'
import { engineSystem } from '../property/cardea-systems.ts'
import { expectAgreement, referenceOf } from '../property/run-cases.ts'
import { type Case, caseOf } from '../reference/generate.ts'
import type { CheckQuestion } from '../reference/questions.ts'

const schema = `use self
caveat switched_on(flag bool) { flag }
definition club {
  relation applicant: user | user with switched_on | club#member
  relation partner: club | club with switched_on
  relation rejected: club | club with switched_on
  permission member = (applicant + partner->member) - rejected->member
  permission unanimous = partner.all(member)
  permission both = partner->applicant & member
  permission itself = self - rejected->member
}
definition user {}`

const clubs = ['a', 'b', 'c', 'd', 'e']
const conditions = ['', '', '[switched_on]', '[switched_on]', '[switched_on:{"flag":false}]']

const rows = fc
  .array(
    fc.record({
      club: fc.constantFrom(...clubs),
      place: fc.constantFrom('applicant', 'partner', 'partner', 'rejected', 'rejected'),
      subject: fc.constantFrom(...clubs, 'ann', 'ann', 'bob'),
      condition: fc.constantFrom(...conditions),
    }),
    { minLength: 12, maxLength: 22, size: 'max' },
  )
  .map((drawn) => {
    const found = new Map<string, string>()
    for (const { club, place, subject, condition } of drawn) {
      const isUser = !clubs.includes(subject)
      if (place !== 'applicant' && isUser) continue
      const named =
        place !== 'applicant' ? `club:${subject}` : isUser ? `user:${subject}` : `club:${subject}#member`
      const allowed = named.endsWith('#member') ? '' : condition
      found.set(`club:${club}#${place}@${named}`, `club:${club}#${place}@${named}${allowed}`)
    }
    return [...found.values()]
  })

const permissions = ['member', 'unanimous', 'both', 'itself']
const subjects = ['user:ann', 'user:bob', 'club:c#member', 'club:d', 'club:nowhere']
const contexts: readonly JsonObject[] = [{}, { flag: true }, { flag: false }]

function questionsOf(ids: readonly string[]): CheckQuestion[] {
  return ids.flatMap((id) =>
    permissions.flatMap((permission) =>
      subjects.flatMap((subject) =>
        contexts.map((context): CheckQuestion => {
          const resource = { type: 'club', id }
          return { kind: 'check', resource, permission, subject: parseSubject(subject), context }
        }),
      ),
    ),
  )
}

const worlds: readonly Case[] = fc
  .sample(rows, { seed: 20261122, numRuns: 36 })
  .map((each) => ({ ...caseOf(schema, each), contexts }))
const questions = questionsOf([...clubs, 'nowhere'])

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
