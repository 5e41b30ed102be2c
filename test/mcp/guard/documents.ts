// Shared by the guard's tests: a small documents server whose handlers know nothing of users, and its policy.

import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'
import type { Policy, ToolRule } from '../../../src/mcp/policy/policy.ts'

export const searchRule: ToolRule = {
  effect: 'read',
  scopes: ['docs.read'],
  unchecked: ['query'],
  result: [{ items: '$.results[*]', all: ['document:{item.id}#view'] }, { set: { '$.total': 'count' } }],
  text: 'mirror',
}
export const readRule: ToolRule = {
  effect: 'read',
  arguments: [{ at: '$.id', all: ['document:{value}#view'] }],
  result: 'whole',
}
export const deleteRule: ToolRule = {
  scopes: ['docs.write'],
  arguments: [{ at: '$.id', all: ['document:{value}#delete'] }],
  result: { fixed: 'deleted' },
}

export const documentsPolicy: Policy = {
  trust_on_first_use: true,
  tools: { search: searchRule, read: readRule, delete: deleteRule },
}

export const grants = [
  'document:a#editor@user:alice',
  'document:b#viewer@user:alice',
  'document:b#editor@user:bob',
  'document:c#viewer@user:bob',
]

export interface DocumentsServer {
  readonly server: McpServer
  readonly calls: string[]
}

export function documentsServer(ids: readonly string[] = ['a', 'b', 'c']): DocumentsServer {
  const server = new McpServer({ name: 'documents', version: '1' })
  const calls: string[] = []
  const text = (value: string) => ({ type: 'text' as const, text: value })
  server.registerTool(
    'search',
    {
      inputSchema: { query: z.string().optional() },
      outputSchema: { results: z.array(z.object({ id: z.string() })), total: z.number() },
    },
    () => {
      calls.push('search')
      const structuredContent = { results: ids.map((id) => ({ id })), total: ids.length }
      return { structuredContent, content: [text(JSON.stringify(structuredContent))] }
    },
  )
  server.registerTool('read', { inputSchema: { id: z.string() } }, ({ id }) => {
    calls.push(`read ${id}`)
    if (!ids.includes(id)) throw new Error(`there is no ${id}`)
    return { content: [text(`text of ${id}`)] }
  })
  server.registerTool('delete', { inputSchema: { id: z.string() } }, ({ id }) => {
    calls.push(`delete ${id}`)
    return { content: [text(`deleted ${id}`)] }
  })
  return { server, calls }
}
