// Shared by the guard's tests: a real service in memory, principals, and clients over a linked pair of transports.

import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import type { Server } from '@modelcontextprotocol/sdk/server/index.js'
import type { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import type { AuditEvent, AuditSink } from '../../../src/audit/audit.ts'
import { createAuthorizer, type LocalAuthorizer } from '../../../src/authorizer/create-authorizer.ts'
import { createGuard, type Guard, type GuardOptions } from '../../../src/mcp/guard/create-guard.ts'
import type { GuardLog } from '../../../src/mcp/guard/guard-core.ts'
import type { Policy } from '../../../src/mcp/policy/policy.ts'
import type { Principal } from '../../../src/mcp/principal.ts'
import { parseRelationship } from '../../../src/model/relationship-text.ts'
import { memoryStore } from '../../../src/store/memory/store.ts'

export const schema = `
use expiration

caveat from_office(ip ipaddress) {
  ip.in_cidr("10.0.0.0/8")
}

definition user {
  relation act_as: agent
}
definition service {}
definition agent {}
definition group {
  relation member: user
}
definition graph {
  relation creator: user
  permission create = creator
}
definition entity {
  relation owner: user
  permission view = owner
}
definition folder {
  relation viewer: user
  relation parent: folder
  permission list = viewer + parent->list
  permission create = list
}
definition file {
  relation viewer: user
  permission read = viewer
  permission delete = viewer
}
definition document {
  relation viewer: user | user with from_office | user with expiration
  relation editor: user
  permission view = viewer + editor
  permission delete = editor
}
`

/** A service in memory with this schema and these relationships. */
export async function startService(
  relationships: readonly string[],
  text = schema,
): Promise<LocalAuthorizer> {
  const authorizer = await createAuthorizer({ store: memoryStore() })
  await authorizer.writeSchema(text)
  await touch(authorizer, relationships)
  return authorizer
}

export async function touch(authorizer: LocalAuthorizer, relationships: readonly string[]): Promise<void> {
  if (relationships.length === 0) return
  await authorizer.writeRelationships({
    updates: relationships.map((one) => ({ operation: 'touch', relationship: parseRelationship(one) })),
  })
}

export async function revoke(authorizer: LocalAuthorizer, relationships: readonly string[]): Promise<void> {
  await authorizer.writeRelationships({
    updates: relationships.map((one) => ({ operation: 'delete', relationship: parseRelationship(one) })),
  })
}

export function principalOf(name: string, more: Partial<Principal> = {}): Principal {
  return {
    issuer: 'https://idp.example',
    subject: name,
    kind: 'user',
    subjectRef: { type: 'user', id: name, relation: '' },
    agentRef: { type: 'agent', id: 'client/app', relation: '' },
    clientId: 'app',
    actors: [],
    scopes: new Set(['docs.read', 'docs.write']),
    claims: { sub: name, client_id: 'app' },
    expiresAtMs: Date.now() + 3_600_000,
    ...more,
  }
}

/** Keeps what was appended; `fail` makes it refuse. */
export class MemoryAudit implements AuditSink {
  readonly events: AuditEvent[] = []
  fail: ((event: AuditEvent) => boolean) | undefined

  async append(event: AuditEvent): Promise<void> {
    if (this.fail?.(event)) throw new Error('the disk is full')
    this.events.push(structuredClone(event))
  }

  async close(): Promise<void> {}
}

export interface LoggedLine {
  readonly level: string
  readonly message: string
  readonly facts: object
}

export function memoryLog(lines: LoggedLine[]): GuardLog {
  const write = (level: string) => (facts: object, message: string) => {
    lines.push({ level, message, facts })
  }
  return { info: write('info'), warn: write('warn'), error: write('error') }
}

export interface GuardWorld {
  readonly authorizer: LocalAuthorizer
  readonly audit: MemoryAudit
  readonly log: LoggedLine[]
  readonly guard: Guard
}

export async function createWorld(
  policy: Policy | string,
  relationships: readonly string[],
  more: Partial<GuardOptions> & { schema?: string } = {},
): Promise<GuardWorld> {
  const authorizer = await startService(relationships, more.schema)
  const audit = new MemoryAudit()
  const log: LoggedLine[] = []
  const { schema: _, ...options } = more
  const guard = createGuard({ authorizer, audit, log: memoryLog(log), policy, ...options })
  return { authorizer, audit, log, guard }
}

export interface Connected {
  readonly client: Client
  /** Every message that reached the client, as text. */
  readonly received: string[]
  close(): Promise<void>
}

/** Connects a real client to `server` over a linked pair; `principal` is what a door would have verified. */
export async function connect(
  server: McpServer | Server,
  principal: Principal | undefined,
  prepare: (client: Client) => void = () => {},
  capabilities: object = { sampling: {}, elicitation: {}, roots: { listChanged: true } },
  request?: object,
): Promise<Connected> {
  const [clientSide, serverSide] = InMemoryTransport.createLinkedPair()
  const received: string[] = []
  const send = clientSide.send.bind(clientSide)
  const authInfo = principal && {
    token: 'RAW-TOKEN',
    clientId: principal.clientId ?? '',
    scopes: [...principal.scopes],
    extra: { cardeaPrincipal: principal, ...(request && { cardeaRequest: request }) },
  }
  clientSide.send = (message, options) => send(message, { ...options, authInfo })
  const client = new Client({ name: 'test', version: '1' }, { capabilities })
  prepare(client)
  await server.connect(serverSide)
  const connecting = client.connect(clientSide)
  const onmessage = clientSide.onmessage!
  clientSide.onmessage = (message, extra) => {
    received.push(JSON.stringify(message))
    onmessage(message, extra)
  }
  await connecting
  return { client, received, close: () => client.close() }
}
