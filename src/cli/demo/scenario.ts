// The demo's story: what alice and bob ask, and what each gets, by the real MCP client over HTTP.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Question } from '../../model/decision.ts'
import { parseRelationship } from '../../model/relationship-text.ts'
import { formatExplanation } from '../print/explanation.ts'
import { table } from '../print/table.ts'
import type { DemoUser } from './authorization-server.ts'
import { type DemoWorld, otherResource } from './demo-world.ts'
import { demoDocuments } from './documents.ts'

/** One thing that the demo shows, and whether it came out as it must. */
export interface Finding {
  readonly title: string
  readonly lines: readonly string[]
  readonly holds: boolean
}

const query = 'plan'
/** alice is on the platform team; bob sells in EMEA. Neither may see what the other's team keeps to itself. */
const forbidden = { alice: 'payroll-run', bob: 'search-design' } as const
const revoked = 'group:platform#member@user:alice'

type ToolResult = Awaited<ReturnType<Client['callTool']>>

async function connected(mcpUrl: string, token: string): Promise<Client> {
  const client = new Client({ name: 'cardea-demo', version: '1.0.0' })
  const requestInit = { headers: { Authorization: `Bearer ${token}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), { requestInit }))
  return client
}

function idsOf(result: ToolResult): string[] {
  const { results } = (result.structuredContent ?? { results: [] }) as { results: { id: string }[] }
  return results.map(({ id }) => id)
}

function textOf(result: ToolResult): string {
  return (result.content as { text?: string }[]).map((block) => block.text ?? '').join('\n')
}

/** Plays the story once and says of each part whether it holds. The world is left as it was found. */
export async function* playScenario(
  world: DemoWorld,
  tokens: Readonly<Record<DemoUser, string>>,
  colour: boolean,
): AsyncGenerator<Finding> {
  const clients = {
    alice: await connected(world.mcpUrl, tokens.alice),
    bob: await connected(world.mcpUrl, tokens.bob),
  }
  try {
    yield* searches(clients, colour)
    yield await readForbidden(clients)
    yield await deleteForbidden(world, clients)
    yield await withoutToken(world)
    yield await foreignToken(world)
    yield await revocation(world, clients)
    yield* explanations(world)
  } finally {
    await Promise.all(Object.values(clients).map((client) => client.close()))
  }
}

type Clients = Readonly<Record<DemoUser, Client>>

function search(client: Client): Promise<ToolResult> {
  return client.callTool({ name: 'search_documents', arguments: { query } })
}

async function* searches(clients: Clients, colour: boolean): AsyncGenerator<Finding> {
  const seen = { alice: idsOf(await search(clients.alice)), bob: idsOf(await search(clients.bob)) }
  const matching = demoDocuments().filter(({ text }) => text.toLowerCase().includes(query))
  const mark = (user: DemoUser, id: string) => (seen[user].includes(id) ? 'sees it' : '·')
  const rows = matching.map(({ id, folder }) => [id, folder, mark('alice', id), mark('bob', id)])
  const onlyOne = matching.filter(({ id }) => seen.alice.includes(id) !== seen.bob.includes(id))
  yield {
    title: `Both search for "${query}". The server finds ${matching.length} documents; each gets back what they may see.`,
    lines: table(
      ['document', 'folder', `alice (${seen.alice.length})`, `bob (${seen.bob.length})`],
      rows,
      colour,
    ).split('\n'),
    holds:
      onlyOne.length > 0 &&
      seen.alice.length > 0 &&
      seen.bob.length > 0 &&
      seen.alice.length < matching.length,
  }
}

async function readForbidden({ bob }: Clients): Promise<Finding> {
  const denied = await bob.callTool({ name: 'read_document', arguments: { id: forbidden.bob } })
  const missing = await bob.callTool({ name: 'read_document', arguments: { id: 'no-such-document' } })
  return {
    title: 'bob reads a document he may not see, and one that does not exist. He cannot tell which is which.',
    lines: [
      `read_document ${forbidden.bob.padEnd(18)} ${JSON.stringify(textOf(denied))}`,
      `read_document ${'no-such-document'.padEnd(18)} ${JSON.stringify(textOf(missing))}`,
    ],
    holds: JSON.stringify(denied) === JSON.stringify(missing) && denied.isError === true,
  }
}

async function deleteForbidden(world: DemoWorld, { alice }: Clients): Promise<Finding> {
  const before = world.handlerCalls.delete_document ?? 0
  const reply = await alice.callTool({ name: 'delete_document', arguments: { id: forbidden.alice } })
  const after = world.handlerCalls.delete_document ?? 0
  const kept = existsSync(join(world.documents, 'finance', `${forbidden.alice}.md`))
  return {
    title: 'alice deletes a document of the finance team. The call never reaches the tool.',
    lines: [
      `delete_document ${forbidden.alice}: ${JSON.stringify(textOf(reply))}`,
      `calls that reached the handler: ${after - before}; the file is ${kept ? 'still there' : 'gone'}`,
    ],
    holds: reply.isError === true && after === before && kept,
  }
}

async function post(world: DemoWorld, token: string | undefined): Promise<Response> {
  return fetch(world.mcpUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  })
}

function refused(title: string, response: Response): Finding {
  const challenge = response.headers.get('www-authenticate') ?? ''
  return {
    title,
    lines: [`HTTP ${response.status}`, `WWW-Authenticate: ${challenge}`],
    holds: response.status === 401 && challenge.includes('/.well-known/oauth-protected-resource/mcp'),
  }
}

async function withoutToken(world: DemoWorld): Promise<Finding> {
  return refused('A call without a token is told where to get one.', await post(world, undefined))
}

async function foreignToken(world: DemoWorld): Promise<Finding> {
  const token = await world.authorization.tokenFor('alice', { resource: otherResource })
  return refused(
    'A token of alice that was issued for another server does not count here.',
    await post(world, token),
  )
}

async function revocation({ service }: DemoWorld, { alice }: Clients): Promise<Finding> {
  const relationship = parseRelationship(revoked)
  const before = idsOf(await search(alice))
  await service.authorizer.writeRelationships({ updates: [{ operation: 'delete', relationship }] })
  const after = idsOf(await search(alice))
  await service.authorizer.writeRelationships({ updates: [{ operation: 'touch', relationship }] })
  const restored = idsOf(await search(alice))
  return {
    title: `alice leaves the platform team (${revoked} is deleted). Her next call, with the same token, already differs.`,
    lines: [
      `before: ${before.length} documents`,
      `after:  ${after.length} documents (${after.join(', ') || 'none'})`,
      `back on the team: ${restored.length} documents`,
    ],
    holds: after.length < before.length && restored.length === before.length,
  }
}

async function* explanations({ service }: DemoWorld): AsyncGenerator<Finding> {
  const asked: readonly (readonly [DemoUser, string, string])[] = [
    ['alice', 'mobile-design', 'Why may alice see the mobile design? Nobody granted it to her by name.'],
    ['alice', 'hiring-bar', 'And why may she not see the hiring bar, which her team may?'],
  ]
  for (const [user, id, title] of asked) {
    const question: Question = {
      resource: { type: 'document', id },
      permission: 'view',
      subject: { type: 'user', id: user, relation: '' },
    }
    const { explanation, permissionship } = await service.authorizer.check(question, {
      explain: true,
      consistency: { kind: 'fully_consistent' },
    })
    const expected = id === 'hiring-bar' ? 'no' : 'has'
    yield {
      title,
      lines: formatExplanation(question, explanation!).split('\n'),
      holds:
        permissionship === expected &&
        (expected === 'has' || explanation?.reason?.kind === 'blocked_by_exclusion'),
    }
  }
}
