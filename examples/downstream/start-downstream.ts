// A guarded MCP server with an orders service behind it: each has its own audience, and neither ever sees the other's token.

import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { z } from 'zod'
import type { AuditSink } from '../../src/audit/audit.ts'
import { createAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { createGuard, type Guard } from '../../src/mcp/guard/create-guard.ts'
import type { GuardLog } from '../../src/mcp/guard/guard-core.ts'
import { createHttpGuard } from '../../src/mcp/http/http-guard.ts'
import type { Policy } from '../../src/mcp/policy/policy.ts'
import type { IssuerConfig } from '../../src/mcp/tokens/issuer-config.ts'
import { createTokenExchange } from '../../src/mcp/tokens/token-exchange.ts'
import { createTokenVerifier } from '../../src/mcp/tokens/token-verifier.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import { type ExchangeIssuer, startExchangeIssuer } from './issuer.ts'

export interface DownstreamOptions {
  readonly audit: AuditSink
  readonly log: GuardLog
  /** Where the orders service is reached, if not directly: given its own URL, answers another one. */
  readonly through?: (apiUrl: string) => Promise<string>
}

export interface DownstreamWorld {
  readonly mcpUrl: string
  readonly apiUrl: string
  readonly issuer: ExchangeIssuer
  close(): Promise<void>
}

const schema = `
definition user {}
definition order {
	relation customer: user
	permission view = customer
}
`
const relationships = ['order:o1#customer@user:alice', 'order:o2#customer@user:bob']

const policy: Policy = {
  trust_on_first_use: true,
  tools: {
    read_order: {
      effect: 'read',
      arguments: [{ at: '$.id', all: ['order:{value}#view'] }],
      result: 'whole',
    },
  },
}

/** Starts everything on free loopback ports. */
export async function startDownstream(options: DownstreamOptions): Promise<DownstreamWorld> {
  const [mcp, orders] = [createServer(), createServer()]
  const mcpUrl = `${await listen(mcp)}/mcp`
  const ownUrl = `${await listen(orders)}/orders`
  const apiUrl = (await options.through?.(ownUrl)) ?? ownUrl
  const client = { client_id: 'orders-mcp', client_secret: 'a secret of the example' }
  const issuer = await startExchangeIssuer({ resource: mcpUrl, api: apiUrl, client })
  const trusted: IssuerConfig = {
    issuer: issuer.issuer,
    network: 'loopback',
    user_when: 'claims.sub != claims.client_id',
    subject: 'user:{claims.sub}',
    agent: ['agent:act/{claims.act.sub}', 'agent:client/{claims.client_id}'],
  }
  serveOrders(orders, apiUrl, trusted)

  const authorizer = await createAuthorizer({ store: memoryStore() })
  await authorizer.writeSchema(schema)
  await authorizer.writeRelationships({
    updates: relationships.map((text) => ({ operation: 'touch', relationship: parseRelationship(text) })),
  })
  const { audit, log } = options
  const tokenExchange = createTokenExchange({ issuers: [{ ...trusted, token_exchange: client }] })
  const guard = createGuard({ authorizer, audit, log, policy, tokenExchange })
  const door = createHttpGuard({
    resource: mcpUrl,
    authorizationServers: [issuer.issuer],
    verifier: createTokenVerifier({ resource: mcpUrl, issuers: [trusted] }),
  })
  mcp.on(
    'request',
    door.handler(async (request, response, body) => {
      const server = createOrdersServer(guard, apiUrl)
      guard.protect(server)
      const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })
      response.once('close', () => void transport.close())
      await server.connect(transport)
      await transport.handleRequest(request, response, body)
    }),
  )
  return {
    mcpUrl,
    apiUrl,
    issuer,
    async close() {
      await Promise.all([mcp, orders].map(closeServer))
      await issuer.close()
      await authorizer.close()
    },
  }
}

/** The MCP server: its one tool asks the orders service in the caller's name, with a token of its own. */
function createOrdersServer(guard: Guard, apiUrl: string): McpServer {
  const server = new McpServer({ name: 'orders', version: '1.0.0' })
  server.registerTool('read_order', { inputSchema: { id: z.string() } }, async ({ id }, extra) => {
    const { accessToken } = await guard.tokenFor(extra, { resource: apiUrl, scopes: ['orders.read'] })
    const answer = await fetch(`${apiUrl}/${encodeURIComponent(id)}`, {
      headers: { authorization: `Bearer ${accessToken}` },
    })
    return { content: [{ type: 'text', text: await answer.text() }] }
  })
  return server
}

/** The orders service: any server with an audience of its own. It tells for whom it was asked, and through whom. */
function serveOrders(server: Server, apiUrl: string, issuer: IssuerConfig): void {
  const verifier = createTokenVerifier({ resource: apiUrl, issuers: [issuer] })
  server.on('request', async (request: IncomingMessage, response) => {
    const { authorization } = request.headers
    const { principal, refusal } = await verifier.verify({ authorization, method: 'GET', url: apiUrl })
    if (refusal) {
      response.writeHead(refusal.status).end()
      return
    }
    const { subject, actors, clientId } = principal
    response.end(`${request.url} for ${subject}, agent ${actors[0]?.subject}, through ${clientId}`)
  })
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}
