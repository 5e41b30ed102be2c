// Slabs: pieces of 2^k integers, each the entries of one list. Short slabs are plain arrays, long ones hash sets.

import { CardeaError } from '../model/errors.ts'
import type { ObjectKey } from '../store/store.ts'
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
export const hole = recordBit

/** Slabs have 2^smallestClass integers or more. */
export const smallestClass = 2
/** From this class on a slab is a hash set; its first integer counts the holes. */
export const firstHashClass = 5
const largestClass = 30

/** A hash set is full when entries and holes take more than this part. */
const maxHashLoad = 0.8
/** A hash set that is made anew is at most this full. */
const freshHashLoad = 0.6

/** Class for a new slab of `count` entries. */
export function classFor(count: number): number {
  let kind = smallestClass
  while (kind < firstHashClass ? 1 << kind < count : ((1 << kind) - 1) * freshHashLoad < count) kind += 1
  if (kind > largestClass) throw new CardeaError('LIMIT_EXCEEDED', 'A list of the graph has too many rows.')
  return kind
}

export class Slabs {
  readonly #segments: Segments
  readonly #bits: number
  readonly #mask: number
  /** The first one is a dummy, so that no slab has address 0. */
  readonly #parts: Int32Array[] = [new Int32Array(0)]
  /** Address of the first free slab by class, 0 for none; each free slab holds the address of the next. */
  readonly #free = new Int32Array(largestClass + 1)
  /** Integers of the newest common segment that are in use, and which segment it is. */
  #used: number
  #current = 0

  /** `bits`: a common segment has 2^bits integers; larger slabs have a segment of their own. */
  constructor(segments: Segments, bits: number) {
    this.#segments = segments
    this.#bits = bits
    this.#mask = 2 ** (bits - smallestClass) - 1
    this.#used = 2 ** bits
  }

  /** The array that a slab lies in; {@link start} says where. */
  part(address: number): Int32Array {
    return this.#parts[address >>> (this.#bits - smallestClass)]!
  }

  start(address: number): number {
    return (address & this.#mask) << smallestClass
  }

  /** Gives the address of an empty slab, never 0. */
  take(kind: number): number {
    const free = this.#free[kind]!
    if (free !== 0) {
      const part = this.part(free)
      const start = this.start(free)
      this.#free[kind] = part[start]!
      part.fill(0, start, start + 2 ** kind)
      return free
    }
    if (kind > this.#bits) return this.#addSegment(2 ** kind)
    if (this.#used + 2 ** kind > 2 ** this.#bits) {
      this.#giveRest()
      this.#current = this.#addSegment(2 ** this.#bits) >>> (this.#bits - smallestClass)
      this.#used = 0
    }
    const address = (this.#current << (this.#bits - smallestClass)) | (this.#used >>> smallestClass)
    this.#used += 2 ** kind
    return address
  }

  /** The slab may be used for something else. Nobody may be walking it. */
  give(address: number, kind: number): void {
    const start = this.start(address)
    this.part(address)[start] = this.#free[kind]!
    this.#free[kind] = address
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

  #addSegment(integers: number): number {
    // The address of a segment's start must fit into 32 bits.
    if (this.#parts.length >= 2 ** (32 - this.#bits + smallestClass)) {
      throw new CardeaError(
        'LIMIT_EXCEEDED',
        'The lists of the graph need more memory than can be addressed.',
      )
    }
    const number = this.#parts.push(this.#segments.ints(integers)) - 1
    return number << (this.#bits - smallestClass)
  }

  /** What is left of the newest segment becomes free slabs. */
  #giveRest(): void {
    const end = 2 ** this.#bits
    while (this.#used < end) {
      let kind = smallestClass
      while (this.#used % 2 ** (kind + 1) === 0 && this.#used + 2 ** (kind + 1) <= end) kind += 1
      const address = (this.#current << (this.#bits - smallestClass)) | (this.#used >>> smallestClass)
      this.#used += 2 ** kind
      this.give(address, kind)
    }
  }
}

/** Where the search for a key starts in a hash set: past the count of holes. */
function hashStart(start: number, kind: number, key: ObjectKey): number {
  return start + 1 + (((mix(key) >>> 0) * ((1 << kind) - 1) * 2 ** -32) | 0)
}
