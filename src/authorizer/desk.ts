// What every use case of the front desk works with.

import type { Engine } from '../engine/engine.ts'
import type { World } from '../engine/world.ts'
import type { JsonObject } from '../model/context.ts'
import { CardeaError } from '../model/errors.ts'
import { structBytes } from '../model/struct-size.ts'
import type { FollowedDatastore, PinnedWorld } from './followed-datastore.ts'
import type { AuthorizerLimits } from './limits.ts'

export interface Desk {
  readonly datastore: FollowedDatastore
  readonly engine: Engine<World>
  readonly limits: AuthorizerLimits
  /** Milliseconds since the Unix epoch. */
  readonly clock: () => number
}

/** Runs `use` with a pinned world and releases it whatever happens. Stays synchronous when both are. */
export function withWorld<Value>(
  pinned: PinnedWorld | Promise<PinnedWorld>,
  use: (world: PinnedWorld) => Value | Promise<Value>,
): Value | Promise<Value> {
  if (pinned instanceof Promise) return pinned.then((world) => withWorld(world, use))
  let result: Value | Promise<Value>
  try {
    result = use(pinned)
  } catch (error) {
    pinned.release()
    throw error
  }
  if (result instanceof Promise) return result.finally(() => pinned.release())
  pinned.release()
  return result
}

/** REQUEST_CONTEXT_TOO_LARGE when a request's caveat context exceeds its limit. */
export function validateRequestContext(context: JsonObject | undefined, limits: AuthorizerLimits): void {
  if (context === undefined || limits.maxRequestContextBytes <= 0) return
  const bytes = structBytes(context)
  if (bytes > limits.maxRequestContextBytes) {
    throw new CardeaError(
      'REQUEST_CONTEXT_TOO_LARGE',
      `The request's caveat context has ${bytes} bytes, more than max-request-context-bytes allows (${limits.maxRequestContextBytes}).`,
      { max_allowed_size: String(limits.maxRequestContextBytes), context_size: String(bytes) },
    )
  }
}

/** EXCEEDS_MAXIMUM_ALLOWABLE_LIMIT when a page size is larger than its setting allows. 0 means no limit. */
export function validateLimit(limit: number | undefined, maximum: number, setting: string): number {
  const asked = limit ?? 0
  if (!Number.isSafeInteger(asked) || asked < 0) {
    throw new CardeaError(
      'INVALID_ARGUMENT',
      'validation error: optional_limit is not a whole number of results.',
    )
  }
  if (asked > maximum) {
    throw new CardeaError(
      'EXCEEDS_MAXIMUM_ALLOWABLE_LIMIT',
      `The limit ${asked} is more than ${setting} allows (${maximum}).`,
      { limit_provided: String(asked), maximum_limit_allowed: String(maximum) },
    )
  }
  return asked
}
