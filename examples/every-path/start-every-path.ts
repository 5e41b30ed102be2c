// The every-path world: a real authorization server, a real service, and one of the two servers behind the guard, or without it.

import { randomUUID } from 'node:crypto'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import type { AuditSink } from '../../src/audit/audit.ts'
import { createAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { startAuthorizationServer } from '../../src/cli/demo/authorization-server.ts'
import { createGuard, type Guard } from '../../src/mcp/guard/create-guard.ts'
import type { HandlerFetch } from '../../src/mcp/guard/listen-fetch.ts'
import { createHttpGuard } from '../../src/mcp/http/http-guard.ts'
import type { AdmittedMessage, NodeNext } from '../../src/mcp/http/node-handler.ts'
import { createTokenVerifier } from '../../src/mcp/tokens/token-verifier.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import { everyPathPolicy, everyPathSchema } from './policy.ts'
import { createEveryPathServer } from './server-v1.ts'

export interface EveryPathOptions {
  readonly sdk: 'v1' | 'v2'
  readonly guarded: boolean
  readonly audit: AuditSink
  readonly warn: (message: string) => void
}

export interface EveryPathWorld {
  readonly url: string
  /** Access tokens: alice may see everything, bob only what is open. */
  readonly users: { readonly alice: { readonly token: string }; readonly bob: { readonly token: string } }
  /** Takes a relationship away, or gives it back. */
  change(operation: 'touch' | 'delete', relationship: string): Promise<void>
  close(): Promise<void>
}

const relationships = [
  ...['open', 'secret', 'all'].map((id) => `note:${id}#owner@user:alice`),
  'note:open#reader@user:bob',
  'note:all#reader@user:bob',
]

/** Starts everything on free loopback ports. */
export async function startEveryPath({
  sdk,
  guarded,
  audit,
  warn,
}: EveryPathOptions): Promise<EveryPathWorld> {
  const http = createServer()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`
  const authorization = await startAuthorizationServer({
    resource: url,
    otherResource: 'http://127.0.0.1:9/other',
  })
  const authorizer = await createAuthorizer({ store: memoryStore() })
  await authorizer.writeSchema(everyPathSchema)
  await authorizer.writeRelationships({
    updates: relationships.map((text) => ({ operation: 'touch', relationship: parseRelationship(text) })),
  })
  const { slow, ...tools } = everyPathPolicy.tools!
  const policy = sdk === 'v1' ? everyPathPolicy : { ...everyPathPolicy, tools }
  const say = (_: object, message: string) => warn(message)
  const guard = createGuard({ authorizer, audit, policy, log: { info: () => {}, warn: say, error: say } })
  const door = createHttpGuard({
    resource: url,
    authorizationServers: [authorization.issuer],
    verifier: createTokenVerifier({
      resource: url,
      issuers: [
        {
          issuer: authorization.issuer,
          network: 'loopback',
          user_when: 'claims.sub != claims.client_id',
          subject: 'user:{claims.sub}',
          agent: ['agent:client/{claims.client_id}'],
        },
      ],
    }),
    requiredScopes: (message) => (guarded ? guard.requiredScopes(message) : []),
  })
  const served =
    sdk === 'v1' ? serveV1(guarded ? guard : undefined) : await serveV2(guarded ? guard : undefined)
  http.on('request', door.handler(served.next))
  const alice = { token: await authorization.tokenFor('alice') }
  const bob = { token: await authorization.tokenFor('bob') }
  return {
    url,
    users: { alice, bob },
    async change(operation, relationship) {
      await authorizer.writeRelationships({
        updates: [{ operation, relationship: parseRelationship(relationship) }],
      })
    },
    async close() {
      await served.close()
      await closeServer(http)
      await authorization.close()
      await authorizer.close()
    },
  }
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

interface Served {
  readonly next: NodeNext
  close(): Promise<void>
}

/** One instance per session, as SDK v1 has it. */
function serveV1(guard: Guard | undefined): Served {
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const begin = async () => {
    const server = createEveryPathServer()
    guard?.protect(server)
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    await server.connect(transport)
    return transport
  }
  return {
    async next(request, response, body) {
      const id = request.headers['mcp-session-id']
      const transport = typeof id === 'string' ? sessions.get(id) : await begin()
      if (transport === undefined) response.writeHead(404).end()
      else await transport.handleRequest(request, response, body)
    },
    async close() {
      for (const transport of sessions.values()) await transport.close()
    },
  }
}

/** One instance per request, as SDK v2 has it; both protocol generations. */
async function serveV2(guard: Guard | undefined): Promise<Served> {
  const { createEveryPathHandler } = await import('./server-v2.ts')
  const handler = createEveryPathHandler((server) => guard?.protect(server as never))
  const plain = { fetch: handler.fetch as unknown as HandlerFetch }
  const { fetch } = guard ? guard.protectHandler(plain) : plain
  return {
    next: async (request, response, body) => {
      const answer = await fetch(webRequest(request, body), {
        authInfo: request.auth as never,
        parsedBody: body,
      })
      await sendResponse(answer, response)
    },
    close: () => handler.close(),
  }
}

function webRequest(request: AdmittedMessage, body: object | undefined): Request {
  const headers = new Headers()
  for (const [name, value] of Object.entries(request.headers))
    if (typeof value === 'string') headers.set(name, value)
  const { method = 'GET' } = request
  const init = method === 'POST' ? { method, headers, body: JSON.stringify(body) } : { method, headers }
  return new Request(`http://${request.headers.host}${request.url}`, init)
}

async function sendResponse(answer: Response, response: ServerResponse): Promise<void> {
  response.writeHead(answer.status, Object.fromEntries(answer.headers))
  if (answer.body) {
    const reader = answer.body.getReader()
    response.once('close', () => void reader.cancel().catch(() => {}))
    for (let part = await reader.read(); !part.done; part = await reader.read()) response.write(part.value)
  }
  response.end()
}
