// Messages as they pass, without a client library in between: who may send what, and what comes out on the other side.

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { afterEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { GuardOptions } from '../../../src/mcp/guard/create-guard.ts'
import type { MessageExtra, RpcMessage, Transport } from '../../../src/mcp/guard/message.ts'
import type { Policy } from '../../../src/mcp/policy/policy.ts'
import type { Principal } from '../../../src/mcp/principal.ts'
import { documentsPolicy, documentsServer, grants, readRule } from './documents.ts'
import { connect, createWorld, type GuardWorld, principalOf } from './world.ts'

/** A transport whose other end is the test itself. */
class BareTransport implements Transport {
  onmessage: Transport['onmessage']
  onclose: Transport['onclose']
  onerror: Transport['onerror']
  readonly sent: { message: Record<string, unknown>; related: unknown }[] = []
  async start() {}
  async close() {
    this.onclose?.()
  }
  async send(message: RpcMessage, options?: { relatedRequestId?: string | number }) {
    this.sent.push({ message: JSON.parse(JSON.stringify(message)), related: options?.relatedRequestId })
  }
  /** The message as a door would hand it in. */
  receive(message: unknown, principal?: Principal, extra: MessageExtra = {}) {
    const authInfo = principal && { token: 'RAW-TOKEN', extra: { cardeaPrincipal: principal } }
    this.onmessage?.(message as RpcMessage, {
      ...extra,
      ...(authInfo && { authInfo: { ...extra.authInfo, ...authInfo } }),
    })
  }
  /** The answer to a request, once it is there. */
  async answer(id: unknown): Promise<Record<string, unknown>> {
    for (let turn = 0; turn < 400; turn++) {
      const found = this.sent.find(({ message }) => message.id === id && message.method === undefined)
      if (found) return found.message
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    throw new Error(`no answer to ${id}`)
  }
}

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})
const settle = () => new Promise((resolve) => setTimeout(resolve, 40))

async function start(
  server: McpServer,
  policy: Policy = documentsPolicy,
  more: Partial<GuardOptions> = {},
): Promise<GuardWorld & { raw: BareTransport }> {
  const world = await createWorld(policy, grants, more)
  const raw = new BareTransport()
  world.guard.protect(server)
  await server.connect(raw as never)
  open.push(world.authorizer, server)
  return { ...world, raw }
}

const request = (id: unknown, method: string, params: object = {}) => ({ jsonrpc: '2.0', id, method, params })
const readA = (id: unknown) => request(id, 'tools/call', { name: 'read', arguments: { id: 'a' } })
const alice = principalOf('alice')

describe('who may send', () => {
  test.each([
    ['no principal', undefined],
    ['an expired one', principalOf('alice', { expiresAtMs: Date.now() - 1 })],
    ['something else in its place', { name: 'alice' } as never],
  ])('%s: denied, whatever the method', async (_, principal) => {
    const { server, calls } = documentsServer()
    const { raw } = await start(server)
    for (const [index, method] of ['initialize', 'ping', 'tools/list', 'tools/call', 'x'].entries()) {
      raw.receive(request(index, method, { name: 'read', arguments: { id: 'a' } }), principal)
      expect(await raw.answer(index)).toMatchObject({ error: { code: -31401, message: 'Not authenticated' } })
    }
    expect(calls).toEqual([])
  })

  test('a connection belongs to the principal that opened it', async () => {
    const { server, calls } = documentsServer()
    const { raw } = await start(server)
    raw.receive(readA(1), alice)
    expect(await raw.answer(1)).toMatchObject({ result: { content: [{ text: 'text of a' }] } })
    for (const [id, other] of [
      principalOf('bob'),
      principalOf('alice', { issuer: 'https://other.example' }),
      principalOf('alice', { clientId: 'other' }),
    ].entries()) {
      raw.receive(readA(10 + id), other)
      expect(await raw.answer(10 + id)).toMatchObject({ error: { code: -31401 } })
    }
    raw.receive(readA(2), principalOf('alice', { expiresAtMs: Date.now() + 9_000_000 }))
    expect(await raw.answer(2)).toHaveProperty('result')
    expect(calls).toHaveLength(2)
  })

  test('a configured principal asks where the transport names none', async () => {
    const world = await createWorld(documentsPolicy, grants)
    const { server } = documentsServer()
    world.guard.protect(server, { principal: () => alice })
    const one = await connect(server, undefined)
    open.push(world.authorizer, one)
    expect(JSON.stringify(await one.client.callTool({ name: 'read', arguments: { id: 'a' } }))).toContain(
      'text of a',
    )
    expect(JSON.stringify(await one.client.callTool({ name: 'read', arguments: { id: 'c' } }))).toContain(
      'Not found.',
    )
  })

  test('a token that expires while the tool works gets nothing', async () => {
    let now = Date.now()
    const server = new McpServer({ name: 's', version: '1' })
    server.registerTool('read', { inputSchema: { id: z.string() } }, () => {
      now += 60_000
      return { content: [{ type: 'text', text: 'CANARY' }] }
    })
    const { raw } = await start(server, documentsPolicy, { clock: () => now })
    raw.receive(readA(1), principalOf('alice', { expiresAtMs: now + 30_000 }))
    expect(await raw.answer(1)).toMatchObject({ error: { code: -31401 } })
    expect(JSON.stringify(raw.sent)).not.toContain('CANARY')
  })
})

describe('the allow-list', () => {
  test.each([
    'tools/execute',
    'vendor/read',
    'resources/directory/read',
    'constructor',
    '__proto__',
    'tasks/get',
    'tasks/list',
    'logging/setLevel',
    'prompts/list',
    'resources/list',
    'skills/get',
  ])('%s is no method', async (method) => {
    const { raw } = await start(documentsServer().server)
    raw.receive(request(1, method), alice)
    expect(await raw.answer(1)).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: { code: -32601, message: 'Method not found' },
    })
  })

  test('what is no message is dropped', async () => {
    const { server, calls } = documentsServer()
    const { raw, log } = await start(server)
    for (const message of [
      [readA(1)],
      null,
      'x',
      { ...readA(1), jsonrpc: '1.0' },
      { ...readA(1.5) },
      { ...readA(null) },
      { ...readA(1), params: [] },
      { jsonrpc: '2.0', id: 7, result: {}, error: {} },
    ])
      raw.receive(message, alice)
    await settle()
    expect(raw.sent).toEqual([])
    expect(calls).toEqual([])
    expect(log.filter(({ level }) => level === 'warn').length).toBeGreaterThan(5)
  })

  test('notifications and answers that nobody waits for do not reach the server', async () => {
    const seen: unknown[] = []
    const { server } = documentsServer()
    const { raw } = await start(server)
    const inner = (server.server as unknown as { transport: Transport }).transport
    const deliver = inner.onmessage!
    inner.onmessage = (message, extra) => {
      seen.push(message)
      deliver(message, extra)
    }
    raw.receive({ jsonrpc: '2.0', method: 'notifications/vendor', params: {} }, alice)
    raw.receive({ jsonrpc: '2.0', method: 'notifications/roots/list_changed' }, alice)
    raw.receive(
      { jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 1 } },
      alice,
    )
    raw.receive(
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 99, reason: 'x' } },
      alice,
    )
    raw.receive({ jsonrpc: '2.0', id: 3, result: {} }, alice)
    raw.receive({ jsonrpc: '2.0', method: 'notifications/initialized' })
    expect(seen).toEqual([])
    raw.receive({ jsonrpc: '2.0', method: 'notifications/initialized', params: { _meta: { x: 1 } } }, alice)
    expect(seen).toEqual([{ jsonrpc: '2.0', method: 'notifications/initialized' }])
  })

  test('capabilities that the policy does not open are not told, to either side', async () => {
    const server = new McpServer(
      { name: 's', version: '1' },
      {
        capabilities: {
          tools: {},
          prompts: {},
          resources: {},
          logging: {},
          completions: {},
          experimental: { x: {} },
        },
        instructions: 'CANARY',
      },
    )
    const { raw } = await start(server)
    const clientInfo = { name: 'c', version: '1' }
    raw.receive(
      request(1, 'initialize', {
        protocolVersion: '2025-11-25',
        clientInfo,
        capabilities: { sampling: {}, elicitation: {}, roots: {}, experimental: { y: {} } },
      }),
      alice,
    )
    expect(await raw.answer(1)).toMatchObject({ result: { capabilities: { tools: {} } } })
    expect(Object.keys(((await raw.answer(1)).result as { capabilities: object }).capabilities)).toEqual([
      'tools',
    ])
    expect(JSON.stringify(raw.sent)).not.toContain('CANARY')
    expect(server.server.getClientCapabilities()).toEqual({})
  })
})

describe('ids', () => {
  test('a second request with an id in use is refused; the first is answered', async () => {
    const server = new McpServer({ name: 's', version: '1' })
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    server.registerTool('read', { inputSchema: { id: z.string() } }, async ({ id }) => {
      await held
      return { content: [{ type: 'text', text: `text of ${id}` }] }
    })
    const { raw } = await start(server)
    raw.receive(readA(7), alice)
    await settle()
    raw.receive(request(7, 'tools/call', { name: 'read', arguments: { id: 'b' } }), alice)
    raw.receive(readA('7'), alice)
    release()
    await settle()
    expect(
      raw.sent.map(({ message }) => [message.id, message.error ? 'refused' : JSON.stringify(message.result)]),
    ).toEqual([
      [7, 'refused'],
      [7, expect.stringContaining('text of a')],
      ['7', expect.stringContaining('text of a')],
    ])
  })

  test('too many at once are refused', async () => {
    const { raw } = await start(documentsServer().server, documentsPolicy, { maxInFlight: 1 })
    raw.receive(readA(1), alice)
    raw.receive(readA(2), alice)
    expect(await raw.answer(2)).toMatchObject({ error: { code: -32600 } })
    expect(await raw.answer(1)).toHaveProperty('result')
  })

  test('an answer of the server that nobody asked for goes nowhere', async () => {
    const { server } = documentsServer()
    const { raw } = await start(server)
    const inner = (server.server as unknown as { transport: Transport }).transport
    await inner.send({ jsonrpc: '2.0', id: 1, result: { content: 'CANARY' } as never })
    await inner.send({ jsonrpc: '2.0', method: 'notifications/vendor', params: { x: 'CANARY' } })
    await inner.send({ jsonrpc: '2.0', id: 'x', method: 'vendor/ask', params: { x: 'CANARY' } })
    expect(raw.sent).toEqual([])
  })
})

describe('cancelling', () => {
  test('a call that is cancelled while it is checked is never dispatched', async () => {
    const { server, calls } = documentsServer()
    const { raw } = await start(server)
    raw.receive(readA(1), alice)
    raw.receive(
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, reason: 'x' } },
      alice,
    )
    await settle()
    expect(calls).toEqual([])
    expect(raw.sent).toEqual([])
  })

  test('a running tool learns of it, without the reason', async () => {
    const server = new McpServer({ name: 's', version: '1' })
    let aborted = false
    server.registerTool('read', { inputSchema: { id: z.string() } }, async (_, { signal }) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      aborted = true
      return { content: [] }
    })
    const { raw } = await start(server)
    raw.receive(readA(1), alice)
    await settle()
    raw.receive(
      { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1, reason: 'CANARY' } },
      alice,
    )
    await settle()
    expect(aborted).toBe(true)
    expect(raw.sent).toEqual([])
  })

  test('closing the connection ends what runs', async () => {
    const { server } = documentsServer()
    const { raw, audit } = await start(server)
    raw.receive(readA(1), alice)
    await raw.close()
    await settle()
    expect(raw.sent).toEqual([])
    expect(audit.events.every(({ outcome }) => outcome !== 'allowed')).toBe(true)
  })
})

describe('what handlers see', () => {
  test('the principal, and no token or credential', async () => {
    const seen: string[] = []
    const server = new McpServer({ name: 's', version: '1' })
    const world = await createWorld(documentsPolicy, grants)
    server.registerTool('read', { inputSchema: { id: z.string() } }, async (_, extra) => {
      const found: string[] = []
      for await (const id of world.guard.lookup(extra, 'document', 'view')) found.push(id)
      seen.push(JSON.stringify([extra.authInfo, extra.requestInfo, extra._meta]))
      seen.push(
        world.guard.principal(extra).subject,
        String(await world.guard.check(extra, 'document:a#delete')),
        String(await world.guard.check(extra, 'document:c#view')),
        found.sort().join(),
      )
      return { content: [] }
    })
    world.guard.protect(server)
    const raw = new BareTransport()
    await server.connect(raw as never)
    open.push(world.authorizer, server)
    raw.receive(
      request(1, 'tools/call', {
        name: 'read',
        arguments: { id: 'a' },
        _meta: { progressToken: 5, 'vendor/secret': 'META' },
      }),
      alice,
      {
        requestInfo: {
          headers: {
            Authorization: 'Bearer RAW-TOKEN',
            dpop: 'RAW-TOKEN',
            cookie: 'RAW-TOKEN',
            'user-agent': 'x',
          },
        },
      },
    )
    await raw.answer(1)
    expect(seen[0]).not.toContain('RAW-TOKEN')
    expect(seen[0]).not.toContain('META')
    expect(seen[0]).toContain('"user-agent":"x"')
    expect(seen.slice(1)).toEqual(['alice', 'true', 'false', 'a,b'])
    expect(() => world.guard.principal({})).toThrow(/nobody is asking/)
    await expect(world.guard.check({}, 'document:a#view')).rejects.toThrow(/nobody is asking/)
  })
})

describe('the server’s own voice', () => {
  test('progress keeps its numbers and loses its text', async () => {
    const server = new McpServer({ name: 's', version: '1' })
    server.registerTool('read', { inputSchema: { id: z.string() } }, async (_, extra) => {
      const send = (params: object) =>
        extra.sendNotification({ method: 'notifications/progress', params: params as never })
      await send({ progressToken: 5, progress: 1, total: 2, message: 'CANARY', extra: 'CANARY' })
      await send({ progressToken: 6, progress: 1, message: 'CANARY of another token' })
      await send({ progressToken: 5, progress: 'CANARY' })
      return { content: [] }
    })
    const { raw } = await start(server)
    raw.receive(
      request(1, 'tools/call', { name: 'read', arguments: { id: 'a' }, _meta: { progressToken: 5 } }),
      alice,
    )
    await raw.answer(1)
    expect(raw.sent.filter(({ message }) => message.method !== undefined)).toEqual([
      {
        message: {
          jsonrpc: '2.0',
          method: 'notifications/progress',
          params: { progressToken: 5, progress: 1, total: 2 },
        },
        related: 1,
      },
    ])
  })

  test('logs, questions and unknown notifications do not pass without a rule', async () => {
    const failures: string[] = []
    const server = new McpServer({ name: 's', version: '1' }, { capabilities: { logging: {} } })
    server.registerTool('read', { inputSchema: { id: z.string() } }, async (_, extra) => {
      await extra.sendNotification({
        method: 'notifications/message',
        params: { level: 'info', data: 'CANARY' },
      })
      await server.sendLoggingMessage({ level: 'emergency', data: 'CANARY' })
      for (const method of ['sampling/createMessage', 'elicitation/create', 'roots/list'] as const)
        await extra
          .sendRequest(
            {
              method,
              params: {
                message: 'CANARY',
                messages: [],
                maxTokens: 1,
                requestedSchema: { type: 'object', properties: {} },
              },
            } as never,
            z.any() as never,
          )
          .catch((error: Error) => failures.push(error.message))
      return { content: [] }
    })
    const { raw } = await start(server)
    raw.receive(readA(1), alice)
    await raw.answer(1)
    expect(failures).toHaveLength(3)
    expect(JSON.stringify(raw.sent)).not.toContain('CANARY')
    expect(raw.sent).toHaveLength(1)
  })

  test('a question that names no call must be allowed by every call that runs', async () => {
    const policy: Policy = {
      trust_on_first_use: true,
      tools: {
        read: { ...readRule, asks: ['roots'] },
        other: { effect: 'read', result: 'whole', public: true },
      },
    }
    const server = new McpServer({ name: 's', version: '1' })
    const outcomes: string[] = []
    let release = () => {}
    server.registerTool(
      'other',
      {},
      () =>
        new Promise((resolve) => {
          release = () => resolve({ content: [] })
        }),
    )
    server.registerTool('read', { inputSchema: { id: z.string() } }, async () => {
      await server.server.listRoots().then(
        () => outcomes.push('asked'),
        (error: Error) => outcomes.push(error.message),
      )
      return { content: [] }
    })
    const { raw } = await start(server, policy)
    const clientInfo = { name: 'c', version: '1' }
    raw.receive(
      request(0, 'initialize', { protocolVersion: '2025-11-25', clientInfo, capabilities: { roots: {} } }),
      alice,
    )
    await raw.answer(0)
    raw.receive(request(1, 'tools/call', { name: 'other', arguments: {} }), alice)
    await settle()
    raw.receive(readA(2), alice)
    await raw.answer(2)
    release()
    await raw.answer(1)
    raw.receive(readA(3), alice)
    await settle()
    const asked = raw.sent.find(({ message }) => message.method === 'roots/list')!
    raw.receive({ jsonrpc: '2.0', id: asked.message.id, result: { roots: [] } }, alice)
    await raw.answer(3)
    expect(outcomes).toEqual([expect.stringContaining('Method not found'), 'asked'])
  })
})

test('the end of a transport is told to its host and to the server', async () => {
  const { server } = documentsServer()
  const told: string[] = []
  const world = await createWorld(documentsPolicy, grants)
  world.guard.protect(server)
  const serverSide: Transport = new BareTransport()
  serverSide.onclose = () => told.push('host')
  server.server.onclose = () => told.push('server')
  await server.connect(serverSide as never)
  await server.close()
  expect(told).toEqual(['host', 'server'])
  await world.authorizer.close()
})
