// Explanations where exclusions, `.all` and conditions meet: every yes and every no of small clubs, judged by the reference evaluator.

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { JsonObject } from '../../src/model/context.ts'
import { parseSubject } from '../../src/model/relationship-text.ts'
import { caseOf } from '../reference/generate.ts'
import { type CheckQuestion, describeCase, describeQuestion } from '../reference/questions.ts'
import { finish, say, worldOf } from './cardea-systems.ts'
import { judgeExplanation } from './judge-explanation.ts'

const schema = `caveat switched_on(flag bool) { flag }
caveat in_zone(zone string) { zone == "utc" || zone.startsWith("eu/") }
definition user {}
definition club {
  relation applicant: user | user with switched_on | user with in_zone | user:* | club#member | club#member with switched_on
  relation partner: club | club with switched_on | club with in_zone
  relation rejected: club | club with switched_on | user
  permission member = (applicant + partner->member) - rejected->member
  permission first = applicant - partner.all(member)
  permission second = applicant - (partner->applicant - rejected.all(member))
  permission third = applicant - (rejected->applicant & partner.all(first))
  permission fourth = (applicant & partner->first) - rejected.all(second)
  permission fifth = partner.all(fourth) + (applicant - (first + second))
}`
const permissions = ['applicant', 'member', 'first', 'second', 'third', 'fourth', 'fifth']
const clubs = ['a', 'b', 'c']
const contexts: readonly JsonObject[] = [{}, { flag: true }, { flag: false, zone: 'utc' }]
const switches = ['', '', '[switched_on]', '[switched_on:{"flag":false}]', '[switched_on:{"flag":true}]']
const caseCount = 12

const club = fc.constantFrom(...clubs)
const condition = fc.constantFrom(...switches)
/** Subjects with the conditions that the relation allows for them. */
const applicant = fc.oneof(
  fc.tuple(fc.constant('user:ann'), fc.constantFrom(...switches, '[in_zone]')),
  fc.tuple(fc.constant('user:*'), fc.constant('')),
  fc.tuple(
    club.map((id) => `club:${id}#member`),
    condition,
  ),
)
const partner = fc.tuple(
  club.map((id) => `club:${id}`),
  fc.constantFrom(...switches, '[in_zone]'),
)
const rejected = fc.oneof(
  fc.tuple(fc.constant('user:ann'), fc.constant('')),
  fc.tuple(
    club.map((id) => `club:${id}`),
    condition,
  ),
)
const row = fc.oneof(
  ...Object.entries({ applicant, partner, rejected }).map(([relation, subject]) =>
    fc.tuple(club, subject).map(([id, [named, when]]) => [`club:${id}#${relation}@${named}`, when] as const),
  ),
)
/** The last of two that differ in their condition alone. */
const rows = fc
  .array(row, { minLength: 4, maxLength: 11, size: 'max' })
  .map((drawn) => [...new Map(drawn)].map(([text, when]) => text + when))

test('every explanation rests on what it says', async () => {
  const engine = createEngine()
  for (const drawn of fc.sample(rows, { seed: 20261122, numRuns: caseCount })) {
    const each = caseOf(schema, drawn)
    const world = await worldOf(each)
    for (const id of clubs) {
      for (const permission of permissions) {
        for (const subject of ['user:ann', 'club:b#member']) {
          for (const context of contexts) {
            const question: CheckQuestion = {
              kind: 'check',
              resource: { type: 'club', id },
              permission,
              subject: parseSubject(subject),
              context,
            }
            const said = await say(() => finish(engine.explain(world, question, each.nowMs), 1000))
            const place = `${describeQuestion(question)}\n${describeCase(each)}`
            expect(judgeExplanation(each, question, said), place).toBeUndefined()
          }
        }
      }
    }
  }
})
