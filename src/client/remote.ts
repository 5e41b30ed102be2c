// What the parts of the client share.

import type { Read } from '../authorizer/authorizer.ts'
import { CardeaError } from '../model/errors.ts'
import type { consistencyToWire } from '../wire/consistency.ts'

/** The consistency that a read is sent with. */
export type Freshness = (read: Read | undefined) => ReturnType<typeof consistencyToWire>

/** INTERNAL when the service's response lacks what the contract promises. */
export function required<Value>(value: Value | undefined, field: string): Value {
  if (value !== undefined) return value
  throw new CardeaError('INTERNAL', `The service's response lacks ${field}.`)
}

export function tokenOf(message: { readonly token: string } | undefined): string {
  return required(message, 'a ZedToken').token
}

export function cursorToWire(cursor: string | undefined) {
  return cursor === undefined ? {} : { optionalCursor: { token: cursor } }
}
