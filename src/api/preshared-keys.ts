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

/** Finds out who a bearer of a key is. */
export class PresharedKeys {
  readonly #known: readonly { readonly padded: Buffer; readonly caller: Caller }[]
  /** What is compared: keys padded to one length, so that neither length nor content changes the time it takes. */
  readonly #asked = Buffer.alloc(maxKeyBytes + 2)

  /** CONFIG_INVALID without any key: a door that everyone passes is no door. */
  constructor(keys: readonly PresharedKey[]) {
    if (keys.length === 0) {
      throw new CardeaError('CONFIG_INVALID', 'The service needs a preshared key: set --preshared-key.')
    }
    this.#known = keys.map(({ key, role }, at) => {
      const padded = Buffer.alloc(maxKeyBytes + 2)
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
    if (pad(token, this.#asked)) {
      // All are looked at: the time does not tell which key it was either.
      for (const { padded, caller } of this.#known) if (timingSafeEqual(padded, this.#asked)) found = caller
    }
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

/** Length, text and zeros. False when the text is too long. */
function pad(text: string, into: Buffer): boolean {
  const length = Buffer.byteLength(text)
  if (length > maxKeyBytes) return false
  into.fill(0)
  into.writeUInt16BE(length, 0)
  into.write(text, 2)
  return true
}
