// Streams over real HTTP: they end with the grant and with the token, and nothing is told on them that may not be heard any more.

import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createEveryPathServer } from '../../../examples/every-path/server-v1.ts'
import { createEveryPathHandler } from '../../../examples/every-path/server-v2.ts'
import type { GuardOptions } from '../../../src/mcp/guard/create-guard.ts'
import type { HandlerFetch } from '../../../src/mcp/guard/listen-fetch.ts'
import type { RefusedRequest } from '../../../src/mcp/http/admission.ts'
import { createHttpGuard, type HttpGuardOptions } from '../../../src/mcp/http/http-guard.ts'
import type { Policy } from '../../../src/mcp/policy/policy.ts'
import { createTokenVerifier, type TokenVerifier } from '../../../src/mcp/tokens/token-verifier.ts'
import type { JsonObject } from '../../../src/model/context.ts'
import { call, initialize, post } from '../http/guarded-server.ts'
import { startIssuer, type TestIssuer } from '../tokens/issuer.ts'
import { documentsPolicy, documentsServer } from './documents.ts'
import { createWorld, type GuardWorld, principalOf, revoke, touch } from './world.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

const schema = `
definition user {
  relation delegate: agent
  permission act_as = delegate
}
definition agent {}
definition note {
  relation reader: user
  permission view = reader
  permission erase = nil
}
definition document {
  relation viewer: user
  permission view = viewer
  permission delete = nil
}
`
const acting = 'user:alice#delegate@agent:client/app'
const grants = [acting, 'user:bob#delegate@agent:client/app', 'note:open#reader@user:alice']
const policy: Policy = {
  trust_on_first_use: true,
  also: ['user:{subject.id}#act_as@{agent}'],
  tools: {
    read: { effect: 'read', arguments: [{ at: '$.id', all: ['note:{value}#view'] }], result: 'whole' },
  },
  resources: [{ uri: 'note://{id}', all: ['note:{id}#view'] }],
}

/** Takes `Bearer alice` for alice: what tokens are worth is tested where they are verified. */
const byName: TokenVerifier = {
  verify: async ({ authorization }) => ({ principal: principalOf(authorization!.slice('Bearer '.length)) }),
}

interface Served extends GuardWorld {
  readonly url: string
  readonly refused: RefusedRequest[]
  /** One per session, the newest last. */
  readonly servers: McpServer[]
}

async function listenOnLoopback(): Promise<{ http: Server; url: string }> {
  const http = createServer()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  undo.push(async () => {
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
  })
  return { http, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp` }
}

/** A guarded server with sessions, whose streams are looked at every 50 ms. */
async function serve(
  verifierFor: (url: string) => TokenVerifier,
  used: Policy = policy,
  http: Partial<HttpGuardOptions> = {},
  issuer = 'https://idp.example',
  guardOptions: Partial<GuardOptions> = {},
): Promise<Served> {
  const { http: server, url } = await listenOnLoopback()
  const world = await createWorld(used, grants, { schema, ...guardOptions })
  undo.push(() => world.authorizer.close())
  const refused: RefusedRequest[] = []
  const servers: McpServer[] = []
  const door = createHttpGuard({
    resource: url,
    authorizationServers: [issuer],
    verifier: verifierFor(url),
    mayStay: (principal) => world.guard.mayConnect(principal),
    stayCheckMs: 50,
    onRefused: (one) => refused.push(one),
    ...http,
  })
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  undo.push(async () => {
    for (const transport of sessions.values()) await transport.close()
  })
  server.on(
    'request',
    door.handler(async (request, response, body) => {
      const id = request.headers['mcp-session-id']
      let transport = typeof id === 'string' ? sessions.get(id) : undefined
      if (transport === undefined) {
        const made = used === policy ? createEveryPathServer() : documentsServer().server
        world.guard.protect(made)
        servers.push(made)
        const fresh = new StreamableHTTPServerTransport({
          sessionIdGenerator: randomUUID,
          onsessioninitialized: (one) => void sessions.set(one, fresh),
        })
        transport = fresh
        await made.connect(transport)
      }
      await transport.handleRequest(request, response, body)
    }),
  )
  return { ...world, url, refused, servers }
}

/** Opens a session and its standing stream; tells what came on it, and whether it has ended. */
async function openStream({ url }: Served, authorization: string) {
  const opened = await post(url, initialize, { authorization })
  await opened.text()
  const headers = { authorization, 'mcp-session-id': opened.headers.get('mcp-session-id')! }
  const stream = await fetch(url, { headers: { ...headers, accept: 'text/event-stream' } })
  expect(stream.status).toBe(200)
  let heard = ''
  let ended = false
  void (async () => {
    for await (const chunk of stream.body!) heard += Buffer.from(chunk).toString()
    ended = true
  })().catch(() => {
    ended = true
  })
  return { headers, heard: () => heard, ended: () => ended }
}

const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('the grant goes', () => {
  test('the stream of who lost it ends by itself, others stay, and the next call is denied', async () => {
    const served = await serve(() => byName)
    const alice = await openStream(served, 'Bearer alice')
    const bob = await openStream(served, 'Bearer bob')
    await later(250)
    expect([alice.ended(), bob.ended()]).toEqual([false, false])
    await revoke(served.authorizer, [acting])
    await vi.waitFor(() => expect(alice.ended()).toBe(true))
    expect(bob.ended()).toBe(false)
    expect(served.refused.at(-1)).toMatchObject({ method: 'stream', principal: { subject: 'alice' } })
    const read = { ...call('read', 5), params: { name: 'read', arguments: { id: 'open' } } }
    expect(await (await post(served.url, read, alice.headers)).text()).toContain('Not found')
    await touch(served.authorizer, [acting])
    expect(await (await post(served.url, read, alice.headers)).text()).toContain('open tools-call-text')
  })

  test('a service that does not answer ends them too', async () => {
    const served = await serve(() => byName)
    const alice = await openStream(served, 'Bearer alice')
    await served.authorizer.close()
    await vi.waitFor(() => expect(alice.ended()).toBe(true))
    expect(served.refused.at(-1)?.description).toContain('could not be asked')
  })

  test('an update is not told once the agent may no longer act, though the person still may see it', async () => {
    const served = await serve(() => byName, policy, { stayCheckMs: 60_000 })
    const alice = await openStream(served, 'Bearer alice')
    const subscribe = (id: number) =>
      post(
        served.url,
        { jsonrpc: '2.0', id, method: 'resources/subscribe', params: { uri: 'note://open' } },
        alice.headers,
      ).then((response) => response.text())
    await subscribe(2)
    await vi.waitFor(() => expect(alice.heard()).toContain('note://open'))
    const before = alice.heard().length
    const change = () => served.servers.at(-1)!.server.sendResourceUpdated({ uri: 'note://open' })
    await revoke(served.authorizer, [acting])
    await change()
    await later(100)
    expect(alice.heard().slice(before)).not.toContain('note://open')
    await touch(served.authorizer, [acting])
    await change()
    await vi.waitFor(() => expect(alice.heard().slice(before)).toContain('note://open'))
  })
})

describe('fail closed, over HTTP', () => {
  const read = { ...call('read', 5), params: { name: 'read', arguments: { id: 'open' } } }
  const ways: [string, (served: Served) => unknown, string][] = [
    ['the service is down', ({ authorizer }) => authorizer.close(), 'could not be authorized'],
    [
      'the deadline passes',
      ({ authorizer }) => {
        authorizer.checkBulk = () => new Promise(() => {})
      },
      'did not answer within 200 ms',
    ],
    [
      'the audit log cannot be written',
      ({ audit }) => {
        audit.fail = () => true
      },
      'the disk is full',
    ],
  ]
  test.each(ways)('%s: denied, the operator reads why, the caller does not', async (_, breakIt, reason) => {
    const served = await serve(() => byName, policy, { stayCheckMs: 60_000 }, 'https://idp.example', {
      checkTimeoutMs: 200,
    })
    const alice = await openStream(served, 'Bearer alice')
    const said = async () => (await post(served.url, read, alice.headers)).text()
    expect(await said()).toContain('open tools-call-text')
    await breakIt(served)
    const denied = await said()
    expect(denied).toContain('cannot be authorized at the moment')
    expect(denied).not.toContain('open tools-call-text')
    expect(denied).not.toContain(reason)
    expect(JSON.stringify(served.log)).toContain(reason)
  })
})

describe('the token goes', () => {
  const introspection = { client_id: 'robot', client_secret: 'robot-secret' }
  const settings = (issuer: TestIssuer) => ({
    issuer: issuer.issuer,
    network: 'loopback' as const,
    user_when: 'claims.sub != claims.client_id',
    subject: 'user:{claims.sub}',
    agent: ['agent:client/{claims.client_id}'],
    introspection: { ...introspection, cache: '0s' },
  })

  test('an opaque token that its issuer takes back, or narrows, ends its streams', async () => {
    let issuer!: TestIssuer
    const { url: reserved } = await listenOnLoopback()
    issuer = await startIssuer({ resource: reserved, opaque: true })
    undo.push(() => issuer.close())
    let verifier!: TokenVerifier
    let isNarrowed = false
    /** The issuer's own answers, except that it may have taken a scope back. */
    const narrowing: typeof fetch = async (input, init) => {
      const answer = await fetch(input, init)
      if (!isNarrowed || !String(input).endsWith('/introspection')) return answer
      return Response.json({ ...((await answer.json()) as object), scope: 'docs.read' })
    }
    const served = await serve(
      (url) => {
        verifier = createTokenVerifier({ resource: url, issuers: [settings(issuer)], fetch: narrowing })
        return verifier
      },
      policy,
      {},
      issuer.issuer,
    )
    const tokens = [
      await issuer.userToken('alice', { resource: served.url }),
      await issuer.userToken('alice', { resource: served.url, scope: 'docs.read docs.write' }),
    ]
    const streams = await Promise.all(tokens.map((token) => openStream(served, `Bearer ${token}`)))
    await later(250)
    expect(streams.map(({ ended }) => ended())).toEqual([false, false])
    const stored = await issuer.provider.AccessToken.find(tokens[0]!)
    await stored!.destroy()
    await vi.waitFor(() => expect(streams[0]!.ended()).toBe(true))
    expect(streams[1]!.ended()).toBe(false)
    isNarrowed = true
    await vi.waitFor(() => expect(streams[1]!.ended()).toBe(true))
  })
})

describe('2026-07-28', () => {
  async function listen(world: GuardWorld, name: string, uris: string[]): Promise<string> {
    const handler = createEveryPathHandler((server) => world.guard.protect(server as never))
    undo.push(() => handler.close())
    const { fetch: guarded } = world.guard.protectHandler(handler as unknown as { fetch: HandlerFetch })
    const meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const params = { notifications: { resourceSubscriptions: uris, resourcesListChanged: true }, _meta: meta }
    const request = new Request('http://127.0.0.1/mcp', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        'mcp-protocol-version': '2026-07-28',
        'mcp-method': 'subscriptions/listen',
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscriptions/listen', params }),
    })
    const authInfo = { token: '', clientId: 'app', scopes: [], extra: { cardeaPrincipal: principalOf(name) } }
    const response = await guarded(request, { authInfo })
    const reader = response.body!.getReader()
    undo.push(() => reader.cancel())
    const { value } = await reader.read()
    return `${response.status} ${new TextDecoder().decode(value)}`
  }

  test('an agent that may not act for this person, or a token without the scope, listens to nothing', async () => {
    const world = await createWorld(policy, grants, { schema })
    undo.push(() => world.authorizer.close())
    expect(await listen(world, 'alice', ['note://open'])).toContain('"resourceSubscriptions":["note://open"]')
    await revoke(world.authorizer, [acting])
    expect(await listen(world, 'alice', ['note://open'])).toMatch(/^404 .*-32601/)
    expect(world.audit.events.at(-1)).toMatchObject({ method: 'subscriptions/listen', outcome: 'denied' })
    await touch(world.authorizer, [acting])
    world.guard.usePolicy({ ...policy, resources: [{ ...policy.resources![0]!, scopes: ['docs.audit'] }] })
    expect(await listen(world, 'alice', ['note://open'])).not.toContain('note://open')
  })
})

test('what the door knows of a request decides conditions: the address it came from', async () => {
  const conditional = `caveat from_here(ip string) { ip == "127.0.0.1" }\n${schema.replace('viewer: user', 'viewer: user with from_here')}`
  const { http, url } = await listenOnLoopback()
  const facts: (string | undefined)[] = ['127.0.0.1', '10.0.0.1', undefined]
  const world = await createWorld(
    { ...documentsPolicy, context: { ip: 'request.ip' } },
    ['document:a#viewer@user:alice[from_here]'],
    { schema: conditional },
  )
  undo.push(() => world.authorizer.close())
  let fact: string | undefined | 'default' = 'default'
  const make = (requestFacts?: NonNullable<HttpGuardOptions['requestFacts']>) =>
    createHttpGuard({
      resource: url,
      authorizationServers: ['https://idp.example'],
      verifier: byName,
      ...(requestFacts && { requestFacts }),
    }).handler(async (request, response, body) => {
      const { server } = documentsServer()
      world.guard.protect(server)
      const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })
      await server.connect(transport)
      await transport.handleRequest(request, response, body)
    })
  const byDefault = make()
  const byHeader = make((): JsonObject => (fact === undefined ? {} : { ip: fact }))
  http.on('request', (request, response) => (fact === 'default' ? byDefault : byHeader)(request, response))
  const read = { ...call('read', 5), params: { name: 'read', arguments: { id: 'a' } } }
  const said = async () => (await post(url, read, { authorization: 'Bearer alice' })).text()
  expect(await said()).toContain('text of a')
  const answers: boolean[] = []
  for (const one of facts) {
    fact = one
    answers.push((await said()).includes('text of a'))
  }
  expect(answers).toEqual([true, false, false])
})
