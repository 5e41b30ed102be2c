// The functions and methods of caveat expressions: CEL's standard library, `in_cidr` and `isSubtreeOf`.

import { RE2JS } from 're2js'
import { conversions } from './conversions.ts'
import { equals } from './equality.ts'
import { IpAddress, isInNetwork } from './ip-address.ts'
import type { Result } from './operators.ts'
import { Failure, type Meter } from './outcome.ts'
import { type CalendarFields, calendarFields } from './time.ts'
import {
  Duration,
  isList,
  isMap,
  Optional,
  Timestamp,
  TypeName,
  typeNameOf,
  UnsignedInt,
  type Value,
  type ValueMap,
} from './value.ts'

/** Computes from values that are all known. A method's receiver comes first. Undefined: no such overload. */
export type StandardFunction = (values: readonly Value[], meter: Meter) => Result

type Table = { readonly [name: string]: StandardFunction }

/** A function of two strings. */
function onStrings(compute: (text: string, other: string) => boolean): StandardFunction {
  return ([text, other], meter) => {
    if (typeof text !== 'string' || typeof other !== 'string') return undefined
    meter.chargeLength(text.length + other.length)
    return compute(text, other)
  }
}

const size: StandardFunction = ([value], meter) => {
  if (typeof value === 'string') {
    meter.chargeLength(value.length)
    let count = 0n
    for (const _codePoint of value) count++
    return count
  }
  if (value instanceof Uint8Array) return BigInt(value.length)
  if (value === undefined) return undefined
  if (isList(value)) return BigInt(value.length)
  return isMap(value) ? BigInt(value.size) : undefined
}

/** Compiled patterns. They may come from a request, so the number kept is bounded. */
const patterns = new Map<string, RE2JS>()
const maxPatterns = 256
/** Longest pattern; RE2 needs memory in proportion to it. */
const maxPatternLength = 1000

/** RE2 syntax, found anywhere in the text, in time linear in the text. */
const matches: StandardFunction = ([text, pattern], meter) => {
  if (typeof text !== 'string' || typeof pattern !== 'string') return undefined
  if (pattern.length > maxPatternLength) {
    return new Failure(`the regular expression is longer than ${maxPatternLength} characters`)
  }
  let compiled = patterns.get(pattern)
  if (compiled === undefined) {
    try {
      compiled = RE2JS.compile(pattern)
    } catch (error) {
      return new Failure(`malformed regular expression: ${(error as Error).message}`)
    }
    if (patterns.size >= maxPatterns) patterns.clear()
    patterns.set(pattern, compiled)
  }
  // Matching may try every instruction of the program at every character; counted repetitions make programs long.
  meter.charge(1 + ((text.length * compiled.programSize()) >>> 4))
  return compiled.matcher(text).find()
}

const inCidr: StandardFunction = ([address, cidr]) => {
  if (!(address instanceof IpAddress) || typeof cidr !== 'string') return undefined
  return isInNetwork(address, cidr) ?? new Failure(`malformed network ${JSON.stringify(cidr.slice(0, 80))}`)
}

/** Each key of the receiver is in the other map with an equal value of the same type; maps inside likewise. */
function isSubtree(part: ValueMap, whole: ValueMap, meter: Meter): boolean {
  for (const [key, value] of part) {
    meter.charge(1)
    const other = whole.get(key)
    if (other === undefined) return false
    const holds = isMap(value)
      ? isMap(other) && isSubtree(value, other, meter)
      : equals(value, other, meter, true)
    if (!holds) return false
  }
  return true
}

const isSubtreeOf: StandardFunction = ([part, whole], meter) => {
  if (part === undefined || whole === undefined || !isMap(part) || !isMap(whole)) return undefined
  return isSubtree(part, whole, meter)
}

/** A field of a timestamp, in UTC or in the zone given; of a duration, the whole duration in that unit. */
function timeField(field: (fields: CalendarFields) => number, nanosPerUnit?: bigint): StandardFunction {
  return ([value, zone = '']) => {
    if (value instanceof Duration && nanosPerUnit !== undefined) return value.nanos / nanosPerUnit
    if (!(value instanceof Timestamp) || typeof zone !== 'string') return undefined
    const fields = calendarFields(value, zone)
    return fields === undefined
      ? new Failure(`unknown time zone ${JSON.stringify(zone.slice(0, 80))}`)
      : BigInt(field(fields))
  }
}

function isZeroValue(value: Value): boolean {
  if (value === null || value === false || value === '' || value === 0n || value === 0) return true
  if (value instanceof Duration) return value.nanos === 0n
  if (value instanceof UnsignedInt) return value.value === 0n
  if (value instanceof Uint8Array) return value.length === 0
  if (isList(value)) return value.length === 0
  return isMap(value) && value.size === 0
}

const conversionFunctions: Table = Object.fromEntries(
  Object.entries(conversions).map(([name, convert]): [string, StandardFunction] => [
    name,
    ([value], meter) => (value === undefined ? undefined : convert(value, meter)),
  ]),
)

/** Functions written `name(...)`. */
export const globalFunctions: Table = {
  ...conversionFunctions,
  dyn: ([value]) => value,
  type: ([value]) => (value === undefined ? undefined : new TypeName(typeNameOf(value))),
  size,
  matches,
}

/** Functions written `receiver.name(...)`. */
export const memberFunctions: Table = {
  size,
  matches,
  contains: onStrings((text, part) => text.includes(part)),
  startsWith: onStrings((text, start) => text.startsWith(start)),
  endsWith: onStrings((text, end) => text.endsWith(end)),
  in_cidr: inCidr,
  isSubtreeOf,
  getFullYear: timeField((fields) => fields.year),
  getMonth: timeField((fields) => fields.month),
  getDate: timeField((fields) => fields.date),
  getDayOfMonth: timeField((fields) => fields.date - 1),
  getDayOfWeek: timeField((fields) => fields.dayOfWeek),
  getDayOfYear: timeField((fields) => fields.dayOfYear),
  getHours: timeField((fields) => fields.hours, 3_600_000_000_000n),
  getMinutes: timeField((fields) => fields.minutes, 60_000_000_000n),
  getSeconds: timeField((fields) => fields.seconds, 1_000_000_000n),
  getMilliseconds: timeField((fields) => fields.milliseconds, 1_000_000n),
  hasValue: ([value]) => (value instanceof Optional ? value.content !== undefined : undefined),
  value: ([value]) => {
    if (!(value instanceof Optional)) return undefined
    return value.content === undefined ? new Failure('the optional has no value') : value.content
  },
}

/** Functions of the namespace `optional`, written `optional.name(...)`. */
export const optionalFunctions: Table = {
  of: ([value]) => (value === undefined ? undefined : Optional.of(value)),
  none: () => Optional.none,
  ofNonZeroValue: ([value]) =>
    value === undefined ? undefined : isZeroValue(value) ? Optional.none : Optional.of(value),
}
