// Rows that another schema let in, as a plan of a schema change meets them: usersets that it does not allow lead nowhere.

import { describe, expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import { compilePlans } from '../../src/engine/plans.ts'
import type { World } from '../../src/engine/world.ts'
import type { Answer } from '../../src/model/decision.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { drain, drainObjects, finish, worldOf } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'
import { questionOf } from './world-of.ts'

const schemaWith = (member: string, viewer: string) => `definition user {}
definition group {
  relation ${member}: user
}
definition document {
  relation viewer: ${viewer}
  relation banned: user
  permission view = viewer
  permission seen = viewer - banned
}`
const each = caseOf(schemaWith('member', 'user | group#member'), [
  'document:a#viewer@group:g#member',
  'document:a#viewer@group:h#member',
  'group:g#member@user:ann',
  'document:b#viewer@user:ann',
])

async function worldUnder(text: string): Promise<World> {
  return { ...(await worldOf(each)), plans: compilePlans(compileSchema(text).schema!) }
}

const changes = {
  'relations that allow no usersets any more': schemaWith('member', 'user'),
  'usersets whose relation is gone': schemaWith('lead', 'user | group#lead'),
}

describe.each(Object.entries(changes))('%s', (_, text) => {
  const questions = ['view', 'seen'].flatMap((name) =>
    ['a', 'b', 'none'].map((id) => questionOf(`document:${id}#${name}@user:ann`)),
  )
  const expected = ['no', 'has', 'no', 'no', 'has', 'no']

  test.each([{ stepsApart: 0 }, { reach: false }, { stepsApart: 0, wideRows: 1 }])(
    'checks and bulk checks, paths %o',
    async (paths) => {
      const world = await worldUnder(text)
      const engine = createEngine({}, paths)
      const checked = questions.map((question) => finish(engine.check(world, question, each.nowMs), 1000))
      const bulk = finish(engine.checkBulk(world, questions, each.nowMs), 1000)
      const evidence = finish(engine.evidenceBulk(world, questions, each.nowMs), 1000)
      for (const answers of [checked, bulk, evidence]) {
        expect(answers.map((answer) => (answer as Answer).permissionship)).toEqual(expected)
      }
    },
  )

  test('lookups', async () => {
    const world = await worldUnder(text)
    const engine = createEngine()
    const subject = { type: 'user', id: 'ann', relation: '' }
    const resource = { type: 'document', id: 'a' }
    for (const permission of ['view', 'seen']) {
      const of = { resourceType: 'document', permission, subject }
      const found = drainObjects(engine.lookupResources(world, of, each.nowMs), 1000, 1000)
      expect(found.map(({ id }) => id)).toEqual(['b'])
      const by = { resource, permission, subjectType: 'user', subjectRelation: '' }
      expect(drain(engine.lookupSubjects(world, by, each.nowMs), 1000, 1000)).toEqual([])
    }
  })
})
