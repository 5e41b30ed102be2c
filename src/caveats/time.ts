// Durations and timestamps of caveats: reading and writing their text forms, ranges, and calendar fields.

import { Duration, Timestamp } from './value.ts'

const nanosPerUnit: { readonly [unit: string]: bigint } = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}

const nanosPerSecond = 1_000_000_000n
const minNanos = -(2n ** 63n)
const maxNanos = 2n ** 63n - 1n
// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999999Z (google.protobuf.Timestamp).
const minTimestamp = -62_135_596_800n * nanosPerSecond
const maxTimestamp = 253_402_300_800n * nanosPerSecond - 1n

/** A duration of so many nanoseconds; undefined beyond the 64 bits that it may have. */
export function durationOf(nanos: bigint): Duration | undefined {
  return nanos < minNanos || nanos > maxNanos ? undefined : new Duration(nanos)
}

/** A timestamp at so many nanoseconds since the Unix epoch; undefined outside the years 1 to 9999. */
export function timestampOf(nanos: bigint): Timestamp | undefined {
  return nanos < minTimestamp || nanos > maxTimestamp ? undefined : new Timestamp(nanos)
}

/**
 * Reads a Go duration string: `1h30m`, `-1.5h`, `300ms`, `0` (package time, ParseDuration). Undefined when malformed
 * or beyond 292 years. Fractions finer than a nanosecond are cut.
 */
export function parseDuration(text: string): Duration | undefined {
  if (text.length > 200) return undefined
  const negative = text.startsWith('-')
  const unsigned = text.replace(/^[-+]/, '')
  if (unsigned === '0') return new Duration(0n)
  const part = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y
  let total = 0n
  let at = 0
  do {
    part.lastIndex = at
    const match = part.exec(unsigned)
    if (match === null) return undefined
    const [whole = '', fraction = '', unit = ''] = match.slice(1)
    if (whole === '' && fraction === '') return undefined
    const nanos = nanosPerUnit[unit]!
    total += BigInt(whole) * nanos
    if (fraction !== '') total += (BigInt(fraction) * nanos) / 10n ** BigInt(fraction.length)
    at = part.lastIndex
  } while (at < unsigned.length)
  return durationOf(negative ? -total : total)
}

/** Seconds with as many decimals as needed and the unit: `5400s`, `0.5s`. */
export function formatDuration(duration: Duration): string {
  const nanos = duration.nanos < 0n ? -duration.nanos : duration.nanos
  return `${duration.nanos < 0n ? '-' : ''}${nanos / nanosPerSecond}${formatFraction(nanos % nanosPerSecond)}s`
}

function formatFraction(nanos: bigint): string {
  return nanos === 0n ? '' : `.${nanos.toString().padStart(9, '0').replace(/0+$/, '')}`
}

const timestampPattern = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,100}))?(Z|[+-]\d\d:\d\d)$/

/** Reads an RFC 3339 timestamp, section 5.6, upper-case `T` and `Z`. Undefined when malformed or no such day. */
export function parseTimestamp(text: string): Timestamp | undefined {
  const match = timestampPattern.exec(text)
  if (match === null) return undefined
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day) return undefined
  if (hour > 23 || minute > 59 || second > 59) return undefined
  const offsetMinutes = match[8] === 'Z' ? 0 : parseOffsetMinutes(match[8]!)
  if (offsetMinutes === undefined || Math.abs(offsetMinutes) >= 24 * 60) return undefined
  const seconds = BigInt(date.getTime() / 1000 + hour * 3600 + minute * 60 + second - offsetMinutes * 60)
  const nanos = BigInt((match[7] ?? '').slice(0, 9).padEnd(9, '0'))
  return new Timestamp(seconds * nanosPerSecond + nanos)
}

/** RFC 3339 in UTC, with as many decimals as needed. */
export function formatTimestamp(timestamp: Timestamp): string {
  const { date, nanosOfSecond } = splitTimestamp(timestamp)
  const year = String(date.getUTCFullYear()).padStart(4, '0')
  return `${year}${date.toISOString().slice(-20, -5)}${formatFraction(nanosOfSecond)}Z`
}

/** Whole seconds since the Unix epoch, rounded down. */
export function unixSeconds(timestamp: Timestamp): bigint {
  return (timestamp.nanos - positiveRemainder(timestamp.nanos)) / nanosPerSecond
}

function positiveRemainder(nanos: bigint): bigint {
  const remainder = nanos % nanosPerSecond
  return remainder < 0n ? remainder + nanosPerSecond : remainder
}

function splitTimestamp(timestamp: Timestamp): { readonly date: Date; readonly nanosOfSecond: bigint } {
  return {
    date: new Date(Number(unixSeconds(timestamp)) * 1000),
    nanosOfSecond: positiveRemainder(timestamp.nanos),
  }
}

/** Calendar fields as CEL counts them: months, days of month and of year from 0, `date` from 1, Sunday is 0. */
export interface CalendarFields {
  readonly year: number
  readonly month: number
  readonly date: number
  readonly dayOfWeek: number
  readonly dayOfYear: number
  readonly hours: number
  readonly minutes: number
  readonly seconds: number
  readonly milliseconds: number
}

/** The fields in a time zone (`America/New_York`, `+05:30`; empty is UTC). Undefined for an unknown zone. */
export function calendarFields(timestamp: Timestamp, zone: string): CalendarFields | undefined {
  const { date, nanosOfSecond } = splitTimestamp(timestamp)
  const offsetSeconds = zone === '' || zone === 'UTC' ? 0 : zoneOffsetSeconds(date, zone)
  if (offsetSeconds === undefined) return undefined
  const local = new Date(date.getTime() + offsetSeconds * 1000)
  const newYear = new Date(0)
  newYear.setUTCFullYear(local.getUTCFullYear(), 0, 1)
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth(),
    date: local.getUTCDate(),
    dayOfWeek: local.getUTCDay(),
    dayOfYear: Math.floor((local.getTime() - newYear.getTime()) / 86_400_000),
    hours: local.getUTCHours(),
    minutes: local.getUTCMinutes(),
    seconds: local.getUTCSeconds(),
    milliseconds: Number(nanosOfSecond / 1_000_000n),
  }
}

function parseOffsetMinutes(text: string): number | undefined {
  const match = /^([+-]?)(\d\d):(\d\d)$/.exec(text)
  if (match === null || Number(match[3]) > 59) return undefined
  const minutes = Number(match[2]) * 60 + Number(match[3])
  return match[1] === '-' ? -minutes : minutes
}

function zoneOffsetSeconds(date: Date, zone: string): number | undefined {
  const minutes = parseOffsetMinutes(zone)
  if (minutes !== undefined) return minutes * 60
  const format = zoneFormat(zone)
  if (format === undefined) return undefined
  const part: { [type: string]: number } = {}
  for (const { type, value } of format.formatToParts(date)) part[type] = Number(value)
  const local = new Date(0)
  local.setUTCFullYear(part.year!, part.month! - 1, part.day!)
  local.setUTCHours(part.hour!, part.minute!, part.second!)
  return (local.getTime() - date.getTime()) / 1000
}

/** Formats by zone name. Zone names may come from a request, so the number kept is bounded. */
const zoneFormats = new Map<string, Intl.DateTimeFormat>()
const maxZoneFormats = 1000

function zoneFormat(zone: string): Intl.DateTimeFormat | undefined {
  const known = zoneFormats.get(zone)
  if (known !== undefined) return known
  try {
    const format = new Intl.DateTimeFormat('en-US-u-ca-iso8601', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
    if (zoneFormats.size >= maxZoneFormats) zoneFormats.clear()
    zoneFormats.set(zone, format)
    return format
  } catch {
    return undefined
  }
}
