// Who may call: preshared keys, compared in constant time.

import { timingSafeEqual } from 'node:crypto'
import { CardeaError } from '../model/errors.ts'

export interface PresharedKey {
  readonly key: string
  readonly role: 'read-write' | 'read-only'
}

/** Who calls, as far as a key tells. */
export interface Caller {
  /** Names the key in logs and limits: its position in the configuration, from 1. */
  readonly name: string
  readonly role: 'read-write' | 'read-only'
}

/** Longest key, in bytes. */
export const maxKeyBytes = 1024

/** Keys are padded to a multiple of so many bytes: all that can be told is which. */
const lengthStep = 64

/** Finds out who a bearer of a key is. */
export class PresharedKeys {
  readonly #known: readonly { readonly padded: Buffer; readonly caller: Caller }[]
  /** What is compared: keys padded to one length, so that neither length nor content changes the time it takes. */
  readonly #asked: Buffer

  /** CONFIG_INVALID without any key: a door that everyone passes is no door. */
  constructor(keys: readonly PresharedKey[]) {
    if (keys.length === 0) {
      throw new CardeaError('CONFIG_INVALID', 'The service needs a preshared key: set --preshared-key.')
    }
    const longest = Math.max(...keys.map(({ key }) => Buffer.byteLength(key)))
    const paddedBytes = 2 + Math.min(maxKeyBytes, lengthStep * Math.ceil(longest / lengthStep))
    this.#asked = Buffer.alloc(paddedBytes)
    this.#known = keys.map(({ key, role }, at) => {
      const padded = Buffer.alloc(paddedBytes)
      if (key === '' || /\s/.test(key) || !pad(key, padded)) {
        throw new CardeaError(
          'CONFIG_INVALID',
          `Preshared key ${at + 1} cannot be sent: it needs 1 to ${maxKeyBytes} bytes without spaces.`,
        )
      }
      return { padded, caller: { name: `key-${at + 1}`, role } }
    })
  }

  /**
   * The caller behind the value of an `authorization` header. UNAUTHENTICATED without a bearer token,
   * PERMISSION_DENIED with one that is not known.
   */
  authenticate(authorization: string | undefined): Caller {
    const token = bearerOf(authorization)
    if (token === undefined) {
      throw new CardeaError(
        'UNAUTHENTICATED',
        'A preshared key is required: send the header "authorization: Bearer <key>".',
      )
    }
    let found: Caller | undefined
    // One that is too long for any of them is compared as the empty one, which none is.
    pad(token, this.#asked)
    // All are looked at: the time does not tell which key it was either.
    for (const { padded, caller } of this.#known) if (timingSafeEqual(padded, this.#asked)) found = caller
    if (found === undefined)
      throw new CardeaError('PERMISSION_DENIED', 'The preshared key is not one of the service.')
    return found
  }
}

/** The token of a bearer header; the scheme is compared without case (RFC 9110, section 11.1). */
function bearerOf(authorization: string | undefined): string | undefined {
  if (authorization === undefined || authorization.slice(0, 7).toLowerCase() !== 'bearer ') return undefined
  const token = authorization.slice(7).trim()
  return token === '' || token.includes(' ') ? undefined : token
}

/** Length, text and zeros. False when the text is too long: then all of it is zeros. */
function pad(text: string, into: Buffer): boolean {
  const length = Buffer.byteLength(text)
  into.fill(0)
  if (length > into.length - 2) return false
  into.writeUInt16BE(length, 0)
  into.write(text, 2)
  return true
}
