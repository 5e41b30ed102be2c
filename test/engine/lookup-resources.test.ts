// Lookup of resources: what leads on to the answer is followed whatever else it leads to.

import { expect, test } from 'vitest'
import { parseSubject } from '../../src/model/relationship-text.ts'
import { collect, worldOf } from './world-of.ts'

const schema = `definition group {
  relation member: user | group#member
}
definition user {}
definition folder {
  relation viewer: user | group#member
}
definition document {
  relation parent: folder
  relation reader: group#member
  relation banned: user
  permission view = parent->viewer + reader
  permission seen = view - banned
}
definition report {
  relation parent: folder
  permission read = parent->viewer
}`

const rows = [
  'folder:f#viewer@user:eve',
  'document:a#banned@user:eve',
  'folder:f#viewer@user:ann',
  'document:a#parent@folder:f',
  'report:r#parent@folder:f',
  'document:b#reader@group:g#member',
  'folder:h#viewer@group:outer#member',
  'group:outer#member@group:g#member',
  'document:c#parent@folder:h',
  'report:s#parent@folder:h',
]

test.each([
  ['document', 'view', 'user:ann', ['a']],
  ['document', 'seen', 'user:ann', ['a']],
  ['document', 'seen', 'user:eve', []],
  ['report', 'read', 'user:ann', ['r']],
  ['document', 'view', 'group:g#member', ['b', 'c']],
  ['report', 'read', 'group:g#member', ['s']],
  ['document', 'view', 'group:outer#member', ['c']],
  ['group', 'member', 'group:g#member', ['g', 'outer']],
  ['group', 'member', 'group:unheard#member', ['unheard']],
  ['document', 'view', 'group:g', []],
])('%s#%s of %s', async (resourceType, permission, subject, ids) => {
  const world = await worldOf(schema, rows)
  const found = await collect(
    world.lookupResources({ resourceType, permission, subject: parseSubject(subject) }),
  )
  expect(found.map(({ resourceId }) => resourceId).sort()).toEqual(ids)
})

test('what is certain of a subject that nothing mentions is not certain of others', async () => {
  const schema = `use self
caveat allowed(level int) { level > 3 }
definition user {
  relation friend: user:* with allowed
  permission known = friend + self
}
definition document {
  relation owner: user
  permission view = owner->known
}`
  const world = await worldOf(schema, ['user:ann#friend@user:*[allowed]', 'document:d#owner@user:ann'])
  const found = await collect(
    world.lookupResources({
      resourceType: 'document',
      permission: 'view',
      subject: parseSubject('user:unheard'),
    }),
  )
  expect(found).toMatchObject([{ resourceId: 'd', permissionship: 'conditional', missing: ['level'] }])
})
