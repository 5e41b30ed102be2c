// P7: what the guard adds to a tool result with 1000 distinct items, half of them denied, audit on disk, over Streamable HTTP.
// Run: npm run bench -- guard [items]. With PARTS=1 in the environment it also tells where the time goes: checks without proofs, without an audit log.

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { z } from 'zod'
import { type AuditLog, createAuditLog } from '../src/audit/create-audit-log.ts'
import { verifyAuditLog } from '../src/audit/verify-audit-log.ts'
import { createAuthorizer } from '../src/authorizer/create-authorizer.ts'
import { createGuard, type Guard } from '../src/mcp/guard/create-guard.ts'
import type { Principal } from '../src/mcp/principal.ts'
import { parseRelationship } from '../src/model/relationship-text.ts'
import { memoryStore } from '../src/store/memory/store.ts'

const items = Number(process.argv[2] ?? 1000)
const warmUp = 30
const rounds = 9
const callsPerRound = 20

const schema = `
definition user {}
definition group {
	relation member: user | group#member
}
definition folder {
	relation parent: folder
	relation viewer: user | group#member
	permission view = viewer + parent->view
}
definition document {
	relation parent: folder
	relation viewer: user | group#member
	permission view = viewer + parent->view
}
`
const folder = mkdtempSync(join(tmpdir(), 'cardea-bench-guard-'))
const authorizer = await createAuthorizer({ store: memoryStore() })
await authorizer.writeSchema(schema)
// A document of alice's hangs in one of fifty folders that her team sees through the group above; the others' do not.
const rows = ['group:staff#member@group:team#member', 'group:team#member@user:alice']
for (let index = 0; index < 50; index++) {
  rows.push(`folder:open-${index}#parent@folder:top`, `folder:closed-${index}#viewer@user:bob`)
}
rows.push('folder:top#viewer@group:staff#member')
for (let index = 0; index < items; index++) {
  rows.push(`document:doc-${index}#parent@folder:${index % 2 === 0 ? 'open' : 'closed'}-${index % 50}`)
}
await authorizer.importRelationships(
  (async function* () {
    yield rows.map(parseRelationship)
  })(),
)

const documents = Array.from({ length: items }, (_, index) => ({
  id: `doc-${index}`,
  title: `Report ${index} of the year`,
  snippet: 'Lorem ipsum dolor sit amet, consectetur adipiscing elit.',
}))
const principal: Principal = {
  issuer: 'https://idp.example',
  subject: 'alice',
  kind: 'user',
  subjectRef: { type: 'user', id: 'alice', relation: '' },
  actors: [],
  scopes: new Set(),
  claims: { sub: 'alice' },
  expiresAtMs: Date.now() + 3_600_000,
}

interface Contender {
  readonly client: Client
  readonly times: number[]
  close(): Promise<void>
}

/** A server on a port of its own, with one connected client. */
async function serve(guard?: Guard): Promise<Contender> {
  const server = new McpServer({ name: 'bench', version: '1' })
  server.registerTool(
    'search',
    {
      outputSchema: {
        results: z.array(z.object({ id: z.string(), title: z.string(), snippet: z.string() })),
        total: z.number(),
      },
    },
    () => {
      const structuredContent = { results: documents, total: documents.length }
      return { structuredContent, content: [{ type: 'text', text: JSON.stringify(structuredContent) }] }
    },
  )
  guard?.protect(server)
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: () => 'the-session' })
  await server.connect(transport)
  const http = createServer((request, response) => {
    const auth = { token: '', clientId: '', scopes: [], extra: { cardeaPrincipal: principal } }
    void transport.handleRequest(Object.assign(request, { auth }), response)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const client = new Client({ name: 'bench', version: '1' })
  const url = new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`)
  await client.connect(new StreamableHTTPClientTransport(url) as never)
  return {
    client,
    times: [],
    async close() {
      await client.close()
      http.closeAllConnections()
      http.close()
    },
  }
}

const policy = {
  trust_on_first_use: true,
  tools: {
    search: {
      effect: 'read',
      result: [{ items: '$.results[*]', all: ['document:{item.id}#view'] }, { set: { '$.total': 'count' } }],
      text: 'mirror',
    },
  },
} as const
const log = { info: () => {}, warn: console.warn, error: console.error }
const logs: AuditLog[] = []
const logPath = (name: string) => join(folder, `${name}.jsonl`)
async function guardWith(name: string, explain: boolean, audited: boolean): Promise<Guard> {
  const audit = audited
    ? await createAuditLog({ path: logPath(name) })
    : { append: async () => {}, close: async () => {} }
  if (audited) logs.push(audit as AuditLog)
  return createGuard({ authorizer, audit, log, policy, explain })
}

const contenders: Record<string, Contender> = {
  unguarded: await serve(),
  guarded: await serve(await guardWith('guarded', true, true)),
}
if (process.env.PARTS !== undefined) {
  contenders['no proofs'] = await serve(await guardWith('no-proofs', false, true))
  contenders['no proofs, no log'] = await serve(await guardWith('neither', false, false))
}

async function call({ client }: Contender): Promise<number> {
  const { structuredContent } = await client.callTool({ name: 'search', arguments: {} })
  return (structuredContent as { results: unknown[] }).results.length
}

const expected: Record<string, number> = { unguarded: items }
for (const [name, contender] of Object.entries(contenders)) {
  for (let turn = 0; turn < warmUp; turn++) {
    const got = await call(contender)
    const wanted = expected[name] ?? Math.ceil(items / 2)
    if (got !== wanted) throw new Error(`${name}: ${got} items instead of ${wanted}`)
  }
}
for (let round = 0; round < rounds; round++) {
  for (const contender of Object.values(contenders)) {
    const before = performance.now()
    for (let turn = 0; turn < callsPerRound; turn++) await call(contender)
    contender.times.push((performance.now() - before) / callsPerRound)
  }
}
for (const { close } of Object.values(contenders)) await close()
for (const one of logs) await one.close()
const { ok, entries } = await verifyAuditLog({ path: logPath('guarded') })
if (!ok || entries < rounds * callsPerRound)
  throw new Error(`The audit log holds ${entries} entries, intact: ${ok}`)
await authorizer.close()
rmSync(folder, { recursive: true })

const median = (times: readonly number[]) => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)]!
const base = median(contenders.unguarded!.times)
console.log(`${items} items, half denied; median of ${rounds} rounds of ${callsPerRound} calls, log verified`)
for (const [name, { times }] of Object.entries(contenders)) {
  const ms = median(times)
  const perItem = ((ms - base) * 1000) / items
  console.log(
    `${name.padEnd(18)} ${ms.toFixed(2).padStart(8)} ms   ${(ms / base).toFixed(2)} x   ${perItem.toFixed(2)} µs/item beyond`,
  )
}
const guarded = median(contenders.guarded!.times)
console.log(
  `P7: ${(guarded / base).toFixed(2)} x (goal 1.6), ${(((guarded - base) * 1000) / items).toFixed(2)} µs per item (goal 5)`,
)
