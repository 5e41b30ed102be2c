// Budgets: when work pauses, when a request has had enough, and which node was the widest on its way.

import { describe, expect, test } from 'vitest'
import { Budget } from '../../src/engine/budget.ts'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { Engine, Evaluation } from '../../src/engine/engine.ts'
import type { World } from '../../src/engine/world.ts'
import { CardeaError } from '../../src/model/errors.ts'
import { drain, drainObjects, finish, worldOf } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'

function errorOf(run: () => unknown): CardeaError | undefined {
  try {
    run()
  } catch (error) {
    if (error instanceof CardeaError) return error
    throw error
  }
  return undefined
}

describe('a budget', () => {
  test('is spent after its steps, and again after those of the next turn', () => {
    const budget = new Budget({ maxSteps: 100, maxEntries: 10 })
    budget.resume(3)
    expect(budget.spent).toBe(false)
    budget.steps += 2
    expect(budget.spent).toBe(false)
    budget.steps += 1
    expect(budget.spent).toBe(true)
    budget.resume(2)
    expect(budget.spent).toBe(false)
    budget.steps += 2
    expect(budget.spent).toBe(true)
  })

  test('ends with the request: at its last step, not before', () => {
    const budget = new Budget({ maxSteps: 100, maxEntries: 10 })
    budget.resume(0)
    budget.steps = 99
    expect(budget.spent).toBe(true)
    budget.steps = 100
    expect(errorOf(() => budget.spent)).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      facts: { setting: 'max-steps', maximum: '100' },
    })
  })

  test('holds so many entries and no more', () => {
    const budget = new Budget({ maxSteps: 100, maxEntries: 10 })
    budget.hold(10)
    expect(errorOf(() => budget.hold(11))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      facts: { setting: 'max-entries', maximum: '10' },
    })
  })
})

test('the widest node is told when it has a hundred rows, and only by one with more is it replaced', async () => {
  const { snapshot } = await worldOf(
    caseOf('definition user {\n relation friend: user\n}', ['user:ann#friend@user:bob']),
  )
  const [type, friend] = [snapshot.nameId('user'), snapshot.nameId('friend')]
  const [ann, bob] = [snapshot.node(type, 'ann'), snapshot.node(type, 'bob')]
  const budget = new Budget({ maxSteps: 100, maxEntries: 10 })
  budget.walked(99, snapshot, ann, friend)
  expect(budget.widest).toBeUndefined()
  budget.walked(100, snapshot, ann, friend)
  budget.walked(100, snapshot, bob, friend, type)
  expect(budget.widest).toEqual({
    object: { type: 'user', id: 'ann' },
    rowsOf: 'friend',
    reverse: false,
    rows: 100,
  })
  const whole = new Budget({ maxSteps: 100, maxEntries: 10 })
  whole.walked(101, snapshot, bob, friend, type)
  whole.absorb(budget)
  expect(whole.widest).toMatchObject({
    object: { id: 'bob' },
    rowsOf: 'user#friend',
    reverse: true,
    rows: 101,
  })
})

describe('limits of a request', () => {
  const chain = (depth: number, form: (at: number) => string) =>
    Array.from({ length: depth }, (_, at) => form(at))
  const each = caseOf(
    `definition user {}
definition group {
  relation member: user | group#member
}
definition folder {
  relation parent: folder
  relation viewer: user
  relation banned: user
  permission view = (viewer + parent->view) - banned
}`,
    [
      ...chain(300, (at) => `group:g${at}#member@group:g${at + 1}#member`),
      'group:g300#member@user:ann',
      ...chain(300, (at) => `folder:f${at}#parent@folder:f${at + 1}`),
      'folder:f300#viewer@user:ann',
    ],
  )
  const ann = { type: 'user', id: 'ann', relation: '' }
  const group = { resource: { type: 'group', id: 'g0' }, permission: 'member', subject: ann }
  const folder = { resource: { type: 'folder', id: 'f0' }, permission: 'view', subject: ann }
  const questions: [string, (engine: Engine<World>, world: World) => unknown][] = [
    ['check by reach', (engine, world) => finish(engine.check(world, group, each.nowMs), 50)],
    ['check by the solver', (engine, world) => finish(engine.check(world, folder, each.nowMs), 50)],
    ['explain', (engine, world) => finish(engine.explain(world, folder, each.nowMs), 50)],
    [
      'lookup of resources',
      (engine, world) =>
        drainObjects(
          engine.lookupResources(
            world,
            { resourceType: 'folder', permission: 'view', subject: ann },
            each.nowMs,
          ),
          50,
          1000,
        ),
    ],
    [
      'lookup of resources by reach',
      (engine, world) =>
        drainObjects(
          engine.lookupResources(
            world,
            { resourceType: 'group', permission: 'member', subject: ann },
            each.nowMs,
          ),
          50,
          1000,
        ),
    ],
    [
      'lookup of subjects',
      (engine, world) =>
        drain(
          engine.lookupSubjects(world, { ...folder, subjectType: 'user', subjectRelation: '' }, each.nowMs),
          50,
          1000,
        ),
    ],
  ]

  test.each(questions)('%s: enough is enough', async (_, ask) => {
    const world = await worldOf(each)
    expect(errorOf(() => ask(createEngine(), world))).toBeUndefined()
    expect(errorOf(() => ask(createEngine({ maxSteps: 100 }), world))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      facts: { setting: 'max-steps' },
    })
    expect(errorOf(() => ask(createEngine({ maxEntries: 20 }), world))).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      facts: { setting: 'max-entries' },
    })
  })

  test('steps are counted, and work pauses between them', async () => {
    const world = await worldOf(each)
    const evaluation = createEngine().check(world, folder, each.nowMs)
    let turns = 0
    while (evaluation.run(10) === undefined) turns += 1
    expect(turns).toBeGreaterThan(100)
    expect(evaluation.steps).toBeGreaterThan(1000)
    expect(evaluation.run(10)).toEqual({ permissionship: 'has', missing: [] })
  })

  const answers: [string, (engine: Engine<World>, world: World) => Evaluation<unknown>][] = [
    ['a check', (engine, world) => engine.check(world, folder, each.nowMs)],
    ['checks in bulk', (engine, world) => engine.checkBulk(world, [folder, group], each.nowMs)],
    ['evidence in bulk', (engine, world) => engine.evidenceBulk(world, [folder, group], each.nowMs)],
    ['an explanation', (engine, world) => engine.explain(world, folder, each.nowMs)],
    ['a tree', (engine, world) => engine.expand(world, folder, each.nowMs)],
  ]
  test.each(answers)('%s is the same when it is asked for again', async (_, ask) => {
    const evaluation = ask(createEngine(), await worldOf(each))
    const value = finish(evaluation, 10_000)
    const { steps } = evaluation
    expect(evaluation.run(10_000)).toBe(value)
    expect(evaluation.run(0)).toBe(value)
    expect(evaluation.steps).toBe(steps)
  })

  test('in bulk a question that asks for too much fails alone', async () => {
    const world = await worldOf(each)
    const small = { ...folder, resource: { type: 'folder', id: 'f299' } }
    const engine = createEngine({ maxSteps: 1000 })
    const answers = finish(engine.checkBulk(world, [small, folder, small], each.nowMs), 50)
    expect(
      answers.map((answer) => (answer instanceof CardeaError ? answer.code : answer.permissionship)),
    ).toEqual(['has', 'LIMIT_EXCEEDED', 'has'])
  })
})
