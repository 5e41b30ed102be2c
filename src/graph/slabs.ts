// Slabs: the entries of one list in 2^k integers. Short slabs are plain arrays, long ones hash sets.

import type { ObjectKey } from '../store/store.ts'
import { Blocks, unitInts } from './blocks.ts'
import { mix } from './hash.ts'
import type { Segments } from './segments.ts'

/**
 * An entry is the key of the row's other end; its sign bit says that the row has a record (traits, or a history that
 * some snapshot may still see). 0 is a place never used, `hole` one whose row is gone. An entry never moves within its
 * slab: whoever walks a slab while entries come and go meets each one that stays exactly once.
 */
export type Entry = number
export const keyBits = 0x7fff_ffff
export const recordBit = -0x8000_0000
/** A record bit without a key. */
export const hole = -0x8000_0000

/** Slabs have 2^smallestClass integers or more. */
export const smallestClass = 2
/** From this class on a slab is a hash set; its first integer counts the holes. */
export const firstHashClass = 5

/** A hash set is full when entries and holes take more than this part. */
const maxHashLoad = 0.8
/** A hash set that is made anew is at most this full. */
const freshHashLoad = 0.6

/** Class for a new slab of `count` entries. */
export function classFor(count: number): number {
  let kind = smallestClass
  while (kind < firstHashClass ? 1 << kind < count : (2 ** kind - 1) * freshHashLoad < count) kind += 1
  return kind
}

export class Slabs {
  readonly #blocks: Blocks

  /** `bits`: see {@link Blocks}. */
  constructor(segments: Segments, bits: number) {
    this.#blocks = new Blocks(segments, bits)
  }

  /** The array that a slab lies in; {@link start} says where. */
  part(address: number): Int32Array {
    return this.#blocks.part(address)
  }

  start(address: number): number {
    return this.#blocks.start(address)
  }

  /** Gives the address of an empty slab. */
  take(kind: number): number {
    return this.#blocks.take(2 ** kind / unitInts)
  }

  /** The slab may be used for something else. Nobody may be walking it. */
  give(address: number, kind: number): void {
    this.#blocks.give(address, 2 ** kind / unitInts)
  }

  /** Index of the row's entry within {@link part}; -1 when the slab has none. */
  find(address: number, kind: number, key: ObjectKey): number {
    const part = this.part(address)
    const start = this.start(address)
    const end = start + (1 << kind)
    if (kind < firstHashClass) {
      for (let at = start; at < end; at += 1) {
        const entry = part[at]!
        if ((entry & keyBits) === key) return at
        if (entry === 0) return -1
      }
      return -1
    }
    let at = hashStart(start, kind, key)
    for (;;) {
      const entry = part[at]!
      if ((entry & keyBits) === key) return at
      if (entry === 0) return -1
      at += 1
      if (at === end) at = start + 1
    }
  }

  /** Enters a row that the slab does not have. False when the slab is full; `count` is how many entries it has. */
  put(address: number, kind: number, count: number, entry: Entry): boolean {
    const part = this.part(address)
    const start = this.start(address)
    const end = start + (1 << kind)
    if (kind < firstHashClass) {
      if (count === 1 << kind) return false
      let at = start
      while ((part[at]! & keyBits) !== 0) at += 1
      part[at] = entry
      return true
    }
    let at = hashStart(start, kind, entry & keyBits)
    while ((part[at]! & keyBits) !== 0) {
      at += 1
      if (at === end) at = start + 1
    }
    if (part[at] === hole) part[start] = part[start]! - 1
    else if (count + part[start]! + 1 > ((1 << kind) - 1) * maxHashLoad) return false
    part[at] = entry
    return true
  }

  /** Leaves a hole at an index that {@link find} gave. */
  dig(address: number, kind: number, at: number): void {
    const part = this.part(address)
    part[at] = hole
    if (kind >= firstHashClass) {
      const start = this.start(address)
      part[start] = part[start]! + 1
    }
  }
}

/** Where the search for a key starts in a hash set: past the count of holes. */
function hashStart(start: number, kind: number, key: ObjectKey): number {
  return start + 1 + (((mix(key) >>> 0) * ((1 << kind) - 1) * 2 ** -32) | 0)
}
