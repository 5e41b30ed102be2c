// The MCP servers that agents.ts calls, each in a process of its own: `unguarded`, or `guarded ISSUER AGENTS ROWS`.
// The guarded one holds a whole Cardea: SQLite, the gRPC door for the writers, the guard with its audit log on disk.

import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { z } from 'zod'
import { createAuditLog } from '../src/audit/create-audit-log.ts'
import { verifyAuditLog } from '../src/audit/verify-audit-log.ts'
import { listenOnLoopback, serveSessions } from '../src/cli/demo/mcp-endpoint.ts'
import { startService } from '../src/cli/service.ts'
import { createGuard } from '../src/mcp/guard/create-guard.ts'
import { createHttpGuard } from '../src/mcp/http/http-guard.ts'
import { createTokenVerifier } from '../src/mcp/tokens/token-verifier.ts'
import { parseRelationship } from '../src/model/relationship-text.ts'
import { openSqliteStore } from '../src/store/sqlite/store.ts'
import { serveParent } from './child.ts'
import { folderStore } from './folder-store.ts'
import { makeData } from './shared-folders.ts'

export const presharedKey = 'the-key-of-the-bench'
export const teams = 20
/** Results of a search: as many again belong to another team. */
export const seenPerSearch = 10

export interface GuardedReady {
  readonly mcpUrl: string
  readonly grpcPort: number
}

/** Two tools: one document by its id, and a search that finds documents of the caller's team and of the next one. */
function documentsServer(): McpServer {
  const server = new McpServer({ name: 'documents', version: '1.0.0' })
  server.registerTool(
    'read_document',
    { inputSchema: { id: z.string() }, annotations: { readOnlyHint: true } },
    ({ id }) => ({
      content: [{ type: 'text', text: `Contents of ${id}. ${'Lorem ipsum dolor. '.repeat(20)}` }],
    }),
  )
  const result = z.object({ id: z.string(), title: z.string() })
  server.registerTool(
    'search_documents',
    {
      inputSchema: { team: z.number().int(), also: z.string() },
      outputSchema: { results: z.array(result) },
      annotations: { readOnlyHint: true },
    },
    ({ team, also }) => {
      const ids = [also]
      for (const of of [team, (team + 1) % teams])
        for (let at = 0; at < seenPerSearch; at += 1) ids.push(`team-${of}-${at}`)
      const structuredContent = { results: ids.map((id) => ({ id, title: `The title of ${id}` })) }
      return { structuredContent, content: [{ type: 'text', text: JSON.stringify(structuredContent) }] }
    },
  )
  return server
}

async function serveUnguarded(): Promise<void> {
  const { server, url } = await listenOnLoopback()
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const open = async () => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    await documentsServer().connect(transport)
    return transport
  }
  server.on('request', async (request: IncomingMessage, response: ServerResponse) => {
    const id = request.headers['mcp-session-id']
    const transport = typeof id === 'string' ? sessions.get(id) : await open()
    await transport?.handleRequest(request, response)
  })
  serveParent({ mcpUrl: url }, () => server.closeAllConnections())
}

async function serveGuarded(issuer: string, agents: number, rows: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-bench-agents-'))
  const auditPath = join(folder, 'audit.jsonl')
  const loopback = { host: '127.0.0.1', port: 0 }
  // Agent n is user agent-n, in the team n % teams through a group within a group; a team's folder holds its documents.
  const texts: string[] = []
  for (let team = 0; team < teams; team += 1) {
    texts.push(`folder:team-${team}#viewer@group:team-${team}#member`)
    texts.push(`group:team-${team}#member@group:people-${team}#member`)
    for (let at = 0; at < seenPerSearch; at += 1)
      texts.push(`document:team-${team}-${at}#parent@folder:team-${team}`)
  }
  for (let agent = 0; agent < agents; agent += 1) {
    texts.push(`group:people-${agent % teams}#member@user:agent-${agent}`)
    texts.push(`document:private-${agent}#viewer@user:agent-${agent}`)
  }
  const service = await startService({
    store: await folderStore(
      makeData(rows),
      texts.map(parseRelationship),
      await openSqliteStore({ path: join(folder, 'cardea.db') }),
    ),
    grpcAddress: loopback,
    httpAddress: loopback,
    presharedKeys: [{ key: presharedKey, role: 'read-write' }],
    log: (level, message) => {
      if (level === 'error') console.error(message)
    },
  })
  const { authorizer } = service
  const audit = await createAuditLog({ path: auditPath })
  const { server, url: mcpUrl } = await listenOnLoopback()
  const issuers = [
    {
      issuer,
      network: 'loopback',
      user_when: 'claims.sub != claims.client_id',
      subject: 'user:{claims.sub}',
      agent: ['agent:client/{claims.client_id}'],
    },
  ] as const
  const guard = createGuard({
    authorizer,
    audit,
    log: { info: () => {}, warn: () => {}, error: (_, message) => console.error(message) },
    policy: {
      resource: mcpUrl,
      issuers,
      trust_on_first_use: true,
      tools: {
        read_document: {
          effect: 'read',
          arguments: [{ at: '$.id', all: ['document:{value}#view'] }],
          result: 'whole',
        },
        search_documents: {
          effect: 'read',
          unchecked: ['team', 'also'],
          result: [{ items: '$.results[*]', all: ['document:{item.id}#view'] }],
          text: 'mirror',
        },
      },
    },
  })
  const httpGuard = createHttpGuard({
    resource: mcpUrl,
    authorizationServers: [issuer],
    verifier: createTokenVerifier({ resource: mcpUrl, issuers }),
  })
  const sessions = serveSessions(server, httpGuard, () => {
    const documents = documentsServer()
    guard.protect(documents)
    return documents
  })
  const ready: GuardedReady = { mcpUrl, grpcPort: service.grpc.port }
  serveParent(ready, async () => {
    await sessions.close()
    await service.close(0)
    await audit.close()
    const { ok } = await verifyAuditLog({ path: auditPath })
    if (!ok) console.error('The audit log does not verify.')
    rmSync(folder, { recursive: true })
  })
}

const [role, issuer = '', agents, rows] = process.argv.slice(2)
if (role === 'unguarded') await serveUnguarded()
if (role === 'guarded') await serveGuarded(issuer, Number(agents), Number(rows))
