// The same server on SDK v2, for revision 2026-07-28 and, from the same factory, for the older ones. It knows nothing of users.

import {
  completable,
  createMcpHandler,
  inputRequired,
  McpServer,
  ResourceTemplate,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { type Effects, textOf } from './server-v1.ts'

const ids = ['open', 'secret'] as const
const png = 'iVBORw0KGgo='

/** One instance, as `createMcpHandler` wants one per request. */
export function createEveryPathServerV2(effects: Effects = { calls: {}, erased: [] }): McpServer {
  const server = new McpServer(
    { name: 'every-path', version: '2.0.0' },
    {
      capabilities: { logging: {}, resources: { subscribe: true, listChanged: true } },
      instructions: 'CANARY-instructions',
    },
  )
  const count = (name: string) => {
    effects.calls[name] = (effects.calls[name] ?? 0) + 1
  }
  const id = z.object({ id: z.string() })
  const text = (value: string) => ({ type: 'text' as const, text: value })

  server.registerTool(
    'search',
    {
      inputSchema: z.object({ query: z.string().optional() }),
      outputSchema: z.object({
        results: z.array(z.object({ id: z.string(), text: z.string() })),
        total: z.number(),
      }),
    },
    () => {
      count('search')
      const results = ids.map((one) => ({ id: one, text: textOf(one, 'tools-call-structured') }))
      const structuredContent = { results, total: results.length }
      return { structuredContent, content: [text(JSON.stringify(structuredContent))] }
    },
  )
  server.registerTool('list', {}, () => ({
    content: [text(ids.map((one) => `${one}: ${textOf(one, 'tools-call-lines')}`).join('\n'))],
  }))
  server.registerTool('read', { inputSchema: id }, (args) => {
    count('read')
    return { content: [text(textOf(args.id, 'tools-call-text'))], _meta: { debug: 'CANARY-meta' } }
  })
  server.registerTool('links', {}, () => ({
    content: [
      ...ids.map((one) => ({
        type: 'resource_link' as const,
        uri: `note://${one}`,
        name: textOf(one, 'resource-link'),
      })),
      ...ids.map((one) => ({
        type: 'resource' as const,
        resource: { uri: `note://${one}`, text: textOf(one, 'embedded-resource') },
      })),
      { type: 'resource_link', uri: 'other://x', name: 'CANARY-unmapped-link' },
      { type: 'image', data: png, mimeType: 'image/CANARY-image' },
      { type: 'audio', data: png, mimeType: 'audio/CANARY-audio' },
      text('CANARY-unmapped-text'),
    ],
  }))
  server.registerTool('work', { inputSchema: id }, async (args, ctx) => {
    count('work')
    const progressToken = ctx.mcpReq._meta?.progressToken
    if (progressToken !== undefined)
      await ctx.mcpReq.notify({
        method: 'notifications/progress',
        params: { progressToken, progress: 1, total: 2, message: textOf(args.id, 'progress') },
      })
    await ctx.mcpReq.log('info', textOf(args.id, 'log'))
    return { content: [text('done')] }
  })
  server.registerTool('ask', { inputSchema: id }, (args, ctx) => {
    count('ask')
    if (ctx.mcpReq.inputResponses !== undefined)
      return {
        content: [text(`${String(ctx.mcpReq.requestState())} ${JSON.stringify(ctx.mcpReq.inputResponses)}`)],
      }
    return inputRequired({
      inputRequests: {
        ok: inputRequired.elicit({
          message: textOf(args.id, 'elicitation'),
          requestedSchema: { type: 'object', properties: { ok: { type: 'boolean' } } },
        }),
      },
      requestState: `state of ${args.id} CANARY-state`,
    })
  })
  server.registerTool('fail', { inputSchema: id }, () => {
    throw new Error('CANARY-thrown: cannot open /srv/hr/salaries')
  })
  server.registerTool('erase', { inputSchema: id }, (args) => {
    effects.erased.push(args.id)
    return { content: [text('CANARY-erase')] }
  })
  server.registerTool('hidden', { description: 'CANARY-tools-list' }, () => ({
    content: [text('CANARY-hidden')],
  }))

  for (const one of ids) {
    server.registerResource(
      `note-${one}`,
      `note://${one}`,
      { description: textOf(one, 'resources-list') },
      (uri) => ({
        contents: [{ uri: uri.href, text: textOf(one, 'resources-read') }],
      }),
    )
  }
  server.registerResource('all', 'note://all', {}, () => ({
    contents: ids.map((one) => ({ uri: `note://${one}`, text: textOf(one, 'resources-read-other') })),
  }))
  server.registerResource('unmapped', 'other://x', { description: 'CANARY-unmapped-resource' }, (uri) => ({
    contents: [{ uri: uri.href, text: 'CANARY-unmapped-resource-text' }],
  }))
  server.registerResource(
    'note',
    new ResourceTemplate('note://{id}', { list: undefined, complete: { id: () => [...ids] } }),
    {},
    (uri) => ({ contents: [{ uri: uri.href, text: 'by template' }] }),
  )
  server.registerResource(
    'CANARY-template',
    new ResourceTemplate('other://{id}', { list: undefined }),
    { description: 'CANARY-templates-list' },
    (uri) => ({ contents: [{ uri: uri.href, text: 'CANARY-template-text' }] }),
  )
  server.registerPrompt(
    'summary',
    { argsSchema: z.object({ id: completable(z.string(), () => [...ids]) }) },
    (args) => ({
      messages: [{ role: 'user', content: text(textOf(args.id, 'prompts-get')) }],
    }),
  )
  server.registerPrompt('hidden', { description: 'CANARY-prompts-list' }, () => ({
    messages: [{ role: 'user', content: text('CANARY-prompts-hidden') }],
  }))
  return server
}

/** The handler of the SDK around it; `protect` is where a guard goes. */
export function createEveryPathHandler(protect: (server: McpServer) => void = () => {}, effects?: Effects) {
  return createMcpHandler(() => {
    const server = createEveryPathServerV2(effects)
    protect(server)
    return server
  })
}
