// Conversions between values: `int("3")`, `string(1.5)`, `timestamp("2031-06-30T00:00:00Z")`.

import { intOf, type Result, uintOf } from './operators.ts'
import { Failure, type Meter } from './outcome.ts'
import {
  durationOf,
  formatDuration,
  formatTimestamp,
  parseDuration,
  parseTimestamp,
  timestampOf,
  unixSeconds,
} from './time.ts'
import { Duration, Timestamp, UnsignedInt, type Value } from './value.ts'

export type Conversion = (value: Value, meter: Meter) => Result

const cannotRead = (value: Value, type: string): Failure =>
  new Failure(`cannot read ${JSON.stringify(String(value).slice(0, 80))} as ${type}`)

const toInt: Conversion = (value) => {
  if (typeof value === 'bigint') return value
  if (value instanceof UnsignedInt) return intOf(value.value)
  if (typeof value === 'number') {
    // As in cel-go, the bounds themselves are refused: they cannot be told from what lies beyond them.
    const fits = Math.abs(value) < 2 ** 63
    return fits ? BigInt(Math.trunc(value)) : new Failure('integer overflow')
  }
  if (value instanceof Timestamp) return unixSeconds(value)
  if (value instanceof Duration) return value.nanos
  if (typeof value !== 'string') return undefined
  if (!/^[+-]?\d{1,30}$/.test(value)) return cannotRead(value, 'an int')
  return intOf(BigInt(value.replace('+', '')))
}

const toUint: Conversion = (value) => {
  if (value instanceof UnsignedInt) return value
  if (typeof value === 'bigint') return uintOf(value)
  if (typeof value === 'number') {
    const fits = value >= 0 && value < 2 ** 64
    return fits ? uintOf(BigInt(Math.trunc(value))) : new Failure('unsigned integer overflow')
  }
  if (typeof value !== 'string') return undefined
  return /^\d{1,30}$/.test(value) ? uintOf(BigInt(value)) : cannotRead(value, 'a uint')
}

/** Reads a decimal number with or without exponent, or an infinity or NaN by name. Undefined when malformed. */
export function parseDouble(text: string): number | undefined {
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    const value = Number(text)
    return Number.isFinite(value) ? value : undefined
  }
  const named = /^([+-]?)(inf|infinity|nan)$/i.exec(text)
  if (named === null) return undefined
  if (named[2]?.toLowerCase() === 'nan') return Number.NaN
  return named[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}

const toDouble: Conversion = (value, meter) => {
  if (typeof value === 'number') return value
  if (typeof value === 'bigint') return Number(value)
  if (value instanceof UnsignedInt) return Number(value.value)
  if (typeof value !== 'string') return undefined
  meter.chargeLength(value.length)
  return parseDouble(value) ?? cannotRead(value, 'a double')
}

/** The shortest text that reads back as the same double, with an exponent below 1e-4 and from 1e6 on, as Go prints it. */
export function formatDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value < 0 ? '-Inf' : '+Inf'
  if (value === 0) return Object.is(value, -0) ? '-0' : '0'
  const [mantissa, exponentText] = value.toExponential().split('e') as [string, string]
  const exponent = Number(exponentText)
  // Go decides by 21 digits for integers with more digits than that only; 6 is its limit for shortest output.
  if (exponent >= -4 && exponent < 6) return String(value)
  const digits = String(Math.abs(exponent)).padStart(2, '0')
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${digits}`
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const encoder = new TextEncoder()

const toText: Conversion = (value, meter) => {
  switch (typeof value) {
    case 'string':
      return value
    case 'boolean':
    case 'bigint':
      return String(value)
    case 'number':
      return formatDouble(value)
  }
  if (value instanceof UnsignedInt) return String(value.value)
  if (value instanceof Timestamp) return formatTimestamp(value)
  if (value instanceof Duration) return formatDuration(value)
  if (!(value instanceof Uint8Array)) return undefined
  meter.chargeLength(value.length)
  try {
    return decoder.decode(value)
  } catch {
    return new Failure('the bytes are not UTF-8')
  }
}

const toBytes: Conversion = (value, meter) => {
  if (value instanceof Uint8Array) return value
  if (typeof value !== 'string') return undefined
  meter.chargeLength(value.length)
  return encoder.encode(value)
}

const toBool: Conversion = (value) => {
  if (typeof value === 'boolean') return value
  if (typeof value !== 'string') return undefined
  if (['1', 't', 'T', 'TRUE', 'true', 'True'].includes(value)) return true
  if (['0', 'f', 'F', 'FALSE', 'false', 'False'].includes(value)) return false
  return cannotRead(value, 'a bool')
}

const toTimestamp: Conversion = (value) => {
  if (value instanceof Timestamp) return value
  if (typeof value === 'bigint')
    return timestampOf(value * 1_000_000_000n) ?? new Failure('timestamp overflow')
  if (typeof value !== 'string') return undefined
  const parsed = parseTimestamp(value)
  if (parsed === undefined) return cannotRead(value, 'a timestamp (RFC 3339)')
  return timestampOf(parsed.nanos) ?? new Failure('timestamp overflow')
}

const toDuration: Conversion = (value) => {
  if (value instanceof Duration) return value
  if (typeof value === 'bigint') return durationOf(value) ?? new Failure('duration overflow')
  if (typeof value !== 'string') return undefined
  return parseDuration(value) ?? cannotRead(value, 'a duration such as 1h30m')
}

/** Conversion functions by name. `duration(int)` counts nanoseconds, `timestamp(int)` seconds. */
export const conversions: { readonly [name: string]: Conversion } = {
  int: toInt,
  uint: toUint,
  double: toDouble,
  string: toText,
  bytes: toBytes,
  bool: toBool,
  timestamp: toTimestamp,
  duration: toDuration,
}
