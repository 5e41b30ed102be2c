// The adapter for node:http and Express: admission in front, the raw token taken out, streams cut when the token expires.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import { type AdmissionOptions, type Admitted, admit, type IncomingRequest } from './admission.ts'
import type { BodyBytes } from './message.ts'
import type { OpenStreams } from './open-streams.ts'
import type { Reply } from './reply.ts'
import type { Sessions } from './sessions.ts'

/** A request that was admitted: `auth` is what the SDK's transports read. */
export type AdmittedMessage = IncomingMessage & { auth: AuthInfo }

/** The host's part. `body` is the parsed message of a POST; pass it on to `transport.handleRequest(req, res, body)`. */
export type NodeNext = (
  request: AdmittedMessage,
  response: ServerResponse,
  body: object | undefined,
) => unknown

/** What both adapters need. */
export interface HandlerOptions {
  readonly admission: AdmissionOptions
  readonly streams: OpenStreams
  readonly maxBodyBytes: number
  readonly bodyTimeoutMs: number
  readonly clock: () => number
  readonly onError: (error: unknown) => void
  /** Headers that do not reach the host's handler. */
  readonly withheld: readonly string[]
}

/** Ends a stream properly, so that its client asks again (and is told 401); an answer not begun is dropped. */
function cut(response: ServerResponse): void {
  if (!response.headersSent) {
    response.destroy()
    return
  }
  // Whoever is still writing must not bring the process down.
  response.on('error', () => {})
  response.end()
}

/** A listener for node:http, also usable as an Express handler. */
export function nodeHandler(
  next: NodeNext,
  options: HandlerOptions,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return async (request, response) => {
    try {
      const { admitted, reply } = await admit(describe(request, options), options.admission)
      if (reply) {
        send(response, reply)
        return
      }
      takeOut(request, [...options.withheld, ...admitted.ignored])
      for (const [name, value] of Object.entries(admitted.headers)) response.setHeader(name, value)
      bindSession(response, admitted, options.admission.sessions)
      response.once(
        'close',
        options.streams.watch(admitted.principal, options.clock(), () => cut(response)),
      )
      const message = Object.assign(request, { auth: admitted.authInfo })
      await next(message, response, admitted.message)
    } catch (error) {
      // What failed is the host's handler; its text is for the operator alone.
      options.onError(error)
      if (response.headersSent) response.destroy()
      else send(response, { status: 500, headers: {}, body: '' })
    }
  }
}

function describe(request: IncomingMessage, options: HandlerOptions): IncomingRequest {
  const express = request as { originalUrl?: string; body?: unknown }
  return {
    method: request.method ?? '',
    target: express.originalUrl ?? request.url ?? '',
    // rawHeaders, because node drops a second Authorization or Host silently.
    header: (name) =>
      request.rawHeaders.filter((_, index, all) => index % 2 === 1 && all[index - 1]!.toLowerCase() === name),
    remoteAddress: request.socket.remoteAddress,
    body: () => readBody(request, options.maxBodyBytes, options.bodyTimeoutMs),
    parsedBody: request.readableEnded ? express.body : undefined,
  }
}

function readBody(request: IncomingMessage, maxBytes: number, timeoutMs: number): Promise<BodyBytes> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let size = 0
    const finish = (outcome: BodyBytes) => {
      clearTimeout(timer)
      request.off('data', onData).off('end', onEnd).off('error', onBroken).off('close', onBroken)
      if (typeof outcome === 'string') request.resume()
      resolve(outcome)
    }
    const onData = (chunk: Buffer) => {
      size += chunk.length
      if (size > maxBytes) finish('too large')
      else chunks.push(chunk)
    }
    const onEnd = () => finish(Buffer.concat(chunks))
    const onBroken = () => finish('broken')
    const timer = setTimeout(() => finish('too slow'), timeoutMs)
    if (Number(request.headers['content-length'] ?? 0) > maxBytes) finish('too large')
    else request.on('data', onData).on('end', onEnd).on('error', onBroken).on('close', onBroken)
  })
}

/** Takes headers off the request, also from the raw list that adapters copy from. */
function takeOut(request: IncomingMessage, names: readonly string[]): void {
  // Both views are computed from rawHeaders when first looked at, so they come before it.
  for (const headers of [request.headers, request.headersDistinct])
    for (const name of names) delete headers[name]
  const { rawHeaders } = request
  for (let index = rawHeaders.length - 2; index >= 0; index -= 2) {
    if (names.includes(rawHeaders[index]!.toLowerCase())) rawHeaders.splice(index, 2)
  }
}

/** Gives a session that the answer opens to its principal, and forgets one that was ended or is gone. */
function bindSession(response: ServerResponse, admitted: Admitted, sessions: Sessions): void {
  const writeHead = response.writeHead
  response.writeHead = function (this: ServerResponse, ...written: unknown[]) {
    const sessionId = headerOf(written.at(-1), 'mcp-session-id') ?? this.getHeader('mcp-session-id')
    if (typeof sessionId === 'string' && admitted.sessionId === undefined)
      sessions.bind(sessionId, admitted.principal)
    const ended = this.req.method === 'DELETE' && Number(written[0]) < 300
    if (admitted.sessionId !== undefined && (ended || written[0] === 404)) sessions.forget(admitted.sessionId)
    return writeHead.apply(this, written as Parameters<typeof writeHead>)
  } as typeof writeHead
}

function headerOf(headers: unknown, name: string): unknown {
  if (typeof headers !== 'object' || headers === null) return undefined
  if (!Array.isArray(headers)) return Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1]
  const at = headers.findIndex((key, index) => index % 2 === 0 && String(key).toLowerCase() === name)
  return at < 0 ? undefined : headers[at + 1]
}

function send(response: ServerResponse, reply: Reply): void {
  response.writeHead(reply.status, { ...reply.headers, 'content-length': Buffer.byteLength(reply.body) })
  response.end(response.req.method === 'HEAD' ? undefined : reply.body)
}
