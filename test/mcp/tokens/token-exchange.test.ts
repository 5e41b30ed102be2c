// Token exchange at a real authorization server: the server behind gets a token of its own, and never the incoming one.

import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { decodeJwt } from 'jose'
import type { Configuration, KoaContextWithOIDC } from 'oidc-provider'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Principal } from '../../../src/mcp/principal.ts'
import { heldToken } from '../../../src/mcp/tokens/held-token.ts'
import type { IssuerConfig } from '../../../src/mcp/tokens/issuer-config.ts'
import { createTokenExchange, type TokenExchange } from '../../../src/mcp/tokens/token-exchange.ts'
import { createTokenVerifier } from '../../../src/mcp/tokens/token-verifier.ts'
import { startIssuer, type TestIssuer } from './issuer.ts'

const resource = 'http://127.0.0.1:4000/mcp'
const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
let issuer: TestIssuer
let issuers: IssuerConfig[]
let upstream: Server
let api: string
const received: string[] = []
let exchanges: { [name: string]: string }[] = []
/** What the authorization server answers instead, for one test. */
let answer: ((token: string) => object) | undefined

beforeAll(async () => {
  issuer = await startIssuer({ resource, configure })
  registerExchange(issuer)
  issuers = [
    {
      issuer: issuer.issuer,
      user_when: 'claims.sub != claims.client_id',
      subject: 'user:{claims.sub}',
      network: 'loopback',
      token_exchange: { client_id: 'gateway', client_secret: 'gateway secret/+%' },
    },
  ]
  upstream = createServer((request, response) => {
    let text = `${request.method} ${request.url}\n${request.rawHeaders.join('\n')}\n`
    request.on('data', (chunk) => {
      text += chunk
    })
    request.on('end', () => {
      received.push(text)
      response.end('{}')
    })
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  api = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}/api`
})
afterAll(async () => {
  upstream.close()
  await issuer.close()
})
beforeEach(() => {
  exchanges = []
  answer = undefined
})

function configure(configuration: Configuration): void {
  configuration.clients = [
    ...configuration.clients!,
    {
      client_id: 'gateway',
      client_secret: 'gateway secret/+%',
      grant_types: [grant],
      response_types: [],
      redirect_uris: [],
    },
  ]
  configuration.extraTokenClaims = (_, token) => {
    const { gty, clientId } = token as { gty?: string; clientId?: string }
    return gty === grant ? { act: { sub: clientId } } : undefined
  }
}

/** The grant as an authorization server would have it: the incoming token is looked at, the new one is for `resource` alone. */
function registerExchange({ provider }: TestIssuer): void {
  const parameters = [
    'subject_token',
    'subject_token_type',
    'requested_token_type',
    'resource',
    'audience',
    'scope',
  ]
  provider.registerGrantType(
    grant,
    (async (context: KoaContextWithOIDC) => {
      const { params, client } = context.oidc as unknown as {
        params: { [name: string]: string }
        client: never
      }
      exchanges.push({ ...params })
      if (params.resource?.includes('forbidden')) {
        context.status = 400
        context.body = { error: 'invalid_target' }
        return
      }
      const subject = decodeJwt(params.subject_token!)
      const token = new provider.AccessToken({
        accountId: subject.sub,
        client,
        gty: grant,
        scope: params.scope ?? 'docs.read',
      } as never) as unknown as { resourceServer: unknown; save(): Promise<string> }
      const { ResourceServer } = provider as unknown as {
        ResourceServer: new (...args: unknown[]) => unknown
      }
      token.resourceServer = new ResourceServer(params.resource, {
        scope: 'docs.read docs.write',
        audience: params.resource,
        accessTokenTTL: 120,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      })
      const saved = await token.save()
      context.body = {
        access_token: saved,
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: 120,
        ...answer?.(params.subject_token!),
      }
    }) as never,
    parameters,
  )
}

async function principalFor(token: string): Promise<Principal> {
  const verifier = createTokenVerifier({ resource, issuers })
  const { principal } = await verifier.verify({
    authorization: `Bearer ${token}`,
    method: 'POST',
    url: resource,
  })
  return principal!
}

async function ask(
  exchange: TokenExchange,
  token: string,
  changes: { resource?: string; scopes?: string[] } = {},
) {
  return exchange.tokenFor(await principalFor(token), token, { resource: api, ...changes })
}

test('the new token is for the server behind, on behalf of alice, with this server as actor', async () => {
  const incoming = await issuer.userToken('alice')
  const { accessToken, expiresAtMs } = await ask(createTokenExchange({ issuers }), incoming)
  expect(decodeJwt(accessToken)).toMatchObject({ sub: 'alice', aud: api, act: { sub: 'gateway' } })
  expect(expiresAtMs).toBeGreaterThan(Date.now())
  expect(exchanges[0]).toMatchObject({ resource: api, subject_token: incoming })
})

test('no byte that reaches the server behind is of the incoming token', async () => {
  const incoming = await issuer.userToken('alice')
  const principal = await principalFor(incoming)
  expect(heldToken(principal)).toBe(incoming)
  expect(JSON.stringify(principal)).not.toContain(incoming)
  const { accessToken } = await createTokenExchange({ issuers }).tokenFor(principal, heldToken(principal)!, {
    resource: api,
  })
  await fetch(`${api}/documents`, {
    method: 'POST',
    headers: { authorization: `Bearer ${accessToken}` },
    body: '{}',
  })
  expect(received).toHaveLength(1)
  expect(received[0]).toContain(accessToken)
  const [, payload, signature] = incoming.split('.')
  for (const secret of [incoming, payload!, signature!]) expect(received[0]).not.toContain(secret)
  // And the server behind accepts nothing else.
  const behind = createTokenVerifier({ resource: api, issuers })
  const at = { method: 'POST', url: api }
  expect((await behind.verify({ authorization: `Bearer ${incoming}`, ...at })).refusal).toMatchObject({
    status: 401,
  })
  expect((await behind.verify({ authorization: `Bearer ${accessToken}`, ...at })).principal).toMatchObject({
    subject: 'alice',
    actors: [{ subject: 'gateway' }],
  })
})

test('cached per subject, actor, audience and scope, and per what the incoming token says', async () => {
  const exchange = createTokenExchange({ issuers })
  const [first, again] = [await issuer.userToken('alice'), await issuer.userToken('alice')]
  expect((await ask(exchange, first)).accessToken).toBe((await ask(exchange, again)).accessToken)
  expect(exchanges).toHaveLength(1)
  const others = [
    await ask(exchange, await issuer.userToken('bob')),
    await ask(exchange, await issuer.userToken('alice', { scope: 'docs.read docs.write' })),
    await ask(exchange, await issuer.sign(issuer.claims({ act: { sub: 'planner' } }))),
    await ask(exchange, await issuer.sign(issuer.claims({ client_id: 'other-app' }))),
    await ask(exchange, first, { resource: `${api}/other` }),
    await ask(exchange, first, { scopes: ['docs.write'] }),
  ]
  expect(exchanges).toHaveLength(7)
  expect(new Set(others.map(({ accessToken }) => accessToken)).size).toBe(6)
})

test('many at once share one exchange', async () => {
  const exchange = createTokenExchange({ issuers })
  const principal = await principalFor(await issuer.userToken('alice'))
  await Promise.all(
    Array.from({ length: 20 }, () => exchange.tokenFor(principal, heldToken(principal)!, { resource: api })),
  )
  expect(exchanges).toHaveLength(1)
})

test('a cached token is not given out at its end, nor beyond the incoming one', async () => {
  let nowMs = Date.now()
  const exchange = createTokenExchange({ issuers, clock: () => nowMs })
  const principal = await principalFor(await issuer.userToken('alice'))
  const token = heldToken(principal)!
  await exchange.tokenFor(principal, token, { resource: api })
  nowMs += 95_000
  await exchange.tokenFor(principal, token, { resource: api })
  expect(exchanges).toHaveLength(2)
  const short = { ...principal, expiresAtMs: nowMs + 5000 }
  expect((await exchange.tokenFor(short, token, { resource: api })).expiresAtMs).toBe(nowMs + 5000)
  nowMs += 6000
  await expect(exchange.tokenFor(short, token, { resource: api })).rejects.toMatchObject({
    code: 'UNAUTHENTICATED',
  })
})

test("the issuer's no is told with its code, and not remembered", async () => {
  const exchange = createTokenExchange({ issuers })
  const token = await issuer.userToken('alice')
  for (let round = 0; round < 2; round++) {
    const refused = ask(exchange, token, { resource: 'https://forbidden.example' })
    await expect(refused).rejects.toMatchObject({
      code: 'PERMISSION_DENIED',
      facts: { error: 'invalid_target' },
    })
    await refused.catch((error: Error) => expect(JSON.stringify(error) + error.message).not.toContain(token))
  }
  expect(exchanges).toHaveLength(2)
  const wrong = createTokenExchange({
    issuers: [{ ...issuers[0]!, token_exchange: { client_id: 'gateway', client_secret: 'wrong' } }],
  })
  await expect(ask(wrong, token)).rejects.toMatchObject({
    code: 'PERMISSION_DENIED',
    facts: { error: 'invalid_client' },
  })
  const none = createTokenExchange({ issuers: [{ ...issuers[0]!, token_exchange: undefined }] })
  await expect(ask(none, token)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test.each([
  ['the incoming token', (incoming: string) => ({ access_token: incoming }), /came back/],
  ['no token', () => ({ access_token: undefined }), /no access_token/],
  [
    'another kind of token',
    () => ({ issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' }),
    /issued_token_type/,
  ],
  ['a key-bound token', () => ({ token_type: 'DPoP' }), /token_type/],
  ['no lifetime', () => ({ expires_in: undefined }), /expires_in/],
])('an answer with %s is not used', async (_, change, message) => {
  answer = change
  await expect(ask(createTokenExchange({ issuers }), await issuer.userToken('alice'))).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringMatching(message),
  })
})

test('a token for somebody else, or for several, is not used', async () => {
  for (const aud of ['https://elsewhere.example', [api, 'https://elsewhere.example']]) {
    const wide = await issuer.sign(issuer.claims({ aud }))
    answer = () => ({ access_token: wide })
    await expect(ask(createTokenExchange({ issuers }), await issuer.userToken('alice'))).rejects.toThrow(
      /elsewhere/,
    )
  }
})
