// Arithmetic, membership, indexing and selection on values. Undefined means: no such overload.

import { compare, equals } from './equality.ts'
import { Failure, type Meter } from './outcome.ts'
import { durationOf, timestampOf } from './time.ts'
import {
  Duration,
  isList,
  isMap,
  type MapKey,
  mapKey,
  Optional,
  Timestamp,
  UnsignedInt,
  type Value,
  type ValueList,
} from './value.ts'

/** What an operator or function gives; undefined when it is not defined for these types. */
export type Result = Value | Failure | undefined

export type BinaryOperator = (left: Value, right: Value, meter: Meter) => Result

const minInt = -(2n ** 63n)
const maxInt = 2n ** 63n - 1n
const maxUint = 2n ** 64n - 1n

/** An int, or the failure that it does not fit into 64 bits. */
export function intOf(value: bigint): Value | Failure {
  return value < minInt || value > maxInt ? new Failure('integer overflow') : value
}

/** A uint, or the failure that it does not fit into 64 bits. */
export function uintOf(value: bigint): Value | Failure {
  return value < 0n || value > maxUint ? new Failure('unsigned integer overflow') : new UnsignedInt(value)
}

const durationResult = (nanos: bigint): Result => durationOf(nanos) ?? new Failure('duration overflow')
const timestampResult = (nanos: bigint): Result => timestampOf(nanos) ?? new Failure('timestamp overflow')

/** An operator on two numbers of one type. */
function arithmetic(
  onIntegers: (left: bigint, right: bigint) => bigint | Failure,
  onDoubles: ((left: number, right: number) => number) | undefined,
): BinaryOperator {
  return (left, right) => {
    if (typeof left === 'bigint' && typeof right === 'bigint') {
      const result = onIntegers(left, right)
      return typeof result === 'bigint' ? intOf(result) : result
    }
    if (left instanceof UnsignedInt && right instanceof UnsignedInt) {
      const result = onIntegers(left.value, right.value)
      return typeof result === 'bigint' ? uintOf(result) : result
    }
    return typeof left === 'number' && typeof right === 'number' ? onDoubles?.(left, right) : undefined
  }
}

const addNumbers = arithmetic(
  (left, right) => left + right,
  (left, right) => left + right,
)

const subtractNumbers = arithmetic(
  (left, right) => left - right,
  (left, right) => left - right,
)

const add: BinaryOperator = (left, right, meter) => {
  if (typeof left === 'string' && typeof right === 'string') {
    meter.chargeLength(left.length + right.length)
    return left + right
  }
  if (isList(left) && isList(right)) {
    meter.charge(left.length + right.length)
    return [...left, ...right]
  }
  if (left instanceof Uint8Array && right instanceof Uint8Array) {
    meter.chargeLength(left.length + right.length)
    const joined = new Uint8Array(left.length + right.length)
    joined.set(left)
    joined.set(right, left.length)
    return joined
  }
  if (left instanceof Duration && right instanceof Duration) return durationResult(left.nanos + right.nanos)
  if (left instanceof Timestamp && right instanceof Duration) return timestampResult(left.nanos + right.nanos)
  if (left instanceof Duration && right instanceof Timestamp) return timestampResult(left.nanos + right.nanos)
  return addNumbers(left, right, meter)
}

const subtract: BinaryOperator = (left, right, meter) => {
  if (left instanceof Duration && right instanceof Duration) return durationResult(left.nanos - right.nanos)
  if (left instanceof Timestamp && right instanceof Duration) return timestampResult(left.nanos - right.nanos)
  if (left instanceof Timestamp && right instanceof Timestamp) return durationResult(left.nanos - right.nanos)
  return subtractNumbers(left, right, meter)
}

function ordering(holds: (order: number) => boolean): BinaryOperator {
  return (left, right, meter) => {
    const order = compare(left, right, meter)
    if (order === undefined) return undefined
    return Number.isNaN(order) ? new Failure('NaN values cannot be ordered') : holds(order)
  }
}

const isIn: BinaryOperator = (left, right, meter) => {
  if (isList(right)) return right.some((item) => equals(left, item, meter))
  if (!isMap(right)) return undefined
  const key = mapKey(left)
  return key !== undefined && right.has(key)
}

/** The operators that need both operands, by how they are written. */
export const binaryOperators: { readonly [operator: string]: BinaryOperator } = {
  '==': (left, right, meter) => equals(left, right, meter),
  '!=': (left, right, meter) => !equals(left, right, meter),
  '<': ordering((order) => order < 0),
  '<=': ordering((order) => order <= 0),
  '>': ordering((order) => order > 0),
  '>=': ordering((order) => order >= 0),
  '+': add,
  '-': subtract,
  '*': arithmetic(
    (left, right) => left * right,
    (left, right) => left * right,
  ),
  '/': arithmetic(
    (left, right) => (right === 0n ? new Failure('division by zero') : left / right),
    (left, right) => left / right,
  ),
  '%': arithmetic((left, right) => (right === 0n ? new Failure('modulus by zero') : left % right), undefined),
  in: isIn,
}

/** `-x` */
export function negate(value: Value): Result {
  if (typeof value === 'bigint') return intOf(-value)
  return typeof value === 'number' ? -value : undefined
}

/** What `container[key]` or `container.key` finds: a value, nothing, or a failure that even `?` does not forgive. */
function find(container: Value, key: Value): Value | undefined | Failure {
  if (isMap(container)) {
    const known = mapKey(key)
    return known === undefined ? new Failure('unsupported key type') : container.get(known)
  }
  if (isList(container)) return findInList(container, mapKey(key))
  return new Failure('no such overload')
}

function findInList(list: ValueList, index: MapKey | undefined): Value | undefined | Failure {
  if (typeof index !== 'bigint') return new Failure('a list is indexed by an integer')
  return index >= 0n && index < BigInt(list.length) ? list[Number(index)] : undefined
}

/** `container[key]`, `container.key`: a failure when there is no such key. An optional container gives an optional. */
export function select(container: Value, key: Value): Value | Failure {
  if (container instanceof Optional) return selectOptional(container, key)
  const found = find(container, key)
  if (found !== undefined) return found
  const shown = typeof key === 'string' || typeof key === 'bigint' ? `: ${key}` : ''
  return new Failure(isList(container) ? `index out of bounds${shown}` : `no such key${shown}`)
}

/** `container[?key]`, `container.?key`: an optional that is empty when there is no such key. */
export function selectOptional(container: Value, key: Value): Value | Failure {
  const inner = container instanceof Optional ? container.content : container
  if (inner === undefined) return Optional.none
  if (!isMap(inner) && !isList(inner)) return Optional.none
  const found = find(inner, key)
  if (found instanceof Failure) return found
  return found === undefined ? Optional.none : Optional.of(found)
}

/** `has(container.key)`: false for what has no keys. */
export function hasKey(container: Value, key: string): boolean | Failure {
  const inner = container instanceof Optional ? container.content : container
  if (inner === undefined || !(isMap(inner) || isList(inner))) return false
  const found = find(inner, key)
  return found instanceof Failure ? found : found !== undefined
}
