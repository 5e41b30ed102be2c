// The demo's MCP endpoint: Streamable HTTP with one server per session, as the SDK's own examples host it.

import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { HttpGuard } from '../../mcp/http/http-guard.ts'
import type { NodeNext } from '../../mcp/http/node-handler.ts'

/** A listening server without a handler yet: its URL has to be known before tokens can be issued for it. */
export async function listenOnLoopback(): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp` }
}

/** Serves sessions of `makeServer` behind the guard's HTTP side. */
export function serveSessions(
  server: Server,
  httpGuard: HttpGuard,
  makeServer: () => McpServer,
): { close(): Promise<void> } {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      onsessionclosed: (id) => void sessions.delete(id),
    })
    await makeServer().connect(transport)
    return transport
  }
  const next: NodeNext = async (request, response, body) => {
    const id = request.headers['mcp-session-id']
    const transport = typeof id === 'string' ? sessions.get(id) : await open()
    if (transport === undefined) {
      response.writeHead(404).end()
      return
    }
    await transport.handleRequest(request, response, body)
  }
  server.on('request', httpGuard.handler(next))
  return {
    close: async () => {
      for (const transport of sessions.values()) await transport.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
