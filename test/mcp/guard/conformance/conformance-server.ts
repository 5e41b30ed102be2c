// A server with the tools, resources and prompts that the official conformance suite asks for, and a policy that asks about each use.

import { completable } from '@modelcontextprotocol/sdk/server/completable.js'
import { McpServer, ResourceTemplate } from '@modelcontextprotocol/sdk/server/mcp.js'
import {
  CreateMessageResultSchema,
  ElicitResultSchema,
  SetLevelRequestSchema,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { z } from 'zod'
import type { Policy, ToolRule } from '../../../../src/mcp/policy/policy.ts'

const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const wav = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA='
const text = (value: string) => ({ type: 'text' as const, text: value })
const image = { type: 'image' as const, data: png, mimeType: 'image/png' }
const resource = (uri: string, mimeType: string, body: string) => ({
  type: 'resource' as const,
  resource: { uri, mimeType, text: body },
})
const pause = () => new Promise((resolve) => setTimeout(resolve, 20))

export const conformanceSchema = `
definition user {}
definition server {
	relation guest: user:*
	permission use = guest
}
`
/** The graph that allows everybody everything; every use is asked about all the same. */
export const allowAll = ['server:conformance#guest@user:*']
const all = ['server:conformance#use']

const plain = [
  'test_simple_text',
  'test_image_content',
  'test_audio_content',
  'test_embedded_resource',
  'test_multiple_content_types',
  'test_error_handling',
]
const elicitations = [
  'test_elicitation',
  'test_elicitation_sep1034_defaults',
  'test_elicitation_sep1330_enums',
]
const rule: ToolRule = { effect: 'read', also: all, result: 'whole' }

export const conformancePolicy: Policy = {
  trust_on_first_use: true,
  tools: {
    ...Object.fromEntries(plain.map((name) => [name, rule])),
    ...Object.fromEntries(
      elicitations.map((name) => [name, { ...rule, unchecked: ['message'], asks: ['elicitation'] }]),
    ),
    test_tool_with_logging: { ...rule, logs: 'pass' },
    test_tool_with_progress: { ...rule, progress: 'message' },
    test_sampling: { ...rule, unchecked: ['prompt'], asks: ['sampling'] },
  },
  resources: [
    { uri: 'test://template/{id}/data', all },
    { uri: 'test://{name}', all },
  ],
  prompts: {
    test_simple_prompt: { result: 'whole', also: all },
    test_prompt_with_image: { result: 'whole', also: all },
    test_prompt_with_arguments: { result: 'whole', also: all, unchecked: ['arg1', 'arg2'] },
    test_prompt_with_embedded_resource: { result: 'whole', also: all, unchecked: ['resourceUri'] },
  },
  completions: [{ prompt: 'test_prompt_with_arguments', argument: 'arg1', all }],
}

export function createConformanceServer(): McpServer {
  const server = new McpServer(
    { name: 'conformance', version: '1.0.0' },
    { capabilities: { logging: {}, resources: { subscribe: true } } },
  )
  addTools(server)
  addResources(server)
  addPrompts(server)
  server.server.setRequestHandler(SetLevelRequestSchema, () => ({}))
  return server
}

function addTools(server: McpServer): void {
  const tool = (name: string, content: Parameters<typeof result>[0]) =>
    server.registerTool(name, { description: name }, () => result(content))
  const result = (
    content: (
      | ReturnType<typeof text>
      | typeof image
      | ReturnType<typeof resource>
      | { type: 'audio'; data: string; mimeType: string }
    )[],
  ) => ({ content })
  tool('test_simple_text', [text('This is a simple text response for testing.')])
  tool('test_image_content', [image])
  tool('test_audio_content', [{ type: 'audio', data: wav, mimeType: 'audio/wav' }])
  tool('test_embedded_resource', [
    resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.'),
  ])
  tool('test_multiple_content_types', [
    text('Multiple content types test:'),
    image,
    resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
  ])
  server.registerTool('test_error_handling', { description: 'Fails.' }, () => {
    throw new Error('This tool intentionally returns an error for testing')
  })
  server.registerTool(
    'test_tool_with_logging',
    { description: 'Logs.', inputSchema: {} },
    async (_, extra) => {
      for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
        await extra.sendNotification({ method: 'notifications/message', params: { level: 'info', data } })
        await pause()
      }
      return result([text('Tool with logging executed successfully')])
    },
  )
  server.registerTool(
    'test_tool_with_progress',
    { description: 'Progresses.', inputSchema: {} },
    async (_, extra) => {
      const progressToken = extra._meta?.progressToken ?? 0
      for (const progress of [0, 50, 100]) {
        const params = { progressToken, progress, total: 100, message: `Completed step ${progress} of 100` }
        await extra.sendNotification({ method: 'notifications/progress', params })
        await pause()
      }
      return result([text(String(progressToken))])
    },
  )
  server.registerTool(
    'test_sampling',
    { description: 'Samples.', inputSchema: { prompt: z.string() } },
    async ({ prompt }, extra) => {
      const params = { messages: [{ role: 'user' as const, content: text(prompt) }], maxTokens: 100 }
      const sampled = await extra.sendRequest(
        { method: 'sampling/createMessage', params },
        CreateMessageResultSchema,
      )
      return result([text(`LLM response: ${sampled.content.type === 'text' ? sampled.content.text : ''}`)])
    },
  )
  for (const [name, properties, required] of questions) {
    server.registerTool(
      name,
      { description: 'Asks.', inputSchema: { message: z.string().optional() } },
      async ({ message }, extra) => {
        const requestedSchema = { type: 'object' as const, properties, required }
        const params = { message: message ?? 'Please answer', requestedSchema }
        const answer = await extra.sendRequest({ method: 'elicitation/create', params }, ElicitResultSchema)
        return result([
          text(`User response: action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`),
        ])
      },
    )
  }
}

const titled = (label: string) =>
  ['First', 'Second', 'Third'].map((word, index) => ({
    const: `value${index + 1}`,
    title: `${word} ${label}`,
  }))
const options = ['option1', 'option2', 'option3']
type Properties = Record<string, never>
const questions: readonly (readonly [string, Properties, string[]])[] = [
  [
    'test_elicitation',
    { response: { type: 'string', description: "User's response" } } as unknown as Properties,
    ['response'],
  ],
  [
    'test_elicitation_sep1034_defaults',
    {
      name: { type: 'string', default: 'John Doe' },
      age: { type: 'integer', default: 30 },
      score: { type: 'number', default: 95.5 },
      status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
      verified: { type: 'boolean', default: true },
    } as unknown as Properties,
    [],
  ],
  [
    'test_elicitation_sep1330_enums',
    {
      untitledSingle: { type: 'string', enum: options },
      titledSingle: { type: 'string', oneOf: titled('Option') },
      legacyEnum: {
        type: 'string',
        enum: ['opt1', 'opt2', 'opt3'],
        enumNames: ['Option One', 'Option Two', 'Option Three'],
      },
      untitledMulti: { type: 'array', items: { type: 'string', enum: options } },
      titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
    } as unknown as Properties,
    [],
  ],
]

function addResources(server: McpServer): void {
  const fixed = (name: string, mimeType: string, contents: { text: string } | { blob: string }) =>
    server.registerResource(name, `test://${name}`, { mimeType }, (uri) => ({
      contents: [{ uri: uri.href, mimeType, ...contents }],
    }))
  fixed('static-text', 'text/plain', { text: 'This is the content of the static text resource.' })
  fixed('static-binary', 'image/png', { blob: png })
  fixed('watched-resource', 'text/plain', { text: 'Watched.' })
  server.registerResource(
    'template',
    new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    { mimeType: 'application/json' },
    (uri, { id }) => ({
      contents: [
        {
          uri: uri.href,
          mimeType: 'application/json',
          text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
        },
      ],
    }),
  )
  server.server.setRequestHandler(SubscribeRequestSchema, () => ({}))
  server.server.setRequestHandler(UnsubscribeRequestSchema, () => ({}))
}

function addPrompts(server: McpServer): void {
  const message = <Content>(content: Content) => ({ messages: [{ role: 'user' as const, content }] })
  server.registerPrompt('test_simple_prompt', { description: 'Simple.' }, () =>
    message(text('This is a simple prompt for testing.')),
  )
  server.registerPrompt('test_prompt_with_image', { description: 'Image.' }, () => message(image))
  server.registerPrompt(
    'test_prompt_with_arguments',
    {
      description: 'Arguments.',
      argsSchema: { arg1: completable(z.string(), () => ['paris', 'park', 'party']), arg2: z.string() },
    },
    ({ arg1, arg2 }) => message(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)),
  )
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'Resource.', argsSchema: { resourceUri: z.string() } },
    ({ resourceUri }) =>
      message(resource(resourceUri, 'text/plain', 'Embedded resource content for testing.')),
  )
}
