// What evaluating a part of an expression can come to: a value, not enough known, or an error.

import type { Value } from './value.ts'

/** The part depends on parameters that were not given. */
export class Unknown {
  /** Names of parameters, each once. */
  readonly names: readonly string[]

  constructor(names: readonly string[]) {
    this.names = names
  }

  /** Depends on the parameters of both. */
  and(other: Unknown | undefined): Unknown {
    return other === undefined ? this : new Unknown([...new Set([...this.names, ...other.names])])
  }
}

/** The part cannot be computed, whatever else is given: division by zero, no such key. */
export class Failure {
  readonly problem: string
  /** Where in the expression, in UTF-16 units; set when the failure passes a node. */
  readonly offset: number | undefined

  constructor(problem: string, offset?: number) {
    this.problem = problem
    this.offset = offset
  }

  at(offset: number): Failure {
    return this.offset === undefined ? new Failure(this.problem, offset) : this
  }
}

export type Outcome = Value | Unknown | Failure

export function isValue(outcome: Outcome): outcome is Value {
  return !(outcome instanceof Unknown || outcome instanceof Failure)
}

/** Most elementary steps of one evaluation: visited elements, and one per 16 characters or bytes touched. */
export const maxEvaluationSteps = 1_000_000

/** Thrown when an evaluation needs more than {@link maxEvaluationSteps}; it ends the whole evaluation. */
export class TooManySteps extends Error {}

/** Counts the work of one evaluation. */
export class Meter {
  private left = maxEvaluationSteps

  /** Throws {@link TooManySteps} once the budget is used up. */
  charge(steps: number): void {
    this.left -= steps
    if (this.left < 0) throw new TooManySteps(`more than ${maxEvaluationSteps} steps`)
  }

  /** For work that grows with a length in characters or bytes. */
  chargeLength(length: number): void {
    this.charge(1 + (length >>> 4))
  }
}
