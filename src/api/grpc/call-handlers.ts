// Streaming routes as handlers of @grpc/grpc-js. Messages arrive as bytes, so that nothing is read for a caller who may
// not call.

import type { Metadata, ServerReadableStream, ServerWritableStream, sendUnaryData } from '@grpc/grpc-js'
import { CardeaError } from '../../model/errors.ts'
import { GrpcCode } from '../../wire/grpc-code.ts'
import { decode, encode } from '../../wire/message-codec.ts'
import type { Door } from '../door.ts'
import type { ClientStreamHandler, Route, ServerStreamHandler } from '../methods/route.ts'
import type { OpenCall } from '../open-call.ts'
import { enter } from './authentication.ts'
import { type GrpcFailure, grpcFailure, trailerMetadata } from './status-metadata.ts'

/** What both kinds of grpc-js calls have in common. */
interface GrpcCall {
  readonly metadata: Metadata
  readonly cancelled: boolean
  getDeadline(): Date | number
  on(event: 'cancelled', listener: () => void): unknown
}

function enterStream(door: Door, route: Route, grpc: GrpcCall): OpenCall {
  const open = enter(door, route, grpc, grpc.metadata)
  if (grpc.cancelled) open.abort()
  else grpc.on('cancelled', () => open.abort())
  return open
}

function failureOf(door: Door, thrown: unknown, open: OpenCall | undefined): GrpcFailure {
  return grpcFailure(door.refuse(thrown, open), open?.trailers ?? {})
}

export function serverStreamHandler(door: Door, route: Route) {
  const { input, output } = route.method
  const handler = route.handler as ServerStreamHandler
  return async (grpc: ServerWritableStream<Buffer, Buffer>): Promise<void> => {
    let open: OpenCall | undefined
    let code: number = GrpcCode.OK
    try {
      open = enterStream(door, route, grpc)
      const { signal } = open
      for await (const message of handler(decode(input, grpc.request), open)) {
        signal.throwIfAborted()
        if (!grpc.write(encode(output, message))) await drained(grpc, signal, door.limits.maxStreamStallMs)
      }
      signal.throwIfAborted()
      grpc.end(trailerMetadata(open.trailers))
    } catch (thrown) {
      const failure = failureOf(door, thrown, open)
      code = failure.code
      grpc.emit('error', failure)
    } finally {
      if (open) door.leave(open, code)
    }
  }
}

/** Resolves when the reader has taken what was written; rejects when it is gone, or takes nothing for too long. */
function drained(
  grpc: ServerWritableStream<Buffer, Buffer>,
  signal: AbortSignal,
  maxStallMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (end: () => void) => () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      grpc.off('drain', onDrain)
      end()
    }
    const onDrain = finish(resolve)
    const onAbort = finish(() => reject(signal.reason))
    const onStall = finish(() =>
      reject(
        new CardeaError(
          'OVERLOADED',
          `The stream was not read for ${maxStallMs} ms, as long as max-stream-stall-ms allows.`,
        ),
      ),
    )
    const timer = setTimeout(onStall, maxStallMs)
    grpc.once('drain', onDrain)
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
  })
}

export function clientStreamHandler(door: Door, route: Route) {
  const { input, output } = route.method
  const handler = route.handler as ClientStreamHandler
  return async (grpc: ServerReadableStream<Buffer, Buffer>, reply: sendUnaryData<Buffer>): Promise<void> => {
    let open: OpenCall | undefined
    let code: number = GrpcCode.OK
    async function* requests() {
      for await (const bytes of grpc) {
        open!.signal.throwIfAborted()
        yield decode(input, bytes as Buffer)
      }
      await requireWholeUpload(grpc)
      open!.signal.throwIfAborted()
    }
    try {
      open = enterStream(door, route, grpc)
      const response = await handler(requests(), open)
      reply(null, encode(output, response), trailerMetadata(open.trailers))
    } catch (thrown) {
      const failure = failureOf(door, thrown, open)
      code = failure.code
      reply(failure)
    } finally {
      if (open) door.leave(open, code)
    }
  }
}

/** Turns of the event loop that an ended upload waits for; the news of a reset stream takes two. */
const turnsBeforeBelief = 5

/**
 * A caller that resets its stream in the middle of an upload ends the messages just as one that is done: Node's HTTP/2
 * tells of the end first and of the reset a turn or two later. CANCELLED then: what came so far is not everything.
 */
async function requireWholeUpload(grpc: ServerReadableStream<Buffer, Buffer>): Promise<void> {
  for (let turn = 0; turn < turnsBeforeBelief && !grpc.cancelled; turn += 1)
    await new Promise((resolve) => setImmediate(resolve))
  if (grpc.cancelled) throw new CardeaError('CANCELLED', 'The request was cancelled by its caller.')
}
