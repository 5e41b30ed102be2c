// Elicitation by URL: passed on for tools that may ask, and its completion told for those that were passed on and no others.

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  ElicitationCompleteNotificationSchema,
  ElicitRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterEach, expect, test } from 'vitest'
import { createHttpGuard } from '../../../src/mcp/http/http-guard.ts'
import { connect, createWorld, principalOf } from './world.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

test.each([
  [true, ['asked https://pay.example/1', 'complete e1']],
  [false, []],
])('a rule that allows it: %s', async (allowed, expected) => {
  const world = await createWorld(
    {
      trust_on_first_use: true,
      tools: {
        pay: {
          effect: 'read',
          public: true,
          result: 'whole',
          ...(allowed && { asks: ['elicitation'] as const }),
        },
      },
    },
    [],
  )
  undo.push(() => world.authorizer.close())
  const server = new McpServer({ name: 'pay', version: '1' })
  const complete = (elicitationId: string) =>
    server.server.notification({ method: 'notifications/elicitation/complete', params: { elicitationId } })
  server.registerTool('pay', {}, async () => {
    const url = { mode: 'url' as const, message: 'Pay', elicitationId: 'e1', url: 'https://pay.example/1' }
    await server.server.elicitInput(url).catch(() => {})
    await complete('of-somebody-else')
    await complete('e1')
    await complete('e1')
    return { content: [] }
  })
  world.guard.protect(server)
  const heard: string[] = []
  const one = await connect(
    server,
    principalOf('alice'),
    (client) => {
      client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
        heard.push(`asked ${(params as { url?: string }).url}`)
        return { action: 'accept' }
      })
      client.setNotificationHandler(ElicitationCompleteNotificationSchema, ({ params }) => {
        heard.push(`complete ${params.elicitationId}`)
      })
    },
    { elicitation: { url: {}, form: {} } },
  )
  undo.push(() => one.close())
  await one.client.callTool({ name: 'pay', arguments: {} })
  expect(heard).toEqual(expected)
})

test('neither metadata nor challenge ever asks for offline_access', () => {
  const options = {
    resource: 'https://mcp.example/mcp',
    authorizationServers: ['https://idp.example'],
    verifier: { verify: async () => ({ refusal: { status: 401, description: 'no' } as const }) },
  }
  expect(() => createHttpGuard({ ...options, scopes: ['docs.read', 'offline_access'] })).toThrow(
    /offline_access/,
  )
})
