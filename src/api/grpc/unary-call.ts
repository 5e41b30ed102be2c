// Unary calls, answered where grpc-js would begin to make a stream of each.

import { Metadata, type ServerInterceptingCallInterface } from '@grpc/grpc-js'
import { GrpcCode } from '../../wire/grpc-code.ts'
import { decode, encode } from '../../wire/message-codec.ts'
import type { Door } from '../door.ts'
import type { Route, UnaryHandler } from '../methods/route.ts'
import type { OpenCall } from '../open-call.ts'
import { authenticate, enter, refusal } from './authentication.ts'
import { grpcFailure, trailerMetadata } from './status-metadata.ts'

/** What answers a unary route: the bytes of its answer to the bytes of a request. */
export interface UnaryAnswerer {
  readonly route: Route
  answer(request: Buffer, call: OpenCall): Buffer | Promise<Buffer>
}

/** Bytes to bytes by the codecs of the messages; where the route knows a shorter way, by that. */
export function unaryAnswerer(route: Route): UnaryAnswerer {
  const { quick } = route
  const { input, output } = route.method
  const handler = route.handler as UnaryHandler
  const slow = async (request: Buffer, call: OpenCall) =>
    encode(output, await handler(decode(input, request), call))
  return {
    route,
    answer: quick === undefined ? slow : (request, call) => quick(request, call) ?? slow(request, call),
  }
}

const noMetadata = new Metadata()

/**
 * One call: for grpc-js the call that it starts, and the listener of the call beneath. It answers by itself, so that
 * grpc-js makes no Writable and no closures for it, which at thousands of calls a second are most of what a check
 * costs beside the transport. The answer is sent in the turn of the event loop in which the request is complete,
 * unless the work takes longer.
 */
export class UnaryCall {
  readonly #door: Door
  readonly #answerer: UnaryAnswerer
  readonly #call: ServerInterceptingCallInterface
  #metadata: Metadata | undefined
  #request: Buffer | undefined
  #open: OpenCall | undefined
  #cancelled = false

  constructor(door: Door, answerer: UnaryAnswerer, call: ServerInterceptingCallInterface) {
    this.#door = door
    this.#answerer = answerer
    this.#call = call
  }

  /** grpc-js begins here. Its own listener would make a stream; it is left out. */
  start(): void {
    this.#call.start(this)
  }

  onReceiveMetadata(metadata: Metadata): void {
    try {
      authenticate(this.#door, metadata)
    } catch (thrown) {
      this.#call.sendStatus(refusal(thrown, metadata))
      return
    }
    this.#metadata = metadata
    this.#call.startRead()
  }

  onReceiveMessage(request: Buffer): void {
    if (this.#request !== undefined) {
      this.#misused('more than one request message')
      return
    }
    this.#request = request
    this.#call.startRead()
  }

  onReceiveHalfClose(): void {
    const request = this.#request
    const metadata = this.#metadata
    if (request === undefined || metadata === undefined) {
      this.#misused('no request message')
      return
    }
    this.#request = undefined
    this.#metadata = undefined
    let open: OpenCall | undefined
    try {
      open = enter(this.#door, this.#answerer.route, this.#call, metadata)
      this.#open = open
      if (this.#cancelled) open.abort()
      const answer = this.#answerer.answer(request, open)
      if (answer instanceof Promise) this.#replyLater(answer, open)
      else this.#reply(answer, open)
    } catch (thrown) {
      this.#fail(thrown, open)
    }
  }

  /** Told at the end of every call; only of one still under way it means that the caller is gone. */
  onCancel(): void {
    this.#cancelled = true
    this.#open?.abort()
  }

  async #replyLater(answer: Promise<Buffer>, open: OpenCall): Promise<void> {
    try {
      this.#reply(await answer, open)
    } catch (thrown) {
      this.#fail(thrown, open)
    }
  }

  #reply(answer: Buffer, open: OpenCall): void {
    const call = this.#call
    call.sendMetadata(noMetadata)
    call.sendMessage(answer, () =>
      call.sendStatus({ code: GrpcCode.OK, details: 'OK', metadata: trailerMetadata(open.trailers) }),
    )
    this.#leave(open, GrpcCode.OK)
  }

  #fail(thrown: unknown, open: OpenCall | undefined): void {
    const failure = grpcFailure(this.#door.refuse(thrown, open), open?.trailers ?? {})
    this.#call.sendStatus(failure)
    if (open !== undefined) this.#leave(open, failure.code)
  }

  #leave(open: OpenCall, code: number): void {
    this.#open = undefined
    this.#door.leave(open, code)
  }

  #misused(what: string): void {
    const details = `Received ${what} for the unary method ${this.#answerer.route.path}.`
    this.#call.sendStatus({ code: GrpcCode.UNIMPLEMENTED, details, metadata: null })
  }
}
