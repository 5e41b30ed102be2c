// Tokens of a real authorization server, and every forgery of them that the field has seen.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { IssuerConfig } from '../../../src/mcp/tokens/issuer-config.ts'
import { createTokenVerifier, type TokenVerifier } from '../../../src/mcp/tokens/token-verifier.ts'
import { startIssuer, type TestIssuer } from './issuer.ts'

const resource = 'http://127.0.0.1:4000/mcp'
let issuer: TestIssuer
let other: TestIssuer
let verifier: TokenVerifier

function settings(of: TestIssuer, changes: Partial<IssuerConfig> = {}): IssuerConfig {
  return {
    issuer: of.issuer,
    user_when: 'claims.sub != claims.client_id',
    subject: 'user:{claims.sub}',
    service_when: 'claims.sub == claims.client_id',
    service: 'service:{claims.client_id}',
    agent: ['agent:act/{claims.act.iss}/{claims.act.sub}', 'agent:client/{issuer}/{claims.client_id}'],
    network: 'loopback',
    ...changes,
  }
}

beforeAll(async () => {
  ;[issuer, other] = await Promise.all([startIssuer({ resource }), startIssuer({ resource })])
  verifier = createTokenVerifier({ resource, issuers: [settings(issuer)] })
})
afterAll(async () => {
  await Promise.all([issuer.close(), other.close()])
})

function verify(token: string, by: TokenVerifier = verifier) {
  return by.verify({ authorization: `Bearer ${token}`, method: 'POST', url: resource })
}

async function refusalOf(token: string, by: TokenVerifier = verifier) {
  const { refusal } = await verify(token, by)
  expect(refusal, 'the token was accepted').toBeDefined()
  expect(refusal!.description).not.toContain(token)
  return refusal!
}

describe('who is asking', () => {
  test("a user's token of the real provider", async () => {
    const { principal } = await verify(await issuer.userToken('alice'))
    expect(principal).toMatchObject({
      issuer: issuer.issuer,
      subject: 'alice',
      kind: 'user',
      subjectRef: { type: 'user', id: 'alice', relation: '' },
      agentRef: { type: 'agent', id: 'client/issuer/app', relation: '' },
      clientId: 'app',
      actors: [],
    })
    expect([...principal!.scopes]).toEqual(['docs.read'])
    expect(principal!.expiresAtMs).toBeGreaterThan(Date.now())
  })

  test("a service's token of the real provider is a service, never a user", async () => {
    const token = await issuer.serviceToken()
    expect((await verify(token)).principal).toMatchObject({
      kind: 'service',
      subjectRef: { type: 'service', id: 'robot' },
    })
    const usersOnly = createTokenVerifier({
      resource,
      issuers: [settings(issuer, { service_when: undefined, service: undefined })],
    })
    expect(await refusalOf(token, usersOnly)).toMatchObject({ status: 403 })
  })

  test('a token that is both or neither is refused', async () => {
    const both = createTokenVerifier({
      resource,
      issuers: [settings(issuer, { service_when: 'true', user_when: 'true' })],
    })
    expect((await refusalOf(await issuer.userToken('alice'), both)).description).toMatch(/both hold/)
    const neither = createTokenVerifier({
      resource,
      issuers: [settings(issuer, { user_when: "claims.absent == 'x'", service_when: 'false' })],
    })
    expect(await refusalOf(await issuer.userToken('alice'), neither)).toMatchObject({
      status: 403,
      description: expect.stringMatching(/user_when: .*absent/),
    })
  })

  test('the outermost actor decides, and the chain is kept', async () => {
    const act = { sub: 'planner', iss: 'https://agents.example', act: { sub: 'root' } }
    const { principal } = await verify(await issuer.sign(issuer.claims({ act })))
    expect(principal!.agentRef).toEqual({
      type: 'agent',
      id: 'act/https=3A=2F=2Fagents=2Eexample/planner',
      relation: '',
    })
    expect(principal!.actors).toEqual([
      { subject: 'planner', issuer: 'https://agents.example' },
      { subject: 'root' },
    ])
  })

  test('act deeper than four, or malformed, is refused', async () => {
    const nest = (depth: number): object => (depth === 1 ? { sub: 'a' } : { sub: 'a', act: nest(depth - 1) })
    expect((await verify(await issuer.sign(issuer.claims({ act: nest(4) })))).principal!.actors).toHaveLength(
      4,
    )
    for (const act of [nest(5), 'x', { iss: 'x' }, [{ sub: 'a' }], null, { sub: '' }])
      expect(await refusalOf(await issuer.sign(issuer.claims({ act })))).toMatchObject({ status: 401 })
  })

  test.each([
    ['*', '=2A'],
    ['user:bob', 'user=3Abob'],
    ['a/../b', 'a=2F=2E=2E=2Fb'],
    ['bob#member', 'bob=23member'],
    ['Ａlice', '=EF=BC=A1lice'],
  ])('sub %s cannot mean anything but itself', async (sub, id) => {
    expect((await verify(await issuer.sign(issuer.claims({ sub })))).principal!.subjectRef).toEqual({
      type: 'user',
      id,
      relation: '',
    })
  })

  test.each([[undefined], [''], [7], [['alice']], [null], [{}]])('sub %j is refused', async (sub) => {
    expect(await refusalOf(await issuer.sign(issuer.claims({ sub })))).toMatchObject({ status: 401 })
  })

  test('an id that would be too long, or half a surrogate pair, stands for nobody', async () => {
    for (const sub of ['x'.repeat(1025), 'a\ud800'])
      expect((await verify(await issuer.sign(issuer.claims({ sub })))).principal).toBeUndefined()
  })

  test('equal sub of two issuers are two people', async () => {
    const both = createTokenVerifier({
      resource,
      issuers: [issuer, other].map((of, index) =>
        settings(of, {
          name: `idp${index}`,
          subject: 'user:{issuer}/{claims.sub}',
          service: 'service:{issuer}/{claims.client_id}',
          agent: ['agent:{issuer}/{claims.client_id}'],
        }),
      ),
    })
    const [first, second] = [await issuer.userToken('alice'), await other.userToken('alice')]
    expect((await verify(first, both)).principal!.subjectRef.id).toBe('idp0/alice')
    expect((await verify(second, both)).principal!.subjectRef.id).toBe('idp1/alice')
    expect(await refusalOf(second)).toMatchObject({
      status: 401,
      description: expect.stringMatching(/no issuer of the policy/),
    })
  })
})

describe('forgeries and misuse are refused', () => {
  test.each([
    ['another audience', { aud: 'https://other.example/mcp' }],
    ['an audience with one more slash', { aud: `${resource}/` }],
    ['an audience that begins alike', { aud: `${resource}.evil.example` }],
    ['no audience', { aud: undefined }],
    ['an empty audience list', { aud: [] }],
    ['a malformed audience', { aud: [resource, 7] }],
    ['an audience list that names others', { aud: [resource, 'https://other.example'] }],
    ['no exp', { exp: undefined }],
    ['expired', { exp: Math.floor(Date.now() / 1000) - 1 }],
    ['exp as text', { exp: '9999999999' }],
    ['not yet valid', { nbf: Math.floor(Date.now() / 1000) + 120 }],
    ['issued in the future', { iat: Math.floor(Date.now() / 1000) + 120 }],
    ['no iat', { iat: undefined }],
    ['too long a life', { exp: Math.floor(Date.now() / 1000) + 3700 }],
    ['issued long ago and still alive', { iat: Math.floor(Date.now() / 1000) - 7200 }],
    ['no client_id', { client_id: undefined }],
    ['no jti', { jti: undefined }],
    ['a nonce, as ID tokens have', { nonce: 'n' }],
    ['at_hash, as ID tokens have', { at_hash: 'x' }],
    ['events, as logout tokens have', { events: {} }],
    ['bound to a key', { cnf: { jkt: 'x' } }],
    ['bound to a certificate', { cnf: { 'x5t#S256': 'x' } }],
    ['another issuer', { iss: 'https://evil.example' }],
    ['the issuer with a slash', { iss: 'SLASH' }],
    ['no issuer', { iss: undefined }],
  ])('%s', async (_, changes: { [name: string]: unknown }) => {
    if (changes.iss === 'SLASH') changes = { iss: `${issuer.issuer}/` }
    expect(await refusalOf(await issuer.sign(issuer.claims(changes)))).toMatchObject({
      status: 401,
      error: 'invalid_token',
    })
  })

  test.each([
    ['an ID token', { typ: 'JWT' }],
    ['no typ', { typ: undefined }],
    ['an ID-JAG', { typ: 'oauth-id-jag+jwt' }],
    ['a DPoP proof', { typ: 'dpop+jwt' }],
    ['crit', { crit: ['exp'] }],
    ['b64', { crit: ['b64'], b64: true }],
  ])('%s', async (_, header) => {
    const token = await issuer.sign(issuer.claims(), header).catch(() => undefined)
    if (token === undefined) return // jose itself refuses to sign it
    expect(await refusalOf(token)).toMatchObject({ status: 401 })
  })

  test('alg none, in every spelling', async () => {
    for (const alg of ['none', 'None', 'NONE', '']) {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
      expect(await refusalOf(`${part({ alg, typ: 'at+jwt' })}.${part(issuer.claims())}.`)).toMatchObject({
        status: 401,
      })
    }
  })

  test('HS256 with the public key as the secret', async () => {
    for (const secret of [JSON.stringify(issuer.publicJwk), issuer.publicJwk.x!]) {
      const key = new TextEncoder().encode(secret.padEnd(32, ' '))
      const token = await issuer.sign(issuer.claims(), { alg: 'HS256' }, key)
      expect((await refusalOf(token)).description).toMatch(/HS256/)
    }
  })

  test("another issuer's signature, a changed payload, a cut signature", async () => {
    const token = await issuer.sign(issuer.claims())
    const [header, , signature] = token.split('.')
    const bob = Buffer.from(JSON.stringify(issuer.claims({ sub: 'bob' }))).toString('base64url')
    await refusalOf(await other.sign(issuer.claims(), { kid: issuer.publicJwk.kid }))
    await refusalOf(`${header}.${bob}.${signature}`)
    await refusalOf(token.slice(0, -8))
  })

  test('jku, x5u and jwk headers are never followed', async () => {
    let asked = 0
    const attacker = await generateKeyPair('ES256', { extractable: true })
    const jwk = { ...(await exportJWK(attacker.publicKey)), kid: 'evil', alg: 'ES256' }
    const server = createServer((_, response) => {
      asked++
      response.end(JSON.stringify({ keys: [jwk] }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    for (const header of [{ jku: url }, { x5u: url }, { jwk }, { jku: url, kid: issuer.publicJwk.kid }])
      await refusalOf(await issuer.sign(issuer.claims(), { kid: 'evil', ...header }, attacker.privateKey))
    expect(asked).toBe(0)
    server.close()
  })

  test('an audience list that names others passes only by setting', async () => {
    const token = await issuer.sign(issuer.claims({ aud: [resource, 'https://other.example'] }))
    const lenient = createTokenVerifier({
      resource,
      issuers: [settings(issuer, { other_audiences: 'allow' })],
    })
    expect((await verify(token, lenient)).principal).toBeDefined()
    expect((await verify(await issuer.sign(issuer.claims({ aud: [resource] })))).principal).toBeDefined()
  })

  test('typ: any accepts a plain JWT, but still no ID token and no ID-JAG', async () => {
    const lenient = createTokenVerifier({ resource, issuers: [settings(issuer, { typ: 'any' })] })
    expect(
      (await verify(await issuer.sign(issuer.claims({ jti: undefined }), { typ: 'JWT' }), lenient)).principal,
    ).toBeDefined()
    await refusalOf(await issuer.sign(issuer.claims(), { typ: 'oauth-id-jag+jwt' }), lenient)
    await refusalOf(await issuer.sign(issuer.claims({ nonce: 'n' }), { typ: 'JWT' }), lenient)
  })

  test.each([
    [undefined, 401],
    ['', 401],
    ['Basic YTpi', 401],
    ['Bearer', 400],
    ['Bearer a b', 400],
    ['Bearer a, Bearer b', 400],
    ['Bearer a"b', 400],
    ['Bearer opaque', 401],
    [`Bearer ey${'a'.repeat(20_000)}`, 401],
    ['Bearer eyJhbGciOiJFUzI1NiJ9.bm90anNvbg.AAAA', 401],
    ['Bearer eyJhbGciOiJFUzI1NiJ9..', 401],
    ['DPoP x.y.z', 401],
  ])('Authorization: %.40s', async (authorization, status) => {
    const { refusal } = await verifier.verify({ authorization, method: 'POST', url: resource })
    expect(refusal).toMatchObject({ status })
    if (authorization === undefined) expect(refusal!.error).toBeUndefined()
  })
})

describe("the issuer's keys", () => {
  test('a flood of unknown key ids costs one request per cool-down', async () => {
    let nowMs = Date.now()
    const patient = createTokenVerifier({ resource, issuers: [settings(issuer)], clock: () => nowMs })
    expect((await verify(await issuer.sign(issuer.claims()), patient)).principal).toBeDefined()
    const reads = () => issuer.requests.filter((path) => path === '/jwks').length
    const before = reads()
    const flood = () =>
      Promise.all(
        Array.from({ length: 50 }, async (_, index) =>
          refusalOf(await issuer.sign(issuer.claims(), { kid: `k${index}` }), patient),
        ),
      )
    await flood()
    expect(reads() - before).toBe(0)
    nowMs += 31_000
    await flood()
    await flood()
    expect(reads() - before).toBe(1)
  })

  test('a rotated key is found, and what the old key signed is refused', async () => {
    const rotating = await startIssuer({ resource })
    let nowMs = Date.now()
    let keys = [rotating.publicJwk]
    const fetchKeys = async (url: string, init: RequestInit) =>
      url.endsWith('/jwks') ? Response.json({ keys }) : fetch(url, init)
    const following = createTokenVerifier({
      resource,
      issuers: [settings(rotating)],
      clock: () => nowMs,
      fetch: fetchKeys,
    })
    const old = await rotating.sign(rotating.claims())
    expect((await verify(old, following)).principal).toBeDefined()
    const fresh = await generateKeyPair('ES256', { extractable: true })
    keys = [{ ...(await exportJWK(fresh.publicKey)), kid: 'new', alg: 'ES256' }]
    nowMs += 31_000
    const renewed = await rotating.sign(rotating.claims(), { kid: 'new' }, fresh.privateKey)
    expect((await verify(renewed, following)).principal).toBeDefined()
    await refusalOf(old, following)
    await rotating.close()
  })

  test('a shared secret in the key set is never used', async () => {
    const secret = new TextEncoder().encode('a secret of at least 32 bytes, published')
    const naive = createTokenVerifier({
      resource,
      issuers: [settings(issuer)],
      fetch: async (url, init) =>
        url.endsWith('/jwks')
          ? Response.json({
              keys: [{ kty: 'oct', k: Buffer.from(secret).toString('base64url'), kid: 'oct' }],
            })
          : fetch(url, init),
    })
    await refusalOf(await issuer.sign(issuer.claims(), { alg: 'HS256', kid: 'oct' }, secret), naive)
  })

  test('metadata of another issuer is refused, and nothing else is tried', async () => {
    const asked: string[] = []
    const confused = createTokenVerifier({
      resource,
      issuers: [settings(issuer)],
      fetch: async (url) => {
        asked.push(url)
        return Response.json({ issuer: other.issuer, jwks_uri: `${other.issuer}/jwks` })
      },
    })
    const refusal = await refusalOf(await issuer.sign(issuer.claims()), confused)
    expect(refusal).toMatchObject({ status: 503, description: expect.stringContaining(other.issuer) })
    expect(asked).toHaveLength(1)
  })

  test('an issuer that is down: 503, and it is not asked by every request', async () => {
    let asked = 0
    const deaf = createTokenVerifier({
      resource,
      issuers: [settings(issuer)],
      fetch: async () => {
        asked++
        throw new Error('connection refused')
      },
    })
    const token = await issuer.sign(issuer.claims())
    for (let request = 0; request < 20; request++)
      expect(await refusalOf(token, deaf)).toMatchObject({ status: 503 })
    expect(asked).toBe(2) // both well-known forms, once
  })
})
