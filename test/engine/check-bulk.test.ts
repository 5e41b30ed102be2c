// Bulk checks: questions share what they find about one subject in one context, and nothing beyond that.

import { expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { JsonObject } from '../../src/model/context.ts'
import type { Answer } from '../../src/model/decision.ts'
import { finish, worldOf } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'
import { worldOf as openWorld, questionOf } from './world-of.ts'

const each = caseOf(
  `caveat allowed(level int) { level > 3 }
definition user {}
definition group {
  relation member: user with allowed | user | group#member
}
definition document {
  relation viewer: user | group#member | group
  permission view = viewer
}`,
  [
    'group:maybe#member@user:x[allowed]',
    'group:sure#member@group:x#member',
    'document:a#viewer@group:maybe#member',
    'document:b#viewer@group:sure#member',
    'document:c#viewer@group:x',
    'document:d#viewer@user:x',
  ],
)
const documents = ['a', 'b', 'c', 'd']
const of = (subject: string, context?: JsonObject) =>
  documents.map((id) => questionOf(`document:${id}#view@${subject}`, context))

const asked = [
  { questions: of('user:x', { level: 4 }), expected: ['has', 'no', 'no', 'has'] },
  { questions: of('user:x', { level: 3 }), expected: ['no', 'no', 'no', 'has'] },
  { questions: of('user:x'), expected: ['conditional', 'no', 'no', 'has'] },
  { questions: of('user:x', {}), expected: ['conditional', 'no', 'no', 'has'] },
  { questions: of('group:x#member'), expected: ['no', 'has', 'no', 'no'] },
  { questions: of('group:x'), expected: ['no', 'no', 'has', 'no'] },
]

const orders = [asked, [...asked].reverse(), [...asked.slice(2), ...asked.slice(0, 2)]]

test.each(orders.map((order, number) => ({ order, number })))(
  'neighbours in order $number: other subjects and other contexts of one id',
  async ({ order }) => {
    const world = await worldOf(each)
    const engine = createEngine({}, { stepsApart: 0 })
    // Neighbours ask about different subjects: what they share is taken up again and again.
    const mixed = documents.flatMap((_, at) => order.map(({ questions }) => questions[at]!))
    const expected = documents.flatMap((_, at) => order.map((subject) => subject.expected[at]!))
    const said = (answers: readonly unknown[]) => answers.map((answer) => (answer as Answer).permissionship)
    expect(said(finish(engine.checkBulk(world, mixed, each.nowMs), 1000))).toEqual(expected)
    expect(said(finish(engine.evidenceBulk(world, mixed, each.nowMs), 1))).toEqual(expected)
  },
)

test('every one of a thousand questions has its own answer, whatever came before it', async () => {
  const many = Array.from({ length: 1100 }, (_, at) => at)
  const world = await worldOf(
    caseOf(
      each.schema.text,
      many.flatMap((at) => (at % 3 === 0 ? [] : [`group:g${at}#member@user:x`])),
    ),
  )
  const questions = many.map((at) => questionOf(`group:g${at}#member@user:x`))
  const expected = many.map((at) => (at % 3 === 0 ? 'no' : 'has'))
  const engine = createEngine({}, { stepsApart: 0 })
  for (const asking of [questions, questions.slice(1), questions.slice(2)]) {
    const answers = finish(engine.checkBulk(world, asking, each.nowMs), 1000)
    expect(answers.map((answer) => (answer as Answer).permissionship)).toEqual(
      expected.slice(questions.length - asking.length),
    )
  }
})

test('questions about one subject that need many slices of work, each beyond what can be shared', async () => {
  const groups = Array.from({ length: 1500 }, (_, at) => `group:g${at}`)
  const wide = caseOf(
    `definition user {}
definition group {
  relation member: user
}
definition document {
  relation viewer: group#member
  relation banned: user
  permission view = viewer - banned
}`,
    [...groups.map((group) => `document:a#viewer@${group}#member`), 'group:g7#member@user:ann'],
  )
  const world = await worldOf(wide)
  const questions = ['a', 'b', 'a', 'b'].map((id) => questionOf(`document:${id}#view@user:ann`))
  const evaluation = createEngine({}, { stepsApart: 0 }).checkBulk(world, questions, wide.nowMs)
  const runs = Array.from({ length: 200 }, () => evaluation.run(10_000))
  expect(evaluation.steps).toBeGreaterThan(20_000)
  expect(runs.at(-1)?.map((answer) => (answer as Answer).permissionship)).toEqual(['has', 'no', 'has', 'no'])
})

test('what is wrong with one question is told of that one alone', async () => {
  const authorizer = await openWorld('definition user {}\ndefinition team {\n\trelation member: user\n}', [
    'team:a#member@user:x',
  ])
  const { subject } = questionOf('team:a#member@user:x')
  const texts = ['team:a#member', 'team:a#owner', 'team:b#member', 'group:a#member', 'team:a#member']
  const questions = texts.map((text) => ({ ...questionOf(`${text}@user:x`), subject }))
  questions.push({ ...questions[0]!, subject: { ...subject, type: 'nobody' } })
  const { answers } = await authorizer.checkBulk(questions)
  expect(answers.map((answer) => (answer.error ? answer.error.code : answer.permissionship))).toEqual([
    'has',
    'UNKNOWN_RELATION_OR_PERMISSION',
    'no',
    'UNKNOWN_DEFINITION',
    'has',
    'UNKNOWN_DEFINITION',
  ])
})
