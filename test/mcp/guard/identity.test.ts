// Who is asking, on the ready-made model: user, agent, task, client and tenant are each asked, and each may be what is missing.

import { readFileSync } from 'node:fs'
import { afterEach, expect, test } from 'vitest'
import type { Policy } from '../../../src/mcp/policy/policy.ts'
import type { Principal } from '../../../src/mcp/principal.ts'
import { documentsServer, readRule } from './documents.ts'
import { connect, createWorld, principalOf, revoke } from './world.ts'

const schema = readFileSync(new URL('../../../schema/mcp.zed', import.meta.url), 'utf8')
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

/** One call of `read` by this principal; what it answered, and each decision of the record. */
async function ask(world: Awaited<ReturnType<typeof createWorld>>, principal: Principal, id = 'plan') {
  const { server } = documentsServer(['plan', 'salaries'])
  world.guard.protect(server)
  const one = await connect(server, principal)
  open.push(one)
  world.audit.events.length = 0
  const said = JSON.stringify(await one.client.callTool({ name: 'read', arguments: { id } }))
  const decisions = world.audit.events
    .at(-1)!
    .decisions.map(({ resource, permission, verdict }) => `${resource.type}#${permission} ${verdict}`)
  return { allowed: said.includes(`text of ${id}`), decisions }
}

test('user, agent, client and task are all needed, and the record says which was missing', async () => {
  const policy: Policy = {
    trust_on_first_use: true,
    also: [
      'client:{claims.client_id}#registered',
      'delegation:{claims.delegation}#given',
      'delegation:{claims.delegation}#held@{agent}',
    ],
    tools: {
      read: {
        ...readRule,
        arguments: [
          {
            at: '$.id',
            all: ['document:{value}#view', 'document:{value}#task_read@delegation:{claims.delegation}'],
          },
        ],
      },
    },
  }
  const relationships = [
    'client:desktop#registered_for@user:*',
    'delegation:t1#grantor@user:alice',
    'delegation:t1#holder@agent:act/planner',
    'folder:drafts#task_reader@delegation:t1',
    'document:plan#parent@folder:drafts',
    'document:plan#owner@user:alice',
    'document:salaries#owner@user:alice',
  ]
  const world = await createWorld(policy, relationships, { schema })
  open.push(world.authorizer)
  const alice = (more: Partial<Principal> = {}, claims = {}) =>
    principalOf('alice', {
      agentRef: { type: 'agent', id: 'act/planner', relation: '' },
      claims: { sub: 'alice', client_id: 'desktop', delegation: 't1', ...claims },
      ...more,
    })
  const all = [
    'client#registered has',
    'delegation#given has',
    'delegation#held has',
    'document#view has',
    'document#task_read has',
  ]
  const without = (missing: string) =>
    all.map((one) => (one.startsWith(missing) ? one.replace('has', 'no') : one))

  expect(await ask(world, alice())).toEqual({ allowed: true, decisions: all })
  expect(await ask(world, alice(), 'salaries')).toEqual({
    allowed: false,
    decisions: without('document#task_read'),
  })
  expect(await ask(world, alice({ agentRef: { type: 'agent', id: 'act/other', relation: '' } }))).toEqual({
    allowed: false,
    decisions: without('delegation#held'),
  })
  expect(await ask(world, alice({}, { client_id: 'unknown' }))).toEqual({
    allowed: false,
    decisions: without('client#registered'),
  })
  expect(await ask(world, alice({}, { delegation: 't2' }))).toMatchObject({ allowed: false })
  expect(await ask(world, alice({}, { delegation: undefined }))).toMatchObject({ allowed: false })
  expect(
    await ask(world, { ...alice(), subjectRef: { type: 'user', id: 'bob', relation: '' } }),
  ).toMatchObject({ allowed: false })
  await revoke(world.authorizer, ['document:plan#owner@user:alice'])
  expect(await ask(world, alice())).toEqual({ allowed: false, decisions: without('document#view') })
})

test('equal local ids of two tenants are two things', async () => {
  const policy: Policy = {
    trust_on_first_use: true,
    tools: {
      read: { ...readRule, arguments: [{ at: '$.id', all: ['document:{claims.tenant}/{value}#view'] }] },
    },
  }
  const world = await createWorld(
    policy,
    ['document:acme/plan#viewer@user:alice', 'document:globex/plan#viewer@user:bob'],
    { schema },
  )
  open.push(world.authorizer)
  const of = (name: string, tenant: unknown) => principalOf(name, { claims: { sub: name, tenant } as never })
  expect((await ask(world, of('alice', 'acme'))).allowed).toBe(true)
  expect((await ask(world, of('bob', 'globex'))).allowed).toBe(true)
  expect((await ask(world, of('alice', 'globex'))).allowed).toBe(false)
  expect((await ask(world, of('bob', 'acme'))).allowed).toBe(false)
  for (const trick of ['acme/plan', 'acme/', '', undefined, ['acme'], { x: 1 }, '*'])
    expect((await ask(world, of('alice', trick), 'plan')).allowed, String(trick)).toBe(false)
})

test('a service is no user, and an agent is neither', async () => {
  const policy: Policy = { trust_on_first_use: true, tools: { read: readRule } }
  const world = await createWorld(policy, ['document:plan#viewer@user:alice'], { schema })
  open.push(world.authorizer)
  for (const type of ['service', 'agent'])
    expect(
      (
        await ask(
          world,
          principalOf('alice', { kind: 'service', subjectRef: { type, id: 'alice', relation: '' } }),
        )
      ).allowed,
    ).toBe(false)
  expect((await ask(world, principalOf('alice'))).allowed).toBe(true)
})
