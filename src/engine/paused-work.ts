// Work written as generators, run in slices: they yield where they can pause.

import type { Budget } from './budget.ts'
import type { Evaluation, StreamEvaluation } from './engine.ts'

/** Work that ends with a value. It yields whenever its budget is spent. */
export type Work<Value> = Generator<void, Value, void>

/** Makes an evaluation of work. */
export function evaluationOf<Value>(budget: Budget, work: Work<Value>): Evaluation<Value> {
  let value: Value | undefined
  let done = false
  return {
    get steps() {
      return budget.steps
    },
    get widest() {
      return budget.widest
    },
    run(maxSteps) {
      if (done) return value
      budget.resume(maxSteps)
      const step = work.next()
      if (!step.done) return undefined
      done = true
      value = step.value
      return value
    },
  }
}

/** Makes a stream of work that yields items, and undefined where it can pause. */
export function streamOf<Item>(
  budget: Budget,
  work: Generator<Item | undefined, void, void>,
): StreamEvaluation<Item> {
  let done = false
  return {
    get steps() {
      return budget.steps
    },
    get widest() {
      return budget.widest
    },
    run(maxSteps, into, maxItems) {
      budget.resume(maxSteps)
      let given = 0
      while (!done && given < maxItems) {
        const step = work.next()
        if (step.done) done = true
        else if (step.value === undefined) return false
        else {
          into.push(step.value)
          given += 1
        }
      }
      return done
    },
  }
}
