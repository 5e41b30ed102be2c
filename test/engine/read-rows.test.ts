// Reading rows: in one order, from any place on, from the side that the filter makes cheapest, in turns of any length.

import { describe, expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { FoundRow, RowPosition } from '../../src/engine/engine.ts'
import type { World } from '../../src/engine/world.ts'
import { matchesFilter, type RelationshipFilter } from '../../src/model/filter.ts'
import { isLive, type Relationship } from '../../src/model/relationship.ts'
import { formatRelationship } from '../../src/model/relationship-text.ts'
import { drain, worldOf } from '../property/cardea-systems.ts'
import { type Case, caseOf } from '../reference/generate.ts'

const engine = createEngine()

const each = caseOf(
  `use expiration
caveat allowed(level int) { level > 3 }
definition user {}
definition group {
  relation member: user | group#member
  relation admin: user
}
definition document {
  relation zone: group
  relation viewer: user | user:* | user with allowed | user with allowed and expiration | group#member | group#admin
  relation editor: user | user with expiration
}`,
  [
    'group:g#member@user:bob',
    'document:b#zone@group:g',
    'document:b#viewer@group:h#member',
    'document:b#viewer@group:g#member',
    'document:b#viewer@group:g#admin',
    'document:b#viewer@user:*',
    'document:b#viewer@user:ann[allowed:{"level":1}]',
    'document:b#editor@user:ann',
    'document:a#viewer@group:g#member',
    'document:a#editor@user:bob',
    'group:h#member@group:g#member',
    'group:h#admin@user:ann',
    'document:ab#viewer@user:bob[allowed:{"level":9}][expiration:2100-01-01T00:00:00Z]',
    'document:ab#viewer@user:ann',
  ],
)

type Place = readonly [resourceKey: number, relation: string, subjectKey: number, subjectRelation: string]

function placeOf({ snapshot }: World, { resource, relation, subject }: Relationship): Place {
  const key = ({ type, id }: { type: string; id: string }) => snapshot.node(snapshot.nameId(type), id)
  return [key(resource), relation, key(subject), subject.relation]
}

function compare(left: Place, right: Place): number {
  const at = left.findIndex((value, index) => value !== right[index])
  return at < 0 ? 0 : left[at]! < right[at]! ? -1 : 1
}

function read(world: World, filter: RelationshipFilter, after?: Place, steps = 1000): string[] {
  const position = after && {
    resourceKey: after[0],
    relation: after[1],
    subjectKey: after[2],
    subjectRelation: after[3],
  }
  const request = position === undefined ? { filter } : { filter, after: position satisfies RowPosition }
  return drain(engine.readRows(world, request, each.nowMs), steps, 3).map(({ relationship }) =>
    formatRelationship(relationship),
  )
}

/** What a filter means. */
function expected(
  world: World,
  { relationships, nowMs }: Case,
  filter: RelationshipFilter,
  after?: Place,
): string[] {
  return relationships
    .filter((row) => matchesFilter(filter, row) && isLive(row, nowMs))
    .map((row) => ({ row, place: placeOf(world, row) }))
    .filter(({ place }) => after === undefined || compare(place, after) > 0)
    .sort((left, right) => compare(left.place, right.place))
    .map(({ row }) => formatRelationship(row))
}

const filters: [string, RelationshipFilter][] = [
  ['everything', {}],
  ['a type', { resourceType: 'document' }],
  ['a resource', { resourceType: 'document', resourceId: 'b' }],
  ['an id of any type', { resourceId: 'b' }],
  ['ids that begin alike', { resourceType: 'document', resourceIdPrefix: 'a' }],
  ['a relation', { relation: 'viewer' }],
  ['subjects of a type', { subject: { type: 'group' } }],
  ['usersets', { subject: { type: 'group', relation: 'member' } }],
  ['a subject', { subject: { type: 'user', id: 'ann' } }],
  ['all usersets of a group', { subject: { type: 'group', id: 'g' } }],
  ['a userset', { subject: { type: 'group', id: 'g', relation: 'member' } }],
  ['a group itself', { subject: { type: 'group', id: 'g', relation: '' } }],
  ['a subject on a type', { resourceType: 'document', subject: { type: 'user', id: 'ann' } }],
  ['a subject in a relation', { relation: 'admin', subject: { type: 'user', id: 'ann' } }],
  ['a subject on ids', { resourceIdPrefix: 'a', subject: { type: 'user', id: 'ann' } }],
  ['a subject on one id', { resourceId: 'b', subject: { type: 'group', id: 'g' } }],
  ['a row', { resourceType: 'document', resourceId: 'b', subject: { type: 'user', id: '*' } }],
  ['a type that nobody knows', { resourceType: 'nothing' }],
  ['a resource of a type that nobody knows', { resourceType: 'nothing', resourceId: 'b' }],
  ['a resource that nobody knows', { resourceType: 'document', resourceId: 'z' }],
  ['a subject of a type that nobody knows', { subject: { type: 'nothing', id: 'ann' } }],
  ['a subject that nobody knows', { subject: { type: 'user', id: 'zoe' } }],
]

describe('the rows of a filter, in order', () => {
  test.each(filters)('%s', async (_, filter) => {
    const world = await worldOf(each)
    const rows = expected(world, each, filter)
    expect(read(world, filter)).toEqual(rows)
    expect(read(world, filter, undefined, 1)).toEqual(rows)
  })

  test.each(filters)('%s, from any place on', async (_, filter) => {
    const world = await worldOf(each)
    const places = each.relationships.map((row) => placeOf(world, row))
    // A row that a position names may be gone by now, and so may all rows of its resource.
    const gone = places.flatMap(([resource, relation, subject, subjectRelation]): Place[] => [
      [resource, relation, subject - 1, subjectRelation],
      [resource, relation, subject + 1, ''],
      [resource, relation, subject, 'b'],
      [resource, 'n', subject, subjectRelation],
      [resource + 1, '', 0, ''],
    ])
    for (const after of [...places, ...gone])
      expect(read(world, filter, after), String(after)).toEqual(expected(world, each, filter, after))
  })

  test('end with the last moment of a row that expires', async () => {
    const at = (ms: number) => new Date(each.nowMs + ms).toISOString()
    const editors = [`user:ann[expiration:${at(-1)}]`, `user:bob[expiration:${at(0)}]`]
    const live = `document:a#editor@user:eve[expiration:${at(1)}]`
    const world = await worldOf({
      ...caseOf(each.schema.text, [...editors.map((text) => `document:a#editor@${text}`), live]),
      nowMs: each.nowMs,
    })
    const [row, ...others] = drain(engine.readRows(world, { filter: {} }, each.nowMs), 100, 10)
    expect(others).toEqual([])
    expect(row?.relationship).toMatchObject({ subject: { id: 'eve' }, expiresAtMs: each.nowMs + 1 })
  })
})

const many = Array.from({ length: 2000 }, (_, at) => at)
let crowd: Promise<World> | undefined
const loadCrowd = () =>
  (crowd ??= worldOf(
    caseOf(
      `use expiration
definition user {}
definition group {
  relation member: user
  relation admin: user
  relation past: user with expiration
}`,
      [
        ...many.map((at) => `group:g${at}#member@user:all`),
        ...many.map((at) => `group:g0#admin@user:u${at}`),
        ...many.map((at) => `group:g1#past@user:u${at}[expiration:2020-01-01T00:00:00Z]`),
      ],
    ),
  ))

/** Steps of every turn but the last, and of all. */
function turns(world: World, filter: RelationshipFilter, turnSteps: number) {
  const stream = engine.readRows(world, { filter }, each.nowMs)
  const found: FoundRow[] = []
  const taken: number[] = []
  for (let before = 0; !stream.run(turnSteps, found, 1_000_000); before = stream.steps)
    taken.push(stream.steps - before)
  return { found: found.length, taken, steps: stream.steps }
}

describe('the work of a read', () => {
  test.each([
    ['a resource', { resourceType: 'group', resourceId: 'g1500' }, 1, 5],
    ['a subject', { subject: { type: 'user', id: 'u1500' }, relation: 'admin' }, 1, 3 * many.length],
    [
      'a subject and a resource',
      { resourceType: 'group', resourceId: 'g9', subject: { type: 'user' } },
      1,
      5,
    ],
    ['a subject on a few ids', { resourceId: 'g1500', subject: { type: 'user', id: 'all' } }, 1, 5],
  ])('%s is found from its own side', async (_, filter, found, maxSteps) => {
    const read = turns(await loadCrowd(), filter, 1_000_000)
    expect(read.found).toBe(found)
    expect(read.steps).toBeLessThanOrEqual(maxSteps)
  })

  test.each([
    ['objects that do not match', { resourceType: 'group', resourceIdPrefix: 'x' }, 0, 64, 4000],
    ['resources without the relation', { resourceType: 'group', relation: 'none' }, 0, 64, 6000],
    ['resources of a subject', { relation: 'member', subject: { type: 'user', id: 'all' } }, 2000, 64, 4000],
    ['rows that are expired', { resourceId: 'g1', relation: 'past' }, 0, 1024, 6000],
    ['rows of one resource', { resourceType: 'group', resourceId: 'g0' }, 2001, 1024, 2000],
  ])('%s: a turn ends when its steps are used up', async (_, filter, found, slack, expectedSteps) => {
    const world = await loadCrowd()
    for (const turnSteps of [50, 700, 1500]) {
      const read = turns(world, filter, turnSteps)
      expect(read.found).toBe(found)
      expect(read.steps).toBeGreaterThan(0.95 * expectedSteps)
      expect(read.steps).toBeLessThan(1.05 * expectedSteps)
      expect(read.taken.length).toBeGreaterThanOrEqual(Math.floor(read.steps / (turnSteps + slack)))
      for (const steps of read.taken) {
        expect(steps).toBeGreaterThanOrEqual(turnSteps)
        expect(steps).toBeLessThanOrEqual(turnSteps + slack)
      }
    }
  })

  test('is bounded by the reader, not by the steps of a request', async () => {
    const filter = { resourceType: 'group', relation: 'member' }
    const stream = createEngine({ maxSteps: 10 }).readRows(await loadCrowd(), { filter }, each.nowMs)
    expect(drain(stream, 100, 100)).toHaveLength(many.length)
  })
})
