// The API over HTTP: messages as protobuf's JSON, streams as one object per line.

import {
  create,
  type DescMessage,
  fromJsonString,
  type MessageInitShape,
  type MessageShape,
  toJsonString,
} from '@bufbuild/protobuf'
import type { HttpBindings } from '@hono/node-server'
import type { Hono } from 'hono'
import { CardeaError } from '../../model/errors.ts'
import { GrpcCode } from '../../wire/grpc-code.ts'
import type { Door } from '../door.ts'
import type { ClientStreamHandler, Route, ServerStreamHandler, UnaryHandler } from '../methods/route.ts'
import type { OpenCall } from '../open-call.ts'
import {
  detailTypes,
  type HttpContext,
  refusal,
  statusJson,
  statusResponse,
  throughDoor,
} from './http-door.ts'
import { httpPaths } from './http-paths.ts'
import { BodyRefused, readBody, readLines } from './request-body.ts'

/** Adds every route under its path. */
export function addGateway(
  app: Hono<{ Bindings: HttpBindings }>,
  door: Door,
  routes: readonly Route[],
): void {
  for (const route of routes) {
    const path = httpPaths[route.path]
    if (path === undefined) throw new Error(`${route.path} has no HTTP path`)
    const respond = responderOf(door, route)
    app.post(path, (context) =>
      throughDoor(door, route, context, async (call) => {
        try {
          return await respond(context, call)
        } catch (thrown) {
          if (thrown instanceof BodyRefused) return refusal(thrown.httpStatus, thrown.message)
          throw thrown
        }
      }),
    )
  }
}

/** How long a stream may be silent before its response begins, in milliseconds. */
const maxSilenceMs = 250

function silence(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, maxSilenceMs).unref()
  })
}

type Responder = (
  context: HttpContext,
  call: OpenCall,
) => Promise<Response | { response: Response; over: Promise<number> }>

function responderOf(door: Door, route: Route): Responder {
  const { input, output, methodKind } = route.method
  const { maxMessageBytes, maxStreamStallMs } = door.limits
  if (methodKind === 'unary') {
    const handler = route.handler as UnaryHandler
    return async (context, call) => {
      const request = read(input, await readBody(context, maxMessageBytes))
      return jsonResponse(write(output, await handler(request, call)))
    }
  }
  if (methodKind === 'client_streaming') {
    const handler = route.handler as ClientStreamHandler
    return async (context, call) => {
      async function* requests() {
        for await (const line of readLines(context, maxMessageBytes)) yield read(input, line)
        call.signal.throwIfAborted()
      }
      return jsonResponse(write(output, await handler(requests(), call)))
    }
  }
  const handler = route.handler as ServerStreamHandler
  return async (context, call) => {
    const request = read(input, await readBody(context, maxMessageBytes))
    const messages = handler(request, call)[Symbol.asyncIterator]()
    // A call that fails at once is an HTTP error like any other; one that is silent for a while has begun.
    const first = messages.next()
    try {
      await Promise.race([first, silence()])
    } catch (thrown) {
      const status = door.refuse(thrown, call)
      return {
        response: statusResponse(status, (error) => ({ error })),
        over: Promise.resolve(status.code),
      }
    }
    const line = (message: MessageInitShape<DescMessage>) => `{"result":${write(output, message)}}\n`
    return streamed(first, messages, line, door, call, maxStreamStallMs)
  }
}

/** A response that takes the next message when the last was read. */
function streamed(
  first: Promise<IteratorResult<MessageInitShape<DescMessage>>>,
  messages: AsyncIterator<MessageInitShape<DescMessage>>,
  line: (message: MessageInitShape<DescMessage>) => string,
  door: Door,
  open: OpenCall,
  maxStallMs: number,
): { response: Response; over: Promise<number> } {
  const encoder = new TextEncoder()
  let finish!: (code: number) => void
  const over = new Promise<number>((resolve) => {
    finish = resolve
  })
  let next: typeof first | undefined = first
  let stall: NodeJS.Timeout | undefined
  const onStall = () => {
    open.abort(
      new CardeaError(
        'OVERLOADED',
        `The stream was not read for ${maxStallMs} ms, as long as max-stream-stall-ms allows.`,
      ),
    )
    void messages.return?.()
    finish(GrpcCode.RESOURCE_EXHAUSTED)
  }
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        clearTimeout(stall)
        try {
          const result = await (next ?? messages.next())
          next = undefined
          open.signal.throwIfAborted()
          if (result.done) {
            controller.close()
            finish(GrpcCode.OK)
            return
          }
          controller.enqueue(encoder.encode(line(result.value)))
          stall = setTimeout(onStall, maxStallMs)
        } catch (thrown) {
          const status = door.refuse(thrown, open)
          controller.enqueue(encoder.encode(`${JSON.stringify({ error: statusJson(status) })}\n`))
          controller.close()
          finish(status.code)
        }
      },
      async cancel() {
        clearTimeout(stall)
        open.abort()
        await messages.return?.()
        finish(GrpcCode.CANCELLED)
      },
    },
    { highWaterMark: 1 },
  )
  return { response: new Response(body, { headers: { 'content-type': 'application/json' } }), over }
}

function jsonResponse(json: string): Response {
  return new Response(json, { headers: { 'content-type': 'application/json' } })
}

/** INVALID_ARGUMENT that names the field. Unknown fields are refused: a misspelt one must not be overlooked. */
function read<Desc extends DescMessage>(desc: Desc, json: string): MessageShape<Desc> {
  try {
    return fromJsonString(desc, json.trim() === '' ? '{}' : json)
  } catch (cause) {
    throw new CardeaError('INVALID_ARGUMENT', `The body cannot be read: ${(cause as Error).message}.`)
  }
}

function write<Desc extends DescMessage>(desc: Desc, message: MessageInitShape<Desc>): string {
  return toJsonString(desc, create(desc, message), { alwaysEmitImplicit: true, registry: detailTypes })
}
