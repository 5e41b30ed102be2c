// The values that caveat expressions compute with. Integers are bigint, doubles are number.

import type { IpAddress } from './ip-address.ts'

/** An unsigned integer as a literal (`1u`) or from `uint()`; parameters of type uint are plain integers. */
export class UnsignedInt {
  readonly value: bigint

  constructor(value: bigint) {
    this.value = value
  }
}

/** A point in time, in nanoseconds since the Unix epoch. */
export class Timestamp {
  readonly nanos: bigint

  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

/** A span of time in nanoseconds, perhaps negative. */
export class Duration {
  readonly nanos: bigint

  constructor(nanos: bigint) {
    this.nanos = nanos
  }
}

/** A type as a value: `type(x) == int`. */
export class TypeName {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

/** A value that may be absent: `user.?age`. */
export class Optional {
  static readonly none = new Optional(undefined)
  readonly content: Value | undefined

  private constructor(content: Value | undefined) {
    this.content = content
  }

  static of(content: Value): Optional {
    return new Optional(content)
  }
}

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Uint8Array
  | UnsignedInt
  | Timestamp
  | Duration
  | IpAddress
  | TypeName
  | Optional
  | ValueList
  | ValueMap

export type ValueList = readonly Value[]

/** Keys as {@link mapKey} makes them: numbers that are equal are one key. */
export type ValueMap = ReadonlyMap<MapKey, Value>

export type MapKey = string | boolean | bigint | number

/** The key under which a map holds `value`; undefined when it cannot be a key. */
export function mapKey(value: Value): MapKey | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
    case 'bigint':
      return value
    case 'number':
      return Number.isInteger(value) ? BigInt(value) : value
    default:
      return value instanceof UnsignedInt ? value.value : undefined
  }
}

export function isList(value: Value): value is ValueList {
  return Array.isArray(value)
}

export function isMap(value: Value): value is ValueMap {
  return value instanceof Map
}

/** The name that `type(value)` shows. */
export function typeNameOf(value: Value): string {
  switch (typeof value) {
    case 'boolean':
      return 'bool'
    case 'bigint':
      return 'int'
    case 'number':
      return 'double'
    case 'string':
      return 'string'
  }
  if (value === null) return 'null_type'
  if (isList(value)) return 'list'
  if (isMap(value)) return 'map'
  if (value instanceof Uint8Array) return 'bytes'
  if (value instanceof UnsignedInt) return 'uint'
  if (value instanceof Timestamp) return 'google.protobuf.Timestamp'
  if (value instanceof Duration) return 'google.protobuf.Duration'
  if (value instanceof TypeName) return 'type'
  if (value instanceof Optional) return 'optional_type'
  return 'IPAddress'
}
