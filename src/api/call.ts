// One call at a door of the service: who calls, for how long, and what goes back beside the answer.

import type { CallOptions, Cost, Read } from '../authorizer/authorizer.ts'
import { consistencyFromWire } from '../wire/consistency.ts'
import type { ConsistencyMessage } from '../wire/messages.ts'
import { evaluatedAtTrailer, stalenessTrailer, writtenAtTrailer } from '../wire/trailers.ts'
import type { Caller } from './preshared-keys.ts'
import type { Asked } from './slow-call.ts'

/** What every door tells a method about the call. */
export interface Call {
  readonly requestId: string
  readonly caller: Caller
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal
  /** Milliseconds since the Unix epoch; unset: the caller waits for ever. */
  readonly deadlineMs: number | undefined
  /** The caller asked for a trace by header, as old clients do. */
  readonly wantsTrace: boolean
  /** Sent after the answer, by lower-case name: gRPC trailers, HTTP response headers. */
  readonly trailers: { [name: string]: string }
  /** What is asked, for the log of slow calls. */
  asked?: Asked | readonly Asked[] | undefined
  /** What it cost, once it took more than a moment. */
  cost?: Cost | undefined
}

/** Names of what goes back beside an answer. */
export const trailerNames = {
  requestId: 'x-request-id',
  dispatchedOperations: 'io.spicedb.respmeta.dispatchedoperationscount',
  cachedOperations: 'io.spicedb.respmeta.cachedoperationscount',
  evaluatedAtMs: evaluatedAtTrailer,
  stalenessMs: stalenessTrailer,
  writtenAt: writtenAtTrailer,
} as const

/** What the authorizer is told about a call. */
export function optionsOf(call: Call): CallOptions {
  return call.deadlineMs === undefined
    ? { signal: call.signal, bill: call }
    : { signal: call.signal, deadlineMs: call.deadlineMs, bill: call }
}

/** The same for a read. */
export function readOptions(call: Call, consistency: ConsistencyMessage | undefined): Read {
  const required = consistencyFromWire(consistency)
  return required === undefined ? optionsOf(call) : { ...optionsOf(call), consistency: required }
}

/** Tells how many questions were evaluated. Nothing is answered from a cache of answers. */
export function countOperations(call: Call, evaluated: number): void {
  call.trailers[trailerNames.dispatchedOperations] = String(evaluated)
  call.trailers[trailerNames.cachedOperations] = '0'
}
