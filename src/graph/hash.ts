// Hashes of integers for the graph's open-addressing tables, and how a hash finds its shard and its place there.

/**
 * Tables are split into this many shards by the top bits of the hash, and every shard grows on its own: no long pause,
 * and never two copies of a whole table.
 */
export const shardCount = 256

export function shardOf(hash: number): number {
  return hash >>> 24
}

/** A place in a shard of `capacity` places, from the bits below the shard's. Any capacity will do. */
export function placeOf(hash: number, capacity: number): number {
  return ((hash & 0xff_ffff) * capacity * 2 ** -24) | 0
}

/** A shard is as full as it may get when more than this part of it is taken. */
export const maxLoad = 0.66

/** Places for a shard that is to hold `count` entries and some more. */
export function roomFor(count: number): number {
  return Math.max(8, Math.ceil(count * 2))
}

export function hashPair(one: number, two: number): number {
  return mix(Math.imul(one, 0x9e37_79b1) ^ Math.imul(two, 0x85eb_ca6b))
}

export function hashTriple(one: number, two: number, three: number): number {
  return mix(hashPair(one, two) ^ Math.imul(three, 0x27d4_eb2f))
}

/** Spreads every bit of a 32-bit integer over all bits; different integers stay different. */
export function mix(value: number): number {
  let hash = value ^ (value >>> 16)
  hash = Math.imul(hash, 0x7feb_352d)
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x846c_a68b)
  return hash ^ (hash >>> 16)
}
