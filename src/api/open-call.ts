// A call between entering and leaving a door.

import type { Cost } from '../authorizer/authorizer.ts'
import type { CardeaError } from '../model/errors.ts'
import { type Call, trailerNames } from './call.ts'
import { CallSignal } from './call-signal.ts'
import type { CallHeaders, DoorRoute } from './door.ts'
import type { Caller } from './preshared-keys.ts'
import type { Asked } from './slow-call.ts'

/** One object for everything: thousands of them a second are made, and live until their answer is sent. */
export class OpenCall implements Call {
  readonly route: DoorRoute
  readonly requestId: string
  readonly caller: Caller
  readonly deadlineMs: number | undefined
  readonly wantsTrace: boolean
  readonly trailers: { [name: string]: string }
  /** By performance.now. */
  readonly startedAtMs: number
  asked: Asked | readonly Asked[] | undefined = undefined
  cost: Cost | undefined = undefined
  /** Kept by {@link OpenCalls}. */
  position = -1
  readonly #signal = new CallSignal()

  constructor(
    route: DoorRoute,
    caller: Caller,
    requestId: string,
    headers: CallHeaders,
    startedAtMs: number,
  ) {
    this.route = route
    this.requestId = requestId
    this.caller = caller
    this.deadlineMs = headers.deadlineMs
    this.wantsTrace = headers.wantsTrace === true
    this.trailers = { [trailerNames.requestId]: requestId }
    this.startedAtMs = startedAtMs
  }

  get signal(): AbortSignal {
    return this.#signal.signal
  }

  /**
   * Ends the work: the caller is gone, or (with a reason) the service ends the call. Nothing happens to one that is
   * over: grpc-js reports the end of every call as a cancellation, and an abort costs more than a check.
   */
  abort(reason?: CardeaError): void {
    if (this.position >= 0) this.#signal.abort(reason)
  }
}
