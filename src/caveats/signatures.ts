// The static signatures of operators, functions and methods: CEL's standard library, `in_cidr` and `isSubtreeOf`.

import {
  bool,
  bytes,
  type CelType,
  double,
  duration,
  dyn,
  int,
  ipAddress,
  isCompatible,
  listOf,
  mapOf,
  nullType,
  optionalOf,
  string,
  timestamp,
  typeType,
  uint,
} from './cel-type.ts'

/** Types of the operands or arguments, a method's receiver first, and of the result. */
export interface Signature {
  readonly operands: readonly CelType[]
  readonly result: CelType
}

type Signatures = { readonly [name: string]: readonly Signature[] }

const signature = (operands: readonly CelType[], result: CelType): Signature => ({ operands, result })
const both = (type: CelType, result = type): Signature => signature([type, type], result)

const anyList = listOf(dyn)
const anyMap = mapOf(dyn, dyn)
const anyOptional = optionalOf(dyn)

const ordered = [bool, int, uint, double, string, bytes, timestamp, duration].map((type) => both(type, bool))

/** Operators whose types do not depend on one another. Equality, `in` and `+` on lists are checked by their own rules. */
export const operatorSignatures: Signatures = {
  '+': [
    ...[int, uint, double, string, bytes, duration].map((type) => both(type)),
    signature([timestamp, duration], timestamp),
    signature([duration, timestamp], timestamp),
    both(anyList),
  ],
  '-': [
    ...[int, uint, double, duration].map((type) => both(type)),
    both(timestamp, duration),
    signature([timestamp, duration], timestamp),
  ],
  '*': [int, uint, double].map((type) => both(type)),
  '/': [int, uint, double].map((type) => both(type)),
  '%': [int, uint].map((type) => both(type)),
  '<': ordered,
  '<=': ordered,
  '>': ordered,
  '>=': ordered,
  '-_': [int, double].map((type) => signature([type], type)),
  '!_': [signature([bool], bool)],
}

const conversion = (result: CelType, ...from: readonly CelType[]): readonly Signature[] =>
  from.map((type) => signature([type], result))

const sized = conversion(int, string, bytes, anyList, anyMap)

/** Functions written `name(...)`, without `has`. */
export const globalSignatures: Signatures = {
  bool: conversion(bool, bool, string),
  bytes: conversion(bytes, bytes, string),
  double: conversion(double, double, int, uint, string),
  duration: conversion(duration, duration, string, int),
  dyn: conversion(dyn, dyn),
  int: conversion(int, int, uint, double, string, timestamp, duration),
  matches: [both(string, bool)],
  size: sized,
  string: conversion(string, string, bool, int, uint, double, bytes, timestamp, duration, nullType),
  timestamp: conversion(timestamp, timestamp, string, int),
  type: conversion(typeType, dyn),
  uint: conversion(uint, uint, int, double, string),
}

const timeField = [signature([timestamp], int), signature([timestamp, string], int)]
const timeOrDurationField = [...timeField, signature([duration], int)]

/** Methods written `receiver.name(...)`, without macros and those of optional values. */
export const memberSignatures: Signatures = {
  contains: [both(string, bool)],
  endsWith: [both(string, bool)],
  getDate: timeField,
  getDayOfMonth: timeField,
  getDayOfWeek: timeField,
  getDayOfYear: timeField,
  getFullYear: timeField,
  getHours: timeOrDurationField,
  getMilliseconds: timeOrDurationField,
  getMinutes: timeOrDurationField,
  getMonth: timeField,
  getSeconds: timeOrDurationField,
  hasValue: [signature([anyOptional], bool)],
  in_cidr: [signature([ipAddress, string], bool)],
  isSubtreeOf: [both(mapOf(string, dyn), bool)],
  matches: [both(string, bool)],
  size: sized,
  startsWith: [both(string, bool)],
}

/** Null goes where another type allows it, but a parameter of type null takes nothing else. */
function isAccepted(operand: CelType, parameter: CelType): boolean {
  return parameter.name === 'null_type' && operand.name !== 'dyn'
    ? operand.name === 'null_type'
    : isCompatible(operand, parameter)
}

/**
 * The type of the result when at least one signature fits; `dyn` when several with different results do, as can be with
 * operands of type dyn. Undefined: none fits.
 */
export function resultOfCall(
  signatures: readonly Signature[],
  operands: readonly CelType[],
): CelType | undefined {
  const fitting = signatures.filter(
    (candidate) =>
      candidate.operands.length === operands.length &&
      candidate.operands.every((type, at) => isAccepted(operands[at]!, type)),
  )
  const first = fitting[0]
  return first === undefined || fitting.every(({ result }) => result.name === first.result.name)
    ? first?.result
    : dyn
}
