// The adapter for servers that speak the web's Request and Response: the same admission, the same cuts.

import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import { type Admitted, admit, type IncomingRequest } from './admission.ts'
import type { BodyBytes } from './message.ts'
import type { HandlerOptions } from './node-handler.ts'

/** The host's part, in the shape of the SDK's fetch handlers. `parsedBody` is the message of a POST. */
export type FetchNext = (
  request: Request,
  context: { readonly authInfo: AuthInfo; readonly parsedBody?: object },
) => Response | Promise<Response>

/** A fetch handler in front of `next`. */
export function fetchHandler(
  next: FetchNext,
  options: HandlerOptions,
): (request: Request) => Promise<Response> {
  return async (request) => {
    try {
      const { admitted, reply } = await admit(describe(request, options), options.admission)
      if (reply) {
        const empty = reply.status === 204 || request.method === 'HEAD'
        return new Response(empty ? null : reply.body, { status: reply.status, headers: reply.headers })
      }
      const context = { authInfo: admitted.authInfo, parsedBody: admitted.message }
      return finish(
        await next(withoutHeaders(request, options.withheld, admitted), context),
        request,
        admitted,
        options,
      )
    } catch (error) {
      // What failed is the host's handler; its text is for the operator alone.
      options.onError(error)
      return new Response(null, { status: 500 })
    }
  }
}

function describe(request: Request, options: HandlerOptions): IncomingRequest {
  const { host, pathname, search } = new URL(request.url)
  return {
    method: request.method,
    target: pathname + search,
    // Headers of one name come joined by commas here; admission refuses what then is no single value.
    header: (name) => {
      const value = request.headers.get(name) ?? (name === 'host' ? host : null)
      return value === null ? [] : [value]
    },
    body: () => readBody(request, options.maxBodyBytes, options.bodyTimeoutMs),
  }
}

async function readBody(request: Request, maxBytes: number, timeoutMs: number): Promise<BodyBytes> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) return 'too large'
  const reader = request.body?.getReader()
  if (!reader) return new Uint8Array()
  const chunks: Uint8Array[] = []
  let size = 0
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<'too slow'>((resolve) => {
    timer = setTimeout(() => resolve('too slow'), timeoutMs)
  })
  try {
    for (;;) {
      const part = await Promise.race([reader.read(), late])
      if (part === 'too slow') return part
      if (part.done) return Buffer.concat(chunks)
      size += part.value.byteLength
      if (size > maxBytes) return 'too large'
      chunks.push(part.value)
    }
  } catch {
    return 'broken'
  } finally {
    clearTimeout(timer)
    reader.cancel().catch(() => {})
  }
}

/** The request without its credentials; the body is the message that was read. */
function withoutHeaders(request: Request, names: readonly string[], admitted: Admitted): Request {
  const headers = new Headers(request.headers)
  for (const name of [...names, ...admitted.ignored]) headers.delete(name)
  if (admitted.message !== undefined) headers.delete('content-length')
  const body = admitted.message === undefined ? undefined : JSON.stringify(admitted.message)
  return new Request(request.url, { method: request.method, headers, body, signal: request.signal })
}

/** Binds a session that the answer opens, adds headers, and ties a stream to the life of the token. */
function finish(response: Response, request: Request, admitted: Admitted, options: HandlerOptions): Response {
  const { sessions } = options.admission
  const sessionId = response.headers.get('mcp-session-id')
  if (sessionId !== null && admitted.sessionId === undefined) sessions.bind(sessionId, admitted.principal)
  const ended = (request.method === 'DELETE' && response.status < 300) || response.status === 404
  if (admitted.sessionId !== undefined && ended) sessions.forget(admitted.sessionId)
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries(admitted.headers)) headers.set(name, value)
  const { status, statusText } = response
  return new Response(response.body && untilCut(response.body, admitted, options), {
    status,
    statusText,
    headers,
  })
}

/** The same bytes until the stream ends, its reader goes, or the token expires: then it is closed, not broken. */
function untilCut(
  source: ReadableStream<Uint8Array>,
  admitted: Admitted,
  options: HandlerOptions,
): ReadableStream<Uint8Array> {
  const reader = source.getReader()
  let done = () => {}
  return new ReadableStream({
    start(controller) {
      done = options.streams.watch(admitted.principal, options.clock(), () => {
        done()
        controller.close()
        reader.cancel().catch(() => {})
      })
    },
    async pull(controller) {
      try {
        const part = await reader.read()
        if (!part.done) return controller.enqueue(part.value)
        done()
        controller.close()
      } catch (error) {
        done()
        controller.error(error)
      }
    },
    cancel(reason) {
      done()
      return reader.cancel(reason)
    },
  })
}
