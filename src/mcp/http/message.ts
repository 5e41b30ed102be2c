// The message of a POST: one JSON object within bounds, read once, so that nobody behind reads it differently.

import { type Reply, rpcErrorReply } from './reply.ts'

/** How a body ended: its bytes, or why there are none. */
export type BodyBytes = Uint8Array | 'too large' | 'too slow' | 'broken'

/** `application/json`, with whatever parameters. */
export function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/json\s*(;|$)/i.test(contentType.trim())
}

/** The JSON object of a body, or the answer that refuses it. Arrays (batches) left the protocol with 2025-06-18. */
export function readMessage(bytes: BodyBytes): { message: object; reply?: undefined } | { reply: Reply } {
  if (bytes === 'too large')
    return { reply: rpcErrorReply(413, -32600, 'The message is too large.', { connection: 'close' }) }
  if (bytes === 'too slow')
    return { reply: rpcErrorReply(408, -32600, 'The message came too slowly.', { connection: 'close' }) }
  if (bytes === 'broken')
    return { reply: rpcErrorReply(400, -32700, 'The message ended early.', { connection: 'close' }) }
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return { reply: rpcErrorReply(400, -32700, 'The message is no JSON.') }
  }
  return checkMessage(value)
}

/** The same for a body that somebody in front has parsed. */
export function checkMessage(value: unknown): { message: object; reply?: undefined } | { reply: Reply } {
  if (Array.isArray(value))
    return { reply: rpcErrorReply(400, -32600, 'Batches are not accepted; send one message.') }
  if (typeof value !== 'object' || value === null)
    return { reply: rpcErrorReply(400, -32600, 'The message must be a JSON object.') }
  return { message: value }
}
