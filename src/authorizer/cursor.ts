// Cursors: where a stream goes on, sealed and bound to the request that began it.

import { sha256 } from '@noble/hashes/sha2.js'
import { canonicalJson } from '../model/canonical-json.ts'
import type { JsonValue } from '../model/context.ts'
import { CardeaError } from '../model/errors.ts'
import type { Revision } from '../model/revision.ts'
import { fromBase64, seal, toBase64Url, unseal } from './sealed-text.ts'

/** What a cursor carries. `nowMs` freezes the clock, so that later pages see the same rows. */
export interface CursorPosition {
  readonly revision: Revision
  readonly nonce: string
  readonly nowMs: number
  readonly after: readonly (string | number)[]
}

const maxCursorCharacters = 102_400

/** Makes and reads the cursors of one request: same call, same arguments, else INVALID_CURSOR. */
export class Cursors {
  readonly #keys: readonly Uint8Array[]
  readonly #binding: string

  /** `request` is everything that shapes the result, the call's name included. */
  constructor(keys: readonly Uint8Array[], request: JsonValue) {
    this.#keys = keys
    this.#binding = toBase64Url(sha256(new TextEncoder().encode(canonicalJson(request))).subarray(0, 16))
  }

  encode(position: CursorPosition): string {
    const { revision, nonce, nowMs, after } = position
    const payload = new TextEncoder().encode(JSON.stringify([this.#binding, revision, nonce, nowMs, after]))
    return toBase64Url(seal(this.#keys, payload))
  }

  decode(cursor: string): CursorPosition {
    const bytes = cursor.length > maxCursorCharacters ? undefined : fromBase64(cursor)
    const payload = bytes === undefined ? undefined : unseal(this.#keys, bytes)
    if (payload === undefined)
      throw invalidCursor('it is malformed, was changed, or its key has been removed')
    const [binding, revision, nonce, nowMs, after] = JSON.parse(new TextDecoder().decode(payload))
    if (binding !== this.#binding) throw invalidCursor('it belongs to a request with other arguments')
    return { revision, nonce, nowMs, after }
  }
}

function invalidCursor(why: string): CardeaError {
  return new CardeaError(
    'INVALID_CURSOR',
    `The cursor cannot be used: ${why}. Send it with exactly the arguments of the request that returned it.`,
    { reason: why },
  )
}
