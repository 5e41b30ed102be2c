// Pauses: no turn takes much longer than it may, on wide lists and long chains alike, and the widest node is told.

import { describe, expect, test } from 'vitest'
import { createAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { Engine, Evaluation, StreamEvaluation, WidestNode } from '../../src/engine/engine.ts'
import { FoundObjects } from '../../src/engine/found-objects.ts'
import { compilePlans } from '../../src/engine/plans.ts'
import type { World } from '../../src/engine/world.ts'
import { Graph } from '../../src/graph/graph.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import { questionOf } from './world-of.ts'

const count = 1500
const numbers = Array.from({ length: count }, (_, at) => at)

const schema = `definition user {}
definition group {
  relation member: user | group#member
}
definition folder {
  relation viewer: user
}
definition document {
  relation viewer: user | group#member
  relation parent: folder
  relation banned: user
  permission view = viewer
  permission above = parent->viewer
  permission seen = viewer - banned
  permission inherited = above - banned
}`
const rows = [
  'document:top#viewer@group:star#member',
  ...numbers.map((at) => `group:star#member@group:point${at}#member`),
  ...numbers.map((at) => `document:top#parent@folder:f${at}`),
  ...numbers.map((at) => `group:link${at}#member@group:link${at + 1}#member`),
  `group:link${count}#member@user:ann`,
  `group:link${count}#member@group:link${count}#member`,
  ...numbers.map((at) => `group:solo${at}#member@user:eve`),
]
const nowMs = Date.UTC(2026, 0, 1)

let made: Promise<World> | undefined
const load = () => (made ??= makeWorld())

async function makeWorld(): Promise<World> {
  const store = memoryStore()
  const authorizer = await createAuthorizer({ store, limits: { maxUpdatesPerWrite: rows.length } })
  await authorizer.writeSchema(schema)
  const updates = rows.map((text) => ({ operation: 'touch' as const, relationship: parseRelationship(text) }))
  await authorizer.writeRelationships({ updates })
  const graph = await Graph.load(store.load())
  await authorizer.close()
  return { snapshot: graph.snapshot(), plans: compilePlans(compileSchema(schema).schema!) }
}

const turnSteps = 10
/** Rows walked between two looks at the budget, and some more for what a step stands for. */
const maxTurnSteps = turnSteps + 256 + 64

interface Run<Value> {
  readonly value: Value
  readonly longestTurn: number
  readonly widest: WidestNode | undefined
}

function runs<Value>(evaluation: Evaluation<Value>): Run<Value> {
  let longestTurn = 0
  for (;;) {
    const before = evaluation.steps
    const value = evaluation.run(turnSteps)
    longestTurn = Math.max(longestTurn, evaluation.steps - before)
    if (value !== undefined) return { value, longestTurn, widest: evaluation.widest }
  }
}

function streams<Item, Batch extends Iterable<Item>>(
  stream: StreamEvaluation<Item, Batch>,
  value: Batch,
): Run<Item[]> {
  let longestTurn = 0
  for (;;) {
    const before = stream.steps
    const done = stream.run(turnSteps, value, 1_000_000)
    longestTurn = Math.max(longestTurn, stream.steps - before)
    if (done) return { value: [...value], longestTurn, widest: stream.widest }
  }
}

const eve = { type: 'user', id: 'eve', relation: '' }
const top = { type: 'document', id: 'top' }
const engine = createEngine({}, { stepsApart: 0, wideRows: 1_000_000 })
const star = { object: { type: 'group', id: 'star' }, rowsOf: 'member', reverse: false, rows: count }
const parents = { object: top, rowsOf: 'parent', reverse: false, rows: count }
const groups = { object: { type: 'user', id: 'eve' }, rowsOf: 'group#member', reverse: true, rows: count }

const checks: [string, string, WidestNode][] = [
  ['usersets, by reach', 'document:top#view@user:nobody', star],
  ['an arrow, by reach', 'document:top#above@user:nobody', parents],
  ['usersets, by the solver', 'document:top#seen@user:nobody', star],
  ['an arrow, by the solver', 'document:top#inherited@user:nobody', parents],
]

describe('wide lists', () => {
  test.each(checks)('%s', async (name, text, expected) => {
    const { value, longestTurn, widest } = runs(engine.check(await load(), questionOf(text), nowMs))
    expect(value.permissionship).toBe('no')
    expect(widest).toEqual(expected)
    // The solver makes one equation of a list before it pauses.
    expect(longestTurn).toBeLessThan(name.includes('solver') ? count + maxTurnSteps : maxTurnSteps)
  })

  test.each(checks)('%s, explained', async (_, text) => {
    const question = questionOf(text)
    const { value, longestTurn } = runs(engine.explain(await load(), question, nowMs))
    expect(value.permissionship).toBe('no')
    // Equations of two lists, and then the tree row by row.
    expect(longestTurn).toBeLessThan(2 * count + maxTurnSteps)
  })

  test('from the side of the subject', async () => {
    const request = { resourceType: 'group', permission: 'member', subject: eve }
    const { value, longestTurn, widest } = streams(
      engine.lookupResources(await load(), request, nowMs),
      new FoundObjects(),
    )
    expect(value).toHaveLength(count)
    expect(widest).toEqual(groups)
    expect(longestTurn).toBeLessThan(maxTurnSteps)
  })

  test('where subjects are looked for', async () => {
    const request = { resource: top, permission: 'view', subjectType: 'user', subjectRelation: '' }
    const { value, longestTurn, widest } = streams(engine.lookupSubjects(await load(), request, nowMs), [])
    expect(value).toEqual([])
    expect(widest).toEqual(star)
    expect(longestTurn).toBeLessThan(count + maxTurnSteps)
  })

  test('where rows are read that nobody asked for', async () => {
    const filter = { resourceType: 'group', resourceId: 'star', subject: { type: 'user' } }
    const { value, longestTurn } = streams(engine.readRows(await load(), { filter }, nowMs), [])
    expect(value).toEqual([])
    expect(longestTurn).toBeLessThan(1024 + turnSteps)
  })
})

describe('many questions at once', () => {
  const asked = ['group:link0#member', 'group:link700#member', 'document:top#view', 'document:top#above']
  const questions = asked.flatMap((text) => [
    questionOf(`${text}@user:ann`),
    questionOf(`${text}@user:nobody`),
  ])
  const kinds: [string, (engine: Engine<World>, world: World) => Evaluation<readonly unknown[]>][] = [
    ['checks', (asking, world) => asking.checkBulk(world, questions, nowMs)],
    ['evidence', (asking, world) => asking.evidenceBulk(world, questions, nowMs)],
  ]

  test.each(kinds)('%s', async (_, ask) => {
    const { value, longestTurn, widest } = runs(ask(engine, await load()))
    expect(value.map((answer) => (answer as { permissionship: string }).permissionship)).toEqual([
      'has',
      'no',
      'has',
      'no',
      'no',
      'no',
      'no',
      'no',
    ])
    expect(widest).toEqual(star)
    expect(longestTurn).toBeLessThan(4096 + count + maxTurnSteps)
  })

  test.each(kinds)('%s: each question has limits of its own', async (_, ask) => {
    const small = runs(ask(createEngine({ maxEntries: 1000 }), await load())).value
    expect(small[0]).toMatchObject({ code: 'LIMIT_EXCEEDED', facts: { setting: 'max-entries' } })
  })

  test('a chain that ends in a group within itself, however many come before it', async () => {
    const world = await load()
    // Room for what was met is doubled at 256: no place around it is met again and again.
    for (const at of [1243, 1244, 1245, 1246, 1247]) {
      const chain = [`group:link${at}`, 'group:elsewhere', 'group:nowhere']
      const alone = chain.map((group) => questionOf(`${group}#member@user:nobody`))
      const { value } = runs(engine.checkBulk(world, alone, nowMs))
      expect(value.map((answer) => (answer as { permissionship: string }).permissionship)).toEqual([
        'no',
        'no',
        'no',
      ])
    }
  })

  test('a proof as long as the chain', async () => {
    const evidence = runs(engine.evidenceBulk(await load(), questions, nowMs)).value
    const lengths = evidence.map((answer) => ('proof' in answer ? answer.proof.length : -1))
    expect(lengths).toEqual([count + 1, 0, count - 699, 0, 0, 0, 0, 0])
  })
})
