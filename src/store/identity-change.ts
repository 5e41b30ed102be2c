// Changes to what a datastore is, apart from its content: keys are rotated, an epoch begins, a copy takes its number on.

import { CardeaError } from '../model/errors.ts'
import type { DatastoreIdentity } from './store.ts'

/** What becomes of an identity; what is left out stays. */
export interface IdentityChange {
  readonly epoch?: number
  /** The first signs, all of them verify. 32 bytes each, at least one. */
  readonly tokenKeys?: readonly Uint8Array[]
}

/** What may be done to the keys of tokens, in the order in which a rotation does it. */
export const keySteps = ['add', 'promote', 'remove'] as const
export type KeyStep = (typeof keySteps)[number]

const keyBytes = 32
const maxKeys = 8

/**
 * The keys after one step. `add`: `key` verifies, and signs nothing yet, so that no process meets a token of a key it
 * has not heard of. `promote`: it signs from now on, the others still verify. `remove`: what it signed is refused from
 * now on. CONFIG_INVALID for a step that cannot be.
 */
export function afterKeyStep(
  keys: readonly Uint8Array[],
  step: KeyStep,
  key: Uint8Array,
): readonly Uint8Array[] {
  const others = keys.filter((other) => !equal(other, key))
  const known = others.length < keys.length
  const refuse = (problem: string) => new CardeaError('CONFIG_INVALID', problem)
  if (step === 'add') {
    if (key.length !== keyBytes) throw refuse(`A key of tokens has ${keyBytes} bytes, not ${key.length}.`)
    if (known) throw refuse('The datastore has this key already.')
    if (keys.length >= maxKeys)
      throw refuse(`The datastore has ${keys.length} keys already; remove one that is no longer needed.`)
    return [...keys, key]
  }
  if (!known) throw refuse('The datastore does not have this key.')
  if (step === 'promote') return [key, ...others]
  if (equal(keys[0]!, key)) throw refuse('This key signs; promote another one before you remove it.')
  return others
}

/** Whether two identities have the same keys in the same order, and the same epoch. */
export function sameIdentity(left: DatastoreIdentity, right: DatastoreIdentity): boolean {
  return (
    left.datastoreId === right.datastoreId &&
    left.epoch === right.epoch &&
    left.tokenKeys.length === right.tokenKeys.length &&
    left.tokenKeys.every((key, at) => equal(key, right.tokenKeys[at]!))
  )
}

/** Why those who follow a datastore must begin anew. */
export function epochBegan(): CardeaError {
  return new CardeaError('UNAVAILABLE', 'The datastore began a new epoch: it was restored from a copy.')
}

/** A copy begins behind the revisions of what it is a copy of, or not at all. */
export function notEmpty(): CardeaError {
  return new CardeaError(
    'CONFIG_INVALID',
    'The datastore has transactions already, so its revisions cannot begin behind those of another one; name an empty datastore.',
  )
}

function equal(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at])
}
