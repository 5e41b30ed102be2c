// The bytes of all object ids with their types, one after the other, behind 32-bit addresses.

import { CardeaError } from '../model/errors.ts'
import type { Segments } from './segments.ts'
import type { NameId } from './snapshot.ts'

/** Bytes before each id: its length, then its type, two bytes each. */
const headBytes = 4
const longestId = 65_535
/** Ids up to this length become text without a decoder, which costs more than it saves on a few bytes. */
const shortId = 64

export class IdArena {
  readonly #segments: Segments
  readonly #bits: number
  readonly #mask: number
  readonly #parts: Uint8Array[] = []
  #used: number
  readonly #decoder = new TextDecoder()

  /** `bits`: each segment has 2^bits bytes, at least 17 so that any id fits. */
  constructor(segments: Segments, bits: number) {
    this.#segments = segments
    this.#bits = bits
    this.#mask = 2 ** bits - 1
    this.#used = this.#mask + 1
  }

  /**
   * Copies `bytes[from, to)`; gives its address, an unsigned 32-bit integer.
   * LIMIT_EXCEEDED for an id of more than 65,535 bytes or when all ids together exceed 4 GiB.
   */
  add(type: NameId, bytes: Uint8Array, from: number, to: number): number {
    const length = to - from
    if (length > longestId) {
      throw new CardeaError('LIMIT_EXCEEDED', `An object id has ${length} bytes, more than ${longestId}.`)
    }
    if (this.#used + headBytes + length > this.#mask + 1) this.#addSegment()
    const part = this.#parts[this.#parts.length - 1]!
    const start = this.#used
    part[start] = length & 0xff
    part[start + 1] = length >>> 8
    part[start + 2] = type & 0xff
    part[start + 3] = type >>> 8
    // Ids are short: a loop beats `set` on a subarray.
    for (let at = 0; at < length; at += 1) part[start + headBytes + at] = bytes[from + at]!
    this.#used = start + headBytes + length
    return (((this.#parts.length - 1) << this.#bits) | start) >>> 0
  }

  text(address: number): string {
    const part = this.#parts[address >>> this.#bits]!
    let at = (address & this.#mask) + headBytes
    const length = part[at - 4]! | (part[at - 3]! << 8)
    const end = at + length
    if (length > shortId) return this.#decoder.decode(part.slice(at, end))
    const start = at
    let bits = 0
    let text = ''
    for (; at + 8 <= end; at += 8) {
      const [a, b, c, d] = [part[at]!, part[at + 1]!, part[at + 2]!, part[at + 3]!]
      const [e, f, g, h] = [part[at + 4]!, part[at + 5]!, part[at + 6]!, part[at + 7]!]
      bits |= a | b | c | d | e | f | g | h
      text += String.fromCharCode(a, b, c, d, e, f, g, h)
    }
    if (at + 4 <= end) {
      const [a, b, c, d] = [part[at]!, part[at + 1]!, part[at + 2]!, part[at + 3]!]
      bits |= a | b | c | d
      text += String.fromCharCode(a, b, c, d)
      at += 4
    }
    for (; at < end; at += 1) {
      bits |= part[at]!
      text += String.fromCharCode(part[at]!)
    }
    return bits > 127 ? this.#decoder.decode(part.slice(start, end)) : text
  }

  /** Whether this type and the id `bytes[0, length)`, UTF-8, stand at an address. */
  holds(address: number, type: NameId, bytes: Uint8Array, length: number): boolean {
    const part = this.#parts[address >>> this.#bits]!
    const start = (address & this.#mask) + headBytes
    if (
      part[start - 4] !== (length & 0xff) ||
      part[start - 3] !== length >>> 8 ||
      part[start - 2] !== (type & 0xff) ||
      part[start - 1] !== type >>> 8
    )
      return false
    for (let at = 0; at < length; at += 1) if (part[start + at] !== bytes[at]) return false
    return true
  }

  #addSegment(): void {
    if ((this.#parts.length + 1) * 2 ** this.#bits > 2 ** 32) {
      throw new CardeaError('LIMIT_EXCEEDED', 'The ids of all objects together exceed 4 GiB.')
    }
    this.#parts.push(this.#segments.octets(this.#mask + 1))
    this.#used = 0
  }
}
