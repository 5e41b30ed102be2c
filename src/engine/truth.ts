// Three-valued truth as integers: false, true, and unknown for want of named context values.

import { CardeaError } from '../model/errors.ts'

/** 0 false, 1 true, 2 and above: unknown; the number then names a set of reasons. */
export type Truth = number
export const no: Truth = 0
export const yes: Truth = 1

/** What an unknown depends on: a missing context value, or an error that was met while finding out. */
type Reason = string | CardeaError

/**
 * Sets of reasons, each given a number once. Kleene's connectives on truths: an unknown joins the reasons of the
 * operands that are unknown. An error is an unknown that throws when the answer depends on it: `true or error` is
 * true in whatever order the two are met.
 */
export class Truths {
  readonly #sets: ReadonlySet<Reason>[] = []
  readonly #numbers = new Map<string, Truth>()
  readonly #reasonNumbers = new Map<Reason, number>()

  /** The unknown for these missing names. */
  missing(names: readonly string[]): Truth {
    return this.#intern(new Set(names))
  }

  error(error: CardeaError): Truth {
    return this.#intern(new Set([error]))
  }

  and(left: Truth, right: Truth): Truth {
    if (left === no || right === no) return no
    if (left === yes) return right
    return right === yes || left === right ? left : this.#union(left, right)
  }

  or(left: Truth, right: Truth): Truth {
    if (left === yes || right === yes) return yes
    if (left === no) return right
    return right === no || left === right ? left : this.#union(left, right)
  }

  not(truth: Truth): Truth {
    return truth === no ? yes : truth === yes ? no : truth
  }

  /** The missing names of an unknown, sorted. Throws the error when there is one among its reasons. */
  missingNames(truth: Truth): string[] {
    const reasons = [...(this.#sets[truth - 2] ?? [])]
    const error = reasons.find((reason) => reason instanceof CardeaError)
    if (error !== undefined) throw error
    return (reasons as string[]).sort()
  }

  #union(left: Truth, right: Truth): Truth {
    const key = left < right ? `${left},${right}` : `${right},${left}`
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const union = this.#intern(new Set([...this.#sets[left - 2]!, ...this.#sets[right - 2]!]))
    this.#numbers.set(key, union)
    return union
  }

  #intern(reasons: ReadonlySet<Reason>): Truth {
    const key = `{${[...reasons].map((reason) => this.#numberOf(reason)).sort((a, b) => a - b)}}`
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    const truth = this.#sets.push(reasons) + 1
    this.#numbers.set(key, truth)
    return truth
  }

  #numberOf(reason: Reason): number {
    const known = this.#reasonNumbers.get(reason)
    if (known !== undefined) return known
    this.#reasonNumbers.set(reason, this.#reasonNumbers.size)
    return this.#reasonNumbers.size - 1
  }
}

/** The order of truth for comparing two results: 0 false, 1 unknown, 2 true. */
export function truthClass(truth: Truth): 0 | 1 | 2 {
  return truth === no ? 0 : truth === yes ? 2 : 1
}
