// The same paths over real Streamable HTTP, with sessions: every byte that reaches a client is looked at, headers included.

import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { afterEach, describe, expect, test } from 'vitest'
import { everyPathPolicy, everyPathSchema } from '../../../examples/every-path/policy.ts'
import { createEveryPathServer, type Effects } from '../../../examples/every-path/server-v1.ts'
import { createHttpGuard } from '../../../src/mcp/http/http-guard.ts'
import type { TokenVerifier } from '../../../src/mcp/tokens/token-verifier.ts'
import { attempt, nobody, paths } from './paths.ts'
import { type Visitor, visitOverHttp } from './visitor.ts'
import { createWorld, type GuardWorld, principalOf } from './world.ts'

const open: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** Takes `Bearer alice` for alice: what tokens are worth is tested where they are verified. */
const verifier: TokenVerifier = {
  verify: async ({ authorization }) => {
    const name = /^Bearer (alice|bob)$/.exec(authorization ?? '')?.[1]
    return name === undefined
      ? { refusal: { status: 401, error: 'invalid_token', description: 'no such token' } }
      : { principal: principalOf(name) }
  },
}

interface Served extends GuardWorld {
  readonly url: string
  readonly effects: Effects
}

async function serve(guarded: boolean, stateless = false): Promise<Served> {
  const everything = ['open', 'secret', 'all'].map((id) => `note:${id}#owner@user:alice`)
  const world = await createWorld(
    everyPathPolicy,
    [...everything, 'note:open#reader@user:bob', 'note:all#reader@user:bob'],
    {
      schema: everyPathSchema,
    },
  )
  const http: Server = createServer()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`
  const effects: Effects = { calls: {}, erased: [] }
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const begin = async () => {
    const server = createEveryPathServer(effects)
    if (guarded) world.guard.protect(server)
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: stateless ? undefined : randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    await server.connect(transport)
    return transport
  }
  const door = createHttpGuard({
    resource: url,
    authorizationServers: ['https://idp.example'],
    verifier,
    requiredScopes: (message) => (guarded ? world.guard.requiredScopes(message) : []),
  })
  http.on(
    'request',
    door.handler(async (request, response, body) => {
      const id = request.headers['mcp-session-id']
      const transport = typeof id === 'string' ? sessions.get(id) : await begin()
      if (transport === undefined) response.writeHead(404).end()
      else await transport.handleRequest(request, response, body)
    }),
  )
  open.push(async () => {
    for (const transport of sessions.values()) await transport.close()
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
    await world.authorizer.close()
  })
  return { ...world, url, effects }
}

async function visit({ url }: Served, name: string): Promise<Visitor> {
  const visitor = await visitOverHttp(url, name)
  open.push(() => visitor.client.close())
  return visitor
}

describe('without the guard', () => {
  test('every path leaks', async () => {
    const served = await serve(false)
    const bob = await visit(served, 'bob')
    for (const [name, path] of [...Object.entries(paths), ...Object.entries(nobody)]) {
      const got = await attempt(bob.client, bob.heard, path)
      expect(bob.bytes.join('\n') + JSON.stringify(got), name).toContain(path.canary.replaceAll('"', ''))
    }
  })
})

describe('with the guard', () => {
  test('no canary is in any byte that reaches whoever may not', async () => {
    const served = await serve(true)
    const bob = await visit(served, 'bob')
    for (const [name, path] of Object.entries(paths)) {
      await attempt(bob.client, bob.heard, path)
      expect(bob.bytes.join('\n'), name).not.toContain(path.canary.replaceAll('"', ''))
    }
    expect(bob.bytes.join('\n')).not.toContain('CANARY')
  })

  test('nobody gets what no rule covers', async () => {
    const served = await serve(true)
    const alice = await visit(served, 'alice')
    for (const [name, path] of Object.entries(nobody)) {
      await attempt(alice.client, alice.heard, path)
      expect(alice.bytes.join('\n'), name).not.toContain(path.canary.replaceAll('"', ''))
    }
  })

  test('whoever may gets everything, byte for byte', async () => {
    const plain = await visit(await serve(false), 'alice')
    const guarded = await visit(await serve(true), 'alice')
    for (const [name, path] of Object.entries(paths)) {
      const expected = JSON.stringify(await attempt(plain.client, plain.heard, path))
      expect(JSON.stringify(await attempt(guarded.client, guarded.heard, path)), name).toBe(expected)
      plain.heard.length = 0
      guarded.heard.length = 0
    }
  })

  test('a forbidden write never reaches its handler', async () => {
    const served = await serve(true)
    const bob = await visit(served, 'bob')
    await bob.client.callTool({ name: 'erase', arguments: { id: 'secret' } })
    expect(served.effects).toEqual({ calls: {}, erased: [] })
    const alice = await visit(served, 'alice')
    await alice.client.callTool({ name: 'erase', arguments: { id: 'secret' } })
    expect(served.effects.erased).toEqual(['secret'])
  })

  test('a server without sessions is guarded alike', async () => {
    const served = await serve(true, true)
    const call = async (name: string) => {
      const response = await fetch(served.url, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${name}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: { name: 'search', arguments: { query: 'x' } },
        }),
      })
      return response.text()
    }
    expect(await call('alice')).toContain('CANARY-tools-call-structured')
    expect(await call('bob')).not.toContain('CANARY')
    expect(await call('bob')).toContain('"total":1')
  })
})
