// Traits: what a row has besides its identity, which is its caveat and its expiry.

import { CardeaError } from '../model/errors.ts'
import type { CaveatRef, Relationship } from '../model/relationship.ts'
import { canonicalObject, parseObjectText } from './canonical-json.ts'

/** Traits of one row. Both keys absent: a plain row. */
export interface Traits {
  readonly caveat?: CaveatRef
  readonly expiresAtMs?: number
}

/** Traits from their stored parts; null and undefined mean absent. `contextText` is canonical JSON. */
export function traitsFrom(
  caveat: string | null | undefined,
  contextText: string | null | undefined,
  expiresAtMs: number | null | undefined,
): Traits {
  const context = parseObjectText(contextText)
  return {
    ...(caveat === null || caveat === undefined
      ? {}
      : { caveat: context === undefined ? { name: caveat } : { name: caveat, context } }),
    ...(expiresAtMs === null || expiresAtMs === undefined ? {} : { expiresAtMs }),
  }
}

/** A copy that shares nothing with its source, with an empty context left out. */
export function copyTraits(source: Pick<Relationship, 'caveat' | 'expiresAtMs'>): Traits {
  assertExpiry(source.expiresAtMs)
  return traitsFrom(source.caveat?.name, canonicalObject(source.caveat?.context), source.expiresAtMs)
}

/** INVALID_ARGUMENT unless an expiry is absent or whole milliseconds. */
export function assertExpiry(expiresAtMs: number | undefined): void {
  if (expiresAtMs === undefined || Number.isSafeInteger(expiresAtMs)) return
  throw new CardeaError('INVALID_ARGUMENT', `An expiry is in whole milliseconds, not ${expiresAtMs}.`)
}

/** Whether replacing one by the other would change nothing. The order of context keys does not count. */
export function sameTraits(one: Traits, other: Traits): boolean {
  return (
    one.expiresAtMs === other.expiresAtMs &&
    one.caveat?.name === other.caveat?.name &&
    canonicalObject(one.caveat?.context) === canonicalObject(other.caveat?.context)
  )
}
