// Consistency requirements and tokens: messages ↔ values.

import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Consistency } from '../model/revision.ts'
import type {
  Consistency as ConsistencyMessage,
  ConsistencySchema,
} from './gen/authzed/api/v1/permission_service_pb.ts'
import { InvalidField } from './invalid-field.ts'

/** Unset stays unset: the authorizer's default. A message that says nothing is refused, as protobuf cannot tell it from a typo. */
export function consistencyFromWire(message: ConsistencyMessage | undefined): Consistency | undefined {
  if (message === undefined) return undefined
  const { requirement } = message
  switch (requirement.case) {
    case 'minimizeLatency':
      requireTrue(requirement.value, 'minimize_latency')
      return { kind: 'minimize_latency' }
    case 'fullyConsistent':
      requireTrue(requirement.value, 'fully_consistent')
      return { kind: 'fully_consistent' }
    case 'atLeastAsFresh':
      return {
        kind: 'at_least_as_fresh',
        token: tokenFromWire(requirement.value, 'consistency.at_least_as_fresh'),
      }
    case 'atExactSnapshot':
      return {
        kind: 'at_exact_snapshot',
        token: tokenFromWire(requirement.value, 'consistency.at_exact_snapshot'),
      }
    default:
      throw new InvalidField('consistency.requirement', 'is required when consistency is set')
  }
}

function requireTrue(value: boolean, name: string): void {
  if (!value) throw new InvalidField(`consistency.${name}`, 'can only be true; leave it out otherwise')
}

/** The text of a ZedToken or Cursor that is set. */
export function tokenFromWire(message: { readonly token: string }, path: string): string {
  if (message.token === '') throw new InvalidField(`${path}.token`, 'is empty; send it as a response gave it')
  return message.token
}

/** The text of an optional cursor. */
export function cursorFromWire(message: { readonly token: string } | undefined): string | undefined {
  return message === undefined ? undefined : tokenFromWire(message, 'optional_cursor')
}

export function consistencyToWire(
  consistency: Consistency | undefined,
): MessageInitShape<typeof ConsistencySchema> | undefined {
  switch (consistency?.kind) {
    case undefined:
      return undefined
    case 'minimize_latency':
      return { requirement: { case: 'minimizeLatency', value: true } }
    case 'fully_consistent':
      return { requirement: { case: 'fullyConsistent', value: true } }
    case 'at_least_as_fresh':
      return { requirement: { case: 'atLeastAsFresh', value: { token: consistency.token } } }
    case 'at_exact_snapshot':
      return { requirement: { case: 'atExactSnapshot', value: { token: consistency.token } } }
  }
}
