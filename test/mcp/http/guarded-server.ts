// A real MCP server of the SDK behind the HTTP side of the guard, on loopback, for tests.

import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { EventStore } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import type { RefusedRequest } from '../../../src/mcp/http/admission.ts'
import { createHttpGuard, type HttpGuard, type HttpGuardOptions } from '../../../src/mcp/http/http-guard.ts'
import type { IssuerConfig } from '../../../src/mcp/tokens/issuer-config.ts'
import { createTokenVerifier } from '../../../src/mcp/tokens/token-verifier.ts'
import { startIssuer, type TestIssuer } from '../tokens/issuer.ts'

export interface GuardedServer {
  readonly resource: string
  readonly origin: string
  readonly issuer: TestIssuer
  readonly guard: HttpGuard
  readonly refused: RefusedRequest[]
  /** Everything that a tool handler could get hold of, as JSON, per call. */
  readonly seen: string[]
  /** How often the host's handler ran. */
  admitted(): number
  close(): Promise<void>
}

/** One event store for all sessions, as careless hosts have it. */
function sharedEventStore(): EventStore {
  const events: { id: string; streamId: string; message: unknown }[] = []
  return {
    async storeEvent(streamId, message) {
      const id = `${events.length}`
      events.push({ id, streamId, message })
      return id
    },
    async replayEventsAfter(lastEventId, { send }) {
      const first = events[Number(lastEventId)]
      for (const event of events.slice(Number(lastEventId) + 1))
        if (event.streamId === first?.streamId) await send(event.id, event.message as never)
      return first?.streamId ?? ''
    },
  }
}

export async function startGuardedServer(
  changes: {
    adapter?: 'node' | 'fetch'
    http?: Partial<HttpGuardOptions>
    issuer?: Partial<IssuerConfig>
  } = {},
): Promise<GuardedServer> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const resource = `${origin}/mcp`
  const issuer = await startIssuer({ resource })
  const refused: RefusedRequest[] = []
  const seen: string[] = []
  const eventStore = sharedEventStore()
  const guard = createHttpGuard({
    resource,
    authorizationServers: [issuer.issuer],
    scopes: ['docs.read'],
    verifier: createTokenVerifier({
      resource,
      issuers: [
        {
          issuer: issuer.issuer,
          user_when: 'claims.sub != claims.client_id',
          subject: 'user:{claims.sub}',
          network: 'loopback',
          ...changes.issuer,
        },
      ],
      clock: changes.http?.clock,
    }),
    requiredScopes: (message) =>
      JSON.stringify(message).includes('"delete"') ? ['docs.read', 'docs.write'] : ['docs.read'],
    onRefused: (one) => refused.push(one),
    onError: (error) => console.error(error),
    ...changes.http,
  })
  let admitted = 0
  const makeServer = (): McpServer => {
    const mcp = new McpServer({ name: 'test', version: '1' }, { capabilities: { logging: {} } })
    mcp.registerTool('whoami', {}, async (extra) => {
      seen.push(JSON.stringify(extra))
      const principal = extra.authInfo?.extra?.cardeaPrincipal as { subject: string }
      return { content: [{ type: 'text', text: principal.subject }] }
    })
    mcp.registerTool('delete', {}, async () => ({ content: [] }))
    mcp.registerTool('slow', {}, async (extra) => {
      await extra.sendNotification({
        method: 'notifications/message',
        params: { level: 'info', data: 'begun' },
      })
      await new Promise((resolve) => setTimeout(resolve, 20_000).unref())
      return { content: [] }
    })
    return mcp
  }
  const sessionOptions = (remember: (id: string) => void) => ({
    sessionIdGenerator: () => randomUUID(),
    eventStore,
    onsessioninitialized: remember,
  })
  const nodeSessions = new Map<string, StreamableHTTPServerTransport>()
  const webSessions = new Map<string, WebStandardStreamableHTTPServerTransport>()
  const handler =
    changes.adapter === 'fetch'
      ? getRequestListener(
          guard.fetchHandler(async (request, context) => {
            admitted++
            seen.push(JSON.stringify([...request.headers]))
            let transport = webSessions.get(request.headers.get('mcp-session-id') ?? '')
            if (!transport) {
              const fresh = new WebStandardStreamableHTTPServerTransport(
                sessionOptions((id) => void webSessions.set(id, fresh)),
              )
              transport = fresh
              await makeServer().connect(transport)
            }
            return transport.handleRequest(request, context)
          }),
        )
      : guard.handler(async (request, response, body) => {
          admitted++
          seen.push(JSON.stringify([request.headers, request.rawHeaders, request.headersDistinct]))
          let transport = nodeSessions.get(String(request.headers['mcp-session-id']))
          if (!transport) {
            const fresh = new StreamableHTTPServerTransport(
              sessionOptions((id) => void nodeSessions.set(id, fresh)),
            )
            transport = fresh
            await makeServer().connect(transport)
          }
          await transport.handleRequest(request, response, body)
        })
  server.on('request', handler)
  return {
    resource,
    origin,
    issuer,
    guard,
    refused,
    seen,
    admitted: () => admitted,
    async close() {
      for (const transport of [...nodeSessions.values(), ...webSessions.values()]) await transport.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await issuer.close()
    },
  }
}

/** A JSON-RPC POST as MCP clients send it. */
export function post(
  url: string,
  message: unknown,
  headers: { readonly [name: string]: string } = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: typeof message === 'string' ? message : JSON.stringify(message),
  })
}

export const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } },
}

export function call(name: string, id = 2): object {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {} } }
}
