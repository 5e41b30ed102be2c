// P9: agents that call tools of one guarded MCP server ten times a second each, while grants are written and revoked.
// Run: npm run bench -- agents [agents] [calls per second of each]

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { connect } from '../src/client/connect.ts'
import { parseRelationship } from '../src/model/relationship-text.ts'
import { type GuardedReady, presharedKey, seenPerSearch, teams } from './agents-server.ts'
import { startChild } from './child.ts'
import { type McpSession, openSession } from './mcp-session.ts'
import { grouped, numbersGiven, percentile, quick, tellGoal, tellTable } from './measure.ts'

const [agents = 0, callsPerSecond = 10] = numbersGiven([200])
const rows = quick ? 20_000 : 100_000
const rounds = quick ? 1 : 4
const seconds = quick ? 1.5 : 10
const revokers = 4
const writers = 2

// An authorization server as far as a resource server sees it: metadata, keys, signed tokens.
const { publicKey, privateKey } = await generateKeyPair('ES256')
const keys = [{ ...(await exportJWK(publicKey)), kid: 'the-key', alg: 'ES256', use: 'sig' }]
const issuerServer = createServer((request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(JSON.stringify(request.url === '/keys' ? { keys } : { issuer, jwks_uri: `${issuer}/keys` }))
})
await new Promise<void>((resolve) => issuerServer.listen(0, '127.0.0.1', resolve))
const issuer = `http://127.0.0.1:${(issuerServer.address() as AddressInfo).port}`
const tokenOf = (agent: number, audience: string) =>
  new SignJWT({ client_id: 'the-agents' })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'the-key' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(`agent-${agent}`)
    .setJti(`token-${agent}`)
    .setIssuedAt()
    .setExpirationTime('50m')
    .sign(privateKey)

const file = new URL('agents-server.js', import.meta.url)
const guarded = await startChild<GuardedReady>(file, ['guarded', issuer, String(agents), String(rows)])
const unguarded = await startChild<{ mcpUrl: string }>(file, ['unguarded'])
const sessionsAt = async (url: string) => {
  const sessions: McpSession[] = []
  for (let agent = 0; agent < agents; agent += 1)
    sessions.push(await openSession(url, await tokenOf(agent, url)))
  return sessions
}
const sessions = {
  unguarded: await sessionsAt(unguarded.ready.mcpUrl),
  guarded: await sessionsAt(guarded.ready.mcpUrl),
}
const authorizer = connect({ address: `127.0.0.1:${guarded.ready.grpcPort}`, presharedKey })

const documentsIn = (text: string) => new Set(text.match(/(?<=The title of )[a-z]+-\d+(-\d+)?/g) ?? [])
const served = (text: string, id: string) => text.includes(`Contents of ${id}.`)

/** One call of an agent's day: four of five read a document of the team, the fifth searches. */
async function usualCall(session: McpSession, agent: number, turn: number, isGuarded: boolean) {
  const team = agent % teams
  if (turn % 5 !== 4) {
    const id = `team-${team}-${turn % seenPerSearch}`
    const text = await session.call('read_document', { id })
    if (!served(text, id)) throw new Error(`agent-${agent} may read ${id} and was answered: ${text}`)
    return
  }
  const found = documentsIn(await session.call('search_documents', { team, also: `team-${team}-0` }))
  const expected = isGuarded ? seenPerSearch : seenPerSearch * 2
  if (found.size !== expected)
    throw new Error(`agent-${agent} found ${found.size} documents instead of ${expected}`)
}

interface Phase {
  readonly latencies: number[]
  readonly perSecond: number
  /** Processor time of the server for each of the agents' calls; the guarded one also serves the writers. */
  readonly cpuMs: number
}

/**
 * All agents at their rate for a while. An agent waits for its answer before it calls again: what became due meanwhile is
 * left out, and shows as a lower rate.
 */
async function phase(name: keyof typeof sessions, callsPerSecond: number): Promise<Phase> {
  const latencies: number[] = []
  const server = { guarded, unguarded }[name]
  const cpuBefore = await server.cpuMs()
  const startMs = performance.now()
  const betweenMs = 1000 / callsPerSecond
  await Promise.all(
    sessions[name].map(async (session, agent) => {
      const offsetMs = (agent * betweenMs) / agents
      for (let turn = 0; turn < seconds * callsPerSecond; turn += 1) {
        const dueMs = startMs + offsetMs + turn * betweenMs
        const leftMs = dueMs - performance.now()
        if (leftMs < -betweenMs) continue
        if (leftMs > 0) await pause(leftMs)
        await usualCall(session, agent, turn, name === 'guarded')
        latencies.push(performance.now() - dueMs)
      }
    }),
  )
  const perSecond = latencies.length / ((performance.now() - startMs) / 1000)
  return { latencies, perSecond, cpuMs: ((await server.cpuMs()) - cpuBefore) / latencies.length }
}

const counts = { revocations: 0, violations: 0, grants: 0, lateGrants: 0, writes: 0 }

async function isServed(agent: number): Promise<boolean> {
  const id = `private-${agent}`
  const session = sessions.guarded[agent]!
  const [text, found] = await Promise.all([
    session.call('read_document', { id }),
    session.call('search_documents', { team: agent % teams, also: id }),
  ])
  return served(text, id) || documentsIn(found).has(id)
}

/** Takes grants away and gives them back; the moment that either is acknowledged, its agent asks. */
async function revoke(revoker: number, going: () => boolean): Promise<void> {
  for (let agent = revoker; going(); agent = (agent + revokers) % agents) {
    const relationship = parseRelationship(`document:private-${agent}#viewer@user:agent-${agent}`)
    await authorizer.writeRelationships({ updates: [{ operation: 'delete', relationship }] })
    counts.revocations += 1
    if (await isServed(agent)) counts.violations += 1
    await authorizer.writeRelationships({ updates: [{ operation: 'touch', relationship }] })
    counts.grants += 1
    if (!(await isServed(agent))) counts.lateGrants += 1
    await pause(50)
  }
}

async function write(writer: number, going: () => boolean): Promise<void> {
  for (let turn = 0; going(); turn += 1) {
    const relationship = parseRelationship(
      `document:new-${writer}-${turn}#viewer@user:agent-${turn % agents}`,
    )
    await authorizer.writeRelationships({ updates: [{ operation: 'touch', relationship }] })
    counts.writes += 1
    await pause(20)
  }
}

async function guardedPhase(callsPerSecond: number): Promise<Phase> {
  let going = true
  const others = [
    ...Array.from({ length: revokers }, (_, at) => revoke(at, () => going)),
    ...Array.from({ length: writers }, (_, at) => write(at, () => going)),
  ]
  const result = await phase('guarded', callsPerSecond)
  going = false
  await Promise.all(others)
  return result
}

// A quarter of the rate besides: percentiles of a server that cannot keep up tell of the queue only.
const rates = [callsPerSecond, callsPerSecond / 4]
const measured: { readonly name: string; readonly phases: Phase[] }[] = rates.flatMap((rate) =>
  ['unguarded', 'guarded'].map((name) => ({
    name: `${name}, ${grouped(rate * agents)} calls/s`,
    phases: [],
  })),
)
for (let round = 0; round < rounds; round += 1) {
  for (const [at, rate] of rates.entries()) {
    measured[at * 2]!.phases.push(await phase('unguarded', rate))
    measured[at * 2 + 1]!.phases.push(await guardedPhase(rate))
  }
}
await authorizer.close()
await guarded.close()
await unguarded.close()
issuerServer.closeAllConnections()
issuerServer.close()

const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value, 0) / list.length
console.log(`${agents} agents, ${rounds} rounds of ${seconds} s in turn; times from when a call was due`)
tellTable([
  ['', 'served/s', 'p50 ms', 'p99 ms', 'max ms', 'server CPU ms/call'],
  ...measured.map(({ name, phases }) => {
    const latencies = phases.flatMap((each) => each.latencies)
    return [
      name,
      grouped(mean(phases.map(({ perSecond }) => perSecond))),
      ...[0.5, 0.99, 1].map((share) => percentile(latencies, share).toFixed(1)),
      mean(phases.map(({ cpuMs }) => cpuMs)).toFixed(2),
    ]
  }),
])
console.log(
  `Beside the guarded calls: ${counts.revocations} revocations, ${counts.grants} grants, ${counts.writes} other writes, each acknowledged.`,
)
if (counts.lateGrants > 0 || counts.revocations === 0)
  throw new Error(`${counts.lateGrants} grants were not seen once acknowledged: the bench proves nothing`)
tellGoal('P9 revoked and still served', counts.violations, 'calls', '<=', 0)
