// Budgets: how much work one request may do in all, and before it lets others run.

import { CardeaError } from '../model/errors.ts'
import type { EngineLimits } from './engine.ts'

/** Counts elementary steps and held entries. Work asks {@link Budget.spent} at points where it can pause. */
export class Budget {
  steps = 0
  #pauseAt = 0
  readonly #limits: EngineLimits

  constructor(limits: EngineLimits) {
    this.#limits = limits
  }

  /** Allows that many steps before the next pause. */
  resume(maxSteps: number): void {
    this.#pauseAt = this.steps + maxSteps
  }

  /** Whether it is time to pause. LIMIT_EXCEEDED when the request has used up all its steps. */
  get spent(): boolean {
    if (this.steps < this.#pauseAt) return false
    if (this.steps >= this.#limits.maxSteps) throw limitExceeded('max-steps', this.#limits.maxSteps, 'steps')
    return true
  }

  /** LIMIT_EXCEEDED when a request holds more than it may. */
  hold(entries: number): void {
    if (entries > this.#limits.maxEntries)
      throw limitExceeded('max-entries', this.#limits.maxEntries, 'entries held at once')
  }
}

function limitExceeded(setting: string, maximum: number, what: string): CardeaError {
  return new CardeaError(
    'LIMIT_EXCEEDED',
    `The question needs more than ${maximum} ${what}; raise --${setting} if it is meant to.`,
    { setting, maximum: String(maximum) },
  )
}
