// Samples of a schema plan: they find what changes in data in which hardly any pair of object and subject is related.

import { expect, test } from 'vitest'
import { formatObject, formatSubject } from '../../src/model/reference.ts'
import { worldOf } from '../engine/world-of.ts'

const schema = `definition user {}

definition group {
  relation member: user
}

definition document {
  relation viewer: group#member
  relation banned: user
  permission view = viewer - banned
  permission own = nil
}
`

const rows = Array.from({ length: 400 }, (_, at) => [
  `document:d${at}#viewer@group:g${at}#member`,
  `group:g${at}#member@user:u${at}`,
  ...(at % 4 === 0 ? [`document:d${at}#banned@user:u${at}`] : []),
]).flat()

const describe = (plan: Awaited<ReturnType<Awaited<ReturnType<typeof worldOf>>['planSchema']>>) =>
  plan.changed.map(
    ({ question: { resource, permission, subject }, before, after }) =>
      `${formatObject(resource)}#${permission}@${formatSubject(subject)}: ${before} ${after}`,
  )

test('answers that change are found, the same ones each time, and no question is asked twice', async () => {
  const authorizer = await worldOf(schema, rows)
  const open = schema.replace('viewer - banned', 'viewer')
  const plan = await authorizer.planSchema(open, { sample: 500 })
  expect(plan.asked).toBe(500)
  expect(plan.changed.length).toBeGreaterThan(50)
  expect(describe(plan)).toContain('document:d0#view@user:u0: no has')
  expect(new Set(describe(plan)).size).toBe(plan.changed.length)
  expect(describe(await authorizer.planSchema(open, { sample: 500 }))).toEqual(describe(plan))
  await authorizer.close()
})

test('a small datastore is asked about everything, and not more', async () => {
  const authorizer = await worldOf(schema, rows.slice(0, 3))
  const plan = await authorizer.planSchema(schema.replace('viewer - banned', 'banned'))
  expect(plan.asked).toBe(2)
  expect(describe(plan)).toEqual(['document:d0#view@user:u0: no has'])
  const none = await authorizer.planSchema(schema, { sample: 0 })
  expect(none).toMatchObject({ asked: 0, changed: [] })
  await authorizer.close()
})
