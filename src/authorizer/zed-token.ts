// ZedTokens: opaque, authenticated names of revisions.

import { sha256 } from '@noble/hashes/sha2.js'
import { CardeaError } from '../model/errors.ts'
import type { Revision } from '../model/revision.ts'
import type { DatastoreIdentity } from '../store/store.ts'
import { fromBase64, seal, toBase64Url, unseal } from './sealed-text.ts'

/** `foreign`: well-formed, but of another datastore or epoch, or issued by a SpiceDB. */
export type DecodedToken =
  | { readonly kind: 'own'; readonly revision: Revision; readonly nonce: string }
  | { readonly kind: 'foreign' }

const magic = 0xc3
const layout = 1
const payloadBytes = 30
const sealedBytes = payloadBytes + 16

/** Makes and reads the tokens of one datastore. */
export class ZedTokens {
  readonly #current: () => DatastoreIdentity
  #known: DatastoreIdentity | undefined
  #datastoreTag = new Uint8Array(8)
  #lastRevision: Revision = -1
  #lastNonce = ''
  #lastToken = ''

  /** `current` gives another object when keys were rotated or an epoch began. The first key signs, all of them verify. */
  constructor(current: () => DatastoreIdentity) {
    this.#current = current
  }

  get #identity(): DatastoreIdentity {
    const identity = this.#current()
    if (identity !== this.#known) {
      this.#known = identity
      this.#datastoreTag = sha256(new TextEncoder().encode(identity.datastoreId)).slice(0, 8)
      this.#lastRevision = -1
    }
    return identity
  }

  /** The token of a revision. The last one is kept, since most answers are about the same revision. */
  encode(revision: Revision, nonce: string): string {
    const { epoch, tokenKeys } = this.#identity
    if (revision === this.#lastRevision && nonce === this.#lastNonce) return this.#lastToken
    const payload = new Uint8Array(payloadBytes)
    const view = new DataView(payload.buffer)
    payload[0] = magic
    payload[1] = layout
    payload.set(this.#datastoreTag, 2)
    view.setUint32(10, epoch)
    view.setBigUint64(14, BigInt(revision))
    for (let at = 0; at < 8; at += 1)
      payload[22 + at] = Number.parseInt(nonce.slice(at * 2, at * 2 + 2), 16) || 0
    this.#lastToken = toBase64Url(seal(tokenKeys, payload))
    this.#lastRevision = revision
    this.#lastNonce = nonce
    return this.#lastToken
  }

  /** INVALID_TOKEN for anything that no datastore ever issued. */
  decode(token: string): DecodedToken {
    const bytes = token.length > 4096 ? undefined : fromBase64(token)
    if (bytes === undefined || bytes.length === 0) throw invalidToken()
    if (bytes.length !== sealedBytes || bytes[0] !== magic || bytes[1] !== layout) {
      if (isSpiceDbToken(bytes)) return { kind: 'foreign' }
      throw invalidToken()
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const { epoch, tokenKeys } = this.#identity
    const sameDatastore = this.#datastoreTag.every((byte, at) => bytes[2 + at] === byte)
    if (!sameDatastore || view.getUint32(10) !== epoch) return { kind: 'foreign' }
    if (unseal(tokenKeys, bytes) === undefined) throw unknownKey()
    let nonce = ''
    for (let at = 0; at < 8; at += 1) nonce += bytes[22 + at]!.toString(16).padStart(2, '0')
    return { kind: 'own', revision: Number(view.getBigUint64(14)), nonce }
  }
}

function invalidToken(): CardeaError {
  return new CardeaError(
    'INVALID_TOKEN',
    'Invalid revision requested: the ZedToken is malformed. Send one exactly as a response gave it.',
  )
}

function unknownKey(): CardeaError {
  return new CardeaError(
    'INVALID_TOKEN',
    'Invalid revision requested: none of the datastore’s keys made this ZedToken. It was changed, or its key has been removed; read again without it.',
  )
}

/** A SpiceDB token is a protobuf message whose only field (2 or 3) is a message that fills it. */
function isSpiceDbToken(bytes: Uint8Array): boolean {
  if (bytes.length < 4 || bytes.length > 300 || (bytes[0] !== 0x12 && bytes[0] !== 0x1a)) return false
  const length = bytes[1]! < 128 ? bytes[1]! : (bytes[1]! & 127) | (bytes[2]! << 7)
  const header = bytes[1]! < 128 ? 2 : 3
  const inner = bytes[header]
  return header + length === bytes.length && (inner === 0x08 || inner === 0x0a)
}
