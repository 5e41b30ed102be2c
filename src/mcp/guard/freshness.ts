// Freshness: how old an answer may be when the policy says `max_staleness`.

import type { Consistency } from '../../model/revision.ts'

/** Remembers the last revision that was read fully consistent, and when. */
export class Freshness {
  #token: string | undefined
  #atMs = Number.NEGATIVE_INFINITY

  /** Fully consistent, unless a revision is known that was the newest no longer than `maxStalenessMs` ago. */
  consistency(nowMs: number, maxStalenessMs: number): Consistency {
    if (this.#token === undefined || nowMs - this.#atMs > maxStalenessMs) return { kind: 'fully_consistent' }
    return { kind: 'at_least_as_fresh', token: this.#token }
  }

  /** Tells the revision of a fully consistent answer that was asked for at `atMs`. */
  saw(token: string, atMs: number): void {
    this.#token = token
    this.#atMs = atMs
  }
}
