// The bytes of all object ids, one after the other, behind 32-bit addresses.

import { CardeaError } from '../model/errors.ts'
import type { Segments } from './segments.ts'

/** Bytes before each id that hold its length. */
const lengthBytes = 2
const longestId = 65_535
/** Ids up to this length become text without a decoder, which costs more than it saves on a few bytes. */
const shortId = 48

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
  add(bytes: Uint8Array, from: number, to: number): number {
    const length = to - from
    if (length > longestId) {
      throw new CardeaError('LIMIT_EXCEEDED', `An object id has ${length} bytes, more than ${longestId}.`)
    }
    if (this.#used + lengthBytes + length > this.#mask + 1) this.#addSegment()
    const part = this.#parts[this.#parts.length - 1]!
    const start = this.#used
    part[start] = length & 0xff
    part[start + 1] = length >>> 8
    // Ids are short: a loop beats `set` on a subarray.
    for (let at = 0; at < length; at += 1) part[start + lengthBytes + at] = bytes[from + at]!
    this.#used = start + lengthBytes + length
    return (((this.#parts.length - 1) << this.#bits) | start) >>> 0
  }

  text(address: number): string {
    const part = this.#parts[address >>> this.#bits]!
    const start = (address & this.#mask) + lengthBytes
    const length = part[start - 2]! | (part[start - 1]! << 8)
    if (length <= shortId) {
      let text = ''
      for (let at = start; at < start + length; at += 1) {
        const byte = part[at]!
        if (byte > 127) return this.#decoder.decode(part.slice(start, start + length))
        text += String.fromCharCode(byte)
      }
      return text
    }
    return this.#decoder.decode(part.slice(start, start + length))
  }

  /** Whether the id at an address is this text, all of whose characters are below U+0080. */
  equalsAscii(address: number, text: string): boolean {
    const part = this.#parts[address >>> this.#bits]!
    const start = (address & this.#mask) + lengthBytes
    if ((part[start - 2]! | (part[start - 1]! << 8)) !== text.length) return false
    for (let at = 0; at < text.length; at += 1) if (part[start + at] !== text.charCodeAt(at)) return false
    return true
  }

  equals(address: number, bytes: Uint8Array): boolean {
    const part = this.#parts[address >>> this.#bits]!
    const start = (address & this.#mask) + lengthBytes
    if ((part[start - 2]! | (part[start - 1]! << 8)) !== bytes.length) return false
    for (let at = 0; at < bytes.length; at += 1) if (part[start + at] !== bytes[at]) return false
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
