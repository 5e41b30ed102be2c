// Opaque tokens, key-bound tokens and certificate-bound tokens, as a real authorization server makes them.

import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createHttpGuard } from '../../../src/mcp/http/http-guard.ts'
import type { IssuerConfig } from '../../../src/mcp/tokens/issuer-config.ts'
import { createTokenVerifier, type TokenVerifier } from '../../../src/mcp/tokens/token-verifier.ts'
import { startIssuer, type TestIssuer } from './issuer.ts'

const resource = 'http://127.0.0.1:4000/mcp'

function settings(of: TestIssuer, changes: Partial<IssuerConfig> = {}): IssuerConfig {
  return {
    issuer: of.issuer,
    user_when: 'claims.sub != claims.client_id',
    subject: 'user:{claims.sub}',
    network: 'loopback',
    ...changes,
  }
}

describe('opaque tokens', () => {
  let issuer: TestIssuer
  beforeAll(async () => {
    issuer = await startIssuer({ resource, opaque: true })
  })
  afterAll(() => issuer.close())

  const introspection = { client_id: 'robot', client_secret: 'robot-secret' }
  const ask = (verifier: TokenVerifier, token: string) =>
    verifier.verify({ authorization: `Bearer ${token}`, method: 'POST', url: resource })
  const questions = () => issuer.requests.filter((path) => path.startsWith('/token/introspection')).length

  test('an active one counts, a service stays a service, and unknown ones do not', async () => {
    const verifier = createTokenVerifier({
      resource,
      issuers: [
        settings(issuer, {
          introspection,
          service_when: '!has(claims.sub) || claims.sub == claims.client_id',
          service: 'service:{claims.client_id}',
          user_when: 'has(claims.sub) && claims.sub != claims.client_id',
        }),
      ],
    })
    const token = await issuer.userToken('alice')
    expect(token).not.toContain('.')
    expect((await ask(verifier, token)).principal).toMatchObject({
      subject: 'alice',
      kind: 'user',
      clientId: 'app',
    })
    expect((await ask(verifier, 'made-up-token')).refusal).toMatchObject({
      status: 401,
      error: 'invalid_token',
    })
    const service = await ask(verifier, await issuer.serviceToken())
    expect(service.principal?.kind).not.toBe('user')
  })

  test('without introspection set they are refused, and the issuer is not told', async () => {
    const before = issuer.requests.length
    const verifier = createTokenVerifier({ resource, issuers: [settings(issuer)] })
    expect((await ask(verifier, await issuer.userToken('alice'))).refusal).toMatchObject({ status: 401 })
    expect(issuer.requests.length).toBe(before)
  })

  test('one for another resource is refused', async () => {
    const verifier = createTokenVerifier({ resource, issuers: [settings(issuer, { introspection })] })
    const token = await issuer.userToken('alice', { resource: 'https://other.example/mcp' })
    expect((await ask(verifier, token)).refusal).toMatchObject({
      status: 401,
      description: expect.stringMatching(/other.example/),
    })
  })

  test('an answer is reused for the set time only, and revocation takes effect after it', async () => {
    let nowMs = Date.now()
    const verifier = createTokenVerifier({
      resource,
      issuers: [settings(issuer, { introspection })],
      clock: () => nowMs,
    })
    const token = await issuer.userToken('alice')
    const before = questions()
    await Promise.all(Array.from({ length: 20 }, () => ask(verifier, token)))
    expect(questions() - before).toBe(1)
    const stored = await issuer.provider.AccessToken.find(token)
    await stored!.destroy()
    expect((await ask(verifier, token)).principal).toBeDefined()
    nowMs += 10_001
    expect((await ask(verifier, token)).refusal).toMatchObject({
      status: 401,
      description: expect.stringMatching(/not active/),
    })
  })

  test('cache: 0s asks every time, and no answer outlives the token', async () => {
    const fresh = createTokenVerifier({
      resource,
      issuers: [settings(issuer, { introspection: { ...introspection, cache: '0s' } })],
    })
    const token = await issuer.userToken('alice')
    const before = questions()
    await ask(fresh, token)
    await ask(fresh, token)
    expect(questions() - before).toBe(2)
    let nowMs = Date.now()
    const long = createTokenVerifier({
      resource,
      issuers: [settings(issuer, { introspection: { ...introspection, cache: '1h' } })],
      clock: () => nowMs,
    })
    expect((await ask(long, token)).principal).toBeDefined()
    nowMs += 301_000
    expect((await ask(long, token)).principal).toBeUndefined()
  })

  test('an answer about a token of somebody else is refused', async () => {
    const spoiling = async (url: string, init: RequestInit): Promise<Response> => {
      const response = await fetch(url, init)
      if (!url.includes('introspection')) return response
      return Response.json({ ...((await response.json()) as object), iss: 'https://other.example' })
    }
    const verifier = createTokenVerifier({
      resource,
      issuers: [settings(issuer, { introspection })],
      fetch: spoiling,
    })
    expect((await ask(verifier, await issuer.userToken('alice'))).refusal).toMatchObject({
      status: 401,
      description: expect.stringMatching(/iss is "https:\/\/other.example"/),
    })
  })

  test('an issuer that refuses this server, or is down: 503 and closed', async () => {
    const wrong = createTokenVerifier({
      resource,
      issuers: [settings(issuer, { introspection: { client_id: 'robot', client_secret: 'wrong' } })],
    })
    const refused = (await ask(wrong, await issuer.userToken('alice'))).refusal!
    expect(refused).toMatchObject({ status: 503 })
    expect(refused.description).not.toContain('wrong')
  })
})

describe('DPoP', () => {
  let issuer: TestIssuer
  let key: { privateKey: CryptoKey; jwk: JWK; thumbprint: string }
  let verifier: TokenVerifier
  let token: string

  async function freshKey() {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = await exportJWK(publicKey)
    return { privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) }
  }
  beforeAll(async () => {
    issuer = await startIssuer({ resource })
    key = await freshKey()
    verifier = createTokenVerifier({ resource, issuers: [settings(issuer)] })
    token = await issuer.userToken('alice', { jkt: key.thumbprint })
  })
  afterAll(() => issuer.close())

  function proof(
    changes: { [claim: string]: unknown } = {},
    header: { [name: string]: unknown } = {},
    by: { privateKey: CryptoKey; jwk: JWK } = key,
  ): Promise<string> {
    const claims = {
      htm: 'POST',
      htu: resource,
      iat: Math.floor(Date.now() / 1000),
      jti: randomUUID(),
      ath: createHash('sha256').update(token).digest('base64url'),
      ...changes,
    }
    return new SignJWT(Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined)))
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: by.jwk, ...header })
      .sign(by.privateKey)
  }
  const send = (dpop: string | undefined, scheme = 'DPoP') =>
    verifier.verify({ authorization: `${scheme} ${token}`, dpop, method: 'POST', url: resource })

  test('a bound token of the real provider counts with its proof, once', async () => {
    const one = await proof()
    expect((await send(one)).principal).toMatchObject({ subject: 'alice' })
    expect((await send(one)).refusal).toMatchObject({
      status: 401,
      error: 'invalid_dpop_proof',
      scheme: 'DPoP',
      description: expect.stringMatching(/used before/),
    })
    expect((await send(await proof({ htu: `${resource}?query#fragment` }))).principal).toBeDefined()
  })

  test('with nonces asked for, a proof counts with a nonce of this server only, and not for long', async () => {
    let nowMs = Date.now()
    const shared = randomBytes(32)
    const make = (key = shared) =>
      createTokenVerifier({
        resource,
        issuers: [settings(issuer)],
        clock: () => nowMs,
        dpopNonce: { key, lifeMs: 60_000 },
      })
    const [asking, twin, stranger] = [make(), make(), make(randomBytes(32))]
    const at = async (one: TokenVerifier, nonce?: unknown) =>
      one.verify({
        authorization: `DPoP ${token}`,
        dpop: await proof({ nonce, iat: Math.floor(nowMs / 1000) }),
        method: 'POST',
        url: resource,
      })
    const { refusal } = await at(asking)
    expect(refusal).toMatchObject({ status: 401, error: 'use_dpop_nonce', scheme: 'DPoP' })
    const nonce = refusal!.dpopNonce!
    expect(await at(asking, nonce)).toMatchObject({ principal: { subject: 'alice' } })
    expect((await at(twin, nonce)).dpopNonce).toBeUndefined()
    for (const bad of [`${nonce.slice(0, -2)}AA`, `zzz${nonce}`, '', nonce.split('.')[0], 7, null])
      expect((await at(asking, bad)).refusal, String(bad)).toMatchObject({ error: 'use_dpop_nonce' })
    expect((await at(stranger, nonce)).refusal).toMatchObject({ error: 'use_dpop_nonce' })
    nowMs += 40_000
    const renewed = await at(asking, nonce)
    expect(renewed.principal).toBeDefined()
    expect(renewed.dpopNonce).toMatch(/\./)
    nowMs += 30_000
    expect((await at(asking, nonce)).refusal).toMatchObject({ error: 'use_dpop_nonce' })
    expect((await at(asking, renewed.dpopNonce)).principal).toBeDefined()
    // The nonce comes last: a proof that is wrong in itself is no reason to hand one out.
    const wrong = await asking.verify({
      authorization: `DPoP ${token}`,
      dpop: await proof({ htm: 'GET', nonce }),
      method: 'POST',
      url: resource,
    })
    expect(wrong.refusal).toMatchObject({ error: 'invalid_dpop_proof' })
    expect(wrong.refusal!.dpopNonce).toBeUndefined()
  })

  test('over HTTP the nonce comes as a header, with the challenge and with an answer', async () => {
    let nowMs = Date.now()
    const guard = createHttpGuard({
      resource,
      authorizationServers: [issuer.issuer],
      verifier: createTokenVerifier({
        resource,
        issuers: [settings(issuer)],
        clock: () => nowMs,
        dpopNonce: { lifeMs: 60_000 },
      }),
    })
    const serve = guard.fetchHandler(async () => Response.json({}))
    const send = async (nonce?: string) =>
      serve(
        new Request(resource, {
          method: 'POST',
          headers: {
            authorization: `DPoP ${token}`,
            dpop: await proof({ nonce, iat: Math.floor(nowMs / 1000) }),
            'content-type': 'application/json',
          },
          body: '{}',
        }),
      )
    const first = await send()
    expect(first.status).toBe(401)
    expect(first.headers.get('www-authenticate')).toMatch(/^DPoP error="use_dpop_nonce"/)
    const nonce = first.headers.get('dpop-nonce')!
    const second = await send(nonce)
    expect([second.status, second.headers.get('dpop-nonce')]).toEqual([200, null])
    nowMs += 40_000
    const third = await send(nonce)
    expect(third.status).toBe(200)
    expect(third.headers.get('dpop-nonce')).not.toBeNull()
  })

  test('as plain Bearer it is refused, proof or not', async () => {
    for (const dpop of [undefined, await proof()])
      expect((await send(dpop, 'Bearer')).refusal).toMatchObject({
        status: 401,
        error: 'invalid_token',
        scheme: 'DPoP',
      })
  })

  test.each([
    ['no proof', () => Promise.resolve(undefined)],
    ['garbage', () => Promise.resolve('x.y.z')],
    ['two proofs', async () => `${await proof()}, ${await proof()}`],
    ['another method', () => proof({ htm: 'GET' })],
    ['another path', () => proof({ htu: `${resource}/other` })],
    ['another host', () => proof({ htu: 'http://evil.example/mcp' })],
    ['another token', () => proof({ ath: createHash('sha256').update('other').digest('base64url') })],
    ['no token', () => proof({ ath: undefined })],
    ['too old', () => proof({ iat: Math.floor(Date.now() / 1000) - 310 })],
    ['from the future', () => proof({ iat: Math.floor(Date.now() / 1000) + 310 })],
    ['no iat', () => proof({ iat: undefined })],
    ['no jti', () => proof({ jti: undefined })],
    ['a huge jti', () => proof({ jti: 'x'.repeat(600) })],
    ['another typ', () => proof({}, { typ: 'JWT' })],
    ["somebody else's key", async () => proof({}, {}, await freshKey())],
    ['the right key shown, another used', async () => proof({}, {}, { ...(await freshKey()), jwk: key.jwk })],
    [
      'a private key shown',
      async () =>
        proof(
          {},
          { jwk: await exportJWK((await generateKeyPair('ES256', { extractable: true })).privateKey) },
        ),
    ],
    ['no key', () => proof({}, { jwk: undefined })],
    ['a shared secret as key', () => proof({}, { jwk: { kty: 'oct', k: 'c2VjcmV0' } })],
  ])('a proof with %s is refused', async (_, make) => {
    expect((await send(await make())).refusal).toMatchObject({ status: 401, error: 'invalid_dpop_proof' })
  })

  test('an unbound token under the DPoP scheme is refused', async () => {
    const unbound = await issuer.userToken('alice')
    const { refusal } = await verifier.verify({
      authorization: `DPoP ${unbound}`,
      dpop: await proof(),
      method: 'POST',
      url: resource,
    })
    expect(refusal).toMatchObject({ status: 401, error: 'invalid_token' })
  })

  test('a token bound to the key and to a certificate is refused, since only one of them can be checked', async () => {
    const bound = await issuer.sign(issuer.claims({ cnf: { jkt: key.thumbprint, 'x5t#S256': 'abc' } }))
    const ath = createHash('sha256').update(bound).digest('base64url')
    const { refusal } = await verifier.verify({
      authorization: `DPoP ${bound}`,
      dpop: await proof({ ath }),
      method: 'POST',
      url: resource,
    })
    expect(refusal).toMatchObject({ status: 401, description: expect.stringMatching(/x5t#S256/) })
  })

  test.each([[{ 'x5t#S256': 'abc' }], [{}], ['abc'], [null], [[]], [{ jkt: 7 }]])(
    'a token bound by %j is refused with either scheme',
    async (cnf) => {
      const bound = await issuer.sign(issuer.claims({ cnf }))
      for (const scheme of ['Bearer', 'DPoP'])
        expect(
          (
            await verifier.verify({
              authorization: `${scheme} ${bound}`,
              dpop: await proof(),
              method: 'POST',
              url: resource,
            })
          ).refusal,
        ).toMatchObject({ status: 401 })
    },
  )
})
