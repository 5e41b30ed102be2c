// Sealed text: opaque strings that nobody but the holders of the datastore's key can make.

import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'

const macBytes = 16

function mac(key: Uint8Array, payload: Uint8Array): Uint8Array {
  return hmac(sha256, key, payload).subarray(0, macBytes)
}

function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false
  let difference = 0
  for (let at = 0; at < left.length; at += 1) difference |= left[at]! ^ right[at]!
  return difference === 0
}

/** Base64url without padding (RFC 4648 section 5). */
export function toBase64Url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** Reads both base64 alphabets, padded or not; undefined when the text is neither. */
export function fromBase64(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/_-]*={0,2}$/.test(text)) return undefined
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/').replaceAll('=', ''))
    return Uint8Array.from(binary, (character) => character.charCodeAt(0))
  } catch {
    return undefined
  }
}

/** `payload` followed by a truncated HMAC-SHA-256 under the newest key. */
export function seal(keys: readonly Uint8Array[], payload: Uint8Array): Uint8Array {
  const sealed = new Uint8Array(payload.length + macBytes)
  sealed.set(payload)
  sealed.set(mac(keys[0]!, payload), payload.length)
  return sealed
}

/** The payload when any of the keys made the seal, else undefined. */
export function unseal(keys: readonly Uint8Array[], sealed: Uint8Array): Uint8Array | undefined {
  if (sealed.length < macBytes) return undefined
  const payload = sealed.subarray(0, sealed.length - macBytes)
  const found = sealed.subarray(sealed.length - macBytes)
  return keys.some((key) => equalBytes(mac(key, payload), found)) ? payload : undefined
}
