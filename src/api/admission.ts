// Admission: how many calls may be in progress at once. What is refused is told when to come back.

import { CardeaError } from '../model/errors.ts'
import { retryAfterFact } from '../wire/status.ts'
import type { Caller } from './preshared-keys.ts'
import type { ServerLimits } from './server-limits.ts'

/** `call`: short ones. `stream`: long ones that end by themselves. `watch`: those that do not. */
export type CallClass = 'call' | 'stream' | 'watch'

const retryAfterMs = 1000

/** Counts what is in progress. */
export class Admission {
  readonly #limits: ServerLimits
  #calls = 0
  readonly #perKey = new Map<string, { stream: number; watch: number }>()

  constructor(limits: ServerLimits) {
    this.#limits = limits
  }

  /** OVERLOADED when a limit is reached; else call {@link leave} with the same arguments when the call is over. */
  enter(caller: Caller, kind: CallClass): void {
    const { maxConcurrentCalls, maxConcurrentStreamsPerKey, maxWatchesPerKey } = this.#limits
    if (kind !== 'watch' && this.#calls >= maxConcurrentCalls)
      throw overloaded('calls in progress', 'max-concurrent-calls', maxConcurrentCalls)
    if (kind !== 'call') {
      const open = this.#of(caller)
      if (kind === 'stream' && open.stream >= maxConcurrentStreamsPerKey)
        throw overloaded(
          'lookups, reads and exports of this key in progress',
          'max-concurrent-streams-per-key',
          maxConcurrentStreamsPerKey,
        )
      if (kind === 'watch' && open.watch >= maxWatchesPerKey)
        throw overloaded('Watch streams of this key', 'max-watches-per-key', maxWatchesPerKey)
      open[kind] += 1
    }
    if (kind !== 'watch') this.#calls += 1
  }

  leave(caller: Caller, kind: CallClass): void {
    if (kind !== 'watch') this.#calls -= 1
    if (kind !== 'call') this.#of(caller)[kind] -= 1
  }

  #of(caller: Caller): { stream: number; watch: number } {
    const known = this.#perKey.get(caller.name)
    if (known !== undefined) return known
    const open = { stream: 0, watch: 0 }
    this.#perKey.set(caller.name, open)
    return open
  }
}

function overloaded(what: string, setting: string, limit: number): CardeaError {
  return new CardeaError(
    'OVERLOADED',
    `There are ${limit} ${what}, as many as ${setting} allows. Try again later.`,
    {
      [retryAfterFact]: String(retryAfterMs),
    },
  )
}
