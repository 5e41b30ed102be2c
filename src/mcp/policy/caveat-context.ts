// Caveat context: every value comes from a named source and is of its parameter's type, or the thing is denied.

import { isIP } from 'node:net'
import type { JsonObject, JsonValue } from '../../model/context.ts'
import type { CaveatType } from '../../model/schema.ts'
import type { Denial, Setting } from './ask.ts'
import type { Scope } from './scope.ts'

/**
 * The context of a question in this scope; undefined when the policy has no sources. A source without a value is
 * left out: the answer is then conditional, which denies and names the parameter.
 */
export function caveatContext({ policy, nowMs }: Setting, scope: Scope): JsonObject | undefined | Denial {
  if (policy.context.length === 0) return undefined
  const context: [string, JsonValue][] = []
  for (const { parameter, from, type } of policy.context) {
    const found = from === 'clock' ? { raw: new Date(nowMs).toISOString() } : scope.find(from.root, from.path)
    if (found?.raw === undefined) continue
    const value = type === undefined ? found.raw : coerce(found.raw, type)
    if (value === undefined) return { denied: `context.${parameter}: the value is no ${type?.name}` }
    context.push([parameter, value])
  }
  return Object.fromEntries(context)
}

const timestamp = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})$/
const duration = /^-?(?:\d+(?:\.\d+)?(?:h|m|s|ms|us|ns))+$/
const decimal = /^-?(?:0|[1-9]\d*)$/

/** The value as the parameter's type, or undefined. 64-bit integers go as strings, since JSON numbers are doubles. */
export function coerce(value: JsonValue, type: CaveatType): JsonValue | undefined {
  switch (type.name) {
    case 'any':
      return value
    case 'string':
    case 'bytes':
      return typeof value === 'string' ? value : undefined
    case 'bool':
      return typeof value === 'boolean' ? value : undefined
    case 'int':
      return integer(value, -(2n ** 63n), 2n ** 63n - 1n)
    case 'uint':
      return integer(value, 0n, 2n ** 64n - 1n)
    case 'double':
      return typeof value === 'number' && Number.isFinite(value) ? value : undefined
    case 'ipaddress':
      return typeof value === 'string' && isIP(value) !== 0 ? value : undefined
    case 'timestamp':
      return typeof value === 'string' && timestamp.test(value) && !Number.isNaN(Date.parse(value))
        ? value
        : undefined
    case 'duration':
      return typeof value === 'string' && duration.test(value) ? value : undefined
    case 'list':
      return Array.isArray(value) ? all(value, type.arguments[0]) : undefined
    case 'map':
      return members(value, type.arguments[0])
  }
}

function integer(value: JsonValue, min: bigint, max: bigint): JsonValue | undefined {
  if (typeof value === 'number') {
    return Number.isSafeInteger(value) && BigInt(value) >= min ? value : undefined
  }
  if (typeof value !== 'string' || !decimal.test(value) || value.length > 20) return undefined
  const exact = BigInt(value)
  return exact >= min && exact <= max ? value : undefined
}

function all(values: readonly JsonValue[], type: CaveatType | undefined): JsonValue | undefined {
  if (type === undefined) return values
  const coerced = values.map((value) => coerce(value, type))
  return coerced.some((value) => value === undefined) ? undefined : (coerced as JsonValue[])
}

function members(value: JsonValue, type: CaveatType | undefined): JsonValue | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const entries = Object.entries(value as JsonObject)
  const coerced = all(
    entries.map(([, member]) => member),
    type,
  )
  return coerced && Object.fromEntries(entries.map(([key], index) => [key, (coerced as JsonValue[])[index]!]))
}
