// Shared work: what questions of one call have in common is done once, however long it takes, and their answers stay apart.

import { describe, expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { Engine, Evaluation } from '../../src/engine/engine.ts'
import type { World } from '../../src/engine/world.ts'
import type { Question } from '../../src/model/decision.ts'
import { finish, worldOf } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'
import { questionOf } from './world-of.ts'

const count = 60
const numbers = Array.from({ length: count }, (_, at) => at)
const wide = 6000
/** Even the first questions about a subject share what they find. */
const sharing = { stepsApart: 0 }

const each = caseOf(
  `definition user {}
definition group {
  relation member: user | group#member
}
definition folder {
  relation viewer: user | group#member
}
definition document {
  relation viewer: group#member
  relation parent: folder
  relation banned: user
  permission view = viewer + parent->viewer
  permission seen = view - banned
}`,
  [
    ...numbers.map((at) => `group:link${at}#member@group:link${at + 1}#member`),
    ...numbers.map((at) => `document:d${at}#viewer@group:link0#member`),
    ...numbers.map((at) => `document:p${at}#parent@folder:f`),
    'folder:f#viewer@group:link0#member',
    `group:link${count}#member@user:ann`,
    'group:other#member@user:bob',
    ...Array.from({ length: wide }, (_, at) => `group:big#member@group:point${at}#member`),
    `group:point${wide - 1}#member@user:ann`,
  ],
)
let made: Promise<World> | undefined
const load = () => (made ??= worldOf(each))

const kinds: [
  string,
  (engine: Engine<World>, world: World, questions: readonly Question[]) => Evaluation<readonly unknown[]>,
][] = [
  ['checks', (engine, world, questions) => engine.checkBulk(world, questions, each.nowMs)],
  ['evidence', (engine, world, questions) => engine.evidenceBulk(world, questions, each.nowMs)],
]

function said(answers: readonly unknown[]): readonly string[] {
  return answers.map((answer) => (answer as { permissionship: string }).permissionship)
}

describe.each(kinds)('%s', (_, ask) => {
  test.each([
    ['usersets', 'document:d', 'user:ann', 'has'],
    ['usersets that end nowhere', 'document:d', 'user:bob', 'no'],
    ['arrows', 'document:p', 'user:ann', 'has'],
    ['arrows that end nowhere', 'document:p', 'group:other#member', 'no'],
  ])('%s are followed once', async (_name, places, subject, expected) => {
    const world = await load()
    const questions = numbers.map((at) => questionOf(`${places}${at}#view@${subject}`))
    const run = (engine: Engine<World>) => {
      const evaluation = ask(engine, world, questions)
      // A turn that may take long enough is the only one.
      expect(said(evaluation.run(100_000_000)!)).toEqual(numbers.map(() => expected))
      return evaluation.steps
    }
    // Each question alone would follow every link.
    expect(run(createEngine({}, sharing))).toBeLessThan((count * count) / 5)
  })

  test('a question that takes long is answered like any other, in turns of any length', async () => {
    const world = await load()
    const places = ['group:big', 'group:point0', `group:point${wide - 1}`, 'group:big', 'group:link0']
    for (const subject of ['user:ann', 'user:bob', 'group:point7#member', 'user:eve']) {
      const questions = places.map((place) => questionOf(`${place}#member@${subject}`))
      const expected = questions.map(
        (question) =>
          finish(createEngine({}, sharing).check(world, question, each.nowMs), 1000).permissionship,
      )
      for (const steps of [1, 1000, 5000, 1_000_000])
        expect(said(finish(ask(createEngine({}, sharing), world, questions), steps)), subject).toEqual(
          expected,
        )
    }
  })

  test('few questions, or about many subjects, are answered as well', async () => {
    const world = await load()
    const subjects = ['user:ann', 'user:bob', 'user:eve', 'group:point7#member', 'group:link9#member']
    const asked = subjects.map((subject) => questionOf(`group:link0#member@${subject}`))
    const expected = ['has', 'no', 'no', 'no', 'has']
    for (const length of [0, 1, 2, 3, 5]) {
      const answers = finish(ask(createEngine({}, sharing), world, asked.slice(0, length)), 1000)
      expect(said(answers)).toEqual(expected.slice(0, length))
    }
  })

  test('what must be checked one by one is told apart from what is shared', async () => {
    const world = await load()
    const questions = numbers
      .slice(0, 30)
      .flatMap((at) => ['view', 'seen'].map((name) => questionOf(`document:d${at}#${name}@user:ann`)))
    expect(said(finish(ask(createEngine({}, sharing), world, questions), 100))).toEqual(
      questions.map(() => 'has'),
    )
  })

  test("objects and types that no row names are nobody's", async () => {
    const world = await worldOf(caseOf(each.schema.text, ['group:g#member@user:ann']))
    const questions = ['document:a#view', 'group:g#member', 'group:unheard#member', 'folder:f#viewer'].map(
      (place) => questionOf(`${place}@user:ann`),
    )
    expect(said(finish(ask(createEngine({}, sharing), world, questions), 100))).toEqual([
      'no',
      'has',
      'no',
      'no',
    ])
  })
})

test('few questions about one subject share once they have taken many steps, many of them at once', async () => {
  const world = await load()
  const steps = (questions: readonly Question[], stepsApart?: number) => {
    const paths = { wideRows: 10 * wide, ...(stepsApart === undefined ? {} : { stepsApart }) }
    const evaluation = createEngine({}, paths).checkBulk(world, questions, each.nowMs)
    expect(said(evaluation.run(100_000_000)!)).toEqual(questions.map(() => 'no'))
    return evaluation.steps
  }
  const never = Number.POSITIVE_INFINITY
  const long = Array.from({ length: 10 }, () => questionOf('group:big#member@user:bob'))
  expect(steps(long, 0)).toBeLessThan(steps(long))
  expect(steps(long)).toBeLessThan(steps(long, never) / 4)

  const link = questionOf(`group:link${count - 5}#member@user:bob`)
  const few = Array.from({ length: 47 }, () => link)
  expect(steps(few)).toBe(steps(few, never))
  expect(steps(few, 0)).toBeLessThan(steps(few))
  const many = [...few, link]
  expect(steps(many)).toBe(steps(many, 0))
  expect(steps(many)).toBeLessThan(steps(few))
})

test('each question has all the steps of a request for itself', async () => {
  const world = await load()
  const questions = ['user:ann', 'user:bob', 'user:ann', 'group:point7#member', 'user:bob', 'user:ann'].map(
    (subject) => questionOf(`group:big#member@${subject}`),
  )
  // One takes about two steps for each group, more than half of what it may.
  const engine = createEngine({ maxSteps: 3 * wide }, { ...sharing, wideRows: 10 * wide })
  const checks = questions.map(
    (question) => finish(engine.check(world, question, each.nowMs), 1000).permissionship,
  )
  expect(checks).toEqual(['has', 'no', 'has', 'has', 'no', 'has'])
  expect(said(finish(engine.checkBulk(world, questions, each.nowMs), 1000))).toEqual(checks)
})
