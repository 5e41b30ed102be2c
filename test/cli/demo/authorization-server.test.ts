// The demo's authorization server: the whole flow by HTTP, and the SDK's own client logging in to it.

import { createHash } from 'node:crypto'
import { auth, type OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  type AuthorizationServer,
  startAuthorizationServer,
} from '../../../src/cli/demo/authorization-server.ts'
import { createTokenVerifier } from '../../../src/mcp/tokens/token-verifier.ts'

const resource = 'http://127.0.0.1:4001/mcp'
const otherResource = 'http://127.0.0.1:4002/other'
let server: AuthorizationServer
const printed: string[] = []

beforeAll(async () => {
  for (const name of ['log', 'info', 'warn', 'error'] as const)
    vi.spyOn(console, name).mockImplementation((...parts) => void printed.push(parts.join(' ')))
  server = await startAuthorizationServer({ resource, otherResource })
})
afterAll(() => server.close())

const verifier = () =>
  createTokenVerifier({
    resource,
    issuers: [
      {
        issuer: server.issuer,
        user_when: 'claims.sub != claims.client_id',
        subject: 'user:{claims.sub}',
        network: 'loopback',
      },
    ],
  })

test('a token of the whole flow is at+jwt, bound to the resource, and counts', async () => {
  const token = await server.tokenFor('alice')
  expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'ES256', typ: 'at+jwt' })
  expect(decodeJwt(token)).toMatchObject({ sub: 'alice', aud: resource, scope: 'docs.read docs.write' })
  const { principal } = await verifier().verify({
    authorization: `Bearer ${token}`,
    method: 'POST',
    url: resource,
  })
  expect(principal!.subjectRef).toEqual({ type: 'user', id: 'alice', relation: '' })
})

test('scope and resource can be chosen, and a token for another resource does not count', async () => {
  expect(decodeJwt(await server.tokenFor('bob', { scope: 'docs.read' }))).toMatchObject({
    sub: 'bob',
    scope: 'docs.read',
  })
  const token = await server.tokenFor('bob', { resource: otherResource })
  const { refusal } = await verifier().verify({
    authorization: `Bearer ${token}`,
    method: 'POST',
    url: resource,
  })
  expect(refusal!.status).toBe(401)
  await expect(server.tokenFor('bob', { resource: 'https://unknown.example' })).rejects.toThrow(
    /invalid_target/,
  )
})

test('nobody else can sign in', async () => {
  await expect(server.tokenFor('mallory' as 'alice')).rejects.toThrow(/refused/)
})

test('it says what MCP clients look for', async () => {
  const metadata = await (await fetch(`${server.issuer}/.well-known/oauth-authorization-server`)).json()
  expect(metadata).toMatchObject({
    issuer: server.issuer,
    code_challenge_methods_supported: ['S256'],
    client_id_metadata_document_supported: true,
    authorization_response_iss_parameter_supported: true,
    registration_endpoint: expect.any(String),
  })
})

test('a client in a browser page may read what it needs: metadata, registration, tokens', async () => {
  const headers = { origin: 'http://localhost:6274', 'access-control-request-headers': 'content-type' }
  for (const [path, method] of [
    ['/.well-known/oauth-authorization-server', 'GET'],
    ['/reg', 'POST'],
    ['/token', 'POST'],
  ] as const) {
    const preflight = await fetch(server.issuer + path, {
      method: 'OPTIONS',
      headers: { ...headers, 'access-control-request-method': method },
    })
    expect(preflight.status).toBe(204)
    expect(['*', headers.origin]).toContain(preflight.headers.get('access-control-allow-origin'))
    expect(preflight.headers.get('access-control-allow-headers')?.toLowerCase()).toContain('content-type')
  }
  const registered = await fetch(`${server.issuer}/reg`, {
    method: 'POST',
    headers: { origin: headers.origin, 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ['http://localhost:6274/oauth/callback'] }),
  })
  expect(registered.status).toBe(201)
  expect(registered.headers.get('access-control-allow-origin')).toBe('*')
})

test('without PKCE there is no code', async () => {
  const registered = await fetch(`${server.issuer}/reg`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'none' }),
  })
  const { client_id } = (await registered.json()) as { client_id: string }
  const query = new URLSearchParams({
    client_id,
    response_type: 'code',
    redirect_uri: 'https://app.example/cb',
    scope: 'docs.read',
  })
  const response = await fetch(`${server.issuer}/auth?${query}`, { redirect: 'manual' })
  expect(response.headers.get('location')).toMatch(/error=invalid_request/)
})

test("the SDK's client registers, is sent to the login page, and gets a token with its code", async () => {
  const saved: { [name: string]: unknown } = {}
  const save = (name: string) => (value: unknown) => {
    saved[name] = value
  }
  const client: OAuthClientProvider = {
    redirectUrl: 'http://localhost:6274/oauth/callback',
    clientMetadata: {
      client_name: 'MCP Inspector',
      redirect_uris: ['http://localhost:6274/oauth/callback'],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
    },
    clientInformation: () => saved.client as never,
    saveClientInformation: save('client'),
    tokens: () => saved.tokens as never,
    saveTokens: save('tokens'),
    redirectToAuthorization: save('url'),
    saveCodeVerifier: save('verifier'),
    codeVerifier: () => saved.verifier as string,
  }
  // The resource server's part: one document.
  const fetchFn: typeof fetch = async (input, init) =>
    String(input).startsWith('http://127.0.0.1:4001/')
      ? Response.json({ resource, authorization_servers: [server.issuer] })
      : fetch(input, init)
  const options = { serverUrl: resource, scope: 'docs.read', fetchFn }
  expect(await auth(client, options)).toBe('REDIRECT')

  const url = saved.url as URL
  expect(url.searchParams.get('resource')).toBe(resource)
  const cookies = new Map<string, string>()
  const load = async (target: URL, form?: { [name: string]: string }): Promise<Response> => {
    const response = await fetch(target, {
      method: form ? 'POST' : 'GET',
      body: form && new URLSearchParams(form),
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
    })
    for (const line of response.headers.getSetCookie())
      cookies.set(...(/^([^=]+)=([^;]*)/.exec(line)!.slice(1) as [string, string]))
    return response
  }
  const follow = async (
    target: URL,
    form?: { [name: string]: string },
  ): Promise<{ at: URL; html: string }> => {
    const response = await load(target, form)
    const location = response.headers.get('location')
    if (location === null) return { at: target, html: await response.text() }
    const next = new URL(location, target)
    return next.port === '6274' ? { at: next, html: '' } : follow(next)
  }
  const login = await follow(url)
  expect(login.html).toContain('<code>demo</code>')
  const wrong = await follow(login.at, { login: 'alice', password: 'wrong' })
  expect(wrong.html).toContain('role="alert"')
  const consent = await follow(login.at, { login: 'alice', password: 'demo' })
  expect(consent.html).toContain('MCP Inspector')
  expect(consent.html).toContain('localhost:6274')
  expect(consent.html).toContain(resource)
  const done = await follow(consent.at, { step: 'allow' })
  expect(await auth(client, { ...options, authorizationCode: done.at.searchParams.get('code')! })).toBe(
    'AUTHORIZED',
  )
  const tokens = saved.tokens as { access_token: string; refresh_token: string }
  expect(decodeJwt(tokens.access_token)).toMatchObject({ sub: 'alice', aud: resource, scope: 'docs.read' })
  expect(
    createHash('sha256')
      .update(saved.verifier as string)
      .digest('base64url'),
  ).toBe(url.searchParams.get('code_challenge'))
  // The same browser comes again: it is asked anew who sits in front of it.
  expect((await follow(url)).html).toContain('name="password"')
  expect(await auth(client, options)).toBe('AUTHORIZED') // by the refresh token
  expect((saved.tokens as typeof tokens).refresh_token).not.toBe(tokens.refresh_token)
})

test('it printed nothing', () => {
  expect(printed).toEqual([])
})
