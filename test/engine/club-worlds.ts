// Clubs: random worlds with cycles of every length, through exclusions, conditions and all-arrows.

import fc from 'fast-check'
import type { JsonObject } from '../../src/model/context.ts'
import { parseSubject } from '../../src/model/relationship-text.ts'
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

/** The same in every run. */
export const clubWorlds: readonly Case[] = fc
  .sample(rows, { seed: 20261122, numRuns: 36 })
  .map((each) => ({ ...caseOf(schema, each), contexts }))
export const clubQuestions: readonly CheckQuestion[] = questionsOf([...clubs, 'nowhere'])
