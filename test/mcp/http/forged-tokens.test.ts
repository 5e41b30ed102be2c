// Forged and misused tokens over real HTTP: each is told 401 with the way to a good one, and no handler runs.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startIssuer, type TestIssuer } from '../tokens/issuer.ts'
import { call, type GuardedServer, initialize, post, startGuardedServer } from './guarded-server.ts'

let server: GuardedServer
let other: TestIssuer
let lured = 0
const lure = createServer((_, response) => {
  lured++
  response.end('{"keys":[]}')
})

beforeAll(async () => {
  server = await startGuardedServer()
  other = await startIssuer({ resource: server.resource })
  await new Promise<void>((resolve) => lure.listen(0, '127.0.0.1', resolve))
})
afterAll(async () => {
  lure.close()
  await Promise.all([server.close(), other.close()])
})

const now = () => Math.floor(Date.now() / 1000)
const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const good = (changes: { [name: string]: unknown } = {}) => server.issuer.claims(changes)
const sign = (changes: { [name: string]: unknown } = {}, header: { [name: string]: unknown } = {}) =>
  server.issuer.sign(good(changes), header)

async function withOwnKey(
  header: (jwk: object, url: string) => { [name: string]: unknown },
): Promise<string> {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  const url = `http://127.0.0.1:${(lure.address() as AddressInfo).port}/keys`
  return server.issuer.sign(good(), { kid: 'evil', ...header(await exportJWK(publicKey), url) }, privateKey)
}

const secretFrom = (text: string) => new TextEncoder().encode(text.padEnd(32, ' '))

const forgeries: [string, () => Promise<string> | string][] = [
  ['alg none', () => `${part({ alg: 'none', typ: 'at+jwt' })}.${part(good())}.`],
  [
    'HS256 with the public key',
    () => server.issuer.sign(good(), { alg: 'HS256' }, secretFrom(JSON.stringify(server.issuer.publicJwk))),
  ],
  ['the wrong issuer', () => sign({ iss: 'https://evil.example' })],
  ['another issuer of good standing elsewhere', () => other.userToken('alice')],
  [
    "another issuer's key under our issuer's name",
    () => other.sign(good(), { kid: server.issuer.publicJwk.kid }),
  ],
  ['the wrong audience', () => server.issuer.userToken('alice', { resource: 'https://other.example/mcp' })],
  ['no audience', () => sign({ aud: undefined })],
  ['an audience of several', () => sign({ aud: [server.resource, 'https://other.example/mcp'] })],
  ['expired', () => sign({ iat: now() - 400, exp: now() - 1 })],
  ['not yet valid', () => sign({ nbf: now() + 120 })],
  ['too old', () => sign({ iat: now() - 7200, exp: now() + 60 })],
  ['an ID token', () => sign({ aud: 'app', nonce: 'n', at_hash: 'h' }, { typ: 'JWT' })],
  ['an ID token that names the resource', () => sign({ nonce: 'n' }, { typ: 'JWT' })],
  ['an ID-JAG', () => sign({}, { typ: 'oauth-id-jag+jwt' })],
  ['an unknown kid', () => sign({}, { kid: 'unknown' })],
  ['jku', () => withOwnKey((_, url) => ({ jku: url }))],
  ['x5u', () => withOwnKey((_, url) => ({ x5u: url }))],
  ['jwk', () => withOwnKey((jwk) => ({ jwk }))],
  ['bound to a key', () => server.issuer.userToken('alice', { jkt: 'x'.repeat(43) })],
  ['garbage', () => 'garbage'],
]

test.each(forgeries)('%s', async (_, forge) => {
  const before = server.admitted()
  const token = await forge()
  for (const send of [
    (headers: { [name: string]: string }) => post(server.resource, initialize, headers),
    (headers: { [name: string]: string }) => fetch(server.resource, { headers }),
    (headers: { [name: string]: string }) => fetch(server.resource, { method: 'DELETE', headers }),
  ]) {
    const response = await send({ authorization: `Bearer ${token}` })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/error="invalid_token".*resource_metadata="http/)
    expect(await response.text()).toBe('{"error":"invalid_token"}')
  }
  expect(server.admitted()).toBe(before)
  expect(lured).toBe(0)
})

test("a service's token is no user's: the policy names no services, so it is nobody", async () => {
  const before = server.admitted()
  const headers = { authorization: `Bearer ${await server.issuer.serviceToken()}` }
  const response = await post(server.resource, initialize, headers)
  expect(response.status).toBe(403)
  expect(response.headers.get('www-authenticate')).toBeNull() // another login would not help
  expect(server.admitted()).toBe(before)
})

test('sub * is one odd person, never everybody', async () => {
  const headers = { authorization: `Bearer ${await sign({ sub: '*' })}` }
  const opened = await post(server.resource, initialize, headers)
  const session = { 'mcp-session-id': opened.headers.get('mcp-session-id')! }
  await (await post(server.resource, call('whoami'), { ...headers, ...session })).text()
  expect(server.seen.at(-1)).toContain('"subjectRef":{"type":"user","id":"=2A","relation":""}')
})

test('a flood of unknown key ids over HTTP does not become one at the issuer', async () => {
  const before = server.issuer.requests.length
  const tokens = await Promise.all(
    Array.from({ length: 100 }, (_, index) => sign({}, { kid: `flood-${index}` })),
  )
  const answers = await Promise.all(
    tokens.map((token) => post(server.resource, initialize, { authorization: `Bearer ${token}` })),
  )
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
  expect(server.issuer.requests.length - before).toBeLessThanOrEqual(3) // one read of metadata and keys at most
})
