// What a caveat says under a context; the reference evaluator takes the judge of it as an argument.

import type { JsonObject } from '../../src/model/context.ts'
import type { CaveatRef } from '../../src/model/relationship.ts'

/** `names`: parameters without a value on which the outcome depends. `error`: the expression failed. */
export type CaveatVerdict =
  | { readonly kind: 'true' }
  | { readonly kind: 'false' }
  | { readonly kind: 'missing'; readonly names: readonly string[] }
  | { readonly kind: 'error' }

/** Judges the caveat of a row under the request's context, over which the row's stored context is laid. */
export type CaveatJudge = (caveat: CaveatRef, request: JsonObject) => CaveatVerdict
