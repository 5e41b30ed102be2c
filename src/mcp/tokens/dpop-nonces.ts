// DPoP nonces (RFC 9449 sections 8 and 9): short-lived words of this server, so that proofs cannot be made in advance.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { CardeaError } from '../../model/errors.ts'

export interface DpopNonceOptions {
  /** 32 bytes; processes that serve the same resource share it. Default: random. */
  readonly key?: Uint8Array
  /** How long a nonce may be used, in milliseconds. Default 5 minutes. */
  readonly lifeMs?: number
}

/** Makes and knows nonces without remembering any: each is its instant, signed. */
export class DpopNonces {
  readonly #key: Uint8Array
  readonly #lifeMs: number
  readonly #clock: () => number

  constructor({ key = randomBytes(32), lifeMs = 5 * 60_000 }: DpopNonceOptions, clock: () => number) {
    if (key.length < 32 || !(lifeMs >= 1000))
      throw new CardeaError('CONFIG_INVALID', 'dpopNonce: key needs 32 bytes, lifeMs at least 1000.')
    this.#key = key
    this.#lifeMs = lifeMs
    this.#clock = clock
  }

  /** A nonce for the `DPoP-Nonce` header. */
  fresh(): string {
    return this.#signed(Math.floor(this.#clock()).toString(36))
  }

  /** `good`, `old` while it still counts but a new one should be sent along, or `bad`. */
  judge(nonce: unknown): 'good' | 'old' | 'bad' {
    if (typeof nonce !== 'string') return 'bad'
    const [instant = ''] = nonce.split('.', 1)
    const [given, expected] = [Buffer.from(nonce), Buffer.from(this.#signed(instant))]
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return 'bad'
    const ageMs = this.#clock() - Number.parseInt(instant, 36)
    if (!(ageMs >= 0 && ageMs <= this.#lifeMs)) return 'bad'
    return ageMs > this.#lifeMs / 2 ? 'old' : 'good'
  }

  #signed(instant: string): string {
    const signature = createHmac('sha256', this.#key).update(`dpop-nonce ${instant}`).digest('base64url')
    return `${instant}.${signature}`
  }
}
