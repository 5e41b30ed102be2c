// Mutated requests: whatever the bytes, the answer is an answer or a clear refusal, and the service stays up.
// HOSTILE_REQUESTS says how many are sent past the network; 1,000,000 take some minutes.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { create, type DescMethod, type MessageInitShape, toBinary, toJsonString } from '@bufbuild/protobuf'
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
import { allRoutes } from '../../src/api/methods/routes.ts'
import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import { CardeaError } from '../../src/model/errors.ts'
import { decode } from '../../src/wire/message-codec.ts'
import { schema } from './behaviours.ts'
import { bearer, rawClient } from './grpc-harness.ts'
import { openService, type TestService } from './http-harness.ts'

let service: TestService
beforeAll(async () => {
  service = await openService({
    schema,
    relationships: ['document:a#viewer@user:ann', 'document:a#viewer@user:bob[on_day:{"allowed":"mon"}]'],
  })
})
afterAll(() => service.close())

/** A small generator with a seed (mulberry32): the same requests in every run. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const object = (objectType: string, objectId: string) => ({ objectType, objectId })
const ann = { object: object('user', 'ann') }
const context = { day: 'mon', deep: { list: [1, null, { a: true }] } }
const relationship = { resource: object('document', 'a'), relation: 'viewer', subject: ann }
const filter = {
  resourceType: 'document',
  optionalSubjectFilter: { subjectType: 'user', optionalRelation: {} },
}
const consistency = { requirement: { case: 'fullyConsistent', value: true } }
const question = { resource: object('document', 'a'), permission: 'view', subject: ann, context }

/** A good request for each method that cannot change the schema. */
const requests: Record<string, object> = {
  CheckPermission: { ...question, consistency },
  CheckBulkPermissions: { consistency, items: [question, question] },
  BulkCheckPermission: { consistency, items: [question] },
  ExpandPermissionTree: { consistency, resource: object('document', 'a'), permission: 'view' },
  LookupResources: {
    consistency,
    resourceObjectType: 'document',
    permission: 'view',
    subject: ann,
    context,
    optionalLimit: 5,
  },
  LookupSubjects: {
    consistency,
    resource: object('document', 'a'),
    permission: 'view',
    subjectObjectType: 'user',
    optionalConcreteLimit: 3,
  },
  ReadRelationships: { consistency, relationshipFilter: filter, optionalLimit: 3 },
  ExportBulkRelationships: { consistency, optionalLimit: 2, optionalRelationshipFilter: filter },
  WriteRelationships: {
    updates: [{ operation: 2, relationship }],
    optionalPreconditions: [{ operation: 2, filter }],
    optionalTransactionMetadata: context,
  },
  DeleteRelationships: { relationshipFilter: { ...filter, optionalResourceId: 'gone' }, optionalLimit: 3 },
  ImportBulkRelationships: { relationships: [relationship] },
  ReflectSchema: { consistency, optionalFilters: [{ optionalDefinitionNameFilter: 'doc' }] },
  DiffSchema: { consistency, comparisonSchema: 'definition user {}' },
  ComputablePermissions: { consistency, definitionName: 'document', relationName: 'viewer' },
  DependentRelations: { consistency, definitionName: 'document', permissionName: 'view' },
  Explain: { consistency, question },
  ExplainBulk: { consistency, questions: [question] },
  PlanSchema: { schema: 'definition user {}', withoutSample: true, questions: [question] },
  Write: { updates: [{ operation: 2, relationship }], require: [question], dryRun: true },
}

function routesOfInterest(authorizer: Authorizer): Route[] {
  return allRoutes(authorizer).filter(({ name }) => requests[name] !== undefined)
}

const goodBytes = (method: DescMethod) =>
  Buffer.from(
    toBinary(
      method.input,
      create(method.input, requests[method.name] as MessageInitShape<typeof method.input>),
    ),
  )

/** One to four changes of single bytes, runs, lengths or the end. */
function mutated(bytes: Buffer, random: () => number): Buffer {
  let changed = Buffer.from(bytes)
  const changes = 1 + Math.floor(random() * 4)
  for (let change = 0; change < changes; change += 1) {
    const at = Math.floor(random() * (changed.length + 1))
    const kind = random()
    if (kind < 0.35 && at < changed.length) changed[at] = changed[at]! ^ (1 << Math.floor(random() * 8))
    else if (kind < 0.6 && at < changed.length) changed[at] = Math.floor(random() * 256)
    else if (kind < 0.7) changed = Buffer.from(changed.subarray(0, at))
    else if (kind < 0.85) {
      const run = Buffer.from(
        Array.from({ length: 1 + Math.floor(random() * 6) }, () => Math.floor(random() * 256)),
      )
      changed = Buffer.concat([changed.subarray(0, at), run, changed.subarray(at)])
    } else {
      const from = Math.floor(random() * changed.length)
      changed = Buffer.concat([changed, changed.subarray(from, from + 20)])
    }
  }
  return changed
}

const words = [
  '',
  'x',
  'user',
  'document',
  'folder',
  'view',
  'viewer',
  'banned',
  'ann',
  'a',
  '*',
  'é😀',
  'a'.repeat(1025),
]

/** The request with one of its values exchanged for another. */
function exchanged(value: unknown, random: () => number): unknown {
  const pick = <Item>(items: readonly Item[]): Item => items[Math.floor(random() * items.length)]!
  if (typeof value === 'string') return pick(words)
  if (typeof value === 'number') return pick([0, 1, 2, 3, 5, 1000, 1001, 2_147_483_647])
  if (typeof value === 'boolean') return !value
  if (value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) {
    const kind = random()
    if (value.length === 0 || kind < 0.1) return []
    if (kind < 0.3) return [...value, ...value]
    const at = Math.floor(random() * value.length)
    return value.map((item, position) => (position === at ? exchanged(item, random) : item))
  }
  const members = Object.entries(value).filter(([name]) => name !== 'case')
  if (members.length === 0) return value
  const [name, member] = pick(members)
  if (random() < 0.05 && !('case' in value))
    return Object.fromEntries(members.filter(([other]) => other !== name))
  return { ...value, [name]: exchanged(member, random) }
}

/** Every other request has good framing and another value, the rest is broken as bytes. */
function hostile(method: DescMethod, random: () => number): Buffer {
  if (random() < 0.5) return mutated(goodBytes(method), random)
  const request = exchanged(requests[method.name], random) as MessageInitShape<typeof method.input>
  return Buffer.from(toBinary(method.input, create(method.input, request)))
}

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
  const count = Number(process.env.HOSTILE_REQUESTS ?? 20_000)
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
}, 1_200_000)

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
    const { input } = route.method
    const json = toJsonString(input, create(input, requests[route.name] as MessageInitShape<typeof input>))
    const body = mutated(Buffer.from(json), random)
    const response = await fetch(`${service.url}${httpPaths[route.path]}`, {
      method: 'POST',
      headers: {
        authorization: bearer().get('authorization')[0] as string,
        'content-type': 'application/json',
      },
      body,
    })
    await response.text()
    expect([200, 400, 404, 409, 429], `${route.name} ${body.toString()}`).toContain(response.status)
  }
  for (let round = 0; round < 40; round += 1) await Promise.all(Array.from({ length: 16 }, send))
})
