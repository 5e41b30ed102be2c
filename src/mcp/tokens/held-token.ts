// The incoming token of a principal, kept beside it for token exchange and for nothing else; it is in no record and no log.

import type { Principal } from '../principal.ts'

const held = new WeakMap<Principal, string>()

/** Remembers the token a principal came with, for as long as somebody holds the principal. */
export function holdToken(principal: Principal, token: string): void {
  held.set(principal, token)
}

/** The token a principal came with; undefined for one that was not made from a request. */
export function heldToken(principal: Principal): string | undefined {
  return held.get(principal)
}
