// The paths by which data leaves, as a client walks them: shared by the tests over a linked pair and over HTTP.

import type { Client } from '@modelcontextprotocol/sdk/client/index.js'
import {
  CallToolResultSchema,
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'

/** What a client does on one path, with the note it names. Gives what it got, for comparison. */
export interface Path {
  readonly canary: string
  readonly run: (client: Client, heard: string[]) => Promise<unknown>
}

const call = (client: Client, name: string, args: Record<string, unknown> = {}, options = {}) =>
  client.callTool({ name, arguments: args }, undefined, options)

export const paths: Record<string, Path> = {
  'tools/call structured and mirrored': {
    canary: 'CANARY-tools-call-structured',
    run: (client) => call(client, 'search', { query: 'x' }),
  },
  'tools/call text': {
    canary: 'CANARY-tools-call-text',
    run: async (client) => (await call(client, 'read', { id: 'secret' })).content,
  },
  'tools/call lines': { canary: 'CANARY-tools-call-lines', run: (client) => call(client, 'list') },
  'resource links': {
    canary: 'CANARY-resource-link',
    run: async (client) => linked(await call(client, 'links'), 'resource_link'),
  },
  'embedded resources': {
    canary: 'CANARY-embedded-resource',
    run: async (client) => linked(await call(client, 'links'), 'resource'),
  },
  progress: {
    canary: 'CANARY-progress',
    run: async (client) => {
      const seen: unknown[] = []
      await call(client, 'work', { id: 'secret' }, { onprogress: (progress: unknown) => seen.push(progress) })
      return seen
    },
  },
  'log of a call': {
    canary: 'CANARY-log"',
    run: async (client, heard) => {
      await call(client, 'work', { id: 'secret' })
      return heard.filter((one) => one.includes('CANARY-log"'))
    },
  },
  sampling: { canary: 'CANARY-sampling', run: (client) => call(client, 'ask', { id: 'secret' }) },
  elicitation: { canary: 'CANARY-elicitation', run: (client) => call(client, 'ask', { id: 'secret' }) },
  'resources/list': {
    canary: 'CANARY-resources-list',
    run: async (client) => (await client.listResources()).resources.filter(({ uri }) => uri !== 'other://x'),
  },
  'resources/read': {
    canary: 'CANARY-resources-read"',
    run: (client) => client.readResource({ uri: 'note://secret' }),
  },
  'resources/read of other URIs': {
    canary: 'CANARY-resources-read-other',
    run: (client) => client.readResource({ uri: 'note://all' }),
  },
  'resources/subscribe and updates': {
    canary: 'note://secret',
    run: async (client, heard) => {
      await client.subscribeResource({ uri: 'note://secret' })
      await new Promise((resolve) => setTimeout(resolve, 30))
      return heard.filter((one) => one.includes('note://secret'))
    },
  },
  'prompts/get': {
    canary: 'CANARY-prompts-get',
    run: (client) => client.getPrompt({ name: 'summary', arguments: { id: 'secret' } }),
  },
  'completion of a prompt': {
    canary: '"secret"',
    run: (client) =>
      client.complete({ ref: { type: 'ref/prompt', name: 'summary' }, argument: { name: 'id', value: '' } }),
  },
  'completion of a resource': {
    canary: '"secret"',
    run: (client) =>
      client.complete({
        ref: { type: 'ref/resource', uri: 'note://{id}' },
        argument: { name: 'id', value: '' },
      }),
  },
  'tasks/result': {
    canary: 'CANARY-task"',
    run: async (client) => {
      const messages: unknown[] = []
      const stream = client.experimental.tasks.callToolStream(
        { name: 'slow', arguments: { id: 'secret' } },
        CallToolResultSchema,
        { task: { ttl: 60_000 } },
      )
      for await (const message of stream) if (message.type === 'result') messages.push(message.result.content)
      return messages
    },
  },
}

function linked(result: unknown, type: string): unknown {
  return ((result as { content: unknown }).content as { type: string; uri?: string }[]).filter(
    (block) => block.type === type && block.uri !== 'other://x',
  )
}

/** Things that nobody gets, since no rule covers them. */
export const nobody: Record<string, Path> = {
  instructions: { canary: 'CANARY-instructions', run: async (client) => client.getInstructions() },
  'tools/list of what has no rule': { canary: 'CANARY-tools-list', run: (client) => client.listTools() },
  'tools/call of what has no rule': { canary: 'CANARY-hidden', run: (client) => call(client, 'hidden') },
  'prompts/list of what has no rule': {
    canary: 'CANARY-prompts-list',
    run: (client) => client.listPrompts(),
  },
  'prompts/get of what has no rule': {
    canary: 'CANARY-prompts-hidden',
    run: (client) => client.getPrompt({ name: 'hidden' }),
  },
  'resources/list of what has no rule': {
    canary: 'CANARY-unmapped-resource"',
    run: (client) => client.listResources(),
  },
  'resources/read of what has no rule': {
    canary: 'CANARY-unmapped-resource-text',
    run: (client) => client.readResource({ uri: 'other://x' }),
  },
  'templates of what has no rule': {
    canary: 'CANARY-templates-list',
    run: (client) => client.listResourceTemplates(),
  },
  '_meta of a result': { canary: 'CANARY-meta', run: (client) => call(client, 'read', { id: 'open' }) },
  'text of a thrown error': {
    canary: 'CANARY-thrown',
    run: (client) => call(client, 'fail', { id: 'open' }),
  },
  'links of what has no rule': { canary: 'CANARY-unmapped-link', run: (client) => call(client, 'links') },
  images: { canary: 'CANARY-image', run: (client) => call(client, 'links') },
  audio: { canary: 'CANARY-audio', run: (client) => call(client, 'links') },
  'text without a rule': { canary: 'CANARY-unmapped-text', run: (client) => call(client, 'links') },
  'log of no call': {
    canary: 'CANARY-log-of-no-call',
    run: (client) => call(client, 'work', { id: 'open' }),
  },
  'updates nobody subscribed to': {
    canary: 'CANARY-updated',
    run: async (client) => {
      await client.subscribeResource({ uri: 'note://open' })
      await new Promise((resolve) => setTimeout(resolve, 30))
    },
  },
  'text of a task’s status': {
    canary: 'CANARY-task-status',
    run: async (client) => {
      const stream = client.experimental.tasks.callToolStream(
        { name: 'slow', arguments: { id: 'secret' } },
        CallToolResultSchema,
        { task: { ttl: 60_000 } },
      )
      for await (const _ of stream) {
        // Only what arrives counts.
      }
    },
  },
}

/** Lets the client answer and hear everything; what it is told is kept in `heard`. */
export function listen(client: Client, heard: string[]): void {
  client.setRequestHandler(CreateMessageRequestSchema, ({ params }) => {
    heard.push(JSON.stringify(params))
    return { model: 'm', role: 'assistant', content: { type: 'text', text: JSON.stringify(params.messages) } }
  })
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    heard.push(JSON.stringify(params))
    return { action: 'accept', content: { ok: true } }
  })
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => {
    heard.push(JSON.stringify(params))
  })
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    heard.push(JSON.stringify(params))
  })
}

/** What the client got, or that it got an error. */
export async function attempt(client: Client, heard: string[], path: Path): Promise<unknown> {
  try {
    return await path.run(client, heard)
  } catch (error) {
    return { error: String(error) }
  }
}
