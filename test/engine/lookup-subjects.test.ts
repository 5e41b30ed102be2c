// Lookup of subjects: who is named beside a wildcard, who is excepted from it, and who is found on the way.

import { expect, test } from 'vitest'
import { createEngine } from '../../src/engine/create-engine.ts'
import { parseObjectAndRelation } from '../../src/model/relationship-text.ts'
import { drain, worldOf } from '../property/cardea-systems.ts'
import { caseOf } from '../reference/generate.ts'

const schema = `use self
caveat allowed(level int) { level > 3 }
definition folder {
  relation viewer: user
}
definition user {
  permission known = self
}
definition document {
  relation parent: folder
  relation owner: user
  relation reader: user | user:* | user:* with allowed
  relation suspect: user:* with allowed
  relation banned: user with allowed | user
  relation cleared: user
  permission inherited = parent->viewer
  permission owned = owner->known
  permission view = reader - banned
  permission doubtful = reader - (suspect - cleared)
  permission restricted = reader & owner
}`

const rows = [
  'document:d#parent@folder:f',
  'folder:f#viewer@user:ann',
  'document:d#owner@user:ann',
  'document:d#owner@user:bob',
  'document:d#reader@user:*',
  'document:d#reader@user:ann',
  'document:d#reader@user:eve',
  'document:d#suspect@user:*[allowed]',
  'document:d#cleared@user:ann',
  'document:d#cleared@user:cat',
  'document:d#banned@user:ann[allowed:{"level":1}]',
  'document:d#banned@user:dan[allowed:{"level":1}]',
  'document:d#banned@user:eve',
  'document:plain#reader@user:ann',
  'document:plain#reader@user:bob',
  'document:plain#banned@user:bob',
]

async function found(of: string, afterKey?: number) {
  const { resource, relation: permission } = parseObjectAndRelation(of)
  const each = caseOf(schema, rows)
  const request = { resource, permission, subjectType: 'user', subjectRelation: '' }
  const stream = createEngine().lookupSubjects(
    await worldOf(each),
    { ...request, ...(afterKey === undefined ? {} : { afterKey }) },
    each.nowMs,
  )
  return drain(stream, 1000, 1000)
}

/** `ann has` or `* has without bob has`. */
async function told(of: string): Promise<string[]> {
  return (await found(of)).map(({ subjectId, permissionship, excluded }) =>
    [
      subjectId,
      permissionship,
      ...excluded.map((each) => `without ${each.subjectId} ${each.permissionship}`),
    ].join(' '),
  )
}

test('who is named in what grants stands beside the wildcard, who is named in what excludes does not', async () => {
  expect(await told('document:d#view')).toEqual(['* has without eve has', 'ann has'])
})

test('who has more than everybody stands beside the wildcard, wherever they are named', async () => {
  expect(await told('document:d#doubtful')).toEqual([
    '* conditional',
    'ann has',
    'eve conditional',
    'cat has',
  ])
})

test('who is excepted for certain is so on no condition', async () => {
  const [everybody] = await found('document:d#view')
  expect(everybody).toMatchObject({ key: -1, subjectId: '*', missing: [] })
  expect(everybody?.excluded).toEqual([{ subjectId: 'eve', permissionship: 'has', missing: [] }])
})

test('those after the wildcard come on the next page', async () => {
  const all = await found('document:d#doubtful')
  expect(await found('document:d#doubtful', -1)).toEqual(all.slice(1))
  expect(await found('document:d#doubtful', all[1]!.key)).toEqual(all.slice(2))
})

test('who is excluded is not found', async () => {
  expect(await told('document:plain#view')).toEqual(['ann has'])
  expect(await told('document:d#restricted')).toEqual(['ann has', 'bob has'])
})

test('arrows are followed to the first relation of a schema, and to the subjects themselves', async () => {
  expect(await told('document:d#inherited')).toEqual(['ann has'])
  expect(await told('document:d#owned')).toEqual(['ann has', 'bob has'])
})
