// Who may call: preshared keys, compared in constant time.

import { hash, timingSafeEqual } from 'node:crypto'
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

/** Finds out who a bearer of a key is. */
export class PresharedKeys {
  readonly #known: readonly { readonly digest: Buffer; readonly caller: Caller }[]

  /** CONFIG_INVALID without any key: a door that everyone passes is no door. */
  constructor(keys: readonly PresharedKey[]) {
    if (keys.length === 0 || keys.some(({ key }) => key === '')) {
      throw new CardeaError(
        'CONFIG_INVALID',
        'The service needs a preshared key: set --preshared-key. An empty key is none.',
      )
    }
    this.#known = keys.map(({ key, role }, at) => ({
      digest: digestOf(key),
      caller: { name: `key-${at + 1}`, role },
    }))
  }

  /**
   * The caller behind the value of an `authorization` header. UNAUTHENTICATED without a bearer token,
   * PERMISSION_DENIED with one that is not known.
   */
  authenticate(authorization: string | undefined): Caller {
    const token = authorization === undefined ? undefined : /^bearer +(\S+)$/i.exec(authorization.trim())?.[1]
    if (token === undefined) {
      throw new CardeaError(
        'UNAUTHENTICATED',
        'A preshared key is required: send the header "authorization: Bearer <key>".',
      )
    }
    const digest = digestOf(token)
    let found: Caller | undefined
    // Digests are of equal length, and all are looked at: the time tells nothing about the keys.
    for (const known of this.#known) if (timingSafeEqual(known.digest, digest)) found = known.caller
    if (found === undefined)
      throw new CardeaError('PERMISSION_DENIED', 'The preshared key is not one of the service.')
    return found
  }
}

function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}
