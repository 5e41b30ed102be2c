// Reads protobuf's binary format from one buffer.

import { CardeaError } from '../model/errors.ts'

/** Wire types (protobuf encoding, "message structure"). Groups (3, 4) are refused: no message of ours has one. */
export const wireVarint = 0
export const wireFixed64 = 1
export const wireBytes = 2
export const wireFixed32 = 5

/** Messages nested deeper than this are refused, as protobuf's own parsers do. */
export const maxMessageDepth = 100

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A cursor over bytes. Everything malformed throws INVALID_ARGUMENT that says where. */
export class ByteReader {
  readonly buffer: Buffer
  position = 0
  depth = 0

  constructor(bytes: Uint8Array) {
    this.buffer = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  malformed(what: string): CardeaError {
    return new CardeaError(
      'INVALID_ARGUMENT',
      `The message cannot be read: ${what} at byte ${this.position} of ${this.buffer.length}.`,
    )
  }

  /** A varint that fits 32 bits; higher bits are dropped, as protobuf says for 32-bit fields. */
  uint32(): number {
    const { buffer } = this
    let byte = buffer[this.position++]
    if (byte === undefined) throw this.malformed('it ends inside a number')
    if (byte < 0x80) return byte
    let value = byte & 0x7f
    for (let shift = 7; shift < 70; shift += 7) {
      byte = buffer[this.position++]
      if (byte === undefined) throw this.malformed('it ends inside a number')
      if (shift < 35) value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw this.malformed('a number has more than ten bytes')
  }

  /** A varint of 64 bits, unsigned. */
  uint64(): bigint {
    let value = 0n
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.buffer[this.position++]
      if (byte === undefined) throw this.malformed('it ends inside a number')
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw this.malformed('a number has more than ten bytes')
  }

  double(): number {
    if (this.position + 8 > this.buffer.length) throw this.malformed('it ends inside a number')
    const value = this.buffer.readDoubleLE(this.position)
    this.position += 8
    return value
  }

  /** Length of what follows; never beyond `end`. Returns where it ends. */
  length(end: number): number {
    const stop = this.uint32() + this.position
    if (stop > end) throw this.malformed('a length points beyond its message')
    return stop
  }

  string(end: number): string {
    const stop = this.length(end)
    const start = this.position
    this.position = stop
    const text = this.buffer.toString('utf8', start, stop)
    // Invalid UTF-8 reads as U+FFFD; only then is the slow strict decoder asked.
    if (text.includes('\ufffd')) {
      try {
        return strictUtf8.decode(this.buffer.subarray(start, stop))
      } catch {
        throw this.malformed('a text is not UTF-8')
      }
    }
    return text
  }

  /** A copy: what is kept must not keep the whole message. */
  bytes(end: number): Uint8Array {
    const stop = this.length(end)
    const bytes = new Uint8Array(this.buffer.subarray(this.position, stop))
    this.position = stop
    return bytes
  }

  /** Passes over a field that is not known. */
  skip(wireType: number, end: number): void {
    if (wireType === wireVarint) this.uint64()
    else if (wireType === wireFixed64) this.position += 8
    else if (wireType === wireBytes) this.position = this.length(end)
    else if (wireType === wireFixed32) this.position += 4
    else throw this.malformed(`wire type ${wireType} is not used here`)
    if (this.position > end) throw this.malformed('it ends inside a field')
  }
}
