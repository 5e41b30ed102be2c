// The rules of the policy about issuers hold when it loads, and outbound requests go only where they may.

import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import type { IssuerConfig } from '../../../src/mcp/tokens/issuer-config.ts'
import { metadataUrls } from '../../../src/mcp/tokens/issuer-endpoints.ts'
import { checkIssuers, loadIssuers } from '../../../src/mcp/tokens/issuers.ts'
import {
  checkOutboundUrl,
  fetchJson,
  guardedFetch,
  mayConnect,
} from '../../../src/mcp/tokens/outbound-fetch.ts'
import { checkResourceUri } from '../../../src/mcp/tokens/resource-uri.ts'

const good: IssuerConfig = {
  issuer: 'https://idp.example',
  user_when: 'claims.sub != claims.client_id',
  subject: 'user:{claims.sub}',
}
const first: IssuerConfig = { ...good, name: 'one', subject: 'user:{issuer}/{claims.sub}' }
const second: IssuerConfig = { ...first, name: 'two', issuer: 'https://other.example' }

describe('one issuer', () => {
  test('the least that loads, and its defaults', () => {
    expect(loadIssuers([good])[0]).toMatchObject({
      typ: 'at+jwt',
      maxTokenAgeMs: 3_600_000,
      clockLeewayMs: 30_000,
      otherAudiences: 'refuse',
      network: 'public',
    })
  })

  test.each<[string, object, string, RegExp]>([
    ['plain http', { issuer: 'http://idp.example' }, 'issuer', /https/],
    ['no URL', { issuer: 'idp.example' }, 'issuer', /absolute/],
    ['a query', { issuer: 'https://idp.example?x=1' }, 'issuer', /query/],
    ['credentials', { issuer: 'https://a:b@idp.example' }, 'issuer', /password/],
    ['a misspelled key', { usr_when: 'true' }, 'usr_when', /no setting/],
    ['a condition without a template', { subject: undefined }, 'subject', /missing/],
    ['a template without a condition', { user_when: undefined }, 'user_when', /missing/],
    ['nobody', { user_when: undefined, subject: undefined }, 'subject', /no token could pass/],
    ['a condition that does not parse', { user_when: 'claims.sub ==' }, 'user_when', /Unexpected/],
    ['a condition over something else', { user_when: 'token.sub == "a"' }, 'user_when', /Unknown variable/],
    ['a condition that is no condition', { user_when: '"yes"' }, 'user_when', /string/],
    ['a template without a claim', { subject: 'user:someone' }, 'subject', /no claim/],
    ['a template without a type', { subject: '{claims.sub}' }, 'subject', /type/],
    ['a wildcard', { subject: 'user:*{claims.sub}' }, 'subject', /cannot stand/],
    ['a relation', { subject: 'user:{claims.sub}#member' }, 'subject', /cannot stand/],
    ['an unknown variable', { subject: 'user:{sub}' }, 'subject', /unknown/],
    ['two variables that run together', { subject: 'user:{claims.a}{claims.b}' }, 'subject', /put a \//],
    [
      'two variables joined by an id letter',
      { subject: 'user:{claims.a}_{claims.b}' },
      'subject',
      /put a \//,
    ],
    ['HS256', { algorithms: ['HS256'] }, 'algorithms', /HS256/],
    ['none', { algorithms: ['ES256', 'none'] }, 'algorithms', /none/],
    ['no algorithm', { algorithms: [] }, 'algorithms', /at least one/],
    ['too much leeway', { clock_leeway: '61s' }, 'clock_leeway', /60s/],
    ['no duration', { max_token_age: '1 hour' }, 'max_token_age', /duration/],
    ['another typ', { typ: 'jwt' }, 'typ', /at\+jwt/],
    ['another network', { network: 'internet' }, 'network', /public/],
    [
      'introspection without a secret',
      { introspection: { client_id: 'a' } },
      'introspection',
      /client_secret/,
    ],
    [
      'users and services of one type',
      { service_when: 'true', service: 'user:{claims.client_id}' },
      'service',
      /type user/,
    ],
    ['users and agents of one type', { agent: ['user:{claims.client_id}'] }, 'agent[0]', /type user/],
    [
      'two agent templates in one namespace',
      { agent: ['agent:{claims.act.sub}', 'agent:{claims.client_id}'] },
      'agent[1]',
      /same id as issuers\[0\]\.agent\[0\]/,
    ],
  ])('%s', (_, changes, key, message) => {
    const { problems } = checkIssuers([{ ...good, ...changes } as IssuerConfig])
    expect(problems).toContainEqual({ path: `issuers[0].${key}`, problem: expect.stringMatching(message) })
    expect(() => loadIssuers([{ ...good, ...changes } as IssuerConfig])).toThrow(`issuers[0].${key}`)
  })

  test('all problems come at once, and none without an issuer', () => {
    expect(checkIssuers([{ issuer: 'x', typ: 'y' } as never]).problems.length).toBeGreaterThanOrEqual(3)
    expect(checkIssuers([]).problems).toEqual([{ path: 'issuers', problem: expect.any(String) }])
  })
})

describe('several issuers', () => {
  test('load when every template begins with the short name', () => {
    expect(checkIssuers([first, second]).problems).toEqual([])
  })

  test.each<[string, Partial<IssuerConfig>, string, RegExp]>([
    ['a template without {issuer}', { subject: 'user:{claims.sub}' }, 'subject', /must name \{issuer\}/],
    [
      'an agent template without it',
      { agent: ['agent:{claims.client_id}'] },
      'agent[0]',
      /must name \{issuer\}/,
    ],
    [
      '{issuer} behind a claim',
      { subject: 'user:{claims.sub}/{issuer}' },
      'subject',
      /before the first claim/,
    ],
    ['no name', { name: undefined }, 'name', /missing/],
    ['the same name', { name: 'one' }, 'name', /twice/],
    ['the same issuer', { issuer: first.issuer }, 'issuer', /twice/],
    [
      'a type that is something else there',
      { subject: 'robot:{issuer}/{claims.sub}' },
      'subject',
      /type robot/,
    ],
  ])('%s', (_, changes, key, message) => {
    const one = { ...first, service_when: 'false', service: 'robot:{issuer}/{claims.client_id}' }
    const { problems } = checkIssuers([one, { ...second, ...changes }])
    expect(problems).toContainEqual({ path: `issuers[1].${key}`, problem: expect.stringMatching(message) })
  })

  test('only one may have opaque tokens', () => {
    const introspection = { client_id: 'a', client_secret: 'b' }
    const { problems } = checkIssuers([
      { ...first, introspection },
      { ...second, introspection },
    ])
    expect(problems).toEqual([
      { path: 'issuers[1].introspection', problem: expect.stringMatching(/one issuer only/) },
    ])
  })
})

test('metadata is looked for in the order of the specification', () => {
  expect(metadataUrls('https://idp.example')).toEqual([
    'https://idp.example/.well-known/oauth-authorization-server',
    'https://idp.example/.well-known/openid-configuration',
  ])
  expect(metadataUrls('https://idp.example/')).toEqual(metadataUrls('https://idp.example'))
  expect(metadataUrls('https://idp.example/tenant/1')).toEqual([
    'https://idp.example/.well-known/oauth-authorization-server/tenant/1',
    'https://idp.example/.well-known/openid-configuration/tenant/1',
    'https://idp.example/tenant/1/.well-known/openid-configuration',
  ])
})

test.each([
  ['https://h.example/mcp', true],
  ['https://h.example', true],
  ['https://h.example/', true],
  ['http://127.0.0.1:3000/mcp', true],
  ['http://h.example/mcp', false],
  ['https://H.example/mcp', false],
  ['https://h.example:443/mcp', false],
  ['https://h.example/a/../mcp', false],
  ['https://h.example/mcp#x', false],
  ['https://a:b@h.example/mcp', false],
  ['/mcp', false],
])('resource %s: %s', (resource, accepted) => {
  if (accepted) expect(checkResourceUri(resource)).toBeInstanceOf(URL)
  else expect(() => checkResourceUri(resource)).toThrow(/resource: /)
})

describe('outbound requests', () => {
  test.each([
    ['93.184.216.34', 'public', true],
    ['2606:2800:220:1:248:1893:25c8:1946', 'public', true],
    ['10.0.0.1', 'public', false],
    ['10.0.0.1', 'private', true],
    ['192.168.1.1', 'public', false],
    ['172.31.255.255', 'public', false],
    ['100.64.0.1', 'public', false],
    ['127.0.0.1', 'public', false],
    ['127.0.0.1', 'private', false],
    ['127.8.8.8', 'loopback', true],
    ['::1', 'public', false],
    ['::1', 'loopback', true],
    ['::ffff:127.0.0.1', 'public', false],
    ['::ffff:10.0.0.1', 'public', false],
    ['::ffff:169.254.169.254', 'loopback', false],
    ['169.254.169.254', 'loopback', false],
    ['169.254.169.254', 'private', false],
    ['fd00::1', 'public', false],
    ['fe80::1', 'private', false],
    ['0.0.0.0', 'loopback', false],
    ['::', 'loopback', false],
    ['64:ff9b::a9fe:a9fe', 'public', false],
    ['224.0.0.1', 'public', false],
    ['255.255.255.255', 'public', false],
    ['localhost', 'public', false],
    ['', 'public', false],
  ] as const)('%s in %s: %s', (address, network, allowed) => {
    expect(mayConnect(address, network)).toBe(allowed)
  })

  test.each([
    ['http://idp.example/', 'public'],
    ['http://idp.example/', 'loopback'],
    ['http://127.0.0.1/', 'private'],
    ['https://127.0.0.1/', 'public'],
    ['https://2130706433/', 'public'],
    ['https://0x7f.1/', 'public'],
    ['https://[::ffff:127.0.0.1]/', 'public'],
    ['https://a:b@idp.example/', 'public'],
    ['file:///etc/passwd', 'loopback'],
    ['ftp://idp.example/', 'public'],
  ] as const)('%s is not asked in %s', (url, network) => {
    expect(() => checkOutboundUrl(url, network)).toThrow(/was not asked/)
  })

  let server: Server | undefined
  afterEach(() => {
    server?.closeAllConnections()
    server?.close()
  })
  async function serve(listener: RequestListener): Promise<number> {
    server = createServer(listener)
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
    return (server.address() as AddressInfo).port
  }

  test('a name is judged by the addresses it has, not by how it looks', async () => {
    let asked = 0
    const port = await serve((_, response) => {
      asked++
      response.end('{}')
    })
    const url = `https://localhost:${port}/`
    await expect(fetchJson(guardedFetch('public'), 'public', url)).rejects.toThrow(/which is not public/)
    await expect(fetchJson(guardedFetch('private'), 'private', url)).rejects.toThrow(/which is not private/)
    await fetchJson(guardedFetch('loopback'), 'loopback', `http://localhost:${port}/`)
    expect(asked).toBe(1)
  })

  test.each<[string, RequestListener, RegExp]>([
    [
      'a redirect',
      (_, response) => response.writeHead(302, { location: 'https://elsewhere.example/' }).end(),
      /answered 302/,
    ],
    ['an error', (_, response) => response.writeHead(500).end('{}'), /answered 500/],
    ['no JSON', (_, response) => response.end('<html>'), /could not be read/],
    ['no object', (_, response) => response.end('[1]'), /no JSON object/],
    ['an endless body', (_, response) => flood(response), /more than 524288 bytes/],
    ['a cut connection', (_, response) => void response.destroy(), /could not be read/],
  ])('%s is refused', async (_, listener, message) => {
    const port = await serve(listener)
    const asked = fetchJson(guardedFetch('loopback'), 'loopback', `http://127.0.0.1:${port}/`)
    await expect(asked).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      message: expect.stringMatching(message),
    })
  })

  test('a body that trickles in is cut after five seconds', async () => {
    const port = await serve((_, response) => {
      response.write('{')
      const timer = setInterval(() => response.write(' '), 100)
      response.on('close', () => clearInterval(timer))
    })
    const startedMs = performance.now()
    await expect(
      fetchJson(guardedFetch('loopback'), 'loopback', `http://127.0.0.1:${port}/`),
    ).rejects.toThrow()
    expect(performance.now() - startedMs).toBeLessThan(20_000)
  })
})

function flood(response: import('node:http').ServerResponse): void {
  const chunk = 'x'.repeat(65_536)
  const more = () => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', more)
  more()
}
