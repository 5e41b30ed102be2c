// From the JSON of a caveat context to the values that expressions compute with, by the parameter's type.

import type { JsonValue } from '../model/context.ts'
import { type CaveatType, formatCaveatType } from '../model/schema.ts'
import { parseDouble } from './conversions.ts'
import { IpAddress } from './ip-address.ts'
import { parseDuration, parseTimestamp } from './time.ts'
import type { Value } from './value.ts'

/** Why a JSON value is no value of a type: where inside it, and what was expected there. */
export class Unconvertible {
  /** `[2].name`, empty at the top. */
  readonly path: string
  readonly problem: string

  constructor(path: string, problem: string) {
    this.path = path
    this.problem = problem
  }

  within(step: string): Unconvertible {
    return new Unconvertible(step + this.path, this.problem)
  }
}

/** Deepest nesting of lists and maps inside one parameter. */
export const maxContextDepth = 100

const minInt = -(2n ** 63n)
const maxInt = 2n ** 63n - 1n
const maxUint = 2n ** 64n - 1n

/**
 * Converts one parameter (reference: caveats, JSON conversion). Numbers may come as decimal strings, which is the only
 * way to send integers beyond 2^53; `uint` becomes a plain non-negative integer.
 */
export function convertValue(type: CaveatType, json: JsonValue, depth = 0): Value | Unconvertible {
  if (depth > maxContextDepth) {
    return new Unconvertible('', `at most ${maxContextDepth} nested lists and maps`)
  }
  const scalar = scalars[type.name]
  if (scalar !== undefined) return scalar(json) ?? expected(type, json)
  switch (type.name) {
    case 'list':
      return Array.isArray(json) ? convertList(type.arguments[0]!, json, depth) : expected(type, json)
    case 'map':
      return isObject(json) ? convertMap(type.arguments[0]!, json, depth) : expected(type, json)
    default:
      return convertAny(json, depth)
  }
}

type Scalar = (json: JsonValue) => Value | undefined

const ofText =
  (read: (text: string) => Value | undefined): Scalar =>
  (json) =>
    typeof json === 'string' ? read(json) : undefined

const scalars: { readonly [name: string]: Scalar | undefined } = {
  bool: (json) => (typeof json === 'boolean' ? json : undefined),
  string: ofText((text) => text),
  int: (json) => integer(json, minInt, maxInt),
  uint: (json) => integer(json, 0n, maxUint),
  double: (json) => {
    if (typeof json === 'number') return json
    const isNumber = typeof json === 'string' && !/nan|infinity/i.test(json)
    return isNumber ? parseDouble(json) : undefined
  },
  bytes: ofText(decodeBase64),
  duration: ofText(parseDuration),
  timestamp: ofText(parseTimestamp),
  ipaddress: ofText((text) => IpAddress.parse(text)),
}

/** What was expected, in words that a caller can act on. */
const descriptions: { readonly [name: string]: string } = {
  int: 'int: a whole number of 64 bits, or one as a decimal string',
  uint: 'uint: a whole number from 0 to 2^64 - 1, or one as a decimal string',
  double: 'double: a number, or one as a decimal string',
  bytes: 'bytes: a string in standard base64 with padding',
  duration: 'duration: a string such as "1h30m" or "300ms"',
  timestamp: 'timestamp: an RFC 3339 string such as "2031-06-30T00:00:00Z"',
  ipaddress: 'ipaddress: an IPv4 or IPv6 address as a string',
}

function expected(type: CaveatType, json: JsonValue): Unconvertible {
  const text = JSON.stringify(json) ?? 'undefined'
  const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text
  return new Unconvertible('', `${descriptions[type.name] ?? formatCaveatType(type)}, found ${shown}`)
}

function integer(json: JsonValue, min: bigint, max: bigint): bigint | undefined {
  const value =
    typeof json === 'number' ? wholeNumber(json) : typeof json === 'string' ? wholeText(json) : undefined
  return value === undefined || value < min || value > max ? undefined : value
}

function wholeNumber(value: number): bigint | undefined {
  return Number.isInteger(value) ? BigInt(value) : undefined
}

/** `42`, `-42`, `42.0` and `4.2e1`. Exact up to 64 bits without an exponent, up to 2^53 with one. */
function wholeText(text: string): bigint | undefined {
  const plain = /^([+-]?\d{1,30})(?:\.0*)?$/.exec(text)
  if (plain !== null) return BigInt(plain[1]!.replace('+', ''))
  if (!/^[+-]?(\d+\.?\d*|\.\d+)e[+-]?\d+$/i.test(text)) return undefined
  const value = Number(text)
  return Number.isSafeInteger(value) ? BigInt(value) : undefined
}

/** RFC 4648 section 4; line breaks are skipped. */
function decodeBase64(text: string): Uint8Array | undefined {
  const compact = text.replace(/[\r\n]/g, '')
  if (compact.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(compact)) return undefined
  return Uint8Array.from(atob(compact), (character) => character.charCodeAt(0))
}

function isObject(json: JsonValue): json is { readonly [key: string]: JsonValue } {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

function convertList(type: CaveatType, json: readonly JsonValue[], depth: number): Value | Unconvertible {
  const list: Value[] = []
  for (const [at, item] of json.entries()) {
    const value = convertValue(type, item, depth + 1)
    if (value instanceof Unconvertible) return value.within(`[${at}]`)
    list.push(value)
  }
  return list
}

function convertMap(
  type: CaveatType,
  json: { readonly [key: string]: JsonValue },
  depth: number,
): Value | Unconvertible {
  const map = new Map<string, Value>()
  for (const [key, item] of Object.entries(json)) {
    const value = convertValue(type, item, depth + 1)
    if (value instanceof Unconvertible) return value.within(`.${key.slice(0, 80)}`)
    map.set(key, value)
  }
  return map
}

const any: CaveatType = { name: 'any', arguments: [] }

// JSON as it is: every number is a double.
function convertAny(json: JsonValue, depth: number): Value | Unconvertible {
  if (Array.isArray(json)) return convertList(any, json, depth)
  if (isObject(json)) return convertMap(any, json, depth)
  return json as Value
}
