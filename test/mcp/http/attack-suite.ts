// The door over real HTTP: what gets in, what is told to those who do not, and that nothing behind it learns the token.

import { request as rawRequest } from 'node:http'
import { connect } from 'node:net'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call, type GuardedServer, initialize, post, startGuardedServer } from './guarded-server.ts'

/** The same attacks on either adapter. */
export function attackSuite(adapter: 'node' | 'fetch'): void {
  let server: GuardedServer
  let alice: { authorization: string }
  let bob: { authorization: string }

  beforeAll(async () => {
    server = await startGuardedServer({ adapter })
    alice = { authorization: `Bearer ${await server.issuer.userToken('alice')}` }
    bob = { authorization: `Bearer ${await server.issuer.userToken('bob')}` }
  })
  afterAll(() => server.close())

  async function openSession(
    headers: { authorization: string },
    at: GuardedServer = server,
  ): Promise<string> {
    const response = await post(at.resource, initialize, headers)
    expect(response.status).toBe(200)
    await response.text()
    return response.headers.get('mcp-session-id')!
  }

  /** Sends a request with headers that fetch would not let pass, and answers its status. */
  function raw(
    headers: string[],
    body: string,
    path = '/mcp',
    method = 'POST',
  ): Promise<{ status: number; headers: { [name: string]: unknown }; text: string }> {
    return new Promise((resolve, reject) => {
      const request = rawRequest(server.origin + path, { method, setHost: false, headers }, (response) => {
        let text = ''
        response.on('data', (chunk) => {
          text += chunk
        })
        response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, text }))
      })
      request.on('error', reject)
      request.end(body)
    })
  }

  const host = () => new URL(server.origin).host
  const jsonHeaders = () => [
    ...['Host', host(), 'Content-Type', 'application/json', 'Accept', 'application/json, text/event-stream'],
  ]

  describe('metadata and challenges', () => {
    test('both documents name the resource exactly and are open to browsers', async () => {
      for (const path of [
        '/.well-known/oauth-protected-resource/mcp',
        '/.well-known/oauth-protected-resource',
      ]) {
        const response = await fetch(server.origin + path, { headers: { origin: 'https://anyone.example' } })
        expect(response.status).toBe(200)
        expect(response.headers.get('access-control-allow-origin')).toBe('*')
        expect(await response.json()).toEqual({
          resource: server.resource,
          authorization_servers: [server.issuer.issuer],
          bearer_methods_supported: ['header'],
          scopes_supported: ['docs.read'],
          dpop_signing_alg_values_supported: expect.arrayContaining(['ES256']),
        })
      }
    })

    test('no token: 401 that points to the metadata, without an error code', async () => {
      const response = await post(server.resource, initialize)
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toBe(
        `Bearer scope="docs.read", resource_metadata="${server.origin}/.well-known/oauth-protected-resource/mcp"`,
      )
    })

    test('a refused token: 401 invalid_token, and no reason for the caller', async () => {
      const token = await server.issuer.sign(server.issuer.claims({ aud: 'https://other.example' }))
      const response = await post(server.resource, initialize, { authorization: `Bearer ${token}` })
      expect(response.status).toBe(401)
      expect(response.headers.get('www-authenticate')).toMatch(
        /^Bearer error="invalid_token", scope="docs.read", resource/,
      )
      expect(await response.text()).toBe('{"error":"invalid_token"}')
      expect(server.refused.at(-1)).toMatchObject({
        status: 401,
        description: expect.stringContaining('other.example'),
      })
      expect(JSON.stringify(server.refused)).not.toContain(token)
    })

    test('a missing scope: 403 with every scope the call needs in one header', async () => {
      const before = server.admitted()
      const response = await post(server.resource, call('delete'), alice)
      expect(response.status).toBe(403)
      expect(response.headers.get('www-authenticate')).toBe(
        `Bearer error="insufficient_scope", scope="docs.read docs.write", resource_metadata="${server.origin}/.well-known/oauth-protected-resource/mcp"`,
      )
      expect(server.admitted()).toBe(before)
    })
  })

  describe('credentials', () => {
    test('a token in the query does not count, and spoils one in the header', async () => {
      const token = alice.authorization.slice(7)
      expect((await post(`${server.resource}?access_token=${token}`, initialize)).status).toBe(401)
      expect((await post(`${server.resource}?access%5Ftoken=${token}`, initialize, alice)).status).toBe(400)
    })

    test('a token in a form body does not count', async () => {
      const body = `access_token=${alice.authorization.slice(7)}`
      const form = { 'content-type': 'application/x-www-form-urlencoded' }
      expect((await post(server.resource, body, form)).status).toBe(401)
      expect((await post(server.resource, body, { ...form, ...alice })).status).toBe(415)
    })

    test('two Authorization headers, or two tokens in one', async () => {
      const both = [
        ...jsonHeaders(),
        'Authorization',
        alice.authorization,
        'Authorization',
        bob.authorization,
      ]
      expect((await raw(both, JSON.stringify(initialize))).status).toBe(400)
      const one = [...jsonHeaders(), 'Authorization', `${alice.authorization}, ${bob.authorization}`]
      expect((await raw(one, JSON.stringify(initialize))).status).toBe(400)
    })

    test('handlers see who is asking, never the token', async () => {
      const client = new Client({ name: 'test', version: '1' })
      const transport = new StreamableHTTPClientTransport(new URL(server.resource), {
        requestInit: { headers: alice },
      })
      await client.connect(transport)
      const result = await client.callTool({ name: 'whoami', arguments: {} })
      expect(result.content).toEqual([{ type: 'text', text: 'alice' }])
      await client.close()
      const seen = server.seen.join('\n')
      expect(seen).toContain('"cardeaPrincipal"')
      expect(seen).toContain('content-type')
      expect(seen.toLowerCase()).not.toContain('bearer')
      for (const part of alice.authorization.slice(7).split('.')) expect(seen).not.toContain(part)
    })
  })

  describe('sessions belong to who opened them', () => {
    test("another user's POST, GET with Last-Event-ID and DELETE find nothing; the owner goes on", async () => {
      const session = { 'mcp-session-id': await openSession(alice), 'mcp-protocol-version': '2025-11-25' }
      const whoami = await post(server.resource, call('whoami'), { ...alice, ...session })
      const eventId = /^id: (\d+)/m.exec(await whoami.text())![1]!
      const before = server.admitted()
      const attempts = [
        await post(server.resource, call('whoami'), { ...bob, ...session }),
        await fetch(server.resource, {
          headers: { ...bob, ...session, accept: 'text/event-stream', 'last-event-id': eventId },
        }),
        await fetch(server.resource, { method: 'DELETE', headers: { ...bob, ...session } }),
      ]
      const unknown = await post(server.resource, call('whoami'), { ...bob, 'mcp-session-id': 'unknown' })
      const unknownText = await unknown.text()
      for (const response of [...attempts]) {
        expect(response.status).toBe(404)
        expect(await response.text()).toBe(unknownText)
      }
      expect(server.admitted()).toBe(before)
      const own = await post(server.resource, call('whoami', 3), { ...alice, ...session })
      expect(await own.text()).toContain('alice')
      const renewed = { authorization: `Bearer ${await server.issuer.userToken('alice')}` }
      expect(
        await (await post(server.resource, call('whoami', 4), { ...renewed, ...session })).text(),
      ).toContain('alice')
      expect(
        (await fetch(server.resource, { method: 'DELETE', headers: { ...alice, ...session } })).status,
      ).toBe(200)
      expect((await post(server.resource, call('whoami'), { ...alice, ...session })).status).toBe(404)
    })

    test("replay in one's own session yields nothing of another's, though they share an event store", async () => {
      const replayOf = async (at: GuardedServer, forMs: number): Promise<string> => {
        const [a, b] = await Promise.all(
          ['alice', 'bob'].map(async (user) => ({
            authorization: `Bearer ${await at.issuer.userToken(user)}`,
          })),
        )
        const revision = { 'mcp-protocol-version': '2025-11-25' }
        const ofAlice = { ...a!, ...revision, 'mcp-session-id': await openSession(a!, at) }
        const answer = await (await post(at.resource, call('whoami'), ofAlice)).text()
        const firstEventId = /^id: (\d+)/m.exec(answer)![1]!
        const ofBob = { ...b!, ...revision, 'mcp-session-id': await openSession(b!, at) }
        const stream = await fetch(at.resource, {
          headers: { ...ofBob, accept: 'text/event-stream', 'last-event-id': firstEventId },
        })
        const timer = setTimeout(() => at.guard.closeStreams(() => true), forMs)
        let text = ''
        for await (const chunk of stream.body!) {
          text += Buffer.from(chunk).toString()
          if (text.includes('alice')) break
        }
        clearTimeout(timer)
        return text
      }
      expect(await replayOf(server, 300)).not.toContain('alice')
      const careless = await startGuardedServer({ adapter, http: { replay: 'own session' } })
      expect(await replayOf(careless, 10_000)).toContain('alice') // the leak that the default closes
      await careless.close()
    })

    test("a revision without sessions does not open the back door to another's", async () => {
      const sessionId = await openSession(alice)
      const headers = { ...bob, 'mcp-session-id': sessionId, 'mcp-protocol-version': '2026-07-28' }
      const before = server.seen.length
      const answers = [
        await post(server.resource, call('whoami'), headers),
        await fetch(server.resource, { method: 'DELETE', headers }),
      ]
      for (const response of answers) expect(response.status).not.toBe(200)
      expect(server.seen.length).toBe(before + 2)
      expect(server.seen.slice(before).join()).not.toContain(sessionId)
      const own = await post(server.resource, call('whoami', 3), { ...alice, 'mcp-session-id': sessionId })
      expect(await own.text()).toContain('alice')
    })

    test('the same person through another client is another caller', async () => {
      const session = { 'mcp-session-id': await openSession(alice) }
      const token = await server.issuer.sign(server.issuer.claims({ sub: 'alice', client_id: 'other-app' }))
      const response = await post(server.resource, call('whoami'), {
        authorization: `Bearer ${token}`,
        ...session,
      })
      expect(response.status).toBe(404)
    })
  })

  describe('requests that are not what they should be', () => {
    test('another Host, no Host twice, a foreign or null Origin', async () => {
      const body = JSON.stringify(initialize)
      const rest = jsonHeaders().slice(2)
      const auth = ['Authorization', alice.authorization]
      expect((await raw(['Host', 'evil.example', ...rest, ...auth], body)).status).toBe(403)
      const twin = await raw(['Host', `${host()}.evil.example`, ...rest, ...auth], body)
      expect(twin.status).toBe(adapter === 'node' ? 403 : 400) // the web adapter reads no such URL at all
      expect(
        (await raw(['Host', host(), 'Origin', 'https://evil.example', ...rest, ...auth], body)).status,
      ).toBe(403)
      expect((await raw(['Host', host(), 'Origin', 'null', ...rest, ...auth], body)).status).toBe(403)
      expect((await raw(['Host', host(), 'Origin', server.origin, ...rest, ...auth], body)).status).toBe(200)
    })

    test('a preflight of an allowed origin is answered, of another refused', async () => {
      const headers = (origin: string) => [
        'Host',
        host(),
        'Origin',
        origin,
        'Access-Control-Request-Method',
        'POST',
      ]
      const allowed = await raw(headers(server.origin), '', '/mcp', 'OPTIONS')
      expect(allowed.status).toBe(204)
      expect(allowed.headers['access-control-allow-headers']).toMatch(/Authorization/)
      expect((await raw(headers('https://evil.example'), '', '/mcp', 'OPTIONS')).status).toBe(403)
    })

    test.each([
      ['a batch', JSON.stringify([initialize]), 400],
      ['an empty batch', '[]', 400],
      ['no JSON', '{', 400],
      ['a string', '"x"', 400],
      ['null', 'null', 400],
      ['nothing', '', 400],
    ])('%s', async (_, body, status) => {
      const before = server.admitted()
      expect((await post(server.resource, body, alice)).status).toBe(status)
      expect(server.admitted()).toBe(before)
    })

    test('bytes that are not UTF-8', async () => {
      const response = await fetch(server.resource, {
        method: 'POST',
        headers: { ...alice, 'content-type': 'application/json' },
        body: Buffer.from([0x22, 0xff, 0xfe, 0x22]),
      })
      expect(response.status).toBe(400)
    })

    test('other methods and other paths', async () => {
      expect((await fetch(server.resource, { method: 'PUT', headers: alice })).status).toBe(405)
      expect((await fetch(`${server.origin}/other`, { headers: alice })).status).toBe(404)
      expect((await fetch(`${server.origin}/mcp/`, { headers: alice })).status).toBe(404)
    })
  })

  describe('bodies', () => {
    test('an oversized body is refused, said in advance or not', async () => {
      const small = await startGuardedServer({ adapter, http: { maxBodyBytes: 1000 } })
      const headers = { authorization: `Bearer ${await small.issuer.userToken('alice')}` }
      const body = JSON.stringify({ ...initialize, padding: 'x'.repeat(2000) })
      expect((await post(small.resource, body, headers)).status).toBe(413)
      const chunked = await fetch(small.resource, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body: new Blob([body]).stream(),
        duplex: 'half',
      } as RequestInit)
      expect(chunked.status).toBe(413)
      expect((await post(small.resource, initialize, headers)).status).toBe(200)
      expect(small.admitted()).toBe(1)
      await small.close()
    })

    test('a body that trickles in is cut, and nobody without a token may send one at all', async () => {
      const quick = await startGuardedServer({ adapter, http: { bodyTimeoutMs: 200 } })
      const token = await quick.issuer.userToken('alice')
      const answer = await new Promise<string>((resolve) => {
        const { hostname, port } = new URL(quick.origin)
        const socket = connect(Number(port), hostname)
        socket.write(
          `POST /mcp HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${token}\r\n` +
            'Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{',
        )
        socket.once('data', (data) => {
          resolve(String(data))
          socket.destroy()
        })
      })
      expect(answer).toMatch(/^HTTP\/1\.1 408 /)
      expect(quick.admitted()).toBe(0)
      await quick.close()
    })
  })

  describe('streams end with the token', () => {
    test('a standalone stream and a call in progress are cut at expiry, and the next request is told 401', async () => {
      const issued = Math.floor(Date.now() / 1000)
      const shortLived = server.issuer.claims({ iat: issued, exp: issued + 4 })
      const headers = { authorization: `Bearer ${await server.issuer.sign(shortLived)}` }
      const session = { 'mcp-session-id': await openSession(headers) }
      const stream = await fetch(server.resource, {
        headers: { ...headers, ...session, accept: 'text/event-stream' },
      })
      expect(stream.status).toBe(200)
      const slow = await post(server.resource, call('slow'), { ...headers, ...session })
      expect(slow.status).toBe(200)
      await Promise.all([stream.text(), slow.text()]) // both end, or the test times out
      const late = await post(server.resource, call('whoami'), { ...headers, ...session })
      expect(late.status).toBe(401)
    })

    test('streams of one principal can be closed at once, others stay', async () => {
      const stream = async (headers: { authorization: string }) =>
        fetch(server.resource, {
          headers: { ...headers, 'mcp-session-id': await openSession(headers), accept: 'text/event-stream' },
        })
      const [ofAlice, ofBob] = [await stream(alice), await stream(bob)]
      let bobEnded = false
      const bobText = ofBob.text().then(() => {
        bobEnded = true
      })
      server.guard.closeStreams((principal) => principal.subject === 'alice')
      await ofAlice.text()
      expect(bobEnded).toBe(false)
      server.guard.closeStreams(() => true)
      await bobText
    })
  })
}
