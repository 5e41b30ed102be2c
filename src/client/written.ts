// What this client has written, so that it sees it.

import { CardeaError, type ErrorCode } from '../model/errors.ts'
import type { Consistency } from '../model/revision.ts'

const unknownOutcomes: ReadonlySet<ErrorCode> = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'CANCELLED',
  'STORE_FAILED',
  'INTERNAL',
])

/**
 * Remembers the newest ZedToken of the client's own writes. Tokens have no order that a client could see: when two
 * writes overlap, or the outcome of one is not known, the next reads ask for the newest state instead.
 */
export class Written {
  #consistency: Consistency | undefined
  readonly #running = new Set<{ alone: boolean }>()

  /** The consistency of a read that names none of its own. */
  get consistency(): Consistency | undefined {
    return this.#consistency
  }

  /** Runs a write and takes its token. */
  async during<Result extends { readonly token: string }>(write: () => Promise<Result>): Promise<Result> {
    const mine = { alone: this.#running.size === 0 }
    for (const other of this.#running) other.alone = false
    this.#running.add(mine)
    try {
      const result = await write()
      this.#consistency =
        mine.alone && result.token !== ''
          ? { kind: 'at_least_as_fresh', token: result.token }
          : { kind: 'fully_consistent' }
      return result
    } catch (error) {
      // Whether it was written is not known; every other refusal means that it was not.
      if (error instanceof CardeaError && unknownOutcomes.has(error.code))
        this.#consistency = { kind: 'fully_consistent' }
      throw error
    } finally {
      this.#running.delete(mine)
    }
  }
}
