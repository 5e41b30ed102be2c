// One text per JSON value: what the stores keep and compare for caveat contexts and transaction metadata.

import type { JsonObject, JsonValue } from '../model/context.ts'
import { CardeaError } from '../model/errors.ts'

/** Deepest nesting that is stored; far above what a caveat can name, far below what overflows a JSON reader. */
export const maxJsonDepth = 256

/**
 * JSON text with the keys of every object in code unit order, so that equal values have equal text.
 * Keys whose value is undefined are left out. INVALID_ARGUMENT for a non-finite number or too deep a nesting.
 */
export function canonicalJson(value: JsonValue): string {
  return write(value, 0)
}

function write(value: JsonValue, depth: number): string {
  if (typeof value === 'number' && !Number.isFinite(value)) {
    throw new CardeaError('INVALID_ARGUMENT', `JSON has no number ${value}; send it as a string.`)
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (depth >= maxJsonDepth) {
    throw new CardeaError('INVALID_ARGUMENT', `JSON nested deeper than ${maxJsonDepth} levels.`, {
      maximum_depth: String(maxJsonDepth),
    })
  }
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(',')}]`
  const object = value as JsonObject
  const members: string[] = []
  for (const key of Object.keys(object).sort()) {
    if (object[key] !== undefined) members.push(`${JSON.stringify(key)}:${write(object[key], depth + 1)}`)
  }
  return `{${members.join(',')}}`
}

/** {@link canonicalJson} of an object; undefined for none and for the empty object, which mean the same. */
export function canonicalObject(value: JsonObject | undefined): string | undefined {
  if (value === undefined) return undefined
  const text = canonicalJson(value)
  return text === '{}' ? undefined : text
}

/** Reads what {@link canonicalObject} wrote. */
export function parseObjectText(text: string | undefined | null): JsonObject | undefined {
  return text === undefined || text === null ? undefined : (JSON.parse(text) as JsonObject)
}
