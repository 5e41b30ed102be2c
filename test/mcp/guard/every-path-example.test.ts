// The every-path example with real tokens over real HTTP, on both SDKs, guarded and not.

import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterEach, describe, expect, test } from 'vitest'
import { type EveryPathWorld, startEveryPath } from '../../../examples/every-path/start-every-path.ts'
import { MemoryAudit } from './world.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

async function start(sdk: 'v1' | 'v2', guarded: boolean): Promise<EveryPathWorld & { audit: MemoryAudit }> {
  const audit = new MemoryAudit()
  const world = await startEveryPath({ sdk, guarded, audit, warn: () => {} })
  undo.push(() => world.close())
  return { ...world, audit }
}

async function search({ url, users }: EveryPathWorld, name: 'alice' | 'bob'): Promise<string> {
  const client = new Client({ name: 'test', version: '1' })
  const headers = { authorization: `Bearer ${users[name].token}` }
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }) as never)
  undo.push(() => client.close())
  return JSON.stringify(await client.callTool({ name: 'search', arguments: { query: 'x' } }))
}

describe.each(['v1', 'v2'] as const)('SDK %s', (sdk) => {
  test('guarded: each sees what is theirs, and every call is recorded', async () => {
    const world = await start(sdk, true)
    expect(await search(world, 'alice')).toContain('CANARY-tools-call-structured')
    expect(await search(world, 'bob')).not.toContain('CANARY')
    const calls = world.audit.events.filter(({ tool }) => tool === 'search')
    expect(calls.map(({ principal, outcome }) => `${principal?.subject} ${outcome}`)).toEqual([
      'alice allowed',
      'bob filtered',
    ])
  })

  test('without the guard everybody sees everything', async () => {
    expect(await search(await start(sdk, false), 'bob')).toContain('CANARY-tools-call-structured')
  })

  test('without a token nobody gets anything', async () => {
    const { url } = await start(sdk, true)
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toContain('resource_metadata=')
  })
})
