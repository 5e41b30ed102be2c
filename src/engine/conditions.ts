// Conditions: what a row's traits amount to at one instant, under one request's context.

import type { JsonObject } from '../model/context.ts'
import type { CaveatOutcome } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import type { Plans } from './plans.ts'
import { no, type Truth, Truths, yes } from './truth.ts'
import type { ForwardSnapshot } from './world.ts'

/** The row is expired: to this request it does not exist. */
export const invisible = -1

/** What is taken for true without being evaluated, to find out what conditions decide. */
export type Leniency = 'none' | 'what is missing' | 'every caveat'

/** Evaluates caveats and expiry, each row's traits once. */
export class Conditions {
  readonly #snapshot: ForwardSnapshot
  readonly #plans: Plans
  readonly #context: JsonObject | undefined
  readonly #nowMs: number
  /** Most checks meet no row with traits: these two are made when one does. */
  #truths: Truths | undefined
  #known: Map<number, Truth> | undefined
  readonly #leniency: Leniency

  constructor(
    snapshot: ForwardSnapshot,
    plans: Plans,
    context: JsonObject | undefined,
    nowMs: number,
    leniency: Leniency = 'none',
  ) {
    this.#snapshot = snapshot
    this.#plans = plans
    this.#context = context
    this.#nowMs = nowMs
    this.#leniency = leniency
  }

  get truths(): Truths {
    this.#truths ??= new Truths()
    return this.#truths
  }

  /** The truth of a row with these traits (as `row` of a snapshot or a cursor gives them), or {@link invisible}. */
  of(traits: number): Truth | typeof invisible {
    if (traits === 0) return yes
    this.#known ??= new Map()
    const known = this.#known.get(traits)
    if (known !== undefined) return known
    const truth = this.#evaluate(traits)
    this.#known.set(traits, truth)
    return truth
  }

  /** The caveat of a row as an explanation shows it; undefined when there is none. */
  outcome(traits: number): CaveatOutcome | undefined {
    const caveat = traits === 0 ? undefined : this.#snapshot.traits(traits).caveat
    if (caveat === undefined) return undefined
    const truth = this.of(traits)
    const missing = truth > yes ? this.truths.missingNames(truth) : []
    return {
      name: caveat.name,
      expression: this.#plans.schema.caveats.get(caveat.name)?.expression ?? '',
      result: truth === yes ? 'true' : truth <= no ? 'false' : 'missing',
      context: { ...this.#context, ...caveat.context },
      missing,
    }
  }

  #evaluate(handle: number): Truth | typeof invisible {
    const { caveat, expiresAtMs } = this.#snapshot.traits(handle)
    if (expiresAtMs !== undefined && expiresAtMs <= this.#nowMs) return invisible
    if (caveat === undefined) return yes
    if (this.#leniency === 'every caveat') return yes
    const compiled = this.#plans.caveats.get(caveat.name)
    if (compiled === undefined) {
      return this.truths.error(
        new CardeaError(
          'CAVEAT_EVALUATION_ERROR',
          `The schema no longer has the caveat ${JSON.stringify(caveat.name)}.`,
          {
            caveat_name: caveat.name,
          },
        ),
      )
    }
    try {
      const { result, missing } = compiled.evaluate(this.#context, caveat.context)
      if (result !== 'missing') return result === 'true' ? yes : no
      return this.#leniency === 'what is missing' ? yes : this.truths.missing(missing)
    } catch (error) {
      return this.truths.error(CardeaError.from(error))
    }
  }
}
