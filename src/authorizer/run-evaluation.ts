// Runs evaluations to their end without keeping others waiting.

import type { Evaluation, StreamEvaluation } from '../engine/engine.ts'
import { CardeaError } from '../model/errors.ts'
import type { CallOptions } from './authorizer.ts'

/** A slice of work between two looks at the clock; small checks finish within the first. */
const firstSliceSteps = 4096
const maxSliceSteps = 32_768
/** How long work may keep the event loop, in milliseconds. */
const sliceMs = 4
/** Items of a batch: what is made of them while the event loop waits. */
const maxBatchItems = 512

/** Lets timers, I/O and other requests run. */
export function letOthersRun(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve)
    else setTimeout(resolve, 0)
  })
}

/** Throws CANCELLED or DEADLINE_EXCEEDED when the caller no longer waits. */
export function throwIfOver(call: CallOptions, nowMs: number): void {
  if (call.signal?.aborted) throw new CardeaError('CANCELLED', 'The request was cancelled by its caller.')
  if (call.deadlineMs !== undefined && nowMs >= call.deadlineMs) {
    throw new CardeaError('DEADLINE_EXCEEDED', 'The deadline passed before the answer was found.')
  }
}

/** Steps for the next slice so that it takes about `sliceMs`, from how long the last one took. */
function nextSlice(steps: number, elapsedMs: number): number {
  // Steps differ in cost, so a slice grows slowly and never far: the next steps may be dearer than the last ones.
  if (elapsedMs <= 0) return Math.min(maxSliceSteps, steps * 2)
  return Math.max(256, Math.min(maxSliceSteps, Math.round((steps * sliceMs) / elapsedMs), steps * 2))
}

/** The value of an evaluation; `clock` gives milliseconds since the Unix epoch. */
export function runEvaluation<Value>(
  evaluation: Evaluation<Value>,
  call: CallOptions,
  clock: () => number,
): Value | Promise<Value> {
  throwIfOver(call, call.deadlineMs === undefined ? 0 : clock())
  const value = evaluation.run(firstSliceSteps)
  return value === undefined ? runOn(evaluation, call, clock) : value
}

async function runOn<Value>(
  evaluation: Evaluation<Value>,
  call: CallOptions,
  clock: () => number,
): Promise<Value> {
  let slice = firstSliceSteps
  try {
    for (;;) {
      await letOthersRun()
      throwIfOver(call, clock())
      const before = performance.now()
      const value = evaluation.run(slice)
      if (value !== undefined) return value
      slice = nextSlice(slice, performance.now() - before)
    }
  } finally {
    charge(call, evaluation)
  }
}

/** Writes down what work cost; of several pieces of one call, the dearest. */
function charge(
  { bill }: CallOptions,
  { steps, widest }: Pick<Evaluation<unknown>, 'steps' | 'widest'>,
): void {
  if (bill !== undefined && steps > (bill.cost?.steps ?? 0)) bill.cost = { steps, widest }
}

/**
 * Items of a stream as they are found, a few hundred at a time (`most`: or fewer); the work pauses while the
 * consumer does not ask. Others run between two batches.
 */
export function runStream<Item>(
  evaluation: StreamEvaluation<Item>,
  call: CallOptions,
  clock: () => number,
  most?: number,
): AsyncGenerator<readonly Item[], void, void> {
  return runBatches(evaluation, () => [], call, clock, most)
}

/** The same, with batches of any kind: `newBatch` gives an empty one, which is to have at most `most` items. */
export async function* runBatches<Item, Batch extends Iterable<Item> & { readonly length: number }>(
  evaluation: StreamEvaluation<Item, Batch>,
  newBatch: () => Batch,
  call: CallOptions,
  clock: () => number,
  most = maxBatchItems,
): AsyncGenerator<Batch, void, void> {
  let slice = firstSliceSteps
  try {
    for (;;) {
      throwIfOver(call, clock())
      const batch = newBatch()
      const before = performance.now()
      const done = evaluation.run(slice, batch, Math.min(most, maxBatchItems))
      slice = nextSlice(slice, performance.now() - before)
      if (batch.length > 0) yield batch
      if (done) return
      await letOthersRun()
    }
  } finally {
    charge(call, evaluation)
  }
}
