// The static types of expressions, and which of them may stand for one another.

import type { CaveatType } from '../model/schema.ts'

/** A type of the expression language: `int`, `list(T)`, `map(K, V)`, `optional_type(T)`. `dyn` is any of them. */
export interface CelType {
  readonly name: string
  readonly parts: readonly CelType[]
}

const simple = (name: string): CelType => ({ name, parts: [] })

export const dyn = simple('dyn')
export const bool = simple('bool')
export const int = simple('int')
export const uint = simple('uint')
export const double = simple('double')
export const string = simple('string')
export const bytes = simple('bytes')
export const nullType = simple('null_type')
export const typeType = simple('type')
export const timestamp = simple('google.protobuf.Timestamp')
export const duration = simple('google.protobuf.Duration')
export const ipAddress = simple('IPAddress')

export const listOf = (element: CelType): CelType => ({ name: 'list', parts: [element] })
export const mapOf = (key: CelType, value: CelType): CelType => ({ name: 'map', parts: [key, value] })
export const optionalOf = (content: CelType): CelType => ({ name: 'optional_type', parts: [content] })

/** Types that are values under their own name. */
export const namedTypes: readonly string[] = [
  'bool',
  'bytes',
  'double',
  'int',
  'list',
  'map',
  'null_type',
  'optional_type',
  'string',
  'type',
  'uint',
]

/** `map(string, int)`, as the field's error messages show types. */
export function formatType(type: CelType): string {
  return type.parts.length === 0 ? type.name : `${type.name}(${type.parts.map(formatType).join(', ')})`
}

/** The static type of a caveat parameter. `uint` counts as `int` and `any` as `dyn` (reference: caveats). */
export function typeOfParameter(type: CaveatType): CelType {
  const [argument] = type.arguments.map(typeOfParameter)
  switch (type.name) {
    case 'any':
      return dyn
    case 'uint':
      return int
    case 'duration':
      return duration
    case 'timestamp':
      return timestamp
    case 'ipaddress':
      return ipAddress
    case 'list':
      return listOf(argument ?? dyn)
    case 'map':
      return mapOf(string, argument ?? dyn)
    default:
      return simple(type.name)
  }
}

/** Types that may be null. */
const nullable = [timestamp, duration, ipAddress, optionalOf(dyn), nullType].map(({ name }) => name)

/** Whether a value of one type may be used as one of the other, as far as can be told before evaluation. */
export function isCompatible(left: CelType, right: CelType): boolean {
  if (left.name === 'dyn' || right.name === 'dyn') return true
  if (left.name === 'null_type') return nullable.includes(right.name)
  if (right.name === 'null_type') return nullable.includes(left.name)
  return left.name === right.name && left.parts.every((part, at) => isCompatible(part, right.parts[at]!))
}

/** The type that covers two compatible ones. */
export function joinTypes(left: CelType, right: CelType): CelType {
  if (left.name === 'dyn' || right.name === 'dyn') return dyn
  if (left.name === 'null_type') return right
  if (right.name === 'null_type' || left.parts.length === 0) return left
  return { name: left.name, parts: left.parts.map((part, at) => joinTypes(part, right.parts[at]!)) }
}
