// A real client over HTTP that keeps every byte it was sent, headers included.

import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { listen } from './paths.ts'

export interface Visitor {
  readonly client: Client
  /** What the server asked and told, as text. */
  readonly heard: string[]
  /** Every byte of every answer: status, headers, body, as it came. */
  readonly bytes: string[]
}

/** Connects with this token. With `standing`, waits for the stream on which what belongs to no call arrives. */
export async function visitOverHttp(url: string, token: string, standing = true): Promise<Visitor> {
  const bytes: string[] = []
  const heard: string[] = []
  const recording: typeof fetch = async (input, init) => {
    const response = await fetch(input, init)
    bytes.push(`${response.status} ${JSON.stringify([...response.headers])}`)
    if (response.body === null) return response
    const [mine, theirs] = response.body.tee()
    void (async () => {
      const decoder = new TextDecoder()
      try {
        for await (const chunk of mine as unknown as AsyncIterable<Uint8Array>)
          bytes.push(decoder.decode(chunk, { stream: true }))
      } catch {
        // The stream ends when the client closes.
      }
    })()
    return new Response(theirs, response)
  }
  const client = new Client(
    { name: 'test', version: '1' },
    { capabilities: { sampling: {}, elicitation: {} } },
  )
  listen(client, heard)
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    fetch: recording as never,
  })
  await client.connect(transport as never)
  const isOpen = () => bytes.some((one) => one.startsWith('200') && one.includes('event-stream'))
  for (let turn = 0; standing && turn < 100 && !isOpen(); turn++)
    await new Promise((resolve) => setTimeout(resolve, 5))
  return { client, heard, bytes }
}
