// The log of slow calls: what was asked and where the work went, without ids unless they are wanted.

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import { createAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { connect } from '../../src/client/connect.ts'
import { parseObject, parseSubject } from '../../src/model/relationship-text.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import { key, openDoor } from './grpc-harness.ts'

const width = 20_000
let authorizer: Authorizer

beforeAll(async () => {
  authorizer = await createAuthorizer({ store: memoryStore() })
  await authorizer.writeSchema(`definition user {}
definition group {
  relation member: user
}
definition document {
  relation team: group
  relation viewer: user
  relation banned: user
  permission view = viewer + team->member
  permission see = view - banned
}`)
  const row = (id: string, relation: string, type: string, subjectId: string) => ({
    resource: { type: 'document', id },
    relation,
    subject: { type, id: subjectId, relation: '' },
  })
  async function* rows() {
    for (let at = 0; at < width; at += 1000)
      yield Array.from({ length: 1000 }, (_, n) => [
        row('secret-plan', 'team', 'group', `group-${at + n}`),
        row(`document-${at + n}`, 'viewer', 'user', 'secret-max'),
      ]).flat()
  }
  await authorizer.importRelationships(rows())
})
afterAll(() => authorizer.close())

/** The facts that are logged for one call. */
async function logged(use: (client: Authorizer) => Promise<unknown>, options: object = {}) {
  const door = await openDoor({ authorizer, limits: { slowCallMs: 0 }, ...options })
  const client = connect({ address: door.address, presharedKey: key })
  await use(client).catch(() => {})
  await client.close()
  await door.close(1000)
  const line = door.log.find(({ message }) => message === 'A call was slow.')
  expect(JSON.stringify(line)).toContain('requestId')
  return line!.facts
}

const question = (permission: string) => ({
  resource: parseObject('document:secret-plan'),
  permission,
  subject: parseSubject('user:secret-ann'),
})
const all = async (items: AsyncIterable<unknown>) => {
  for await (const _ of items);
}

test.each(['view', 'see'])(
  'a check through many rows: plan, steps and the widest node (%s)',
  async (permission) => {
    const facts = await logged((client) => client.check(question(permission)))
    expect(facts).toMatchObject({
      plan: `document#${permission}@user`,
      widest: 'document#team',
      widestRows: width,
      code: 'OK',
    })
    expect(facts.steps).toBeGreaterThanOrEqual(width)
    expect(JSON.stringify(facts)).not.toContain('secret')
  },
)

test('ids when they are wanted', async () => {
  const facts = await logged((client) => client.check(question('view')), { logIds: true })
  expect(facts).toMatchObject({
    plan: 'document:secret-plan#view@user:secret-ann',
    widest: 'document:secret-plan#team',
  })
})

test('a lookup is told from the side that was walked', async () => {
  const lookup = (client: Authorizer) =>
    all(
      client.lookupResources({
        resourceType: 'document',
        permission: 'view',
        subject: parseSubject('user:secret-max'),
      }),
    )
  expect(await logged(lookup)).toMatchObject({
    plan: 'document#view@user',
    widest: 'document#viewer@user',
    widestRows: width,
  })
  const subjects = (client: Authorizer) =>
    all(
      client.lookupSubjects({
        resource: parseObject('document:secret-plan'),
        permission: 'view',
        subjectType: 'user',
      }),
    )
  expect(await logged(subjects)).toMatchObject({
    plan: 'document#view@user',
    widest: 'document#team',
    widestRows: width,
  })
})

test('many questions are counted', async () => {
  const bulk = await logged((client) => client.checkBulk([question('see'), question('view')]))
  expect(bulk).toMatchObject({ plan: 'document#see@user', questions: 2, widestRows: width })
})

test('what needs no work has no cost', async () => {
  const read = await logged((client) => client.readSchema())
  expect(read).not.toHaveProperty('plan')
  expect(read).not.toHaveProperty('steps')
})
