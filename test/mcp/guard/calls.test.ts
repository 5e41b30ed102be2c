// Tool calls through the guard: what is denied, what it looks like, what is recorded, and what happens when something fails.

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Authorizer } from '../../../src/authorizer/authorizer.ts'
import { createGuard, type GuardOptions } from '../../../src/mcp/guard/create-guard.ts'
import type { Policy } from '../../../src/mcp/policy/policy.ts'
import { CardeaError } from '../../../src/model/errors.ts'
import { deleteRule, documentsPolicy, documentsServer, grants, readRule, searchRule } from './documents.ts'
import { type Connected, connect, createWorld, type GuardWorld, principalOf, revoke } from './world.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function world(
  policy: Policy = documentsPolicy,
  relationships: readonly string[] = grants,
  more: Partial<GuardOptions> = {},
) {
  const made = await createWorld(policy, relationships, more)
  open.push(made.authorizer)
  return made
}

async function visit(made: GuardWorld, server: McpServer, name = 'alice', more = {}): Promise<Connected> {
  made.guard.protect(server)
  const one = await connect(server, principalOf(name, more))
  open.push(one)
  return one
}

/** The client's view of one call as JSON, errors included. */
async function said({ client }: Connected, name: string, args: Record<string, unknown>): Promise<string> {
  try {
    return JSON.stringify(await client.callTool({ name, arguments: args }))
  } catch (error) {
    return `thrown ${(error as { code: number }).code} ${(error as Error).message}`
  }
}

describe('denied is missing', () => {
  test('a forbidden id, a missing one and a malformed one are the same bytes', async () => {
    const made = await world()
    const { server, calls } = documentsServer()
    const alice = await visit(made, server)
    const forbidden = await said(alice, 'read', { id: 'c' })
    expect(forbidden).toBe('{"content":[{"type":"text","text":"Not found."}],"isError":true}')
    expect(await said(alice, 'read', { id: 'nowhere' })).toBe(forbidden)
    expect(await said(alice, 'read', { id: '../c' })).toBe(forbidden)
    expect(await said(alice, 'read', { id: 5 })).toBe(forbidden)
    expect(await said(alice, 'read', {})).toBe(forbidden)
    expect(calls).toEqual([])
    expect(await said(alice, 'read', { id: 'a' })).toContain('text of a')
  })

  test('a forbidden delete never reaches its handler', async () => {
    const made = await world()
    const { server, calls } = documentsServer()
    const alice = await visit(made, server)
    await said(alice, 'delete', { id: 'b' })
    expect(calls).toEqual([])
    expect(await said(alice, 'delete', { id: 'a' })).toBe('{"content":[{"type":"text","text":"deleted"}]}')
    expect(calls).toEqual(['delete a'])
  })

  test('a tool without a rule and one that does not exist are the same', async () => {
    const made = await world({ trust_on_first_use: true, tools: { search: searchRule } })
    const { server, calls } = documentsServer()
    const alice = await visit(made, server)
    const unknown = await said(alice, 'read', { id: 'a' })
    expect(unknown).toBe(await said(alice, 'no such tool', { id: 'a' }))
    expect(unknown).toMatch(/-32602.*Unknown tool/)
    expect((await alice.client.listTools()).tools.map(({ name }) => name)).toEqual(['search'])
    expect(calls).toEqual([])
  })

  test('a relationship denial is never insufficient_scope', async () => {
    const made = await world()
    const alice = await visit(made, documentsServer().server)
    expect(await said(alice, 'read', { id: 'c' })).not.toMatch(/scope/i)
  })
})

describe('registration', () => {
  const rule: Policy = {
    trust_on_first_use: true,
    tools: {
      t: { effect: 'read', result: [{ json: 'text', items: '$[*]', all: ['document:{item}#view'] }] },
    },
  }
  const leaking = () => ({ content: [{ type: 'text' as const, text: '["b","CANARY"]' }] })
  const expected = '{"content":[{"type":"text","text":"[\\"b\\"]"}]}'

  test('before protect', async () => {
    const made = await world(rule)
    const server = new McpServer({ name: 's', version: '1' })
    server.registerTool('t', {}, leaking)
    expect(await said(await visit(made, server), 't', {})).toBe(expected)
  })

  test('after protect, and after connect', async () => {
    const made = await world(rule)
    const server = new McpServer(
      { name: 's', version: '1' },
      { capabilities: { tools: { listChanged: true } } },
    )
    const alice = await visit(made, server)
    server.registerTool('t', {}, leaking)
    expect(await said(alice, 't', {})).toBe(expected)
  })

  test('update({ callback })', async () => {
    const made = await world(rule)
    const server = new McpServer({ name: 's', version: '1' })
    const registered = server.registerTool('t', {}, () => ({ content: [] }))
    const alice = await visit(made, server)
    expect(await said(alice, 't', {})).toBe('{"content":[]}')
    registered.update({ callback: leaking })
    expect(await said(alice, 't', {})).toBe(expected)
  })

  test('a low-level handler, set later through a reference taken earlier', async () => {
    const made = await world(rule)
    const server = new McpServer({ name: 's', version: '1' }, { capabilities: { tools: {} } })
    const set = server.server.setRequestHandler.bind(server.server)
    const alice = await visit(made, server)
    set(ListToolsRequestSchema, () => ({ tools: [{ name: 't', inputSchema: { type: 'object' as const } }] }))
    set(CallToolRequestSchema, leaking)
    expect(await said(alice, 't', {})).toBe(expected)
  })

  test('the low-level server may be protected by itself', async () => {
    const made = await world(rule)
    const server = new McpServer({ name: 's', version: '1' })
    server.registerTool('t', {}, leaking)
    made.guard.protect(server.server)
    const alice = await connect(server, principalOf('alice'))
    open.push(alice)
    expect(await said(alice, 't', {})).toBe(expected)
  })

  test('a server that is connected already is refused', async () => {
    const made = await world(rule)
    const server = new McpServer({ name: 's', version: '1' })
    const one = await connect(server, undefined)
    open.push(one)
    expect(() => made.guard.protect(server)).toThrow(/before server\.connect/)
  })

  test('a result that is changed after it was returned is not what leaves', async () => {
    const made = await world(rule)
    const server = new McpServer({ name: 's', version: '1' })
    const kept = { content: [{ type: 'text' as const, text: '["b"]' }] }
    server.registerTool('t', {}, () => {
      setTimeout(() => kept.content.push({ type: 'text', text: 'CANARY' }), 0)
      return kept
    })
    const alice = await visit(made, server)
    await said(alice, 't', {})
    expect(alice.received.join()).not.toContain('CANARY')
  })

  test('toJSON cannot say something else than what was checked', async () => {
    const made = await world({
      trust_on_first_use: true,
      tools: { t: { effect: 'read', result: [{ items: '$.results[*]', all: ['document:{item.id}#view'] }] } },
    })
    const server = new McpServer({ name: 's', version: '1' })
    const sly = { id: 'b', toJSON: () => ({ id: 'c', text: 'CANARY' }) }
    server.registerTool('t', {}, () => ({ content: [], structuredContent: { results: [sly] } }))
    expect(await said(await visit(made, server), 't', {})).toBe(
      '{"content":[],"structuredContent":{"results":[]}}',
    )
  })

  test('a result that is no JSON fails and nothing else does', async () => {
    const made = await world(rule)
    const server = new McpServer({ name: 's', version: '1' })
    server.registerTool('t', {}, () => ({ content: [], structuredContent: { n: 1n } }))
    expect(await said(await visit(made, server), 't', {})).toMatch(/-32603/)
  })
})

describe('conditions', () => {
  const policy: Policy = {
    trust_on_first_use: true,
    context: { ip: 'request.ip' },
    tools: { read: readRule },
  }
  const conditional = ['document:a#viewer@user:alice[from_office]']

  test('a conditional answer is a denial, and the record names what was missing', async () => {
    const made = await world(policy, conditional)
    const { server, calls } = documentsServer()
    const alice = await visit(made, server)
    expect(await said(alice, 'read', { id: 'a' })).toContain('Not found.')
    expect(calls).toEqual([])
    expect(made.audit.events.at(-1)?.decisions).toMatchObject([{ verdict: 'conditional', missing: ['ip'] }])
  })

  test('context from the door decides', async () => {
    const made = await world(policy, conditional)
    const { server } = documentsServer()
    made.guard.protect(server)
    const at = async (ip: string) => {
      const { server: one } = documentsServer()
      made.guard.protect(one)
      const alice = await connect(one, principalOf('alice'), undefined, undefined, { ip })
      open.push(alice)
      return said(alice, 'read', { id: 'a' })
    }
    expect(await at('10.1.2.3')).toContain('text of a')
    expect(await at('192.0.2.1')).toContain('Not found.')
    expect(await at('not an address')).toContain('Not found.')
    expect(made.audit.events.find(({ outcome }) => outcome === 'allowed')?.contextDigest).toMatch(
      /^[0-9a-f]{64}$/,
    )
  })

  test('an expired relationship denies at once', async () => {
    const soon = new Date(Date.now() + 150).toISOString()
    const made = await world({ trust_on_first_use: true, tools: { read: readRule } }, [
      `document:a#viewer@user:alice[expiration:${soon}]`,
    ])
    const alice = await visit(made, documentsServer().server)
    expect(await said(alice, 'read', { id: 'a' })).toContain('text of a')
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(await said(alice, 'read', { id: 'a' })).toContain('Not found.')
  })
})

describe('scopes', () => {
  test('a missing scope is an error result, and the HTTP side is told what is needed', async () => {
    const made = await world()
    const { server, calls } = documentsServer()
    const alice = await visit(made, server, 'alice', { scopes: new Set(['docs.read']) })
    expect(await said(alice, 'delete', { id: 'a' })).toContain('This call needs the scope docs.write.')
    expect(calls).toEqual([])
    expect(made.guard.requiredScopes({ method: 'tools/call', params: { name: 'delete' } })).toEqual([
      'docs.write',
    ])
    expect(made.guard.requiredScopes({ method: 'tools/call', params: { name: 'nothing' } })).toEqual([])
    expect(made.guard.requiredScopes({ method: 'ping' })).toEqual([])
  })
})

describe('whole-call questions', () => {
  const also = ['user:{subject.id}#act_as@{agent}']
  test('an agent that may not act for this user gets nothing and sees no tools', async () => {
    const made = await world({ ...documentsPolicy, also })
    const { server, calls } = documentsServer()
    const alice = await visit(made, server)
    expect(await said(alice, 'read', { id: 'a' })).toContain('Not found.')
    expect((await alice.client.listTools()).tools).toEqual([])
    expect(calls).toEqual([])
  })

  test('with the delegation, both reach', async () => {
    const made = await world({ ...documentsPolicy, also }, [...grants, 'user:alice#act_as@agent:client/app'])
    const { server } = documentsServer()
    const alice = await visit(made, server)
    expect(await said(alice, 'read', { id: 'a' })).toContain('text of a')
    expect((await alice.client.listTools()).tools).toHaveLength(3)
    expect(await said(alice, 'read', { id: 'c' })).toContain('Not found.')
    expect(made.audit.events.at(-1)?.decisions.map(({ at, verdict }) => `${at} ${verdict}`)).toEqual([
      'call has',
      'argument $.id no',
    ])
  })
})

describe('the record', () => {
  test('every call has one, with decisions, proofs and reasons', async () => {
    const made = await world()
    const alice = await visit(made, documentsServer().server)
    await said(alice, 'search', { query: 'x' })
    const [event] = made.audit.events
    expect(event).toMatchObject({
      phase: 'outcome',
      tool: 'search',
      effect: 'read',
      outcome: 'filtered',
      mode: 'enforce',
    })
    expect(
      event!.decisions.map(({ at, verdict, proof, reason }) => [at, verdict, proof ?? reason?.kind]),
    ).toEqual([
      ['result $.results[0]', 'has', ['document:a#editor@user:alice']],
      ['result $.results[1]', 'has', ['document:b#viewer@user:alice']],
      ['result $.results[2]', 'no', 'no_path'],
    ])
    expect(event!.resultToken).toBeTypeOf('string')
    expect(JSON.stringify(made.audit.events)).not.toContain('RAW-TOKEN')
  })

  test('a write is recorded before it is dispatched', async () => {
    const made = await world()
    const { server, calls } = documentsServer()
    const seen: number[] = []
    made.audit.fail = ({ phase }) => {
      if (phase === 'intent') seen.push(calls.length)
      return false
    }
    const alice = await visit(made, server)
    await said(alice, 'delete', { id: 'a' })
    expect(seen).toEqual([0])
    const [intent, outcome] = made.audit.events
    expect([intent!.phase, outcome!.phase, intent!.callId === outcome!.callId]).toEqual([
      'intent',
      'outcome',
      true,
    ])
  })

  test('a write whose intent cannot be recorded is not done', async () => {
    const made = await world()
    const { server, calls } = documentsServer()
    const alice = await visit(made, server)
    made.audit.fail = () => true
    expect(await said(alice, 'delete', { id: 'a' })).toContain('cannot be authorized at the moment')
    expect(calls).toEqual([])
    expect(made.log.map(({ message }) => message).join()).toContain('the disk is full')
  })

  test('a result whose record cannot be written does not leave', async () => {
    const made = await world()
    const alice = await visit(made, documentsServer().server)
    made.audit.fail = ({ phase }) => phase === 'outcome'
    expect(await said(alice, 'read', { id: 'a' })).toContain('cannot be authorized at the moment')
    expect(alice.received.join()).not.toContain('text of a')
  })

  test('what has no rule is recorded as refused', async () => {
    const made = await world()
    const alice = await visit(made, documentsServer().server)
    await said(alice, 'nothing', {})
    expect(made.audit.events.at(-1)).toMatchObject({ phase: 'refused', method: 'tools/call' })
  })
})

describe('when the service fails', () => {
  function broken(authorizer: Authorizer, checkBulk: Authorizer['checkBulk']): Authorizer {
    return { ...authorizer, checkBulk }
  }
  async function brokenWorld(checkBulk: Authorizer['checkBulk'], more: Partial<GuardOptions> = {}) {
    const made = await world()
    const guard = createGuard({
      authorizer: broken(made.authorizer, checkBulk),
      audit: made.audit,
      log: {
        info: () => {},
        warn: () => {},
        error: (facts, message) => made.log.push({ level: 'error', facts, message }),
      },
      policy: documentsPolicy,
      ...more,
    })
    return { ...made, guard }
  }

  test('down: denied, with a word to the operator', async () => {
    const made = await brokenWorld(() =>
      Promise.reject(new CardeaError('UNAVAILABLE', 'The service is down.')),
    )
    const { server, calls } = documentsServer()
    const alice = await visit(made, server)
    expect(await said(alice, 'read', { id: 'a' })).toContain('cannot be authorized at the moment')
    expect(await said(alice, 'search', {})).toContain('cannot be authorized at the moment')
    expect(alice.received.join()).not.toMatch(/text of a|"id":"a"|down/)
    expect(calls).toEqual(['search'])
    expect(made.log.map(({ message }) => message).join()).toContain('UNAVAILABLE: The service is down.')
    expect(made.audit.events.at(-1)).toMatchObject({
      outcome: 'failed',
      detail: expect.stringContaining('UNAVAILABLE'),
    })
  })

  test('silent: denied when the deadline has passed', async () => {
    const made = await brokenWorld(() => new Promise(() => {}), { checkTimeoutMs: 30 })
    const alice = await visit(made, documentsServer().server)
    expect(await said(alice, 'read', { id: 'a' })).toContain('cannot be authorized at the moment')
    expect(made.log.map(({ message }) => message).join()).toContain('DEADLINE_EXCEEDED')
  })

  test('an error of one question denies that one', async () => {
    const made = await world()
    const real = made.authorizer.checkBulk
    const some = await brokenWorld(async (questions, options) => {
      const result = await real(questions, options)
      const answers = result.answers.map((answer, index) =>
        questions[index]!.resource.id === 'a'
          ? { error: new CardeaError('LIMIT_EXCEEDED', 'too deep') }
          : answer,
      )
      return { ...result, answers }
    })
    const alice = await visit(some, documentsServer().server)
    expect(await said(alice, 'search', {})).toContain('{"results":[{"id":"b"}],"total":1}')
    expect(some.audit.events.at(-1)?.decisions[0]).toMatchObject({
      verdict: 'error',
      reason: { kind: 'LIMIT_EXCEEDED' },
    })
  })

  test('too few answers deny everything', async () => {
    const made = await brokenWorld(async () => ({ token: 't', answers: [], evaluatedAtMs: 0 }))
    const alice = await visit(made, documentsServer().server)
    expect(await said(alice, 'read', { id: 'a' })).toContain('cannot be authorized at the moment')
  })

  test('questions beyond one request go at the revision of the first', async () => {
    const seen: { count: number; kind: string | undefined }[] = []
    const made = await world()
    const real = made.authorizer.checkBulk
    const some = await brokenWorld(
      async (questions, options) => {
        seen.push({ count: questions.length, kind: options?.consistency?.kind })
        return real(questions, options)
      },
      { maxBulkChecks: 2 },
    )
    const alice = await visit(some, documentsServer().server)
    expect(await said(alice, 'search', {})).toContain('"total":2')
    expect(seen).toEqual([
      { count: 2, kind: 'fully_consistent' },
      { count: 1, kind: 'at_exact_snapshot' },
    ])
  })

  test('an answer may be older only if the policy says so', async () => {
    const kinds: (string | undefined)[] = []
    const made = await world()
    const real = made.authorizer.checkBulk
    const watched: Authorizer['checkBulk'] = (questions, options) => {
      kinds.push(options?.consistency?.kind)
      return real(questions, options)
    }
    for (const policy of [documentsPolicy, { ...documentsPolicy, max_staleness: '1h' }]) {
      const some = await brokenWorld(watched, { policy })
      const alice = await visit(some, documentsServer().server)
      await said(alice, 'read', { id: 'a' })
      await said(alice, 'read', { id: 'a' })
    }
    expect(kinds).toEqual(['fully_consistent', 'fully_consistent', 'fully_consistent', 'at_least_as_fresh'])
  })
})

describe('output schemas', () => {
  test('what is left must fit, or a fixed error stands for it', async () => {
    const made = await world()
    const server = new McpServer({ name: 's', version: '1' })
    const schema = { results: z.array(z.object({ id: z.string() })).min(2), total: z.number() }
    server.registerTool(
      'search',
      { inputSchema: { query: z.string().optional() }, outputSchema: schema },
      () => ({
        content: [],
        structuredContent: { results: [{ id: 'a' }, { id: 'c' }], total: 2 },
      }),
    )
    const alice = await visit(made, server)
    expect(await said(alice, 'search', {})).toBe(
      '{"content":[{"type":"text","text":"The tool could not complete this call."}],"isError":true}',
    )
    expect(made.audit.events.at(-1)).toMatchObject({
      outcome: 'failed',
      detail: expect.stringContaining('output schema'),
    })
  })
})

test('swapped grants give swapped results', async () => {
  const made = await world()
  const results = async (name: string) => {
    const { server } = documentsServer()
    const one = await visit(made, server, name)
    return said(one, 'search', {})
  }
  const [alice, bob] = [await results('alice'), await results('bob')]
  expect(alice).toContain('{"results":[{"id":"a"},{"id":"b"}],"total":2}')
  expect(bob).toContain('{"results":[{"id":"b"},{"id":"c"}],"total":2}')
  await revoke(made.authorizer, grants)
  await made.authorizer.writeRelationships({
    updates: [
      ...['b', 'c'].map((id) => ({ id, user: 'alice' })),
      ...['a', 'b'].map((id) => ({ id, user: 'bob' })),
    ].map(({ id, user }) => ({
      operation: 'touch' as const,
      relationship: {
        resource: { type: 'document', id },
        relation: 'viewer',
        subject: { type: 'user', id: user, relation: '' },
      },
    })),
  })
  expect(await results('alice')).toBe(bob)
  expect(await results('bob')).toBe(alice)
})

test('deleteRule is a write unless it says otherwise', async () => {
  const made = await world({ trust_on_first_use: true, tools: { delete: deleteRule } })
  const alice = await visit(made, documentsServer().server)
  await said(alice, 'delete', { id: 'a' })
  expect(made.audit.events.map(({ phase }) => phase)).toEqual(['intent', 'outcome'])
})
