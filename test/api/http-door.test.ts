// The HTTP door: the API as JSON, what is public, how requests are refused, and streams.

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Door } from '../../src/api/door.ts'
import { httpApp, publicPaths } from '../../src/api/http/http-app.ts'
import { httpPaths } from '../../src/api/http/http-paths.ts'
import { type HttpServerOptions, startHttpServer } from '../../src/api/http/start-http-server.ts'
import type { FoundResource } from '../../src/authorizer/authorizer.ts'
import { CardeaError } from '../../src/model/errors.ts'
import { key, readOnlyKey } from './grpc-harness.ts'
import { openService, type TestService } from './http-harness.ts'
import { scriptedAuthorizer } from './scripted-authorizer.ts'

const schema = `use expiration

caveat on_day(day string, allowed string) {
  day == allowed
}

definition user {}

definition document {
  relation viewer: user | user:* | user with on_day | user with expiration
  relation banned: user
  permission view = viewer - banned
}`

const object = (objectType: string, objectId: string) => ({ objectType, objectId })
const question = (id: string, user: string) => ({
  consistency: { fullyConsistent: true },
  resource: object('document', id),
  permission: 'view',
  subject: { object: object('user', user) },
})

let service: TestService
beforeAll(async () => {
  service = await openService({
    schema,
    relationships: [
      'document:a#viewer@user:ann',
      'document:b#viewer@user:ann',
      'document:c#viewer@user:ann[on_day:{"allowed":"mon"}]',
      'document:b#banned@user:bob',
    ],
  })
})
afterAll(() => service.close())

const json = async (response: Response) => (await response.json()) as never

describe('calls', () => {
  test('check, with the names that clients of authzed.api.v1 know', async () => {
    const response = await service.post('/v1/permissions/check', question('a', 'ann'), {
      'x-request-id': 'mine',
    })
    expect(response.status).toBe(200)
    expect(response.headers.get('x-request-id')).toBe('mine')
    expect(response.headers.get('io.spicedb.respmeta.dispatchedoperationscount')).toBe('1')
    expect(await json(response)).toMatchObject({
      permissionship: 'PERMISSIONSHIP_HAS_PERMISSION',
      checkedAt: { token: expect.any(String) },
    })
    expect(await json(await service.post('/v1/permissions/check', question('a', 'bob')))).toMatchObject({
      permissionship: 'PERMISSIONSHIP_NO_PERMISSION',
    })
  })

  test('context, and what is missing of it', async () => {
    const asked = question('c', 'ann')
    expect(await json(await service.post('/v1/permissions/check', asked))).toMatchObject({
      permissionship: 'PERMISSIONSHIP_CONDITIONAL_PERMISSION',
      partialCaveatInfo: { missingRequiredContext: ['day'] },
    })
    const context = { day: 'mon', nested: { list: [1, null, true, 'x'] } }
    expect(await json(await service.post('/v1/permissions/check', { ...asked, context }))).toMatchObject({
      permissionship: 'PERMISSIONSHIP_HAS_PERMISSION',
    })
  })

  test('protobuf field names are read, too', async () => {
    const body = {
      resource: { object_type: 'document', object_id: 'a' },
      permission: 'view',
      subject: { object: { object_type: 'user', object_id: 'ann' } },
    }
    expect(await json(await service.post('/v1/permissions/check', body))).toMatchObject({
      permissionship: 'PERMISSIONSHIP_HAS_PERMISSION',
    })
  })

  test('write, read and delete; 64-bit numbers are texts', async () => {
    const relationship = {
      resource: object('document', 'fresh'),
      relation: 'viewer',
      subject: { object: object('user', 'eve') },
      optionalExpiresAt: '2100-01-02T03:04:05.678Z',
    }
    const written = await service.post('/v1/relationships/write', {
      updates: [{ operation: 'OPERATION_CREATE', relationship }],
    })
    expect(await json(written)).toMatchObject({ writtenAt: { token: expect.any(String) } })
    const filter = { resourceType: 'document', optionalResourceId: 'fresh' }
    const read = await service.post('/v1/relationships/read', {
      consistency: { fullyConsistent: true },
      relationshipFilter: filter,
    })
    const lines = (await read.text()).trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line).result.relationship)).toEqual([
      expect.objectContaining({ relation: 'viewer', optionalExpiresAt: '2100-01-02T03:04:05.678Z' }),
    ])
    const deleted = await service.post('/v1/relationships/delete', { relationshipFilter: filter })
    expect(await json(deleted)).toMatchObject({
      deletionProgress: 'DELETION_PROGRESS_COMPLETE',
      relationshipsDeletedCount: '1',
    })
  })

  test('import takes a message per line', async () => {
    const line = (id: string) =>
      JSON.stringify({
        relationships: [
          {
            resource: object('document', id),
            relation: 'viewer',
            subject: { object: object('user', 'imp') },
          },
        ],
      })
    const body = `${line('i1')}\n\n${line('i2')}\n${line('i3')}`
    const response = await service.post('/v1/relationships/importbulk', body)
    expect(await json(response)).toEqual({ numLoaded: '3' })
    expect(response.headers.get('cardea-written-at')).toMatch(/.+/)
    const broken = await service.post(
      '/v1/relationships/importbulk',
      `${line('i4')}\n{"relationships": [{}]}`,
    )
    expect(broken.status).toBe(400)
    expect(await json(await service.post('/v1/permissions/check', question('i4', 'imp')))).toMatchObject({
      permissionship: 'PERMISSIONSHIP_NO_PERMISSION',
    })
  })

  test('explanations', async () => {
    const response = await service.post('/cardea/v1/explain', {
      consistency: { fullyConsistent: true },
      question: {
        resource: object('document', 'b'),
        permission: 'view',
        subject: { object: object('user', 'bob') },
      },
    })
    expect(await json(response)).toMatchObject({
      explanation: {
        permissionship: 'PERMISSIONSHIP_NO_PERMISSION',
        reason: { kind: expect.stringMatching(/^KIND_/) },
      },
    })
  })
})

describe('refusals', () => {
  const check = '/v1/permissions/check'
  test.each([
    ['not JSON', check, '{', {}, 400, /cannot be read/],
    ['an unknown field', check, { ...question('a', 'ann'), contxt: {} }, {}, 400, /contxt/],
    ['a field of the wrong type', check, { permission: 5 }, {}, 400, /permission/],
    ['a duplicate field', check, '{"permission": "view", "permission": "edit"}', {}, 400, /permission/],
    ['a missing field', check, {}, {}, 400, /resource is required/],
    [
      'an unknown definition',
      check,
      { ...question('a', 'ann'), resource: object('folder', 'a') },
      {},
      400,
      /folder/,
    ],
    [
      'a form',
      check,
      'a=b',
      { 'content-type': 'application/x-www-form-urlencoded' },
      415,
      /application\/json/,
    ],
    ['a malformed timeout', check, question('a', 'ann'), { 'grpc-timeout': '5' }, 400, /grpc-timeout/],
    [
      'a garbage token',
      check,
      { ...question('a', 'ann'), consistency: { atExactSnapshot: { token: 'x' } } },
      {},
      400,
      /ZedToken/,
    ],
    ['no such counter', '/v1/experimental/countrelationships', { name: 'abc' }, {}, 400, /no counter "abc"/],
    ['nothing there', '/v1/no/such', {}, {}, 404, /openapi\.json/],
  ] as const)('%s', async (_name, path, body, headers, status, message) => {
    const response = await service.post(path, body, headers)
    expect(response.status).toBe(status)
    const refused = (await json(response)) as { code: number; message: string }
    expect(refused.message).toMatch(message)
    expect(refused.code).toBeGreaterThan(0)
  })

  test('the reason is among the details', async () => {
    const body = { ...question('a', 'ann'), resource: object('folder', 'a') }
    const refused = await json(await service.post(check, body))
    expect(refused).toMatchObject({
      code: 9,
      details: [
        {
          '@type': 'type.googleapis.com/google.rpc.ErrorInfo',
          reason: 'ERROR_REASON_UNKNOWN_DEFINITION',
          domain: 'authzed.com',
          metadata: { definition_name: 'folder' },
        },
      ],
    })
  })

  test('a body over the limit is refused by the name of the limit, and the connection survives', async () => {
    const small = await openService({ schema, http: { limits: { maxMessageBytes: 1000 } } })
    const response = await small.post(check, ' '.repeat(100_000))
    expect(response.status).toBe(413)
    expect(((await json(response)) as { message: string }).message).toContain(
      'max-message-bytes allows (1000)',
    )
    const line = await small.post('/v1/relationships/importbulk', 'x'.repeat(5000))
    expect(line.status).toBe(413)
    expect((await small.post(check, question('a', 'ann'))).status).toBe(200)
    await small.close()
  })

  test('a stream that fails at once has an HTTP status', async () => {
    const response = await service.post('/v1/permissions/resources', { resourceObjectType: 'document' })
    expect(response.status).toBe(400)
    expect(await json(response)).toMatchObject({
      error: { code: 3, message: expect.stringContaining('subject') },
    })
  })
})

describe('keys', () => {
  test('every route of the router is public by name, or refuses a missing and a wrong key', async () => {
    const door = new Door('http', { presharedKeys: [{ key, role: 'read-write' }], log: () => {} })
    const app = httpApp(door, {
      authorizer: scriptedAuthorizer({}),
      ready: () => true,
      version: '0',
      authzen: { publicUrl: 'http://localhost' },
    })
    const routes = app.routes.filter(({ path }) => !path.includes('*'))
    expect(routes.length).toBeGreaterThan(35)
    const open: string[] = []
    for (const { method, path } of routes) {
      const ask = (headers: Record<string, string>) =>
        fetch(`${service.url}${path}`, {
          method,
          headers: { 'content-type': 'application/json', ...headers },
        })
      const missing = await ask({})
      if (missing.status === 200) {
        open.push(path)
        continue
      }
      expect(missing.status, path).toBe(401)
      expect(missing.headers.get('www-authenticate'), path).toBe('Bearer')
      expect((await ask({ authorization: `Basic ${key}` })).status, path).toBe(401)
      expect((await ask({ authorization: 'Bearer wrong' })).status, path).toBe(403)
    }
    expect(open.sort()).toEqual([...publicPaths].sort())
  })

  test('a read-only key reads and does not write', async () => {
    const reader = { authorization: `Bearer ${readOnlyKey}` }
    expect((await service.post('/v1/permissions/check', question('a', 'ann'), reader)).status).toBe(200)
    expect((await service.post('/v1/relationships/write', {}, reader)).status).toBe(403)
    expect((await service.post('/v1/schema/write', {}, reader)).status).toBe(403)
    expect((await service.post('/cardea/v1/write', {}, reader)).status).toBe(403)
  })
})

describe('what is public', () => {
  test('health and readiness', async () => {
    let ready = false
    const starting = await openService({ http: { ready: () => ready } })
    expect((await fetch(`${starting.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${starting.url}/readyz`)).status).toBe(503)
    ready = true
    expect((await fetch(`${starting.url}/readyz`)).status).toBe(200)
    await starting.close()
  })

  test('the OpenAPI document names every path, and every reference in it resolves', async () => {
    const document = (await (await fetch(`${service.url}/openapi.json`)).json()) as {
      openapi: string
      paths: Record<string, object>
      components: { schemas: Record<string, { properties?: Record<string, object> }> }
    }
    expect(document.openapi).toBe('3.1.0')
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(Object.values(httpPaths)))
    const references = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)]
    expect(references.length).toBeGreaterThan(100)
    for (const [, name] of references) expect(document.components.schemas[name!]).toBeDefined()
    expect(document.components.schemas['authzed.api.v1.CheckPermissionRequest']?.properties).toMatchObject({
      withTracing: { type: 'boolean' },
      context: { type: 'object' },
      consistency: { $ref: '#/components/schemas/authzed.api.v1.Consistency' },
    })
    for (const path of Object.keys(document.paths)) {
      const response = await service.post(path, {})
      expect([200, 400], path).toContain(response.status)
      await response.body?.cancel()
    }
  })

  test('metrics need a key and count calls', async () => {
    await service.post('/v1/permissions/check', question('a', 'ann'))
    const response = await fetch(`${service.url}/metrics`, {
      headers: { authorization: `Bearer ${readOnlyKey}` },
    })
    const text = await response.text()
    expect(text).toMatch(/cardea_calls_total\{door="http",method="[^"]*CheckPermission",code="OK"\} \d+/)
    expect(text).not.toContain(key)
  })
})

describe('streams', () => {
  const closing: (() => Promise<unknown>)[] = []
  afterEach(async () => {
    for (const close of closing.splice(0)) await close()
  })
  const scripted = async (
    lookupResources: () => AsyncGenerator<FoundResource>,
    limits: HttpServerOptions['limits'] = {},
  ) => {
    const server = await startHttpServer({
      authorizer: scriptedAuthorizer({ lookupResources }),
      address: { host: '127.0.0.1', port: 0 },
      presharedKeys: [{ key, role: 'read-write' }],
      log: () => {},
      limits,
    })
    closing.push(() => server.close(0))
    return fetch(`http://127.0.0.1:${server.port}/v1/permissions/resources`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        resourceObjectType: 'document',
        permission: 'view',
        subject: { object: object('user', 'ann') },
      }),
    })
  }
  const found = (resourceId: string): FoundResource => ({
    resourceId,
    permissionship: 'has',
    missing: [],
    token: 't',
    cursor: 'c',
  })

  test('one object per line', async () => {
    const body = {
      resourceObjectType: 'document',
      permission: 'view',
      subject: { object: object('user', 'ann') },
      consistency: { fullyConsistent: true },
    }
    const response = await service.post('/v1/permissions/resources', body)
    const lines = (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const ids = lines.map(({ result }) => [result.resourceObjectId, result.permissionship]).sort()
    expect(ids).toEqual([
      ['a', 'LOOKUP_PERMISSIONSHIP_HAS_PERMISSION'],
      ['b', 'LOOKUP_PERMISSIONSHIP_HAS_PERMISSION'],
      ['c', 'LOOKUP_PERMISSIONSHIP_CONDITIONAL_PERMISSION'],
    ])
  })

  test('a Watch begins before anything has happened, and tells what happens', async () => {
    const response = await service.post('/v1/watch', { optionalObjectTypes: ['document'] })
    expect(response.status).toBe(200)
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    const change = {
      operation: 'OPERATION_TOUCH',
      relationship: {
        resource: object('document', 'w'),
        relation: 'viewer',
        subject: { object: object('user', 'wat') },
      },
    }
    await service.post('/v1/relationships/write', {
      updates: [change],
      optionalTransactionMetadata: { by: 'test' },
    })
    const { value } = await reader.read()
    expect(JSON.parse(value!)).toMatchObject({
      result: { updates: [change], optionalTransactionMetadata: { by: 'test' }, isCheckpoint: false },
    })
    await reader.cancel()
  })

  test('a failure in the middle is the last line', async () => {
    const response = await scripted(async function* () {
      yield found('a')
      throw new CardeaError('LIMIT_EXCEEDED', 'max-steps')
    })
    expect(response.status).toBe(200)
    const lines = (await response.text())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines[0].result.resourceObjectId).toBe('a')
    expect(lines[1]).toMatchObject({ error: { code: 8, message: 'max-steps' } })
  })

  test('a reader that goes away ends the work', async () => {
    let ended = false
    const response = await scripted(async function* () {
      try {
        for (;;) yield found('x'.repeat(1000))
      } finally {
        ended = true
      }
    })
    const reader = response.body!.getReader()
    await reader.read()
    await reader.cancel()
    while (!ended) await new Promise((resolve) => setTimeout(resolve, 5))
  })

  test('a reader that takes nothing holds the work back, and is ended', async () => {
    const state = { produced: 0, ended: false }
    const response = await scripted(
      async function* () {
        try {
          for (;;) {
            state.produced += 1
            yield found('x'.repeat(10_000))
          }
        } finally {
          state.ended = true
        }
      },
      { maxStreamStallMs: 300 },
    )
    while (!state.ended) await new Promise((resolve) => setTimeout(resolve, 5))
    // Some MB fit into the sockets' buffers.
    expect(state.produced).toBeLessThan(3000)
    await response.body!.cancel()
  })
})
