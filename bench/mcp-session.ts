// One agent's session at an MCP server over Streamable HTTP, by bare requests: a client that costs little beside the server.

import { Agent, request } from 'node:http'

// Idle connections end here before they end at the server, after its five seconds.
const connections = new Agent({ keepAlive: true, maxSockets: 256, timeout: 3000 })

interface Reply {
  readonly status: number
  readonly sessionId: string | undefined
  readonly text: string
}

function post(url: URL, headers: Record<string, string>, message: object): Promise<Reply> {
  const body = JSON.stringify(message)
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: 'POST',
        agent: connections,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          accept: 'application/json, text/event-stream',
          ...headers,
        },
      },
      (response) => {
        const parts: Buffer[] = []
        response.on('data', (part: Buffer) => parts.push(part))
        response.on('error', reject)
        response.on('end', () => {
          resolve({
            status: response.statusCode ?? 0,
            sessionId: response.headers['mcp-session-id'] as string | undefined,
            text: Buffer.concat(parts).toString(),
          })
        })
      },
    )
    sent.on('error', (error: NodeJS.ErrnoException) => {
      // The server closed an idle connection at the moment it was taken: nothing was read of this request.
      if (sent.reusedSocket && error.code === 'ECONNRESET') resolve(post(url, headers, message))
      else reject(error)
    })
    sent.end(body)
  })
}

export interface McpSession {
  /** The result's text as it came, whether it is an answer or a refusal. Rejects when the server does not answer. */
  call(tool: string, args: object): Promise<string>
}

export async function openSession(mcpUrl: string, token: string): Promise<McpSession> {
  const url = new URL(mcpUrl)
  const headers: Record<string, string> = { authorization: `Bearer ${token}` }
  let id = 0
  const send = async (method: string, params: object, notification = false) => {
    const message = { jsonrpc: '2.0', method, params }
    const reply = await post(url, headers, notification ? message : { ...message, id: ++id })
    if (reply.status !== 200 && reply.status !== 202)
      throw new Error(`${method} was answered ${reply.status}: ${reply.text}`)
    return reply
  }
  const protocolVersion = '2025-06-18'
  const clientInfo = { name: 'bench', version: '1' }
  const { sessionId } = await send('initialize', { protocolVersion, capabilities: {}, clientInfo })
  headers['mcp-protocol-version'] = protocolVersion
  if (sessionId !== undefined) headers['mcp-session-id'] = sessionId
  await send('notifications/initialized', {}, true)
  return { call: async (name, args) => (await send('tools/call', { name, arguments: args })).text }
}
