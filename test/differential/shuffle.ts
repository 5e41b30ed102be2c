// Repeatable choices among the questions of a case.

/** A generator of integers below 2^32 (Park and Miller's minimal standard, good enough to pick questions). */
export function randomFrom(seed: number): () => number {
  let state = (seed % 2147483646) + 1
  return () => {
    state = (state * 48271) % 2147483647
    return state
  }
}

/** At most `count` of the items, in random order. */
export function choose<Item>(items: readonly Item[], count: number, random: () => number): Item[] {
  const pool = [...items]
  const chosen: Item[] = []
  while (chosen.length < count && pool.length > 0) {
    const at = random() % pool.length
    chosen.push(pool[at]!)
    pool[at] = pool.at(-1)!
    pool.pop()
  }
  return chosen
}
