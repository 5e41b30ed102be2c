// Tokens for servers behind the guarded one: of their own, in the caller's name, and no outgoing byte is of the incoming token.

import { connect as connectSocket, createServer, type Server } from 'node:net'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { afterEach, expect, test } from 'vitest'
import { type DownstreamWorld, startDownstream } from '../../../examples/downstream/start-downstream.ts'
import { documentsServer, readRule } from './documents.ts'
import { connect, createWorld, type LoggedLine, MemoryAudit, memoryLog, principalOf } from './world.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

/** A TCP relay that keeps every byte that goes through it towards the server behind. */
async function relay(target: string, bytes: Buffer[]): Promise<string> {
  const { port, pathname } = new URL(target)
  const server: Server = createServer((incoming) => {
    const outgoing = connectSocket(Number(port), '127.0.0.1')
    incoming.on('data', (chunk) => bytes.push(chunk))
    incoming.pipe(outgoing).pipe(incoming)
    for (const socket of [incoming, outgoing])
      socket.on('error', () => {
        incoming.destroy()
        outgoing.destroy()
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  undo.push(() => server.close())
  return `http://127.0.0.1:${(server.address() as { port: number }).port}${pathname}`
}

async function call(world: DownstreamWorld, token: string, id: string): Promise<string> {
  const client = new Client({ name: 'test', version: '1' })
  const requestInit = { headers: { authorization: `Bearer ${token}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL(world.mcpUrl), { requestInit }) as never)
  const said = JSON.stringify(await client.callTool({ name: 'read_order', arguments: { id } }))
  await client.close()
  return said
}

test('the service behind learns user, agent and server, and not one byte of the incoming token', async () => {
  const outgoing: Buffer[] = []
  const audit = new MemoryAudit()
  const lines: LoggedLine[] = []
  const world = await startDownstream({
    audit,
    log: memoryLog(lines),
    through: (url) => relay(url, outgoing),
  })
  undo.push(() => world.close())
  const tokens = { alice: await world.issuer.tokenFor('alice'), bob: await world.issuer.tokenFor('bob') }
  const own = await call(world, tokens.alice, 'o1')
  expect(own).toContain('/orders/o1 for alice, agent agent, through orders-mcp')
  expect(await call(world, tokens.alice, 'o1')).toBe(own)
  expect(await call(world, tokens.bob, 'o2')).toContain('for bob, agent agent')
  const seen = Buffer.concat(outgoing).toString('latin1')
  expect(seen.match(/authorization: Bearer /gi)).toHaveLength(3)
  // Two people, one exchange each; the second call of the first was served from the cache.
  expect(world.issuer.exchanges).toEqual([
    expect.objectContaining({ resource: world.apiUrl, scope: 'orders.read' }),
    expect.objectContaining({ resource: world.apiUrl, scope: 'orders.read' }),
  ])
  expect(await call(world, tokens.alice, 'o2')).toContain('Not found')
  expect(world.issuer.exchanges).toHaveLength(2)
  const everywhere = seen + JSON.stringify(audit.events) + JSON.stringify(lines) + own
  for (const token of Object.values(tokens)) {
    const [, payload, signature] = token.split('.')
    for (const part of [token, payload!, signature!]) expect(everywhere).not.toContain(part)
  }
  // A token for the one server is worth nothing at the other, in either direction.
  const direct = await fetch(`${world.apiUrl}/o1`, { headers: { authorization: `Bearer ${tokens.alice}` } })
  expect(direct.status).toBe(401)
  const ownToken = /authorization: Bearer (\S+)/i.exec(seen)![1]!
  const back = await fetch(world.mcpUrl, {
    method: 'POST',
    headers: { authorization: `Bearer ${ownToken}`, 'content-type': 'application/json' },
    body: '{}',
  })
  expect(back.status).toBe(401)
})

test('without an exchange, without a token, outside of a call: an error and nothing else', async () => {
  const world = await createWorld({ trust_on_first_use: true, tools: { read: readRule } }, [
    'document:plan#viewer@user:alice',
  ])
  undo.push(() => world.authorizer.close())
  const target = { resource: 'https://api.example/' }
  await expect(world.guard.tokenFor({}, target)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })

  const never = { tokenFor: () => Promise.reject(new Error('must not be asked')) }
  const guarded = await createWorld(
    { trust_on_first_use: true, tools: { mine: { effect: 'read', result: 'whole', public: true } } },
    [],
    { tokenExchange: never },
  )
  undo.push(() => guarded.authorizer.close())
  await expect(guarded.guard.tokenFor({}, target)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  const { server } = documentsServer([])
  expect(server).toBeInstanceOf(McpServer)
  let thrown: unknown
  server.registerTool('mine', {}, async (extra) => {
    thrown = await guarded.guard.tokenFor(extra, target).catch((error) => error)
    return { content: [] }
  })
  guarded.guard.protect(server)
  const one = await connect(server, principalOf('alice'))
  undo.push(() => one.close())
  await one.client.callTool({ name: 'mine', arguments: {} })
  expect(thrown).toMatchObject({
    code: 'UNAUTHENTICATED',
    message: expect.stringContaining('without a token'),
  })
})
