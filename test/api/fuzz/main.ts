// Sends mutated requests through both doors of a service in this process, and says what became of them and of memory.
//
//   npm run fuzz -- --requests 1000000 --seed 1 --http-share 0.1 --max-growth-mib 96
//
// Exits with 1 when a call failed inside, when too few reached the authorizer, or when memory was kept.

import { parseArgs } from 'node:util'
import { status } from '@grpc/grpc-js'
import { startGrpcServer } from '../../../src/api/grpc/start-grpc-server.ts'
import { httpPaths } from '../../../src/api/http/http-paths.ts'
import { startHttpServer } from '../../../src/api/http/start-http-server.ts'
import type { Route } from '../../../src/api/methods/route.ts'
import type { Authorizer } from '../../../src/authorizer/authorizer.ts'
import { createAuthorizer } from '../../../src/authorizer/create-authorizer.ts'
import { parseRelationship } from '../../../src/model/relationship-text.ts'
import { memoryStore } from '../../../src/store/memory/store.ts'
import { bearer, key, rawClient } from '../grpc-harness.ts'
import { schema } from '../schema.ts'
import {
  hostile,
  hostileJson,
  nearlyGood,
  randomOf,
  relationships,
  routesOfInterest,
} from './hostile-requests.ts'

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    'http-share': { type: 'string', default: '0.1' },
    'max-growth-mib': { type: 'string', default: '96' },
  },
})
const count = Number(values.requests)
const maxGrowthMiB = Number(values['max-growth-mib'])
const httpShare = Number(values['http-share'])
const minReached = 0.3
const inFlight = 64

const local = await createAuthorizer({
  store: memoryStore(),
  // What the mutated writes leave in the log is data, not a leak: it is forgotten as it would be after a day.
  limits: { gcWindowMs: 1 },
  garbage: { intervalMs: 5000 },
})
await local.writeSchema(schema)
const { token } = await local.writeRelationships({
  updates: relationships.map((text) => ({ operation: 'touch', relationship: parseRelationship(text) })),
})
for await (const { cursor } of local.readRelationships({ filter: { resourceType: 'document' }, limit: 1 }))
  nearlyGood(token, cursor)

let reached = 0
const counting = new Proxy(local as Authorizer, {
  get(target, name) {
    const method = Reflect.get(target, name)
    if (typeof method !== 'function') return method
    return (...given: unknown[]) => {
      reached += 1
      return method.apply(target, given)
    }
  },
})
const failures: string[] = []
const shared = {
  authorizer: counting,
  address: { host: '127.0.0.1', port: 0 },
  presharedKeys: [{ key, role: 'read-write' as const }],
  limits: { slowCallMs: 60_000 },
  log: (level: string, message: string, facts?: object) => {
    if (level === 'error') failures.push(`${message} ${JSON.stringify(facts)}`)
  },
}
const grpc = await startGrpcServer(shared)
const http = await startHttpServer(shared)
const client = rawClient(`127.0.0.1:${grpc.port}`)
const routes = routesOfInterest(counting)
const grpcRoutes = routes.filter(({ method }) => method.methodKind !== 'client_streaming')
const codes = new Map<string, number>()
const told = (code: string) => codes.set(code, (codes.get(code) ?? 0) + 1)
const insideFailures = new Set<number>([status.INTERNAL, status.UNKNOWN, status.UNAVAILABLE])

async function sendGrpc(route: Route, random: () => number): Promise<void> {
  const bytes = hostile(route.method, random)
  const code = await new Promise<number>((resolve) => {
    if (route.method.methodKind === 'unary') {
      client.unary(route.path, bytes).then(
        () => resolve(status.OK),
        (error) => resolve(error.code),
      )
      return
    }
    client
      .stream(route.path, bytes, bearer(), { deadline: Date.now() + 60_000 })
      .on('data', () => {})
      .on('end', () => resolve(status.OK))
      .on('error', (error: { code: number }) => resolve(error.code))
  })
  told(status[code]!)
  if (insideFailures.has(code)) failures.push(`${route.name} ${status[code]} ${bytes.toString('base64')}`)
}

async function sendHttp(route: Route, random: () => number): Promise<void> {
  const body = hostileJson(route.method, random)
  const type = random() < 0.05 ? 'text/plain' : 'application/json'
  const response = await fetch(`http://127.0.0.1:${http.port}${httpPaths[route.path]}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': type },
    body,
  })
  await response.text()
  told(`HTTP ${response.status}`)
  if (response.status >= 500) failures.push(`${route.name} HTTP ${response.status} ${body}`)
}

const collect = (globalThis as { gc?: () => void }).gc
if (collect === undefined) throw new Error('Start it with node --expose-gc.')

/** Heap, buffers and resident set once the garbage is gone. */
async function settledMiB(): Promise<{ readonly heap: number; readonly rss: number }> {
  for (let round = 0; round < 3; round += 1) {
    await local.collectGarbage()
    collect!()
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: (heapUsed + external) / 2 ** 20, rss: rss / 2 ** 20 }
}

const random = randomOf(Number(values.seed))
let sent = 0
async function sendUntil(end: number): Promise<void> {
  const worker = async () => {
    while (sent < end) {
      sent += 1
      const overHttp = random() < httpShare
      const among = overHttp ? routes : grpcRoutes
      const route = among[Math.floor(random() * among.length)]!
      await (overHttp ? sendHttp(route, random) : sendGrpc(route, random))
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
}

// The first tenth warms up compiler, sockets and buffers.
await sendUntil(Math.floor(count / 10))
const start = await settledMiB()
const startedAtMs = performance.now()
for (let part = 2; part <= 10; part += 1) {
  await sendUntil(Math.floor((count * part) / 10))
  const { heap, rss } = await settledMiB()
  const rate = (sent - count / 10) / ((performance.now() - startedAtMs) / 1000)
  console.info(
    `${sent} sent, ${Math.round(rate)}/s, ${reached} reached the authorizer, heap ${heap.toFixed(1)} MiB, resident ${rss.toFixed(1)} MiB`,
  )
}
const end = await settledMiB()
const share = reached / count
const growthMiB = { heap: end.heap - start.heap, rss: end.rss - start.rss }
console.info(Object.fromEntries([...codes].sort()))
console.info(
  [
    `${count} mutated requests, seed ${values.seed}`,
    `${(share * 100).toFixed(1)} % reached the authorizer (at least ${minReached * 100} %)`,
    `heap after collection ${start.heap.toFixed(1)} -> ${end.heap.toFixed(1)} MiB`,
    `resident ${start.rss.toFixed(1)} -> ${end.rss.toFixed(1)} MiB (growth at most ${maxGrowthMiB} MiB)`,
    `${failures.length} failures inside`,
  ].join('\n'),
)
for (const failure of failures.slice(0, 20)) console.error(failure)
client.close()
await Promise.all([grpc.close(0), http.close(0)])
await local.close()
const good =
  failures.length === 0 && share >= minReached && Math.max(growthMiB.heap, growthMiB.rss) <= maxGrowthMiB
process.exit(good ? 0 : 1)
