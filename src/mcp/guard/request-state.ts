// What a server wants back from a client, its request state and its cursors, sealed for the one it was given to.

import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { canonicalJson } from '../../model/canonical-json.ts'
import type { JsonObject } from '../../model/context.ts'
import { principalKey } from '../http/sessions.ts'
import type { Principal } from '../principal.ts'

const algorithm = 'aes-256-gcm'
const ivBytes = 12
const tagBytes = 16

/**
 * Encrypts a server's state, so that it shows nothing to the client, and binds it to the caller, the method and the
 * parameters (MCP 2026-07-28, request state), so that it opens for nothing else. No method has both request state and
 * cursors, so neither opens as the other.
 */
export class StateSeal {
  readonly #key: Uint8Array

  /** `key` is 32 bytes; processes that serve the same clients share it. */
  constructor(key: Uint8Array = randomBytes(32)) {
    this.#key = key
  }

  /** `untilMs`: until when it opens, in milliseconds since the Unix epoch. */
  seal(state: string, principal: Principal, method: string, params: JsonObject, untilMs: number): string {
    const iv = randomBytes(ivBytes)
    const cipher = createCipheriv(algorithm, this.#key, iv)
    cipher.setAAD(binding(principal, method, params))
    const plain = JSON.stringify([untilMs, state])
    const sealed = Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
    return sealed.toString('base64url')
  }

  /** The state, or undefined when it was not sealed here, for this caller and request, or too long ago. */
  open(
    sealed: string,
    principal: Principal,
    method: string,
    params: JsonObject,
    nowMs: number,
  ): string | undefined {
    const bytes = Buffer.from(sealed, 'base64url')
    if (bytes.length < ivBytes + tagBytes) return undefined
    try {
      const decipher = createDecipheriv(algorithm, this.#key, bytes.subarray(0, ivBytes))
      decipher.setAAD(binding(principal, method, params))
      decipher.setAuthTag(bytes.subarray(-tagBytes))
      const plain = Buffer.concat([decipher.update(bytes.subarray(ivBytes, -tagBytes)), decipher.final()])
      const [untilMs, state] = JSON.parse(plain.toString('utf8')) as [number, string]
      return nowMs < untilMs ? state : undefined
    } catch {
      return undefined
    }
  }
}

/** Everything of the request but what is new in the second one. */
function binding(principal: Principal, method: string, params: JsonObject): Buffer {
  const { _meta, inputResponses, requestState, ...rest } = params
  const text = JSON.stringify([principalKey(principal), method, canonicalJson(rest)])
  return createHash('sha256').update(text).digest()
}
