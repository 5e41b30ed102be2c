// The gRPC door itself: who passes, what comes back, how calls end.

import { create, toBinary } from '@bufbuild/protobuf'
import { Metadata, Server, status } from '@grpc/grpc-js'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createCallMetrics } from '../../src/api/call-metrics.ts'
import { allRoutes } from '../../src/api/methods/routes.ts'
import type { Authorizer, CallOptions, FoundResource } from '../../src/authorizer/authorizer.ts'
import { CardeaError, type ErrorCode } from '../../src/model/errors.ts'
import {
  CheckPermissionRequestSchema,
  CheckPermissionResponseSchema,
  LookupResourcesRequestSchema,
} from '../../src/wire/gen/authzed/api/v1/permission_service_pb.ts'
import { decode } from '../../src/wire/message-codec.ts'
import { expectedStatuses } from '../wire/expected-statuses.ts'
import { bearer, failureOf, key, openDoor, rawClient, readOnlyKey } from './grpc-harness.ts'
import { scriptedAuthorizer } from './scripted-authorizer.ts'

const checkPath = '/authzed.api.v1.PermissionsService/CheckPermission'
const lookupPath = '/authzed.api.v1.PermissionsService/LookupResources'

const question = {
  resource: { objectType: 'document', objectId: 'a' },
  permission: 'view',
  subject: { object: { objectType: 'user', objectId: 'ann' } },
}
const checkBytes = Buffer.from(
  toBinary(CheckPermissionRequestSchema, create(CheckPermissionRequestSchema, question)),
)
const lookupBytes = Buffer.from(
  toBinary(
    LookupResourcesRequestSchema,
    create(LookupResourcesRequestSchema, {
      resourceObjectType: 'document',
      permission: 'view',
      subject: question.subject,
    }),
  ),
)

const yes: Authorizer['check'] = async () => ({ permissionship: 'has', missing: [], token: 'at-7' })

const closing: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function open(script: Partial<Authorizer>, options: Partial<Parameters<typeof openDoor>[0]> = {}) {
  const door = await openDoor({ authorizer: scriptedAuthorizer(script), ...options })
  closing.push(() => door.close(0))
  const client = rawClient(door.address)
  closing.push(() => client.close())
  return { door, client }
}

describe('keys', () => {
  test('every route refuses a missing, a malformed and a wrong key, and writes refuse a read-only one', async () => {
    const { client } = await open({})
    const routes = allRoutes(scriptedAuthorizer({}))
    expect(routes.length).toBeGreaterThan(25)
    for (const { path, method, readOnly } of routes) {
      const attempt = (metadata: Metadata) =>
        method.methodKind === 'unary'
          ? client.unary(path, Buffer.alloc(0), metadata)
          : method.methodKind === 'server_streaming'
            ? new Promise((resolve, reject) =>
                client.stream(path, Buffer.alloc(0), metadata).on('data', resolve).on('error', reject),
              )
            : new Promise((resolve, reject) => {
                client
                  .upload(path, (error, bytes) => (error ? reject(error) : resolve(bytes)), metadata)
                  .end()
              })
      const basic = new Metadata()
      basic.set('authorization', `Basic ${key}`)
      expect((await failureOf(attempt(new Metadata()))).code, path).toBe(status.UNAUTHENTICATED)
      expect((await failureOf(attempt(basic))).code, path).toBe(status.UNAUTHENTICATED)
      expect((await failureOf(attempt(bearer('another-key')))).code, path).toBe(status.PERMISSION_DENIED)
      const byReader = (await failureOf(attempt(bearer(readOnlyKey)))).code
      if (readOnly) expect(byReader, path).not.toBe(status.PERMISSION_DENIED)
      else expect(byReader, path).toBe(status.PERMISSION_DENIED)
    }
  })

  test('every method that the server itself registers is public by name, or refuses callers without a key', async () => {
    const register = vi.spyOn(Server.prototype, 'register')
    const { client } = await open({})
    const paths = register.mock.calls.map(([path]) => path)
    register.mockRestore()
    expect(paths).toEqual(expect.arrayContaining(allRoutes(scriptedAuthorizer({})).map(({ path }) => path)))
    const ask = (path: string, metadata: Metadata) =>
      new Promise<number>((resolve) => {
        const stream = client.stream(path, Buffer.alloc(0), metadata, { deadline: Date.now() + 10_000 })
        stream.on('error', ({ code }: { code: number }) => resolve(code))
        stream.on('end', () => resolve(status.OK))
        stream.on('data', () => {
          resolve(status.OK)
          stream.cancel()
        })
      })
    const unguarded: string[] = []
    for (const path of paths) {
      const missing = await ask(path, new Metadata())
      if (missing !== status.UNAUTHENTICATED) {
        unguarded.push(path)
        continue
      }
      expect(await ask(path, bearer('another-key')), path).toBe(status.PERMISSION_DENIED)
    }
    expect(unguarded.sort()).toEqual([
      '/grpc.health.v1.Health/Check',
      '/grpc.health.v1.Health/List',
      '/grpc.health.v1.Health/Watch',
      '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo',
      '/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo',
    ])
  })

  test('what changes something needs a read-write key, and nothing else does', () => {
    const writing = allRoutes(scriptedAuthorizer({})).filter(({ readOnly }) => !readOnly)
    expect(writing.map(({ name }) => name).sort()).toEqual([
      'BulkImportRelationships',
      'DeleteRelationships',
      'ExperimentalRegisterRelationshipCounter',
      'ExperimentalUnregisterRelationshipCounter',
      'ImportBulkRelationships',
      'Write',
      'WriteRelationships',
      'WriteSchema',
    ])
  })

  test('the scheme is compared without case, and either key passes', async () => {
    const { client } = await open({ check: yes })
    const lower = new Metadata()
    lower.set('authorization', `bearer ${key}`)
    await client.unary(checkPath, checkBytes, lower)
    await client.unary(checkPath, checkBytes, bearer(readOnlyKey))
  })

  test('a refusal has a request id and a reason', async () => {
    const { client } = await open({})
    const { metadata, error, details } = await failureOf(
      client.unary(checkPath, checkBytes, bearer('wrong', { 'x-request-id': 'mine' })),
    )
    expect(metadata.get('x-request-id')).toEqual(['mine'])
    expect(error?.code).toBe('PERMISSION_DENIED')
    expect(details).not.toContain('wrong')
  })

  test('a service without a key does not start', async () => {
    await expect(openDoor({ authorizer: scriptedAuthorizer({}), presharedKeys: [] })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
  })
})

describe('addresses', () => {
  test('plain text that others can reach needs to be asked for', async () => {
    const address = { host: '0.0.0.0', port: 0 }
    await expect(openDoor({ authorizer: scriptedAuthorizer({}), address })).rejects.toThrow(
      /--insecure-plaintext-on-network/,
    )
  })

  test('a port in use is told with the cure', async () => {
    const { door } = await open({})
    const address = { host: '127.0.0.1', port: door.port }
    await expect(openDoor({ authorizer: scriptedAuthorizer({}), address })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('in use'),
    })
  })
})

describe('answers', () => {
  test('come with a request id and the operation counts', async () => {
    const { client } = await open({ check: yes })
    const { bytes, trailers } = await client.unary(checkPath, checkBytes)
    expect(decode(CheckPermissionResponseSchema, bytes)).toMatchObject({
      checkedAt: { token: 'at-7' },
      permissionship: 2,
    })
    expect(String(trailers.get('x-request-id')[0])).toMatch(/^[0-9a-f-]{36}$/)
    expect(trailers.get('io.spicedb.respmeta.dispatchedoperationscount')).toEqual(['1'])
    expect(trailers.get('io.spicedb.respmeta.cachedoperationscount')).toEqual(['0'])
    const again = await client.unary(checkPath, checkBytes, bearer(key, { 'x-request-id': 'mine' }))
    expect(again.trailers.get('x-request-id')).toEqual(['mine'])
  })

  test('a trace may be asked for by header', async () => {
    const asked: unknown[] = []
    const { client } = await open({
      check: async (_question, options) => {
        asked.push(options?.explain)
        return yes(_question)
      },
    })
    await client.unary(checkPath, checkBytes)
    await client.unary(checkPath, checkBytes, bearer(key, { 'io.spicedb.requestdebuginfo': '1' }))
    expect(asked).toEqual([undefined, true])
  })
})

describe('failures', () => {
  test.each(Object.keys(expectedStatuses) as ErrorCode[])('%s', async (code) => {
    const { client, door } = await open({
      check: async () => {
        throw new CardeaError(code, 'Something with a hidden-detail.', { field: 'hidden-detail' })
      },
    })
    const failure = await failureOf(client.unary(checkPath, checkBytes))
    expect(failure.code).toBe(status[expectedStatuses[code][0]])
    expect(failure.error?.code).toBe(code)
    expect(String(failure.metadata.get('x-request-id')[0])).not.toBe('')
    if (expectedStatuses[code][0] === 'INTERNAL') {
      expect(JSON.stringify(failure.metadata.toJSON()) + failure.details).not.toContain('hidden-detail')
      expect(JSON.stringify(door.log)).toContain('hidden-detail')
    } else {
      expect(failure.details).toBe('Something with a hidden-detail.')
      expect(failure.error?.facts).toEqual({ field: 'hidden-detail' })
      expect(door.log).toEqual([])
    }
  })

  test('what was not foreseen is INTERNAL, told to the log alone', async () => {
    const { client, door } = await open({
      check: async () => {
        throw new TypeError('cannot read password of undefined')
      },
    })
    const { code, details, metadata } = await failureOf(client.unary(checkPath, checkBytes))
    expect(code).toBe(status.INTERNAL)
    expect(details + JSON.stringify(metadata.toJSON())).not.toContain('password')
    expect(door.log).toEqual([
      {
        level: 'error',
        message: 'A call failed inside.',
        facts: expect.objectContaining({ method: checkPath }),
      },
    ])
    expect(JSON.stringify(door.log)).toContain('cannot read password')
  })

  test('are counted under their codes, and answers under OK', async () => {
    const metrics = createCallMetrics()
    const answers = [yes, async () => Promise.reject(new CardeaError('UNAVAILABLE', 'gone')), yes]
    const { client } = await open({ check: async (asked) => answers.shift()!(asked) }, { metrics })
    for (const call of [0, 1, 2]) {
      const asked = client.unary(checkPath, checkBytes)
      if (call === 1) await failureOf(asked)
      else await asked
    }
    await failureOf(client.unary(checkPath, Buffer.from([0xff])))
    const text = await metrics.registry.metrics()
    const counted = (code: string) => `cardea_calls_total{door="grpc",method="${checkPath}",code="${code}"}`
    expect(text).toContain(`${counted('OK')} 2\n`)
    expect(text).toContain(`${counted('UNAVAILABLE')} 1\n`)
    expect(text).toContain(`${counted('INVALID_ARGUMENT')} 1\n`)
    expect(text).toContain('cardea_calls_open{door="grpc"} 0')
  })

  test('malformed bytes, missing fields and bad ids are INVALID_ARGUMENT', async () => {
    const { client } = await open({})
    for (const [bytes, text] of [
      [Buffer.from([0xff]), /The message cannot be read/],
      [Buffer.alloc(0), /resource is required/],
      [checkBytes.subarray(0, checkBytes.length - 3), /The message cannot be read/],
    ] as const) {
      const { code, details } = await failureOf(client.unary(checkPath, bytes))
      expect(code).toBe(status.INVALID_ARGUMENT)
      expect(details).toMatch(text)
    }
  })

  test('a text cut inside a character, and one of 100 KB, still reach the caller', async () => {
    const messages = [`${'x'.repeat(79)}\ud83d`, '"é \n'.repeat(25_000)]
    const { client } = await open({
      check: async () => {
        throw new CardeaError('SCHEMA_PARSE_ERROR', messages.shift()!, { source_code: 'x'.repeat(5000) })
      },
    })
    const cut = await failureOf(client.unary(checkPath, checkBytes))
    expect(cut).toMatchObject({ code: status.INVALID_ARGUMENT, details: `${'x'.repeat(79)}\ufffd` })
    const long = await failureOf(client.unary(checkPath, checkBytes))
    expect(long.code).toBe(status.INVALID_ARGUMENT)
    expect(long.details.startsWith('"é \n"é')).toBe(true)
    expect(long.details.endsWith('…')).toBe(true)
    const headerBytes =
      Object.entries(long.metadata.toHttp2Headers()).join().length + encodeURI(long.details).length
    expect(headerBytes).toBeLessThan(8000)
  })

  test('an unknown method is UNIMPLEMENTED', async () => {
    const { client } = await open({})
    for (const path of ['/no.Service/Method', '/authzed.api.v1.PermissionsService/Guess']) {
      const { code } = await failureOf(client.unary(path, Buffer.alloc(0)))
      expect(code).toBe(status.UNIMPLEMENTED)
    }
  })

  test('a unary method takes one message, neither none nor two', async () => {
    const { client } = await open({ check: yes })
    for (const messages of [[], [checkBytes, checkBytes]]) {
      const failure = failureOf(
        new Promise((resolve, reject) => {
          const upload = client.upload(checkPath, (error, bytes) => (error ? reject(error) : resolve(bytes)))
          for (const message of messages) upload.write(message)
          upload.end()
        }),
      )
      expect((await failure).code).toBe(status.UNIMPLEMENTED)
    }
    await client.unary(checkPath, checkBytes)
  })

  test('a message that is too large is refused by the name of the limit', async () => {
    const { client } = await open({}, { limits: { maxMessageBytes: 1000 } })
    const { code, details } = await failureOf(client.unary(checkPath, Buffer.alloc(1001)))
    expect(code).toBe(status.RESOURCE_EXHAUSTED)
    expect(details).toMatch(/1001 vs 1000.*max-message-bytes \(1000\)/)
  })
})

/** Resolves as soon as `holds`; the test's own time limit ends the waiting. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** Never answers; tells when its caller is gone. */
function stuck(seen: { options?: CallOptions; abortedAt?: number }) {
  return (_question: unknown, options?: CallOptions) =>
    new Promise<never>((_resolve, reject) => {
      seen.options = options!
      options?.signal?.addEventListener('abort', () => {
        seen.abortedAt = performance.now()
        reject(new CardeaError('CANCELLED', 'gone'))
      })
    })
}

describe('deadlines and cancellation', () => {
  test('the deadline reaches the authorizer, and the work ends with it', async () => {
    const seen: { options?: CallOptions; abortedAt?: number } = {}
    const { client } = await open({ check: stuck(seen) })
    const deadline = Date.now() + 150
    const { code } = await failureOf(client.unary(checkPath, checkBytes, bearer(), { deadline }))
    expect(code).toBe(status.DEADLINE_EXCEEDED)
    expect(Math.abs(seen.options!.deadlineMs! - deadline)).toBeLessThan(100)
    await until(() => seen.abortedAt !== undefined)
  })

  test('a call without a deadline has none', async () => {
    const seen: CallOptions[] = []
    const { client } = await open({
      check: async (asked, options) => {
        seen.push(options!)
        return yes(asked)
      },
    })
    await client.unary(checkPath, checkBytes)
    expect(seen[0]!.deadlineMs).toBeUndefined()
  })

  test('a cancelled stream stops its work within milliseconds', async () => {
    let finished: number | undefined
    const { client } = await open({
      lookupResources: async function* (): AsyncGenerator<FoundResource> {
        try {
          for (let id = 0; ; id += 1) {
            yield { resourceId: `r${id}`, permissionship: 'has', missing: [], token: 't', cursor: 'c' }
            await new Promise((resolve) => setImmediate(resolve))
          }
        } finally {
          finished = performance.now()
        }
      },
    })
    const stream = client.stream(lookupPath, lookupBytes)
    let cancelled = 0
    await new Promise<void>((resolve) => {
      stream.on('error', () => resolve())
      stream.on('data', () => {
        if (cancelled > 0) return
        cancelled = performance.now()
        stream.cancel()
      })
    })
    await until(() => finished !== undefined)
    expect(finished! - cancelled).toBeLessThan(500)
  })
})

describe('streams', () => {
  const endless = (produced: { count: number; ended: boolean }) =>
    async function* (): AsyncGenerator<FoundResource> {
      try {
        for (;;) {
          produced.count += 1
          yield { resourceId: 'r'.repeat(1000), permissionship: 'has', missing: [], token: 't', cursor: 'c' }
        }
      } finally {
        produced.ended = true
      }
    }

  test('a reader that takes nothing holds the work back, and is ended', async () => {
    const produced = { count: 0, ended: false }
    const { client } = await open(
      { lookupResources: endless(produced) },
      { limits: { maxStreamStallMs: 300 } },
    )
    const stream = client.stream(lookupPath, lookupBytes)
    const failure = failureOf(new Promise((_, reject) => stream.on('error', reject)))
    // grpc-js holds its peer back only once it has been read from.
    stream.once('data', () => stream.pause())
    await until(() => produced.ended)
    // What one connection buffers: some hundred KB, thus some hundred results of 1 KB.
    expect(produced.count).toBeLessThan(5000)
    stream.resume()
    expect(await failure).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: /max-stream-stall-ms/ })
  })

  test('a failure in the middle ends the stream after what was sent', async () => {
    const { client } = await open({
      lookupResources: async function* (): AsyncGenerator<FoundResource> {
        yield { resourceId: 'a', permissionship: 'has', missing: [], token: 't', cursor: 'c' }
        throw new CardeaError('LIMIT_EXCEEDED', 'max-steps')
      },
    })
    const stream = client.stream(lookupPath, lookupBytes)
    let received = 0
    stream.on('data', () => {
      received += 1
    })
    const failure = await failureOf(new Promise((_, reject) => stream.on('error', reject)))
    expect(failure).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: 'max-steps' })
    expect(received).toBe(1)
  })
})

describe('admission', () => {
  test('calls beyond the limit are refused with a time to come back', async () => {
    const seen = {}
    const { client } = await open({ check: stuck(seen) }, { limits: { maxConcurrentCalls: 1 } })
    const first = failureOf(client.unary(checkPath, checkBytes, bearer(), { deadline: Date.now() + 400 }))
    await until(() => 'options' in seen)
    const { code, details, error } = await failureOf(client.unary(checkPath, checkBytes))
    expect(code).toBe(status.RESOURCE_EXHAUSTED)
    expect(details).toContain('max-concurrent-calls')
    expect(error).toMatchObject({ code: 'OVERLOADED', facts: { retry_after_ms: '1000' } })
    client.close()
    await first
  })

  test('streams are counted per key, and counted down', async () => {
    const gates: (() => void)[] = []
    const { client } = await open(
      {
        lookupResources: async function* () {
          await new Promise<void>((resolve) => gates.push(resolve))
        } as unknown as Authorizer['lookupResources'],
        check: yes,
      },
      { limits: { maxConcurrentStreamsPerKey: 1 } },
    )
    const ended = (stream: ReturnType<typeof client.stream>) =>
      new Promise((resolve, reject) =>
        stream
          .on('data', () => {})
          .on('end', resolve)
          .on('error', reject),
      )
    const first = ended(client.stream(lookupPath, lookupBytes))
    await until(() => gates.length === 1)
    const second = await failureOf(ended(client.stream(lookupPath, lookupBytes)))
    expect(second).toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: /max-concurrent-streams-per-key/,
    })
    await client.unary(checkPath, checkBytes)
    const other = ended(client.stream(lookupPath, lookupBytes, bearer(readOnlyKey)))
    await until(() => gates.length === 2)
    for (const open of gates) open()
    await Promise.all([first, other])
    const third = ended(client.stream(lookupPath, lookupBytes))
    await until(() => gates.length === 3)
    gates[2]!()
    await third
  })
})

describe('closing', () => {
  test('finishes what is in flight, ends Watch streams, refuses new calls', async () => {
    let answer: (() => void) | undefined
    const { door, client } = await open({
      check: async (asked) => {
        await new Promise<void>((resolve) => {
          answer = resolve
        })
        return yes(asked)
      },
      watch: async function* (request): AsyncGenerator<never> {
        await new Promise((_, reject) =>
          request.signal!.addEventListener('abort', () => reject(request.signal!.reason)),
        )
      } as Authorizer['watch'],
    })
    const inFlight = client.unary(checkPath, checkBytes)
    const watch = failureOf(
      new Promise((_, reject) =>
        client.stream('/authzed.api.v1.WatchService/Watch', Buffer.alloc(0)).on('error', reject),
      ),
    )
    await until(() => answer !== undefined)
    const closed = door.close(5000)
    expect(await watch).toMatchObject({ code: status.UNAVAILABLE, details: 'The service is shutting down.' })
    answer!()
    await inFlight
    await closed
    expect((await failureOf(client.unary(checkPath, checkBytes))).code).toBe(status.UNAVAILABLE)
  })

  test('ends what does not finish in time', async () => {
    const seen: { options?: CallOptions; abortedAt?: number } = {}
    const { door, client } = await open({ check: stuck(seen) })
    const inFlight = failureOf(client.unary(checkPath, checkBytes))
    await until(() => seen.options !== undefined)
    await door.close(50)
    expect((await inFlight).code).toBe(status.UNAVAILABLE)
    expect(seen.abortedAt).toBeDefined()
  })
})
