// Wide lists: a document shared with very many groups is looked at from the side of whoever asks.

import { expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { Answer } from '../../src/model/decision.ts'
import { worldOf as engineWorldOf, finish } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'
import { ask, questionOf, worldOf } from './world-of.ts'

const engineWorld = (rows: readonly string[]) => engineWorldOf(caseOf(schema, [...rows]))

const schema = `caveat allowed(level int) { level > 3 }
definition user {}
definition group {
	relation member: user | user with allowed | group#member
}
definition team {
	relation lead: user
}
definition document {
	relation viewer: group#member | group#member with allowed | team#lead
	permission view = viewer
}`

/** More than enough groups to be wide, none of which anybody is in. */
const filler = (document: string) =>
  Array.from({ length: 3000 }, (_, at) => `document:${document}#viewer@group:none${at}#member`)

test('each of many groups counts', async () => {
  const groups = Array.from({ length: 700 }, (_, at) => at)
  const documents = [0, 1, 254, 255, 256, 257, 511, 512, 513, 699]
  const world = await worldOf(schema, [
    ...groups.map((at) => `group:g${at}#member@user:busy`),
    ...documents.flatMap((at) => [...filler(`d${at}`), `document:d${at}#viewer@group:g${at}#member`]),
    ...filler('nobodys'),
  ])
  for (const at of documents) {
    expect(await ask(world, `document:d${at}#view@user:busy`)).toBe('has')
    expect(await ask(world, `document:d${at}#view@user:idle`)).toBe('no')
    expect(await ask(world, `document:d${at}#view@group:g${at}#member`)).toBe('has')
    expect(await ask(world, `document:d${at}#view@group:g700#member`)).toBe('no')
  }
  expect(await ask(world, 'document:nobodys#view@user:busy')).toBe('no')
})

test('conditions on the way, nested groups and other usersets', async () => {
  const world = await worldOf(schema, [
    ...['caveated', 'shared', 'nested', 'led'].flatMap(filler),
    'group:maybe#member@user:ann[allowed]',
    'document:caveated#viewer@group:maybe#member',
    'group:sure#member@user:ann',
    'document:shared#viewer@group:sure#member[allowed]',
    'group:outer#member@group:middle#member',
    'group:middle#member@group:sure#member',
    'document:nested#viewer@group:outer#member',
    'team:core#lead@user:ann',
    'document:led#viewer@team:core#lead',
  ])
  expect(await ask(world, 'document:caveated#view@user:ann')).toBe('conditional')
  expect(await ask(world, 'document:caveated#view@user:ann', { level: 4 })).toBe('has')
  expect(await ask(world, 'document:caveated#view@user:ann', { level: 3 })).toBe('no')
  expect(await ask(world, 'document:shared#view@user:ann')).toBe('conditional')
  expect(await ask(world, 'document:shared#view@user:ann', { level: 4 })).toBe('has')
  expect(await ask(world, 'document:nested#view@user:ann')).toBe('has')
  expect(await ask(world, 'document:led#view@user:ann')).toBe('has')
  expect(await ask(world, 'document:led#view@user:bob')).toBe('no')
})

test('in bulk, where questions about one subject share what they find', async () => {
  const documents = ['none', 'direct', 'nested', 'caveated', 'none', 'nested']
  const world = await engineWorld([
    ...new Set(documents.flatMap(filler)),
    'group:sure#member@user:ann',
    'group:maybe#member@user:ann[allowed]',
    'group:outer#member@group:sure#member',
    'document:direct#viewer@group:sure#member',
    'document:nested#viewer@group:outer#member',
    'document:caveated#viewer@group:maybe#member',
  ])
  const questions = documents.flatMap((id) =>
    ['ann', 'bob'].map((user) => questionOf(`document:${id}#view@user:${user}`)),
  )
  const said = (wideRows: number) =>
    createEngine({}, { stepsApart: 0, wideRows })
      .checkBulk(world, questions, 0)
      .run(1_000_000)
      ?.map((answer) => (answer as Answer).permissionship)
  const expected = ['no', 'has', 'has', 'conditional', 'no', 'has'].flatMap((ann) => [ann, 'no'])
  expect(said(64)).toEqual(expected)
  expect(said(Number.POSITIVE_INFINITY)).toEqual(expected)
})

test('from the side of the subject it takes few steps, alone and in bulk', async () => {
  const world = await engineWorld([
    ...filler('d'),
    'group:g#member@user:ann',
    'document:d#viewer@group:g#member',
  ])
  const questions = Array.from({ length: 4 }, () => questionOf('document:d#view@user:ann'))
  const steps = (wideRows: number, bulk: boolean) => {
    const engine = createEngine({}, { stepsApart: 0, wideRows })
    const work = bulk ? engine.checkBulk(world, questions, 0) : engine.check(world, questions[0]!, 0)
    work.run(1_000_000)
    return work.steps
  }
  for (const bulk of [false, true]) {
    expect(steps(64, bulk)).toBeLessThan(300)
    expect(steps(Number.POSITIVE_INFINITY, bulk)).toBeGreaterThan(1500)
  }
})

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at)

test.each([
  // Whichever row is in hand when the subject's side is tried: of a short list, each of them.
  { count: 12, places: upTo(12), wide: upTo(14).slice(1) },
  { count: 100, places: [0, 50, 99], wide: [1, 2, 50, 64, 99, 100, 101] },
])('questions about $count groups, of whoever is in few, in many, or perhaps', async (lists) => {
  const { count, places, wide } = lists
  const numbers = upTo(count)
  const each = caseOf(
    `caveat allowed(level int) { level > 3 }
definition user {}
definition group {
  relation member: user | user with allowed | group#member
}
definition folder {
  relation viewer: user
}
definition document {
  relation viewer: group#member | group#member with allowed
  relation parent: folder
  permission view = viewer
  permission above = parent->viewer
}`,
    [
      ...numbers.map((at) => `document:d#viewer@group:g${at}#member`),
      ...numbers.map(
        (at) => `document:c#viewer@group:g${at}#member[allowed${at % 2 === 0 ? '' : ':{"level":1}'}]`,
      ),
      ...numbers.map((at) => `document:p#parent@folder:f${at}`),
      ...places.flatMap((at) => [
        `group:g${at}#member@user:few${at}`,
        `group:g${at}#member@user:many${at}`,
        `group:g${at}#member@user:perhaps${at}[allowed]`,
        `folder:f${at}#viewer@user:few${at}`,
        ...numbers.flatMap((other) => [1, 2].map((more) => `group:o${other}_${more}#member@user:many${at}`)),
      ]),
      'group:elsewhere#member@user:stranger',
    ],
  )
  const world = await engineWorldOf(each)
  const subjects = places.flatMap((at) => [`few${at}`, `many${at}`, `perhaps${at}`]).concat('stranger')
  const questions = subjects.flatMap((subject) =>
    ['d#view', 'p#above', 'c#view', 'none#view', 'd#view'].map((place) =>
      questionOf(`document:${place}@user:${subject}`),
    ),
  )
  const general = createEngine({}, { reach: false })
  const expected = questions.map(
    (question) => finish(general.check(world, question, each.nowMs), 100_000).permissionship,
  )
  expect(new Set(expected).size).toBe(3)
  for (const wideRows of wide) {
    const engine = createEngine({}, { stepsApart: 0, wideRows })
    const answers = finish(engine.checkBulk(world, questions, each.nowMs), 1000)
    expect(answers.map((answer) => (answer as Answer).permissionship)).toEqual(expected)
    const alone = questions.map((question) => finish(engine.check(world, question, each.nowMs), 1000))
    expect(alone.map(({ permissionship }) => permissionship)).toEqual(expected)
  }
})
