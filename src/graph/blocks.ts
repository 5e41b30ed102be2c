// Blocks: pieces of a few or many integers, taken from common segments and used again when given back.

import { CardeaError } from '../model/errors.ts'
import type { Segments } from './segments.ts'

/** Blocks are measured in units of this many integers. */
export const unitInts = 4
const unitBits = 2
/** Up to this size there are blocks of every number of units, above it of powers of two. */
const exactUnits = 16
const exactUnitsBits = 4
const largestUnits = 2 ** 28

/** Units that a block of so many integers takes. */
export function unitsFor(ints: number): number {
  const units = (ints + unitInts - 1) >>> unitBits
  return units <= exactUnits ? units : 2 ** (32 - Math.clz32(units - 1))
}

function sizeClass(units: number): number {
  return units <= exactUnits ? units : exactUnits - exactUnitsBits + 31 - Math.clz32(units)
}

export class Blocks {
  readonly #segments: Segments
  readonly #bits: number
  readonly #mask: number
  /** The first one is a dummy, so that no block has address 0. */
  readonly #parts: Int32Array[] = [new Int32Array(0)]
  /** Address of the first free block by size class, 0 for none; each free block holds the address of the next. */
  readonly #free = new Int32Array(64)
  /** The segment that new blocks are cut from, and how many of its units are cut. */
  #current = 0
  #used: number

  /** `bits`: a common segment has 2^bits integers; larger blocks have a segment of their own. */
  constructor(segments: Segments, bits: number) {
    this.#segments = segments
    this.#bits = bits - unitBits
    this.#mask = 2 ** this.#bits - 1
    this.#used = 2 ** this.#bits
  }

  /** The array that a block lies in; {@link start} says where. */
  part(address: number): Int32Array {
    return this.#parts[address >>> this.#bits]!
  }

  start(address: number): number {
    return (address & this.#mask) << unitBits
  }

  /** Gives the address, never 0, of a block of zeros. `units` is a number that {@link unitsFor} gives. */
  take(units: number): number {
    const kind = sizeClass(units)
    const free = this.#free[kind]!
    if (free !== 0) {
      const part = this.part(free)
      const start = this.start(free)
      this.#free[kind] = part[start]!
      part.fill(0, start, start + units * unitInts)
      return free
    }
    if (units > largestUnits)
      throw new CardeaError('LIMIT_EXCEEDED', 'A list of the graph has too many rows.')
    if (units > 2 ** this.#bits) return this.#addSegment(units) << this.#bits
    if (this.#used + units > 2 ** this.#bits) {
      this.#giveRest()
      this.#current = this.#addSegment(2 ** this.#bits)
      this.#used = 0
    }
    const address = (this.#current << this.#bits) | this.#used
    this.#used += units
    return address
  }

  /** The block may be used for something else. Nobody may be reading it. */
  give(address: number, units: number): void {
    const kind = sizeClass(units)
    this.part(address)[this.start(address)] = this.#free[kind]!
    this.#free[kind] = address
  }

  #addSegment(units: number): number {
    // The address of a segment's last unit must fit into 32 bits.
    if (this.#parts.length >= 2 ** (32 - this.#bits)) {
      throw new CardeaError(
        'LIMIT_EXCEEDED',
        'The lists of the graph need more memory than can be addressed.',
      )
    }
    return this.#parts.push(this.#segments.ints(units * unitInts)) - 1
  }

  /** What is left of the current segment becomes free blocks. */
  #giveRest(): void {
    while (this.#used < 2 ** this.#bits) {
      const units = Math.min(exactUnits, 2 ** this.#bits - this.#used)
      this.give((this.#current << this.#bits) | this.#used, units)
      this.#used += units
    }
  }
}
