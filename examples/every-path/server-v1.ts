// A server on SDK v1 that uses every path by which data can leave, with a canary in each forbidden thing. It knows nothing of users.

import { InMemoryTaskStore } from '@modelcontextprotocol/sdk/experimental/tasks'
import { completable } from '@modelcontextprotocol/sdk/server/completable.js'
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js'
import { SubscribeRequestSchema, UnsubscribeRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'

/** What a note says on one path. The note `open` is for everybody, `secret` holds the canary. */
export function textOf(id: string, path: string): string {
  return id === 'secret' ? `CANARY-${path}` : `${id} ${path}`
}

const ids = ['open', 'secret'] as const
const png = 'iVBORw0KGgo='

/** Counts what handlers did. */
export interface Effects {
  calls: Record<string, number>
  erased: string[]
}

export function createEveryPathServer(effects: Effects = { calls: {}, erased: [] }): McpServer {
  const server = new McpServer(
    { name: 'every-path', version: '1.0.0' },
    {
      capabilities: {
        logging: {},
        resources: { subscribe: true, listChanged: true },
        tasks: { list: {}, cancel: {}, requests: { tools: { call: {} } } },
      },
      instructions: 'CANARY-instructions',
      taskStore: new InMemoryTaskStore(),
    },
  )
  const count = (name: string) => {
    effects.calls[name] = (effects.calls[name] ?? 0) + 1
  }
  const id = { id: z.string() }
  const text = (value: string) => ({ type: 'text' as const, text: value })

  server.registerTool(
    'search',
    {
      inputSchema: { query: z.string().optional() },
      outputSchema: { results: z.array(z.object({ id: z.string(), text: z.string() })), total: z.number() },
    },
    () => {
      count('search')
      const results = ids.map((one) => ({ id: one, text: textOf(one, 'tools-call-structured') }))
      const structuredContent = { results, total: results.length }
      return { structuredContent, content: [text(JSON.stringify(structuredContent))] }
    },
  )
  server.registerTool('list', {}, () => {
    count('list')
    return { content: [text(ids.map((one) => `${one}: ${textOf(one, 'tools-call-lines')}`).join('\n'))] }
  })
  server.registerTool('read', { inputSchema: id }, (args) => {
    count('read')
    return { content: [text(textOf(args.id, 'tools-call-text'))], _meta: { debug: 'CANARY-meta' } }
  })
  server.registerTool('links', {}, () => {
    count('links')
    return {
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
    }
  })
  server.registerTool('work', { inputSchema: id }, async (args, extra) => {
    count('work')
    const progressToken = extra._meta?.progressToken
    if (progressToken !== undefined)
      await extra.sendNotification({
        method: 'notifications/progress',
        params: { progressToken, progress: 1, total: 2, message: textOf(args.id, 'progress') },
      })
    await extra.sendNotification({
      method: 'notifications/message',
      params: { level: 'info', data: textOf(args.id, 'log') },
    })
    await server.sendLoggingMessage({ level: 'info', data: 'CANARY-log-of-no-call' })
    return { content: [text('done')] }
  })
  server.registerTool('ask', { inputSchema: id }, async (args) => {
    count('ask')
    const sampled = await server.server.createMessage({
      messages: [{ role: 'user', content: text(textOf(args.id, 'sampling')) }],
      maxTokens: 10,
    })
    const elicited = await server.server.elicitInput({
      message: textOf(args.id, 'elicitation'),
      requestedSchema: { type: 'object', properties: { ok: { type: 'boolean' } } },
    })
    return { content: [text(`${JSON.stringify(sampled.content)} ${elicited.action}`)] }
  })
  server.registerTool('fail', { inputSchema: id }, () => {
    count('fail')
    throw new Error('CANARY-thrown: cannot open /srv/hr/salaries')
  })
  server.registerTool('erase', { inputSchema: id }, (args) => {
    count('erase')
    effects.erased.push(args.id)
    return { content: [text('CANARY-erase')] }
  })
  server.registerTool('hidden', { description: 'CANARY-tools-list' }, () => {
    count('hidden')
    return { content: [text('CANARY-hidden')] }
  })
  server.experimental.tasks.registerToolTask(
    'slow',
    { inputSchema: id, execution: { taskSupport: 'required' } },
    {
      createTask: async (args, extra) => {
        count('slow')
        const task = await extra.taskStore.createTask({ ttl: 60_000, pollInterval: 10 })
        const result = { content: [text(textOf(args.id, 'task'))] }
        await extra.taskStore.updateTaskStatus(task.taskId, 'working', textOf(args.id, 'task-status'))
        setTimeout(() => void extra.taskStore.storeTaskResult(task.taskId, 'completed', result), 20)
        return { task }
      },
      getTask: async (_, extra) => (await extra.taskStore.getTask(extra.taskId))!,
      getTaskResult: async (_, extra) => (await extra.taskStore.getTaskResult(extra.taskId)) as never,
    },
  )

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
  const complete = { complete: { id: () => ids.map((one) => (one === 'secret' ? 'secret' : one)) } }
  server.registerResource(
    'note',
    new ResourceTemplate('note://{id}', { list: undefined, ...complete }),
    {},
    (uri) => ({
      contents: [{ uri: uri.href, text: 'by template' }],
    }),
  )
  server.registerResource(
    'CANARY-template',
    new ResourceTemplate('other://{id}', { list: undefined }),
    { description: 'CANARY-templates-list' },
    (uri) => ({ contents: [{ uri: uri.href, text: 'CANARY-template-text' }] }),
  )
  server.registerPrompt(
    'summary',
    { argsSchema: { id: completable(z.string(), () => [...ids]) } },
    (args) => ({
      messages: [{ role: 'user', content: text(textOf(args.id, 'prompts-get')) }],
    }),
  )
  server.registerPrompt('hidden', { description: 'CANARY-prompts-list' }, () => ({
    messages: [{ role: 'user', content: text('CANARY-prompts-hidden') }],
  }))

  server.server.setRequestHandler(SubscribeRequestSchema, ({ params }) => {
    setTimeout(() => void server.server.sendResourceUpdated({ uri: params.uri }), 5)
    setTimeout(() => void server.server.sendResourceUpdated({ uri: 'note://CANARY-updated' }), 5)
    return {}
  })
  server.server.setRequestHandler(UnsubscribeRequestSchema, () => ({}))
  return server
}
