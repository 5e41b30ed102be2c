// An ordinary MCP server for a folder of Markdown files. It knows nothing of users or permissions.

import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { z } from 'zod'

interface FoundFile {
  readonly id: string
  readonly folder: string
  readonly path: string
}

function filesIn(root: string): FoundFile[] {
  return (readdirSync(root, { recursive: true }) as string[])
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => ({
      id: basename(name, '.md'),
      folder: relative(root, dirname(join(root, name))),
      path: join(root, name),
    }))
}

function titleOf(text: string): string {
  return /^# (.*)$/m.exec(text)?.[1] ?? ''
}

/** Counts calls that reached a handler, by tool. */
export type HandlerCalls = Record<string, number>

/** The server with its four tools. `calls` is counted up by each handler that runs. */
export function createDocumentsServer(root: string, calls: HandlerCalls = {}): McpServer {
  const server = new McpServer({ name: 'documents', version: '1.0.0' })
  const count = (tool: string) => {
    calls[tool] = (calls[tool] ?? 0) + 1
  }
  const find = (id: string) => {
    const file = filesIn(root).find((candidate) => candidate.id === id)
    if (file === undefined) throw new Error(`no file ${id}.md below ${root}`)
    return file
  }

  const result = z.object({ id: z.string(), title: z.string(), folder: z.string(), snippet: z.string() })
  server.registerTool(
    'search_documents',
    {
      title: 'Search documents',
      description: 'Finds documents whose text contains the query.',
      inputSchema: { query: z.string(), limit: z.number().int().positive().optional() },
      outputSchema: { results: z.array(result), total: z.number().int() },
      annotations: { readOnlyHint: true },
    },
    ({ query, limit }) => {
      count('search_documents')
      const results = filesIn(root)
        .map((file) => ({ ...file, text: readFileSync(file.path, 'utf8') }))
        .filter(({ text }) => text.toLowerCase().includes(query.toLowerCase()))
        .slice(0, limit ?? 100)
        .map(({ id, folder, text }) => ({
          id,
          title: titleOf(text),
          folder,
          snippet: text.split('\n')[2] ?? '',
        }))
      const structuredContent = { results, total: results.length }
      return { structuredContent, content: [{ type: 'text', text: JSON.stringify(structuredContent) }] }
    },
  )

  server.registerTool(
    'read_document',
    {
      title: 'Read a document',
      description: 'Returns the Markdown text of one document.',
      inputSchema: { id: z.string() },
      annotations: { readOnlyHint: true },
    },
    ({ id }) => {
      count('read_document')
      return { content: [{ type: 'text', text: readFileSync(find(id).path, 'utf8') }] }
    },
  )

  server.registerTool(
    'list_folder',
    {
      title: 'List a folder',
      description: 'Lists the documents of one folder, one per line: id, two spaces, title.',
      inputSchema: { folder: z.string() },
      annotations: { readOnlyHint: true },
    },
    ({ folder }) => {
      count('list_folder')
      const lines = filesIn(root)
        .filter((file) => file.folder === folder)
        .map((file) => `${file.id}  ${titleOf(readFileSync(file.path, 'utf8'))}`)
      return { content: [{ type: 'text', text: lines.join('\n') }] }
    },
  )

  server.registerTool(
    'delete_document',
    {
      title: 'Delete a document',
      description: 'Removes one document for good.',
      inputSchema: { id: z.string() },
      annotations: { destructiveHint: true },
    },
    ({ id }) => {
      count('delete_document')
      rmSync(find(id).path)
      return { content: [{ type: 'text', text: `deleted ${id}` }] }
    },
  )
  return server
}
