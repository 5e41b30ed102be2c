// Calls the guarded server as alice's agent and shows what the service behind it was told: `node examples/downstream/start.mjs`.

import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { createAuditLog } from '../../src/audit/create-audit-log.ts'
import { startDownstream } from './start-downstream.ts'

const auditLog = join(tmpdir(), `downstream-${process.pid}.jsonl`)
const audit = await createAuditLog({ path: auditLog })
const say = (_: object, message: string) => console.error(message)
const world = await startDownstream({ audit, log: { info: () => {}, warn: say, error: say } })
const client = new Client({ name: 'agent', version: '1.0.0' })
const headers = { authorization: `Bearer ${await world.issuer.tokenFor('alice')}` }
await client.connect(
  new StreamableHTTPClientTransport(new URL(world.mcpUrl), { requestInit: { headers } }) as never,
)
for (const id of ['o1', 'o2']) {
  const { content } = await client.callTool({ name: 'read_order', arguments: { id } })
  console.log(`${id}: ${JSON.stringify(content)}`)
}
console.log(`Tokens exchanged: ${world.issuer.exchanges.length}. Audit log: ${auditLog}`)
await client.close()
await world.close()
await audit.close()
