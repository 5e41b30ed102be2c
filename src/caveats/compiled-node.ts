// The shape of compiled expressions: what they work on, what they can name, and how `&&` and `||` fold three values.

import { Failure, type Meter, type Outcome, Unknown } from './outcome.ts'
import type { Value } from './value.ts'

/** What one evaluation works on. */
export interface Frame {
  /** By the index of the parameter; undefined: not given. */
  readonly parameters: readonly (Value | undefined)[]
  /** Variables bound by macros, by nesting. */
  readonly locals: Value[]
  readonly meter: Meter
}

export type CompiledNode = (frame: Frame) => Outcome

/** Names that an expression can refer to while it is compiled. */
export interface Scope {
  readonly parameters: ReadonlyMap<string, number>
  /** Variables bound by the macros around, outermost first. */
  readonly locals: readonly string[]
}

export const noOverload = new Failure('no such overload')

/** Folds operands of `&&` (deciding false) or `||` (deciding true), as far as needed. */
export class LogicalFold {
  private readonly deciding: boolean
  private unknown: Unknown | undefined
  private failure: Failure | undefined

  constructor(deciding: boolean) {
    this.deciding = deciding
  }

  /** True when the operand decides, so that no other is needed. */
  add(operand: Outcome): boolean {
    if (operand === this.deciding) return true
    if (operand instanceof Unknown) this.unknown = operand.and(this.unknown)
    else if (operand !== !this.deciding) {
      this.failure ??= operand instanceof Failure ? operand : noOverload
    }
    return false
  }

  /** The outcome when no operand decided. */
  rest(): Outcome {
    return this.unknown ?? this.failure ?? !this.deciding
  }
}
