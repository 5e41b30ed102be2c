// Sizes of caveat context as the wire counts them.

import type { JsonObject, JsonValue } from './context.ts'

const encoder = new TextEncoder()

function utf8Bytes(text: string): number {
  return encoder.encode(text).length
}

function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) bytes += 1
  return bytes
}

/** Bytes of a length-delimited field with a one-byte tag around a payload of `size` bytes. */
function field(size: number): number {
  return 1 + varintBytes(size) + size
}

function valueBytes(value: JsonValue): number {
  if (value === null || typeof value === 'boolean') return 2
  if (typeof value === 'number') return 9
  if (typeof value === 'string') return field(utf8Bytes(value))
  if (Array.isArray(value)) {
    return field(value.reduce<number>((sum, item) => sum + field(valueBytes(item as JsonValue)), 0))
  }
  return field(structBytes(value as JsonObject))
}

/** Encoded size of a JSON object as a google.protobuf.Struct, in bytes. */
export function structBytes(object: JsonObject): number {
  return Object.entries(object).reduce(
    (sum, [key, value]) => sum + field(field(utf8Bytes(key)) + field(valueBytes(value))),
    0,
  )
}
