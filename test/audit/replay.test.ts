// Replay: a real guard's log, asked again at its revisions, and by its proofs when those are gone.

import { readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type AuditLog, createAuditLog } from '../../src/audit/create-audit-log.ts'
import { reportOverFetch } from '../../src/audit/over-fetch-report.ts'
import { findExposures, readAuditLog } from '../../src/audit/read-audit-log.ts'
import { schemaHash } from '../../src/audit/schema-archive.ts'
import { verifyAuditLog } from '../../src/audit/verify-audit-log.ts'
import { createAuthorizer, type LocalAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { type ReplayedDecision, type ReplayOptions, replayAuditLog } from '../../src/cli/replay-audit.ts'
import { createGuard } from '../../src/mcp/guard/create-guard.ts'
import type { Policy } from '../../src/mcp/policy/policy.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import { cardea } from '../cli/run-cardea.ts'
import { documentsPolicy, documentsServer } from '../mcp/guard/documents.ts'
import { connect, memoryLog, principalOf, revoke, schema, touch } from '../mcp/guard/world.ts'
import { decision, event, temporaryLog } from './events.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

let nowMs = Date.parse('2026-11-22T10:00:00Z')

interface World {
  readonly authorizer: LocalAuthorizer
  readonly path: string
  readonly log: AuditLog
}

/** A service whose clock is the test's, and a log at a place of its own. */
async function startWorld(grants: readonly string[], gcWindowMs = 3_600_000): Promise<World> {
  nowMs = Date.parse('2026-11-22T10:00:00Z')
  const clock = () => nowMs
  const authorizer = await createAuthorizer({ store: memoryStore({ clock }), clock, limits: { gcWindowMs } })
  undo.push(() => authorizer.close())
  await authorizer.writeSchema(schema)
  await touch(authorizer, grants)
  const path = await temporaryLog()
  const log = await createAuditLog({ path, clock })
  undo.push(() => log.close())
  return { authorizer, path, log }
}

/** Calls a tool as this person through a guard that writes the world's log. */
async function call(
  world: World,
  person: string,
  name: string,
  args: object,
  policy: Policy = documentsPolicy,
) {
  const { authorizer, log: audit } = world
  const guard = createGuard({ authorizer, audit, policy, log: memoryLog([]), clock: () => nowMs })
  const { server } = documentsServer()
  guard.protect(server)
  const one = await connect(server, principalOf(person, { expiresAtMs: nowMs + 3_600_000 }))
  await one.client.callTool({ name, arguments: { ...args } })
  await one.close()
}

async function replay(options: Omit<ReplayOptions, 'nowMs'>): Promise<ReplayedDecision[]> {
  const all: ReplayedDecision[] = []
  for await (const one of replayAuditLog({ nowMs, ...options })) all.push(one)
  return all
}

const short = (all: readonly ReplayedDecision[]) =>
  all.map(
    ({ question, recorded, outcome, by }) => `${question} ${recorded} ${outcome}${by ? ` by ${by}` : ''}`,
  )

const grants = ['document:a#editor@user:alice', 'document:b#viewer@user:alice', 'document:c#viewer@user:bob']

test('what was decided then is decided again at its revision, whatever has changed since', async () => {
  const world = await startWorld(grants)
  await call(world, 'alice', 'search', { query: 'x' })
  await call(world, 'alice', 'delete', { id: 'a' })
  await revoke(world.authorizer, grants.slice(0, 2))
  await touch(world.authorizer, ['document:c#viewer@user:alice'])
  await world.authorizer.writeSchema(`${schema}\ndefinition unrelated {}`)
  expect(short(await replay({ path: world.path, service: world.authorizer }))).toEqual([
    'document:a#view@user:alice has agrees by revision',
    'document:b#view@user:alice has agrees by revision',
    'document:c#view@user:alice no agrees by revision',
    'document:a#delete@user:alice has agrees by revision',
  ])
})

test('a record of nothing that was asked is read like any other', async () => {
  const world = await startWorld(grants)
  await world.log.append(event({ outcome: 'allowed', decisions: [] }))
  await world.log.append(event({ phase: 'refused', outcome: 'denied', decisions: [] }))
  expect(await replay({ path: world.path, service: world.authorizer })).toEqual([])
  expect(await findExposures({ path: world.path, resource: { type: 'document', id: 'a' } })).toEqual({
    exposures: [],
    unknown: [],
  })
})

test('each record names the schema in force, whose text is kept beside the log', async () => {
  const world = await startWorld(grants)
  await call(world, 'alice', 'read', { id: 'a' })
  const newer = `${schema}\ndefinition unrelated {}`
  await world.authorizer.writeSchema(newer)
  await call(world, 'alice', 'read', { id: 'a' })
  const hashes: unknown[] = []
  for await (const { body } of readAuditLog(world.path))
    hashes.push((body as { schemaHash?: string }).schemaHash)
  const texts = [schema, newer]
  expect(hashes).toEqual(texts.map(schemaHash))
  expect((await readdir(`${world.path}.schemas`)).sort()).toEqual(
    texts.map((text) => `${schemaHash(text)}.zed`).sort(),
  )
  expect(await verifyAuditLog({ path: world.path })).toMatchObject({ ok: true })
})

test('once the revision is gone, a yes is held by its proof, and a no cannot be told', async () => {
  const world = await startWorld(grants)
  await call(world, 'alice', 'search', { query: 'x' })
  await revoke(world.authorizer, grants.slice(0, 2))
  nowMs += 2 * 3_600_000
  await touch(world.authorizer, ['document:z#viewer@user:bob'])
  await world.authorizer.collectGarbage()
  const expected = [
    'document:a#view@user:alice has agrees by proof',
    'document:b#view@user:alice has agrees by proof',
    'document:c#view@user:alice no undecidable',
  ]
  expect(short(await replay({ path: world.path, service: world.authorizer }))).toEqual(expected)
  expect(short(await replay({ path: world.path }))).toEqual(expected)
})

test('a grant that has expired since is held by its proof, evaluated at the recorded instant', async () => {
  const until = '2026-11-22T10:30:00Z'
  const world = await startWorld([`document:a#viewer@user:alice[expiration:${until}]`])
  await call(world, 'alice', 'read', { id: 'a' })
  nowMs = Date.parse(until) + 1000
  expect(short(await replay({ path: world.path, service: world.authorizer }))).toEqual([
    'document:a#view@user:alice has agrees by proof',
  ])
})

test('a log that says something else than the data of its revision is told', async () => {
  const world = await startWorld(grants)
  await call(world, 'alice', 'read', { id: 'a' })
  let token = ''
  for await (const { body } of readAuditLog(world.path))
    token = (body as { argumentsToken: string }).argumentsToken
  const lie = decision('document:c', 'has')
  const silence = decision('document:a', 'no', { at: 'argument $.id' })
  await world.log.append(event({ argumentsToken: token, resultToken: token, decisions: [lie, silence] }))
  expect((await verifyAuditLog({ path: world.path })).ok).toBe(true)
  const replayed = await replay({ path: world.path, service: world.authorizer })
  expect(short(replayed).slice(1)).toEqual([
    'document:c#view@user:alice has differs by revision',
    'document:a#view@user:alice no differs by revision',
  ])
  expect(
    short(await replay({ path: world.path, service: world.authorizer, callId: replayed[0]!.callId })),
  ).toEqual(['document:a#view@user:alice has agrees by revision'])
})

test('offline: a proof that does not grant, a schema that was changed, and what was blanked', async () => {
  const path = await temporaryLog()
  const log = await createAuditLog({ path })
  await log.keepSchema!(schemaHash(schema), schema)
  const forged = decision('document:a', 'has', { proof: ['document:a#viewer@user:bob'] })
  const good = decision('document:b', 'has')
  await log.append(event({ schemaHash: schemaHash(schema), decisions: [forged, good] }))
  await log.redact(1, ['decisions/1'], 'asked to')
  await log.close()
  const all = await replay({ path })
  expect(all.map(({ outcome, detail }) => `${outcome}: ${detail}`)).toEqual([
    'undecidable: it was redacted',
    'differs: the recorded proof does not grant it',
  ])
  const archived = join(dirname(path), 'audit.jsonl.schemas', `${schemaHash(schema)}.zed`)
  const wider = (await readFile(archived, 'utf8')).replace(
    'permission view = viewer',
    'permission view = viewer + editor',
  )
  await writeFile(archived, `${wider}\n`)
  expect((await replay({ path }))[1]).toMatchObject({
    outcome: 'undecidable',
    detail: expect.stringContaining('not in the archive'),
  })
})

test('what depended on context is undecidable, since only its digest is in the log', async () => {
  const world = await startWorld(['document:a#viewer@user:alice[from_office]'])
  const policy: Policy = { ...documentsPolicy, context: { ip: 'claims.ip' } }
  const { authorizer, log: audit } = world
  const guard = createGuard({ authorizer, audit, policy, log: memoryLog([]), clock: () => nowMs })
  const { server } = documentsServer()
  guard.protect(server)
  const claims = { sub: 'alice', ip: '10.1.2.3' }
  const one = await connect(server, principalOf('alice', { claims, expiresAtMs: nowMs + 1000 }))
  await one.client.callTool({ name: 'read', arguments: { id: 'a' } })
  await one.close()
  expect(await replay({ path: world.path, service: world.authorizer })).toMatchObject([
    { recorded: 'has', outcome: 'undecidable', detail: expect.stringContaining('only a digest') },
  ])
})

test('a schema that cannot be archived closes the door', async () => {
  const world = await startWorld(grants)
  await writeFile(`${world.path}.schemas`, 'in the way')
  await call(world, 'alice', 'read', { id: 'a' })
  const outcomes: unknown[] = []
  for await (const { body } of readAuditLog(world.path)) outcomes.push((body as { outcome?: string }).outcome)
  expect(outcomes).toEqual([])
})

test('over-fetch: what the results held and what of it was denied, by tool and type, observed or not', async () => {
  const world = await startWorld(grants)
  await call(world, 'alice', 'search', { query: 'x' })
  await call(world, 'bob', 'search', { query: 'x' })
  await call(world, 'bob', 'read', { id: 'a' })
  const observing: Policy = { ...documentsPolicy, observe: { until: '2026-12-31' } }
  await call(world, 'alice', 'search', { query: 'x' }, observing)
  await world.log.append(event({ tool: 'blanked', decisions: [decision('document:a', 'no')] }))
  await world.log.redact(world.log.head.seq, ['decisions'], 'asked to')
  const rows = await reportOverFetch(world.path)
  expect(rows).toEqual([
    {
      tool: 'blanked',
      calls: 1,
      returned: 0,
      denied: 0,
      deniedByType: {},
      observedCalls: 0,
      unknownCalls: 1,
    },
    { tool: 'read', calls: 1, returned: 0, denied: 0, deniedByType: {}, observedCalls: 0, unknownCalls: 0 },
    {
      tool: 'search',
      calls: 3,
      returned: 9,
      denied: 4,
      deniedByType: { document: 4 },
      observedCalls: 1,
      unknownCalls: 0,
    },
  ])
  const { code, stdout } = await cardea(['audit', 'over-fetch', world.path], dirname(world.path))
  expect(code).toBe(0)
  expect(stdout).toContain(
    'search  3 calls returned 9 things, 4 denied (44 %): document 4; shown in observe mode in 1 calls',
  )
})

test('the command: offline, by call, and bad input', async () => {
  const world = await startWorld(grants)
  await call(world, 'alice', 'search', { query: 'x' })
  const folder = dirname(world.path)
  const offline = await cardea(['audit', 'replay', world.path, '--offline'], folder)
  expect(offline).toMatchObject({ code: 0 })
  expect(offline.stdout).toContain('3 decisions: 0 evaluated again at their revision and equal, 2 held by')
  await world.log.append(
    event({ schemaHash: schemaHash(schema), decisions: [decision('document:q', 'has', { proof: [] })] }),
  )
  const differing = await cardea(['audit', 'replay', world.path, '--offline'], folder)
  expect(differing.code).toBe(1)
  expect(differing.stdout).toContain('document:q#view@user:alice: recorded has, but the recorded proof')
  const unknown = await cardea(['audit', 'replay', world.path, '--offline', '--call', 'nobody'], folder)
  expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('no decision of a call nobody') })
  const unserved = await cardea(['audit', 'replay', world.path], folder)
  expect(unserved).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('No server started in this folder'),
  })
})
