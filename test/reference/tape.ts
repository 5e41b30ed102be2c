// Random choices read from a tape of integers, so that fast-check can seed, replay and shrink whole cases.

import fc from 'fast-check'

/** A source of choices. Zeros (and an exhausted tape) always choose the first and simplest. */
export interface Draw {
  /** An integer from 0 to `count - 1`. */
  below(count: number): number
  /** True in about `percent` of 100 draws. */
  chance(percent: number): boolean
  pick<Item>(items: readonly Item[]): Item
  /** Each item with this chance. */
  some<Item>(items: readonly Item[], percent: number): Item[]
}

const largest = 0x7fffffff

export function drawFrom(tape: readonly number[]): Draw {
  let position = 0
  const next = () => tape[position++] ?? 0
  const draw: Draw = {
    below: (count) => next() % count,
    chance: (percent) => next() % 100 >= 100 - percent,
    pick: (items) => items[next() % items.length]!,
    some: (items, percent) => items.filter(() => draw.chance(percent)),
  }
  return draw
}

/** Values that `build` makes out of at most `length` choices. */
export function fromTape<Value>(length: number, build: (draw: Draw) => Value): fc.Arbitrary<Value> {
  const choice = fc.noBias(fc.nat(largest))
  return fc.array(choice, { minLength: length, maxLength: length }).map((tape) => build(drawFrom(tape)))
}
