// Seeded randomness for the benches: the same numbers in every run, uniform or Zipf.

/** A small deterministic generator (mulberry32): numbers in [0, 1). */
export function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296
  }
}

export type Spread = 'uniform' | 'zipf'

/** Larger than any count here and prime, so that multiplying by it visits every number once. */
const scatter = 100_000_007

/**
 * Draws whole numbers below a count. `zipf`: the nth most frequent is drawn about 1/n as often as the first (exponent 1,
 * by the inverse of its continuous distribution); the frequent ones lie scattered over the range.
 */
export function picker(random: () => number, spread: Spread): (count: number) => number {
  if (spread === 'uniform') return (count) => Math.floor(random() * count)
  return (count) => {
    const rank = Math.floor(Math.exp(random() * Math.log(count + 1))) - 1
    return (Math.min(rank, count - 1) * scatter) % count
  }
}

/** The same members in an order of chance (Fisher-Yates), in place. */
export function shuffle<Member>(members: Member[], random: () => number): Member[] {
  for (let at = members.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1))
    const member = members[at]!
    members[at] = members[other]!
    members[other] = member
  }
  return members
}
