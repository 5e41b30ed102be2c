// Request bodies: JSON, bounded, whole or line by line.

import type { IncomingMessage } from 'node:http'
import { CardeaError } from '../../model/errors.ts'
import type { HttpContext } from './http-door.ts'

/** The refusal of a body that HTTP has its own status for. */
export class BodyRefused extends Error {
  readonly httpStatus: 413 | 415

  constructor(httpStatus: 413 | 415, message: string) {
    super(message)
    this.httpStatus = httpStatus
  }
}

/** Refuses what is not declared as JSON: a form that a browser sends by itself must not count as a request. */
export function requireJson(context: HttpContext): void {
  const type = context.req.header('content-type')
  if (type === undefined || !/^application\/(json|x-ndjson)\s*(;|$)/i.test(type))
    throw new BodyRefused(415, 'The body must be JSON: send the header "content-type: application/json".')
}

/** The whole body as text. Over the limit it is refused without being read to its end. */
export async function readBody(context: HttpContext, maxBytes: number): Promise<string> {
  requireJson(context)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of chunksOf(context)) {
    bytes += chunk.length
    if (bytes > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return asText(Buffer.concat(chunks))
}

/** The body's lines as they come, each at most `maxBytes`; empty ones are left out. */
export async function* readLines(context: HttpContext, maxBytes: number): AsyncGenerator<string> {
  requireJson(context)
  let rest = Buffer.alloc(0)
  for await (const chunk of chunksOf(context)) {
    rest = Buffer.concat([rest, chunk])
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      const line = asText(rest.subarray(0, end)).trim()
      rest = rest.subarray(end + 1)
      if (line !== '') yield line
    }
    if (rest.length > maxBytes) throw tooLarge(maxBytes)
  }
  const line = asText(rest).trim()
  if (line !== '') yield line
}

/** Leaving the loop early must leave the connection, so that the refusal can be sent. */
function chunksOf(context: HttpContext): AsyncIterable<Buffer> {
  return (context.env.incoming as IncomingMessage).iterator({ destroyOnReturn: false })
}

function tooLarge(maxBytes: number): BodyRefused {
  return new BodyRefused(
    413,
    `The body has more bytes than max-message-bytes allows (${maxBytes}). Send less at once.`,
  )
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function asText(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new CardeaError('INVALID_ARGUMENT', 'The body is not UTF-8.')
  }
}
