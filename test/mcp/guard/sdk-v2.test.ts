// SDK v2: the same paths in revision 2026-07-28, message by message, and in the older ones through the v1 client.

import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { everyPathPolicy, everyPathSchema } from '../../../examples/every-path/policy.ts'
import type { Effects } from '../../../examples/every-path/server-v1.ts'
import { createEveryPathHandler } from '../../../examples/every-path/server-v2.ts'
import type { HandlerFetch } from '../../../src/mcp/guard/listen-fetch.ts'
import type { Policy } from '../../../src/mcp/policy/policy.ts'
import type { Principal } from '../../../src/mcp/principal.ts'
import { modernNobody, modernPaths, modernRequest } from './modern.ts'
import { attempt, listen, nobody, paths } from './paths.ts'
import { createWorld, type GuardWorld, principalOf, revoke } from './world.ts'

const { slow: _, ...tools } = everyPathPolicy.tools!
const policy: Policy = { ...everyPathPolicy, tools }
const grants = [
  ...['open', 'secret', 'all'].map((id) => `note:${id}#owner@user:alice`),
  'note:open#reader@user:bob',
  'note:all#reader@user:bob',
]

let world: GuardWorld
const undo: (() => unknown)[] = []
beforeEach(async () => {
  world = await createWorld(policy, grants, { schema: everyPathSchema })
})
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
  await world.authorizer.close()
})

interface Served {
  readonly fetch: HandlerFetch
  readonly notify: { resourceUpdated(uri: string): void; promptsChanged(): void }
  readonly effects: Effects
}

function serve(guarded: boolean, listening = true): Served {
  const effects: Effects = { calls: {}, erased: [] }
  const handler = createEveryPathHandler(
    guarded ? (server) => world.guard.protect(server as never) : undefined,
    effects,
  )
  undo.push(() => handler.close())
  const plain = handler as unknown as { fetch: HandlerFetch }
  const { fetch } = guarded && listening ? world.guard.protectHandler(plain) : plain
  return { fetch, notify: handler.notify, effects }
}

function authInfoOf(principal: Principal | undefined) {
  return (
    principal && { token: 'RAW-TOKEN', clientId: 'app', scopes: [], extra: { cardeaPrincipal: principal } }
  )
}

/** One request of revision 2026-07-28. */
function post(
  served: Served,
  name: string | Principal | undefined,
  method: string,
  params: Record<string, unknown> = {},
  id = 1,
) {
  const { headers, body } = modernRequest(method, params, id)
  const principal = typeof name === 'string' ? principalOf(name) : name
  return served.fetch(new Request('http://127.0.0.1/mcp', { method: 'POST', headers, body }), {
    authInfo: authInfoOf(principal),
  })
}

/** Everything the answer says, headers included. */
async function bytes(response: Response): Promise<string> {
  return `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`
}

const note = { id: 'secret' }

describe.each(Object.entries(modernPaths))('2026-07-28: %s', (_name, { canary, method, params }) => {
  test('leaks without the guard', async () => {
    expect(await bytes(await post(serve(false), 'bob', method, params))).toContain(canary)
  })

  test('reaches whoever may, not whoever may not, and ends with the grant', async () => {
    const served = serve(true)
    expect(await bytes(await post(served, 'alice', method, params))).toContain(canary)
    expect(await bytes(await post(served, 'bob', method, params))).not.toContain(canary)
    await revoke(world.authorizer, ['note:secret#owner@user:alice'])
    expect(await bytes(await post(served, 'alice', method, params))).not.toContain(canary)
  })

  test('says the same as without the guard, for whoever may', async () => {
    const plain = await (await post(serve(false), 'alice', method, params)).text()
    const guarded = await (await post(serve(true), 'alice', method, params)).text()
    if (['resources/list', 'tools/call'].includes(method) && plain.includes('CANARY-unmapped')) return
    const comparable = (text: string) =>
      text
        .split(/\n+|(?<=\})(?=data:)/)
        .filter((line) => line.includes('{'))
        .map((line) => sorted(withoutMetaAndState(JSON.parse(line.replace(/^data: /, '')))))
    expect(comparable(guarded)).toEqual(comparable(plain))
  })
})

/** Metadata of results is stripped and state is sealed on purpose; all else must be the same. */
function withoutMetaAndState(message: { result?: Record<string, unknown> }): object {
  if (message.result === undefined) return message
  const { _meta, requestState, ...result } = message.result
  return { ...message, result }
}

function sorted(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, member) =>
      member && typeof member === 'object' && !Array.isArray(member)
        ? Object.fromEntries(Object.entries(member).sort())
        : member,
    ),
  )
}

describe('2026-07-28: what no rule covers', () => {
  test.each([...modernNobody])('%s %s', async (method, canary, params) => {
    expect(await bytes(await post(serve(false), 'alice', method, params))).toContain(canary)
    expect(await bytes(await post(serve(true), 'alice', method, params))).not.toContain(canary)
  })

  test('denied and missing are the same bytes', async () => {
    const served = serve(true)
    for (const [method, one, other] of [
      ['resources/read', { uri: 'note://secret' }, { uri: 'note://nowhere' }],
      [
        'tools/call',
        { name: 'read', arguments: { id: 'secret' } },
        { name: 'read', arguments: { id: 'nowhere' } },
      ],
      [
        'prompts/get',
        { name: 'summary', arguments: { id: 'secret' } },
        { name: 'hidden', arguments: { id: 'nowhere' } },
      ],
    ] as const)
      expect(await bytes(await post(served, 'bob', method, one))).toBe(
        await bytes(await post(served, 'bob', method, other)),
      )
    expect(await bytes(await post(served, 'bob', 'resources/read', { uri: 'note://secret' }))).toContain(
      '-32602',
    )
  })

  test('an unknown method is 404, a message without a principal is denied', async () => {
    const served = serve(true)
    expect(await bytes(await post(served, 'alice', 'vendor/x'))).toMatch(/^404 .*-32601/)
    expect(await bytes(await post(served, 'alice', 'tasks/get', { taskId: 'x' }))).toMatch(/-32601/)
    expect(await bytes(await post(served, undefined, 'tools/list'))).toContain('-31401')
    expect(
      await bytes(await post(served, undefined, 'subscriptions/listen', { notifications: {} })),
    ).toContain('-31401')
  })

  test('nobody may keep what was filtered', async () => {
    const served = serve(true)
    for (const method of [
      'server/discover',
      'tools/list',
      'prompts/list',
      'resources/list',
      'resources/templates/list',
    ])
      expect(JSON.parse(await (await post(served, 'alice', method)).text()).result).toMatchObject({
        ttlMs: 0,
        cacheScope: 'private',
        resultType: 'complete',
      })
  })

  test('a forbidden write is not done', async () => {
    const served = serve(true)
    await post(served, 'bob', 'tools/call', { name: 'erase', arguments: note })
    expect(served.effects.erased).toEqual([])
    await post(served, 'alice', 'tools/call', { name: 'erase', arguments: note })
    expect(served.effects.erased).toEqual(['secret'])
  })

  test.each([
    ['another tool in Mcp-Name', { 'mcp-name': 'hidden' }],
    ['no Mcp-Name', { 'mcp-name': undefined }],
    ['another method in Mcp-Method', { 'mcp-method': 'tools/list' }],
    ['listening in Mcp-Method', { 'mcp-method': 'subscriptions/listen' }],
    ['another revision in MCP-Protocol-Version', { 'mcp-protocol-version': '2025-11-25' }],
  ])('headers decide nothing and must agree with the body: %s', async (_name, changes) => {
    const served = serve(true)
    const { headers, body } = modernRequest('tools/call', { name: 'read', arguments: { id: 'open' } })
    const sent = Object.entries({ ...headers, ...changes }).filter(([, value]) => value !== undefined)
    const request = new Request('http://127.0.0.1/mcp', {
      method: 'POST',
      headers: sent as [string, string][],
      body,
    })
    const response = await served.fetch(request, { authInfo: authInfoOf(principalOf('alice')) })
    expect(response.status).toBe(400)
    expect(await response.text()).toMatch(/-32020|-32022|-32600/)
    expect(served.effects.calls).toEqual({})
  })

  test('a body that listens under the headers of a harmless request opens no stream', async () => {
    const served = serve(true)
    const { headers } = modernRequest('tools/list')
    const { body } = modernRequest('subscriptions/listen', {
      notifications: { resourceSubscriptions: ['note://open'] },
    })
    const request = new Request('http://127.0.0.1/mcp', { method: 'POST', headers, body })
    const response = await served.fetch(request, { authInfo: authInfoOf(principalOf('alice')) })
    expect(response.status).toBe(400)
    expect(response.headers.get('content-type')).not.toContain('event-stream')
  })

  test('a batch is refused', async () => {
    const served = serve(true)
    const response = await served.fetch(
      new Request('http://127.0.0.1/mcp', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '[{"jsonrpc":"2.0","id":1,"method":"tools/list"}]',
      }),
      { authInfo: authInfoOf(principalOf('alice')) },
    )
    expect(response.status).toBe(400)
  })
})

describe('2026-07-28: questions back', () => {
  async function ask(served: Served, name: string, id: string, more: Record<string, unknown> = {}) {
    const response = await post(served, name, 'tools/call', { name: 'ask', arguments: { id }, ...more })
    return JSON.parse(await response.text()).result
  }
  const answers = { inputResponses: { ok: { action: 'accept', content: { ok: true } } } }

  test('the state comes back only to its caller and request', async () => {
    const served = serve(true)
    const question = await ask(served, 'alice', 'secret')
    expect(question).toMatchObject({
      resultType: 'input_required',
      inputRequests: { ok: { method: 'elicitation/create' } },
    })
    expect(JSON.stringify(question)).not.toContain('CANARY-state')
    const { requestState } = question
    const done = await ask(served, 'alice', 'secret', { ...answers, requestState })
    expect(JSON.stringify(done)).toContain('state of secret')
    const bobs = (await ask(served, 'bob', 'open')).requestState
    for (const [name, id, state] of [
      ['bob', 'open', requestState],
      ['alice', 'open', requestState],
      ['alice', 'secret', bobs],
      ['alice', 'secret', `${requestState.slice(0, -2)}AA`],
      ['alice', 'secret', 'state of secret'],
      ['alice', 'secret', ''],
    ])
      expect(
        await ask(served, name, id, { ...answers, requestState: state }),
        `${name} ${id}`,
      ).toBeUndefined()
  })

  test('a question that the rule does not allow is a failure', async () => {
    world.guard.usePolicy({
      ...policy,
      tools: {
        ...tools,
        ask: { ...tools.ask!, asks: ['sampling'] },
        work: { ...tools.work!, asks: ['elicitation'] },
      },
    })
    expect(await ask(serve(true), 'alice', 'secret')).toMatchObject({ isError: true })
  })
})

describe('2026-07-28: listening', () => {
  /** Opens a stream and collects what it says. */
  async function hear(served: Served, principal: Principal, notifications: object) {
    const response = await post(served, principal, 'subscriptions/listen', { notifications })
    const heard: string[] = []
    const reader = response.body!.getReader()
    undo.push(() => reader.cancel())
    let ended = false
    void (async () => {
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        heard.push(new TextDecoder().decode(value))
      }
      ended = true
    })().catch(() => {})
    const settle = () => new Promise((resolve) => setTimeout(resolve, 50))
    await settle()
    return { heard, settle, ended: () => ended }
  }
  const wanted = {
    resourceSubscriptions: ['note://open', 'note://secret', 'other://x'],
    promptsListChanged: true,
  }

  test('leaks without the guard', async () => {
    const served = serve(false)
    const bob = await hear(served, principalOf('bob'), wanted)
    served.notify.resourceUpdated('note://secret')
    await bob.settle()
    expect(bob.heard.join('')).toMatch(/resources\/updated.*note:\/\/secret/)
  })

  test('tells only what is granted, and asks again each time', async () => {
    const served = serve(true)
    const bob = await hear(served, principalOf('bob'), wanted)
    const alice = await hear(served, principalOf('alice'), wanted)
    expect(alice.heard[0]).toContain('"resourceSubscriptions":["note://open","note://secret"]')
    expect(bob.heard[0]).toContain('"resourceSubscriptions":["note://open"]')
    served.notify.resourceUpdated('note://secret')
    served.notify.promptsChanged()
    await alice.settle()
    expect(alice.heard.join('')).toMatch(/updated.*note:\/\/secret/)
    expect(bob.heard.join('')).not.toContain('secret')
    await vi.waitFor(() => expect(bob.heard.join('')).toContain('notifications/prompts/list_changed'), {
      timeout: 5000,
    })
    await revoke(world.authorizer, ['note:secret#owner@user:alice'])
    const before = alice.heard.length
    served.notify.resourceUpdated('note://secret')
    served.notify.resourceUpdated('note://open')
    await alice.settle()
    expect(alice.heard.slice(before).join('')).not.toContain('secret')
    expect(alice.heard.slice(before).join('')).toContain('note://open')
  })

  test('ends with the token', async () => {
    const served = serve(true)
    const alice = await hear(served, principalOf('alice', { expiresAtMs: Date.now() + 2000 }), wanted)
    expect(alice.ended()).toBe(false)
    await vi.waitFor(() => expect(alice.ended()).toBe(true), { timeout: 10_000 })
  })

  test('without the wrapper around the handler nothing can be listened to', async () => {
    const served = serve(true, false)
    const bob = await hear(served, principalOf('bob'), wanted)
    served.notify.resourceUpdated('note://secret')
    await bob.settle()
    expect(bob.heard.join('')).not.toContain('note://')
  })
})

describe('older revisions on SDK v2', () => {
  async function visit(served: Served, name: string) {
    const received: string[] = []
    const heard: string[] = []
    const client = new Client(
      { name: 'test', version: '1' },
      { capabilities: { sampling: {}, elicitation: {} } },
    )
    listen(client, heard)
    const transport = new StreamableHTTPClientTransport(new URL('http://127.0.0.1/mcp'), {
      fetch: async (input, init) => {
        const response = await served.fetch(new Request(input, init), {
          authInfo: authInfoOf(principalOf(name)),
        })
        const text = await response.text()
        received.push(text)
        return new Response(response.status === 202 ? null : text, response)
      },
    })
    await client.connect(transport as never)
    undo.push(() => client.close())
    return { client, heard, received }
  }
  const unavailable = /task|subscribe|sampling|updates|log of|status|elicitation/
  const open = Object.entries(paths).filter(([name]) => !unavailable.test(name))
  const closed = Object.entries(nobody).filter(([name]) => !unavailable.test(name))

  test.each(open)('%s', async (_name, path) => {
    const plain = await visit(serve(false), 'bob')
    await attempt(plain.client, plain.heard, path)
    expect(plain.received.join('\n')).toContain(path.canary.replaceAll('"', ''))
    const served = serve(true)
    const alice = await visit(served, 'alice')
    const expected = JSON.stringify(await attempt((await visit(serve(false), 'alice')).client, [], path))
    expect(JSON.stringify(await attempt(alice.client, alice.heard, path))).toBe(expected)
    const bob = await visit(served, 'bob')
    await attempt(bob.client, bob.heard, path)
    expect(bob.received.join('\n')).not.toContain(path.canary.replaceAll('"', ''))
  })

  test.each(closed)('nobody gets %s', async (_name, path) => {
    const alice = await visit(serve(true), 'alice')
    await attempt(alice.client, alice.heard, path)
    expect(alice.received.join('\n')).not.toContain(path.canary.replaceAll('"', ''))
  })
})
