// Statuses as gRPC sends them: a line of text, and details in a trailer.

import { type OutgoingHttpHeaders, sensitiveHeaders } from 'node:http2'
import { Metadata } from '@grpc/grpc-js'
import { GrpcCode } from '../../wire/grpc-code.ts'
import type { Status } from '../../wire/messages.ts'
import { encodeStatus } from '../../wire/status.ts'
import { trailerNames } from '../call.ts'

/** What grpc-js takes as a failure. */
export interface GrpcFailure {
  readonly code: number
  readonly details: string
  readonly metadata: Metadata
}

/**
 * Bytes of the percent-encoded message, and of the details. Some clients refuse more than 8 KiB of headers in all
 * (grpc-java's default), and would then show nothing.
 */
const maxMessageBytes = 3000
const maxDetailsBytes = 3000

/** `encodeURI`, which gRPC's library applies, throws on half a surrogate pair: a text may have been cut there. */
function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\ufffd')
}

function fitted(text: string, fits: (text: string) => boolean): string {
  const whole = wellFormed(text)
  if (fits(whole)) return whole
  let low = 0
  let high = whole.length
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (fits(wellFormed(whole.slice(0, middle)))) low = middle
    else high = middle - 1
  }
  return `${wellFormed(whole.slice(0, low))}…`
}

/** The failure for a status; `trailers` by lower-case name go along. */
export function grpcFailure(status: Status, trailers: { readonly [name: string]: string }): GrpcFailure {
  const metadata = new Metadata()
  for (const name of Object.keys(trailers)) metadata.set(name, trailers[name]!)
  const details = fitted(status.message, (text) => encodeURI(text).length <= maxMessageBytes)
  let encoded = encodeStatus({ ...status, message: details })
  if (encoded.length > maxDetailsBytes)
    encoded = encodeStatus({ ...status, message: fitted(details, (text) => text.length < 200) })
  if (encoded.length <= maxDetailsBytes) metadata.set('grpc-status-details-bin', encoded)
  return { code: status.code === GrpcCode.OK ? GrpcCode.UNKNOWN : status.code, details, metadata }
}

/**
 * A request id does not come again: in the table of a connection's headers (HPACK) it would push out those that do,
 * which then had to be sent in full once more.
 */
const neverIndexed = [trailerNames.requestId]

/**
 * What grpc-js asks of the metadata that ends an answer, without the maps, lists and patterns of its own class: names
 * and values here are known to be legal, being ours or of the request's metadata.
 */
class Trailers {
  readonly #headers: OutgoingHttpHeaders

  constructor(headers: OutgoingHttpHeaders) {
    this.#headers = headers
  }

  /** Asked of what might still change; this does not. */
  clone(): this {
    return this
  }

  toHttp2Headers(): OutgoingHttpHeaders {
    return this.#headers
  }
}

/** Trailers of an answer, by lower-case name. They are taken over: nobody else may change them any more. */
export function trailerMetadata(trailers: { [name: string]: string }): Metadata {
  // Written into the object itself: a copy with a symbol in it costs more than all that is done with it later.
  const marked: Record<symbol, unknown> = trailers
  marked[sensitiveHeaders] = neverIndexed
  return new Trailers(trailers) as unknown as Metadata
}
