// Mutated requests: whatever the bytes, the answer is an answer or a clear refusal, and the service stays up.
// fuzz/main.ts sends a million of them.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { status } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Call } from '../../src/api/call.ts'
import { httpPaths } from '../../src/api/http/http-paths.ts'
import type {
  ClientStreamHandler,
  Route,
  ServerStreamHandler,
  UnaryHandler,
} from '../../src/api/methods/route.ts'
import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import { CardeaError } from '../../src/model/errors.ts'
import { decode } from '../../src/wire/message-codec.ts'
import {
  goodBytes,
  hostile,
  hostileJson,
  randomOf,
  relationships,
  requests,
  routesOfInterest,
} from './fuzz/hostile-requests.ts'
import { bearer, rawClient } from './grpc-harness.ts'
import { openService, type TestService } from './http-harness.ts'
import { schema } from './schema.ts'

let service: TestService
beforeAll(async () => {
  service = await openService({ schema, relationships })
})
afterAll(() => service.close())

const call = (): Call => ({
  requestId: 'hostile',
  caller: { name: 'key-1', role: 'read-write' },
  signal: new AbortController().signal,
  deadlineMs: Date.now() + 10_000,
  wantsTrace: false,
  trailers: {},
})

async function ask(route: Route, bytes: Buffer): Promise<void> {
  const request = decode(route.method.input, bytes)
  if (route.method.methodKind === 'unary') await (route.handler as UnaryHandler)(request, call())
  else if (route.method.methodKind === 'server_streaming') {
    for await (const _ of (route.handler as ServerStreamHandler)(request, call()));
  } else {
    async function* one() {
      yield request
    }
    await (route.handler as ClientStreamHandler)(one(), call())
  }
}

test('past the network: an answer or a clear refusal, enough of them from behind the door, and no memory kept', async () => {
  const count = 20_000
  let reached = 0
  const counting = new Proxy(service.authorizer, {
    get(target, name) {
      const method = Reflect.get(target, name)
      if (typeof method !== 'function') return method
      return (...values: unknown[]) => {
        reached += 1
        return method.apply(target, values)
      }
    },
  }) as Authorizer
  const routes = routesOfInterest(counting)
  expect(routes.length).toBe(Object.keys(requests).length)
  for (const route of routes)
    if (route.name !== 'ImportBulkRelationships') await ask(route, goodBytes(route.method))
  reached = 0
  const random = randomOf(20_261_121)
  const codes = new Map<string, number>()
  let startMiB = 0
  for (let sent = 0; sent < count; sent += 1) {
    // The first tenth warms up the compiler and fills the stores' own buffers.
    if (sent === Math.floor(count / 10)) startMiB = settledMiB()
    const route = routes[Math.floor(random() * routes.length)]!
    const bytes = hostile(route.method, random)
    try {
      await ask(route, bytes)
      codes.set('OK', (codes.get('OK') ?? 0) + 1)
    } catch (thrown) {
      const { code } = CardeaError.from(thrown)
      codes.set(code, (codes.get(code) ?? 0) + 1)
      if (code === 'INTERNAL' || code === 'STORE_FAILED')
        throw new Error(`${route.name} failed inside on ${bytes.toString('base64')}`, { cause: thrown })
    }
  }
  const grownMiB = settledMiB() - startMiB
  console.info(
    `${count} mutated requests: ${reached} reached the authorizer, memory grew by ${grownMiB.toFixed(1)} MiB`,
    Object.fromEntries(codes),
  )
  expect(reached / count).toBeGreaterThan(0.3)
  expect(grownMiB).toBeLessThan(64)
}, 120_000)

/** Heap in use after a collection. */
function settledMiB(): number {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
  return process.memoryUsage().heapUsed / 2 ** 20
}

test('over gRPC: the same, through the door', async () => {
  const client = rawClient(service.grpc.address)
  const routes = routesOfInterest(service.authorizer).filter(
    ({ method }) => method.methodKind !== 'client_streaming',
  )
  const random = randomOf(7)
  const send = async () => {
    const route = routes[Math.floor(random() * routes.length)]!
    const bytes = hostile(route.method, random)
    const code = await new Promise<number>((resolve) => {
      if (route.method.methodKind === 'unary')
        client.unary(route.path, bytes).then(
          () => resolve(0),
          (error) => resolve(error.code),
        )
      else
        client
          .stream(route.path, bytes, bearer(), { deadline: Date.now() + 20_000 })
          .on('data', () => {})
          .on('end', () => resolve(0))
          .on('error', (error: { code: number }) => resolve(error.code))
    })
    expect(
      [status.INTERNAL, status.UNKNOWN, status.UNAVAILABLE],
      `${route.name} ${bytes.toString('base64')}`,
    ).not.toContain(code)
  }
  for (let round = 0; round < 60; round += 1) await Promise.all(Array.from({ length: 32 }, send))
  client.close()
})

test('over HTTP: mutated JSON', async () => {
  const routes = routesOfInterest(service.authorizer)
  const random = randomOf(11)
  const send = async () => {
    const route = routes[Math.floor(random() * routes.length)]!
    const body = hostileJson(route.method, random)
    const response = await fetch(`${service.url}${httpPaths[route.path]}`, {
      method: 'POST',
      headers: {
        authorization: bearer().get('authorization')[0] as string,
        'content-type': 'application/json',
      },
      body,
    })
    await response.text()
    expect([200, 400, 404, 409, 429], `${route.name} ${body}`).toContain(response.status)
  }
  for (let round = 0; round < 40; round += 1) await Promise.all(Array.from({ length: 16 }, send))
})
