// The work of lookups: what is certain is not checked again, results go behind those that are there, turns end in time.

import { describe, expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import { type FoundObject, FoundObjects } from '../../src/engine/found-objects.ts'
import type { World } from '../../src/engine/world.ts'
import { parseSubject } from '../../src/model/relationship-text.ts'
import { drainObjects, finish, worldOf } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'
import { questionOf } from './world-of.ts'

const count = 600
const numbers = Array.from({ length: count }, (_, at) => at)

/** In runs of many ways: for certain, only when checked, on a condition, twice over, through a group, or not at all. */
function rowsOf(at: number): string[] {
  const place = `document:d${at}`
  switch (at < 300 ? at % 7 : Math.floor(at / 50) % 7) {
    case 0:
      return [`${place}#owner@user:ann`]
    case 1:
      return [`${place}#viewer@user:ann`]
    case 2:
      return [`${place}#viewer@user:ann`, `${place}#banned@user:ann`]
    case 3:
      return [`${place}#owner@user:ann[allowed]`]
    case 4:
      return [`${place}#viewer@group:g#member`, `${place}#owner@user:ann`]
    case 5:
      return [`${place}#parent@folder:f${at % 3}`]
    default:
      return [`${place}#owner@user:bob`]
  }
}

const each = caseOf(
  `caveat allowed(level int) { level > 3 }
definition user {}
definition group {
  relation member: user
}
definition folder {
  relation owner: user
}
definition document {
  relation owner: user | user with allowed
  relation viewer: user | group#member
  relation banned: user
  relation parent: folder
  permission read = viewer - banned
  permission view = owner + read + parent->owner
}`,
  [
    'group:g#member@user:ann',
    ...numbers.flatMap(rowsOf),
    ...numbers.map((at) => `folder:many${at}#owner@user:all`),
    'folder:f1#owner@user:ann',
  ],
)
let made: Promise<World> | undefined
const load = () => (made ??= worldOf(each))
const ann = parseSubject('user:ann')
const request = { resourceType: 'document', permission: 'view', subject: ann }

/** What checks say, in the order of keys. */
async function expectedOf(world: World): Promise<FoundObject[]> {
  const { snapshot } = world
  const found = numbers.flatMap((at): FoundObject[] => {
    const question = questionOf(`document:d${at}#view@user:ann`)
    const answer = finish(createEngine().check(world, question, each.nowMs), 1_000_000)
    const key = snapshot.node(snapshot.nameId('document'), `d${at}`)
    return answer.permissionship === 'no' ? [] : [{ key, id: `d${at}`, ...answer }]
  })
  return found.sort((left, right) => left.key - right.key)
}

describe('results of every kind, in order', () => {
  test.each([
    [1, 1],
    [7, 3],
    [100, 128],
    [1_000_000, 127],
    [1_000_000, 129],
    [1_000_000, 1_000_000],
  ])('%i steps and %i results at a time', async (steps, maxItems) => {
    const world = await load()
    const expected = await expectedOf(world)
    expect(new Set(expected.map(({ permissionship }) => permissionship)).size).toBe(2)
    for (const runs of [true, false]) {
      const lookup = createEngine({}, { runs }).lookupResources(world, request, each.nowMs)
      expect(drainObjects(lookup, steps, maxItems)).toEqual(expected)
    }
  })

  test.each([1, 2, 50, 1_000_000])('behind what is there already, %i at a time', async (maxItems) => {
    const world = await load()
    const lookup = createEngine().lookupResources(world, request, each.nowMs)
    const found = new FoundObjects()
    found.add(7, 'seven')
    found.add(9, 'nine', ['level'])
    const before = [...found]
    for (let done = false; !done; ) {
      const { length } = found
      done = lookup.run(1_000_000, found, maxItems)
      expect(found.length).toBeLessThanOrEqual(length + maxItems)
      expect(found.length).toBeGreaterThan(done ? 0 : length)
    }
    expect([...found]).toEqual([...before, ...(await expectedOf(world))])
  })

  test.each([1, 5, 300, 1_000_000])('along lists of every length, %i steps at a time', async (steps) => {
    const lengths = [1, 3, 255, 256, 257, 0, 600, 2, 40]
    const lists = lengths.flatMap((length, group) =>
      Array.from({ length }, (_, at) => ({
        group,
        id: `n${group}_${at}`,
        onCondition: at % 5 === group % 5,
      })),
    )
    const world = await worldOf(
      caseOf(each.schema.text.replace('group#member\n', 'group#member | group#member with allowed\n'), [
        ...lengths.map((_, group) => `group:n${group}#member@user:ann`),
        ...lists.map(
          ({ group, id, onCondition }) =>
            `document:${id}#viewer@group:n${group}#member${onCondition ? '[allowed]' : ''}`,
        ),
      ]),
    )
    for (const runs of [true, false]) {
      const lookup = createEngine({}, { runs }).lookupResources(world, request, each.nowMs)
      const found = drainObjects(lookup, steps, 1000)
      const said = new Map(found.map(({ id, permissionship }) => [id, permissionship]))
      expect(said).toEqual(
        new Map(lists.map(({ id, onCondition }) => [id, onCondition ? 'conditional' : 'has'])),
      )
      expect(found).toHaveLength(lists.length)
    }
  })

  test('above a key', async () => {
    const world = await load()
    const expected = await expectedOf(world)
    for (const at of [0, 1, 126, 127, 128, 129, 300, expected.length - 1]) {
      const afterKey = expected[at]!.key
      const lookup = createEngine().lookupResources(world, { ...request, afterKey }, each.nowMs)
      expect(drainObjects(lookup, 1000, 100)).toEqual(expected.slice(at + 1))
    }
  })
})

describe('the work', () => {
  test('what is certain is not checked again', async () => {
    const lookup = createEngine().lookupResources(
      await load(),
      { resourceType: 'folder', permission: 'owner', subject: parseSubject('user:all') },
      each.nowMs,
    )
    expect(drainObjects(lookup, 1_000_000, 1_000_000)).toHaveLength(count)
    expect(lookup.steps).toBeGreaterThanOrEqual(2 * count)
    expect(lookup.steps).toBeLessThan(3 * count)
  })

  test.each([true, false])('turns end when their steps are used up, by runs: %s', async (runs) => {
    const world = await load()
    const lookup = createEngine({}, { runs }).lookupResources(world, request, each.nowMs)
    const found = new FoundObjects()
    let before = 0
    for (let done = false; !done; before = lookup.steps) {
      done = lookup.run(200, found, 1_000_000)
      expect(lookup.steps - before).toBeLessThanOrEqual(200 + 256 + 64)
      if (!done) expect(lookup.steps - before).toBeGreaterThanOrEqual(200)
    }
  })
})
