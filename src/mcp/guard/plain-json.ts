// Plain JSON: a copy of a message as it will be on the wire, which nobody else holds and no method can change.

import type { JsonValue } from '../../model/context.ts'

/**
 * The value that JSON.parse(JSON.stringify(value)) gives, without writing the text where the value is plain already.
 * Undefined for what has no JSON form. Throws for cycles and BigInts, as JSON.stringify does.
 */
export function plainJson(value: unknown, depth = 0): JsonValue | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      // As JSON writes them: no NaN, no infinity, no negative zero.
      return Number.isFinite(value) ? value + 0 : null
    case 'object':
      return value === null ? null : plainObject(value, depth)
    case 'bigint':
      throw new TypeError('A BigInt has no JSON form.')
    default:
      return undefined
  }
}

const maxDepth = 1000

function plainObject(value: object, depth: number): JsonValue | undefined {
  const prototype = Object.getPrototypeOf(value)
  const isList = Array.isArray(value)
  const isPlain = prototype === null || prototype === (isList ? Array.prototype : Object.prototype)
  if (!isPlain || 'toJSON' in value || depth > maxDepth) {
    const text = JSON.stringify(value)
    return text === undefined ? undefined : (JSON.parse(text) as JsonValue)
  }
  if (isList) return plainList(value, depth)
  const copy: { [key: string]: JsonValue } = {}
  for (const key of Object.keys(value)) {
    const member = plainJson((value as { [key: string]: unknown })[key], depth + 1)
    if (member === undefined) continue
    if (key === '__proto__')
      Object.defineProperty(copy, key, {
        value: member,
        enumerable: true,
        configurable: true,
        writable: true,
      })
    else copy[key] = member
  }
  return copy
}

function plainList(list: readonly unknown[], depth: number): JsonValue {
  const copy: JsonValue[] = []
  for (let index = 0; index < list.length; index++) copy.push(plainJson(list[index], depth + 1) ?? null)
  return copy
}
