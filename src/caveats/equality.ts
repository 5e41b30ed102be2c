// Equality and order of values, as CEL defines them.

import { IpAddress } from './ip-address.ts'
import type { Meter } from './outcome.ts'
import { Duration, isList, isMap, Optional, Timestamp, TypeName, UnsignedInt, type Value } from './value.ts'

/**
 * CEL equality: numbers compare across int, uint and double, NaN equals nothing, values of different types are unequal.
 * With `sameTypes` numbers of different types are unequal too. Depth is bounded by what context and expression allow.
 */
export function equals(left: Value, right: Value, meter: Meter, sameTypes = false): boolean {
  meter.charge(1)
  if (typeof left !== 'object' || left === null || left instanceof UnsignedInt) {
    if (
      sameTypes &&
      (typeof left !== typeof right || left instanceof UnsignedInt !== right instanceof UnsignedInt)
    )
      return false
    if (typeof left === 'string' && typeof right === 'string') meter.chargeLength(left.length)
    const leftNumber = asNumber(left)
    const rightNumber = asNumber(right)
    if (leftNumber === undefined || rightNumber === undefined) return left === right
    return typeof leftNumber === typeof rightNumber
      ? leftNumber === rightNumber
      : Number(leftNumber) === Number(rightNumber)
  }
  if (isList(left)) {
    return (
      isList(right) &&
      left.length === right.length &&
      left.every((item, at) => equals(item, right[at]!, meter, sameTypes))
    )
  }
  if (isMap(left)) {
    if (!isMap(right) || left.size !== right.size) return false
    for (const [key, value] of left) {
      const other = right.get(key)
      if (other === undefined || !equals(value, other, meter, sameTypes)) return false
    }
    return true
  }
  if (left instanceof Uint8Array) {
    return right instanceof Uint8Array && compareBytes(left, right, meter) === 0
  }
  if (left instanceof Timestamp) return right instanceof Timestamp && left.nanos === right.nanos
  if (left instanceof Duration) return right instanceof Duration && left.nanos === right.nanos
  if (left instanceof IpAddress) return right instanceof IpAddress && left.equals(right)
  if (left instanceof TypeName) return right instanceof TypeName && left.name === right.name
  if (!(right instanceof Optional)) return false
  if (left.content === undefined || right.content === undefined) return left.content === right.content
  return equals(left.content, right.content, meter, sameTypes)
}

/** The number that an int, uint or double is; undefined for everything else. */
function asNumber(value: Value): bigint | number | undefined {
  if (typeof value === 'bigint' || typeof value === 'number') return value
  return value instanceof UnsignedInt ? value.value : undefined
}

/** Negative, zero or positive; NaN when a NaN is compared; undefined when the two have no order. */
export function compare(left: Value, right: Value, meter: Meter): number | undefined {
  meter.charge(1)
  const leftNumber = asNumber(left)
  const rightNumber = asNumber(right)
  if (leftNumber !== undefined && rightNumber !== undefined) {
    if (typeof leftNumber === 'bigint' && typeof rightNumber === 'bigint')
      return order(leftNumber, rightNumber)
    const [a, b] = [Number(leftNumber), Number(rightNumber)]
    return Number.isNaN(a) || Number.isNaN(b) ? Number.NaN : order(a, b)
  }
  if (typeof left === 'string' && typeof right === 'string') return compareStrings(left, right, meter)
  if (typeof left === 'boolean' && typeof right === 'boolean') return Number(left) - Number(right)
  if (left instanceof Uint8Array && right instanceof Uint8Array) return compareBytes(left, right, meter)
  if (left instanceof Timestamp && right instanceof Timestamp) return order(left.nanos, right.nanos)
  if (left instanceof Duration && right instanceof Duration) return order(left.nanos, right.nanos)
  return undefined
}

function order<Ordered extends bigint | number>(left: Ordered, right: Ordered): number {
  return left < right ? -1 : left > right ? 1 : 0
}

// By code points. JavaScript's own order by UTF-16 units puts U+1F600 before U+FFFD.
function compareStrings(left: string, right: string, meter: Meter): number {
  const length = Math.min(left.length, right.length)
  meter.chargeLength(length)
  for (let at = 0; at < length; at++) {
    const a = left.charCodeAt(at)
    const b = right.charCodeAt(at)
    if (a === b) continue
    const aIsSurrogate = a >= 0xd800 && a <= 0xdfff
    const bIsSurrogate = b >= 0xd800 && b <= 0xdfff
    return aIsSurrogate === bIsSurrogate ? a - b : aIsSurrogate ? 1 : -1
  }
  return left.length - right.length
}

function compareBytes(left: Uint8Array, right: Uint8Array, meter: Meter): number {
  const length = Math.min(left.length, right.length)
  meter.chargeLength(length)
  for (let at = 0; at < length; at++) {
    if (left[at] !== right[at]) return left[at]! - right[at]!
  }
  return left.length - right.length
}
