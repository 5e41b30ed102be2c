// Who is asking, on the ready-made model: user, agent, task, client and tenant are each asked, and each may be what is missing.

import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import type { Policy } from '../../../src/mcp/policy/policy.ts'
import type { Principal } from '../../../src/mcp/principal.ts'
import { documentsServer, readRule, searchRule } from './documents.ts'
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

describe('authorization_details (RFC 9396) narrow and never widen', () => {
  const policy: Policy = {
    trust_on_first_use: true,
    authorization_details: {
      document_access: {
        each: '$.documents[*]',
        covers: ['document:{value}'],
        actions: { read: ['view'], write: ['view', 'edit'] },
      },
      everything: { covers: ['document'], actions: { read: ['view'] } },
      one: { covers: ['document:{detail.identifier}'], actions: { read: ['view'] } },
    },
    tools: { read: readRule },
  }
  const document_access = (documents: unknown, actions: unknown = ['read']) => ({
    type: 'document_access',
    documents,
    actions,
  })
  const cases: [string, unknown, boolean, boolean][] = [
    ['no details: relationships alone', undefined, true, false],
    ['a detail that names the document', [document_access(['plan'])], true, false],
    [
      'a detail that names another one, though the relationships grant this',
      [document_access(['x'])],
      false,
      false,
    ],
    ['a detail for what the relationships deny', [document_access(['plan', 'salaries'])], true, false],
    ['another action', [document_access(['plan'], ['delete'])], false, false],
    ['a wider action', [document_access(['plan'], ['write'])], true, false],
    ['no action', [{ type: 'document_access', documents: ['plan'] }], false, false],
    ['actions that are no list', [{ ...document_access(['plan']), actions: 'read' }], false, false],
    ['a wildcard is an id', [document_access(['*'])], false, false],
    ['a type that the policy does not know', [{ type: 'payment', actions: ['read'] }], false, false],
    ['one known and one unknown', [{ type: 'payment' }, document_access(['plan'])], true, false],
    ['all objects of the type', [{ type: 'everything', actions: ['read'] }], true, false],
    ['by the identifier', [{ type: 'one', identifier: 'plan', actions: ['read'] }], true, false],
    [
      'an identifier that is no text',
      [{ type: 'one', identifier: ['plan'], actions: ['read'] }],
      false,
      false,
    ],
    ['an empty list', [], false, false],
    ['no list', document_access(['plan']), false, false],
    ['null', null, false, false],
  ]

  test.each(cases)('%s', async (_, details, plan, salaries) => {
    const world = await createWorld(
      policy,
      ['document:plan#owner@user:alice', 'document:salaries#owner@user:bob'],
      {
        schema,
      },
    )
    open.push(world.authorizer)
    const claims = { sub: 'alice', ...(details !== undefined && { authorization_details: details }) } as never
    const alice = principalOf('alice', { claims })
    expect((await ask(world, alice, 'plan')).allowed).toBe(plan)
    expect((await ask(world, alice, 'salaries')).allowed).toBe(salaries)
    const extra = { authInfo: { extra: { cardeaPrincipal: alice } } }
    expect(await world.guard.check(extra, 'document:plan#view')).toBe(plan)
    expect(await world.guard.check(extra, 'document:salaries#view')).toBe(salaries)
    const found: string[] = []
    for await (const id of world.guard.lookup(extra, 'document', 'view')) found.push(id)
    expect(found).toEqual(plan ? ['plan'] : [])
  })

  test('the record says that it was the token, not a relationship, that was missing', async () => {
    const world = await createWorld(policy, ['document:plan#owner@user:alice'], { schema })
    open.push(world.authorizer)
    const claims = { sub: 'alice', authorization_details: [document_access(['x'])] } as never
    await ask(world, principalOf('alice', { claims }))
    expect(world.audit.events.at(-1)!.decisions).toMatchObject([
      { verdict: 'no', reason: { kind: 'authorization_details' } },
    ])
  })
})

test('two tenants with the same ids everywhere, tools and lists included: nobody sees across', async () => {
  const policy: Policy = {
    trust_on_first_use: true,
    tools: {
      read: { ...readRule, arguments: [{ at: '$.id', all: ['document:{claims.tenant}/{value}#view'] }] },
      search: {
        ...searchRule,
        result: [
          { items: '$.results[*]', all: ['document:{claims.tenant}/{item.id}#view'] },
          { set: { '$.total': 'count' } },
        ],
      },
    },
  }
  const tenants = ['acme', 'globex']
  const relationships = tenants.flatMap((tenant) => [
    `document:${tenant}/plan#owner@user:${tenant}/alice`,
    `document:${tenant}/${tenant === 'acme' ? 'a' : 'b'}#owner@user:${tenant}/alice`,
  ])
  const world = await createWorld(policy, relationships, { schema })
  open.push(world.authorizer)
  const alice = (tenant: string) =>
    principalOf('alice', {
      issuer: `https://${tenant}.idp.example`,
      subjectRef: { type: 'user', id: `${tenant}/alice`, relation: '' },
      claims: { sub: 'alice', tenant },
    })
  const search = async (principal: Principal) => {
    const { server } = documentsServer(['plan', 'a', 'b'])
    world.guard.protect(server)
    const one = await connect(server, principal)
    open.push(one)
    const { structuredContent } = await one.client.callTool({ name: 'search', arguments: {} })
    return (structuredContent as { results: { id: string }[] }).results.map(({ id }) => id)
  }
  expect(await search(alice('acme'))).toEqual(['plan', 'a'])
  expect(await search(alice('globex'))).toEqual(['plan', 'b'])
  // The person of one tenant with the other's claim: same sub, same ids, nothing in common.
  expect(await search({ ...alice('acme'), claims: { sub: 'alice', tenant: 'globex' } })).toEqual([])
  await revoke(world.authorizer, ['document:acme/plan#owner@user:acme/alice'])
  expect(await search(alice('acme'))).toEqual(['a'])
  expect(await search(alice('globex'))).toEqual(['plan', 'b'])
})
