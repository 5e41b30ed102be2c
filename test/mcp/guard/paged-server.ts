// Shared by the tests of cursors: a server on either SDK whose lists have one entry per page, behind the guard or not, over real HTTP.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import {
  ErrorCode,
  ListPromptsRequestSchema,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListTasksRequestSchema,
  ListToolsRequestSchema,
  McpError,
} from '@modelcontextprotocol/sdk/types.js'
import { createMcpHandler, Server as ServerV2 } from '@modelcontextprotocol/server'
import type { Guard } from '../../../src/mcp/guard/create-guard.ts'
import type { HandlerFetch } from '../../../src/mcp/guard/listen-fetch.ts'
import { createHttpGuard } from '../../../src/mcp/http/http-guard.ts'
import type { Policy } from '../../../src/mcp/policy/policy.ts'
import type { TokenVerifier } from '../../../src/mcp/tokens/token-verifier.ts'
import { modernRequest } from './modern.ts'
import { principalOf } from './world.ts'

const ids = ['open', 'secret', 'last'] as const

/** Entries by list, in the order of `ids`; the policy knows `open` and `last` of each, and all of the resources. */
const entries: Readonly<Record<string, { key: string; entryOf: (id: string) => object }>> = {
  'tools/list': { key: 'tools', entryOf: (id) => ({ name: id, inputSchema: { type: 'object' } }) },
  'prompts/list': { key: 'prompts', entryOf: (id) => ({ name: id }) },
  'resources/list': { key: 'resources', entryOf: (id) => ({ uri: `note://${id}`, name: id }) },
  'resources/templates/list': {
    key: 'resourceTemplates',
    entryOf: (id) => ({ uriTemplate: id === 'secret' ? 'hidden://{id}' : 'note://{id}', name: id }),
  },
  'tasks/list': {
    key: 'tasks',
    entryOf: (taskId) => ({
      taskId,
      status: 'working',
      ttl: null,
      createdAt: '2026-01-01T00:00:00Z',
      lastUpdatedAt: '2026-01-01T00:00:00Z',
    }),
  },
}

export const pagedPolicy: Policy = {
  trust_on_first_use: true,
  tools: Object.fromEntries(
    ['open', 'last'].map((name) => [
      name,
      { effect: 'read', unchecked: [], result: { fixed: 'done' }, public: true, tasks: true },
    ]),
  ),
  resources: [{ uri: 'note://{id}', all: ['note:{id}#view'] }],
  prompts: Object.fromEntries(
    ['open', 'last'].map((name) => [name, { result: 'whole', public: true } as const]),
  ),
}

/** One page; the cursor names the entry before it, as cursors of databases do. Empty pages have a cursor too. */
function pageOf(method: string, cursor: string | undefined): object {
  const { key, entryOf } = entries[method]!
  const index = cursor === undefined ? 0 : ids.findIndex((id) => `after CANARY-${id}` === cursor) + 1
  if (cursor !== undefined && index === 0)
    throw new McpError(ErrorCode.InvalidParams, `unknown cursor ${cursor}`)
  const id = ids[index]
  const isLast = index === ids.length - 1
  return {
    [key]: id === undefined ? [] : [entryOf(id)],
    ...(!isLast && { nextCursor: `after CANARY-${id}` }),
  }
}

const capabilities = { tools: {}, prompts: {}, resources: {}, tasks: { list: {} } }

function serverV1(asked: string[]): Server {
  const server = new Server({ name: 'paged', version: '1' }, { capabilities })
  for (const schema of [
    ListToolsRequestSchema,
    ListPromptsRequestSchema,
    ListResourcesRequestSchema,
    ListResourceTemplatesRequestSchema,
    ListTasksRequestSchema,
  ])
    server.setRequestHandler(schema as typeof ListToolsRequestSchema, ({ method, params }) => {
      asked.push(`${method} ${params?.cursor}`)
      return pageOf(method, params?.cursor) as never
    })
  return server
}

function serverV2(asked: string[]): ServerV2 {
  const { tasks: _, ...shared } = capabilities
  const server = new ServerV2({ name: 'paged', version: '2' }, { capabilities: shared })
  for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'] as const)
    server.setRequestHandler(method, ({ params }) => {
      asked.push(`${method} ${params?.cursor}`)
      return pageOf(method, params?.cursor) as never
    })
  return server
}

/** Takes `Bearer alice` for alice: what tokens are worth is tested where they are verified. */
const byName: TokenVerifier = {
  verify: async ({ authorization }) => ({
    principal: principalOf(authorization!.slice('Bearer '.length), {
      expiresAtMs: Date.now() + 7 * 24 * 3_600_000,
    }),
  }),
}

export interface PagedAnswer {
  readonly result?: { readonly nextCursor?: string } & Record<string, unknown>
  readonly error?: { readonly code: number; readonly message: string }
}

export interface PagedServer {
  /** What reached the server: method and cursor. */
  readonly asked: string[]
  /** One page of a list over HTTP, with every byte of the answer's body. */
  list(name: string, method: string, cursor?: unknown): Promise<PagedAnswer & { readonly bytes: string }>
  close(): Promise<void>
}

/** Starts it on a free loopback port; without a guard when none is given. */
export async function startPagedServer(sdk: 'v1' | 'v2', guard: Guard | undefined): Promise<PagedServer> {
  const http = createServer()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`
  const asked: string[] = []
  const door = createHttpGuard({
    resource: url,
    authorizationServers: ['https://idp.example'],
    verifier: byName,
  })
  const handler = createMcpHandler(() => {
    const server = serverV2(asked)
    guard?.protect(server as never)
    return server
  })
  const plain = handler as unknown as { fetch: HandlerFetch }
  const v2 = guard ? guard.protectHandler(plain) : plain
  http.on(
    'request',
    sdk === 'v2'
      ? getRequestListener(door.fetchHandler((request, context) => v2.fetch(request, context as never)))
      : door.handler(async (request, response, body) => {
          const server = serverV1(asked)
          guard?.protect(server)
          const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })
          await server.connect(transport)
          await transport.handleRequest(request, response, body)
        }),
  )
  return {
    asked,
    async list(name, method, cursor) {
      const params = cursor === undefined ? {} : { cursor }
      const modern = modernRequest(method, params)
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...(sdk === 'v2' && modern.headers),
          authorization: `Bearer ${name}`,
        },
        body: sdk === 'v2' ? modern.body : JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      })
      const bytes = await response.text()
      const json = bytes.startsWith('{') ? bytes : /^data: (.*)$/m.exec(bytes)![1]!
      return { ...(JSON.parse(json) as PagedAnswer), bytes }
    },
    async close() {
      await handler.close()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}
