// The demo's parts, started together: authorization server, Cardea service, guarded MCP server.

import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateCheckpointKey } from '../../audit/checkpoint.ts'
import { type AuditLog, createAuditLog } from '../../audit/create-audit-log.ts'
import { createGuard } from '../../mcp/guard/create-guard.ts'
import { createHttpGuard } from '../../mcp/http/http-guard.ts'
import { loadPolicy } from '../../mcp/policy/load-policy.ts'
import { createTokenVerifier } from '../../mcp/tokens/token-verifier.ts'
import { parseRelationship } from '../../model/relationship-text.ts'
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { formatServerAddress } from '../server-address.ts'
import { type Service, startService } from '../service.ts'
import { type AuthorizationServer, startAuthorizationServer } from './authorization-server.ts'
import { demoRelationships, writeDemoFiles } from './documents.ts'
import { createDocumentsServer, type HandlerCalls } from './documents-server.ts'
import { listenOnLoopback, serveSessions } from './mcp-endpoint.ts'
import { demoPolicy, demoScopes } from './policy.ts'

export interface DemoWorld {
  /** Where files, datastore and audit log lie; left behind for looking at. */
  readonly folder: string
  readonly documents: string
  readonly auditLog: string
  /** Public key of the log's checkpoints, a JWK file. */
  readonly auditKey: string
  readonly mcpUrl: string
  readonly authorization: AuthorizationServer
  readonly service: Service
  readonly grpcAddr: string
  readonly httpAddr: string
  readonly presharedKey: string
  readonly relationshipCount: number
  /** Calls that reached a handler of the MCP server, by tool. */
  readonly handlerCalls: HandlerCalls
  /** Stops everything and removes its files, but for the audit log where that is to stay. */
  close(kept?: 'audit log' | 'nothing'): Promise<void>
}

/** A resource that is not the demo's, so that a token for someone else can be tried. */
export const otherResource = 'http://127.0.0.1:9/other'

const schemaFile = new URL('../../../schema/examples/documents.zed', import.meta.url)

/** Starts everything on free loopback ports. What was started is stopped again when a part fails. */
export async function startDemoWorld(warn: (message: string) => void): Promise<DemoWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-demo-'))
  const documents = join(folder, 'documents')
  const auditLog = join(folder, 'audit.jsonl')
  const auditKey = join(folder, 'audit-key.json')
  mkdirSync(documents)
  writeDemoFiles(documents)

  const undo: (() => Promise<unknown>)[] = []
  const close = async (kept: 'audit log' | 'nothing' = 'nothing') => {
    for (const stop of undo.reverse()) await stop()
    if (kept === 'nothing') rmSync(folder, { recursive: true, force: true })
    else
      for (const name of readdirSync(folder))
        if (!name.startsWith('audit')) rmSync(join(folder, name), { recursive: true, force: true })
  }
  try {
    const { server, url: mcpUrl } = await listenOnLoopback()
    undo.push(async () => {
      server.closeAllConnections()
      server.close()
    })
    const authorization = await startAuthorizationServer({ resource: mcpUrl, otherResource })
    undo.push(() => authorization.close())

    const presharedKey = randomBytes(24).toString('base64url')
    const loopback = { host: '127.0.0.1', port: 0 }
    const service = await startService({
      store: await openSqliteStore({ path: join(folder, 'cardea.db') }),
      grpcAddress: loopback,
      httpAddress: loopback,
      presharedKeys: [{ key: presharedKey, role: 'read-write' }],
      log: (level, message) => {
        if (level !== 'info') warn(message)
      },
    })
    undo.push(() => service.close(1000))
    const { authorizer } = service
    await authorizer.writeSchema(readFileSync(schemaFile, 'utf8'))
    const relationships = demoRelationships()
    await authorizer.writeRelationships({
      updates: relationships.map((text) => ({ operation: 'touch', relationship: parseRelationship(text) })),
    })

    const { privateKey, publicKey } = await generateCheckpointKey()
    writeFileSync(auditKey, JSON.stringify(publicKey))
    const audit: AuditLog = await createAuditLog({
      path: auditLog,
      checkpoints: { key: privateKey, everyRecords: 10, everyMs: 1000 },
    })
    undo.push(() => audit.close())
    const handlerCalls: HandlerCalls = {}
    const policy = demoPolicy(mcpUrl, authorization.issuer)
    const log = { info: () => {}, warn: () => {}, error: (_: object, message: string) => warn(message) }
    const guard = createGuard({ authorizer, policy: loadPolicy(policy), audit, log })
    const httpGuard = createHttpGuard({
      resource: mcpUrl,
      authorizationServers: [authorization.issuer],
      verifier: createTokenVerifier({ resource: mcpUrl, issuers: policy.issuers! }),
      scopes: Object.values(demoScopes),
      mayStay: (principal) => guard.mayConnect(principal),
      // The MCP Inspector's page, when it connects straight from the browser.
      origins: ['http://localhost:6274', 'http://127.0.0.1:6274'],
      requiredScopes: (message) => guard.requiredScopes(message),
      onRefused: ({ method, path, status, description }) => {
        const event = {
          phase: 'refused',
          callId: randomUUID(),
          at: new Date().toISOString(),
          method: `${method} ${path}`,
          decisions: [],
        } as const
        audit
          .append({ ...event, outcome: 'denied', detail: `${status}: ${description}` })
          .catch((error: Error) => warn(error.message))
      },
    })
    const sessions = serveSessions(server, httpGuard, () => {
      const documentsServer = createDocumentsServer(documents, handlerCalls)
      guard.protect(documentsServer)
      return documentsServer
    })
    undo.push(() => sessions.close())
    return {
      folder,
      documents,
      auditLog,
      auditKey,
      mcpUrl,
      authorization,
      service,
      grpcAddr: formatServerAddress({ ...loopback, port: service.grpc.port }),
      httpAddr: formatServerAddress({ ...loopback, port: service.http.port }),
      presharedKey,
      relationshipCount: relationships.length,
      handlerCalls,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
