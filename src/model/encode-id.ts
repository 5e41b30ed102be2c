// Id encoding: any text becomes an object id, and two different texts never become the same one (policy format, 3.4).

import { CardeaError } from './errors.ts'

const plainPattern = /^[A-Za-z0-9_+|-]*$/
const hex = Array.from({ length: 256 }, (_, byte) => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`)
const loneSurrogate = /\p{Cs}/u
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Encodes `text`: bytes of its UTF-8 form outside `[A-Za-z0-9_+|-]` become `=HH` (upper-case hex), `=` among them.
 * `/` becomes `=2F` unless `keepSlash` is true, as for `{+name}`. No case folding and no normalisation.
 * Throws INVALID_ARGUMENT for text that has no UTF-8 form (a lone surrogate). The empty text stays empty.
 */
export function encodeId(text: string, keepSlash = false): string {
  if (plainPattern.test(text)) return text
  if (loneSurrogate.test(text))
    throw new CardeaError(
      'INVALID_ARGUMENT',
      'The value holds half of a surrogate pair, so it cannot be an id.',
    )
  let id = ''
  for (const byte of encoder.encode(text)) {
    id += isPlain(byte) || (keepSlash && byte === 0x2f) ? String.fromCharCode(byte) : hex[byte]
  }
  return id
}

function isPlain(byte: number): boolean {
  return (
    (byte >= 0x61 && byte <= 0x7a) ||
    (byte >= 0x41 && byte <= 0x5a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x5f ||
    byte === 0x2b ||
    byte === 0x7c ||
    byte === 0x2d
  )
}

/** The text that {@link encodeId} made `id` from, with or without kept slashes. Throws INVALID_ARGUMENT. */
export function decodeId(id: string): string {
  if (!/^(?:[A-Za-z0-9_+|/-]|=[0-9A-F]{2})*$/.test(id))
    throw new CardeaError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(id)} is no encoded id: = is followed by two hex digits, A-F in upper case.`,
    )
  const bytes = Uint8Array.from(id.match(/=..|./g) ?? [], (piece) =>
    piece.length === 3 ? Number.parseInt(piece.slice(1), 16) : piece.charCodeAt(0),
  )
  try {
    return decoder.decode(bytes)
  } catch {
    throw new CardeaError(
      'INVALID_ARGUMENT',
      `${JSON.stringify(id)} is no encoded id: its bytes are not UTF-8.`,
    )
  }
}
