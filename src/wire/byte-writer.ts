// Writes protobuf's binary format into one growing buffer.

const initialBytes = 256
/** Up to this many characters a loop beats the call into the runtime. */
const shortText = 48

/** Appends. Nested messages are written in place: their length is filled in when they are complete. */
export class ByteWriter {
  private buffer = Buffer.allocUnsafe(initialBytes)
  private position = 0

  /** What was written; the writer starts anew. */
  finish(): Buffer {
    const bytes = this.buffer.subarray(0, this.position)
    this.buffer = Buffer.allocUnsafe(initialBytes)
    this.position = 0
    return bytes
  }

  /** Makes room for so many bytes at once, where it is known how many will come. */
  reserve(bytes: number): void {
    this.room(bytes)
  }

  private room(bytes: number): void {
    const needed = this.position + bytes
    if (needed <= this.buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(needed, this.buffer.length * 2))
    this.buffer.copy(larger, 0, 0, this.position)
    this.buffer = larger
  }

  uint32(value: number): void {
    this.room(5)
    let rest = value
    while (rest > 0x7f) {
      this.buffer[this.position++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    this.buffer[this.position++] = rest
  }

  /** A varint of 64 bits; a negative value takes ten bytes. */
  int64(value: bigint): void {
    this.room(10)
    let rest = BigInt.asUintN(64, value)
    while (rest > 0x7fn) {
      this.buffer[this.position++] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    this.buffer[this.position++] = Number(rest)
  }

  int32(value: number): void {
    if (value >= 0) this.uint32(value)
    else this.int64(BigInt(value))
  }

  double(value: number): void {
    this.room(8)
    this.position = this.buffer.writeDoubleLE(value, this.position)
  }

  bytes(value: Uint8Array): void {
    this.uint32(value.length)
    this.room(value.length)
    this.buffer.set(value, this.position)
    this.position += value.length
  }

  /** Appends `from[start, end)` as it is. */
  copy(from: Uint8Array, start: number, end: number): void {
    this.room(end - start)
    const { buffer } = this
    let at = this.position
    // Of what is short a loop is quicker than a call into the runtime.
    if (end - start > 2 * shortText) buffer.set(from.subarray(start, end), at)
    else for (let i = start; i < end; i += 1) buffer[at++] = from[i]!
    this.position += end - start
  }

  string(value: string): void {
    const { length } = value
    if (length <= shortText) {
      this.room(length + 1)
      const { buffer } = this
      let at = this.position
      buffer[at++] = length
      let i = 0
      for (; i < length; i++) {
        const code = value.charCodeAt(i)
        if (code > 0x7f) break
        buffer[at++] = code
      }
      if (i === length) {
        this.position = at
        return
      }
    }
    const byteLength = Buffer.byteLength(value)
    this.uint32(byteLength)
    this.room(byteLength)
    this.position += this.buffer.write(value, this.position, 'utf8')
  }

  /** Begins something whose length comes first; hand the result to {@link close}. */
  open(): number {
    this.room(1)
    return ++this.position
  }

  /** Fills in the length of what was written since {@link open}. */
  close(start: number): void {
    const length = this.position - start
    if (length < 0x80) {
      this.buffer[start - 1] = length
      return
    }
    let extra = 0
    for (let rest = length >>> 7; rest > 0; rest >>>= 7) extra++
    this.room(extra)
    this.buffer.copyWithin(start + extra, start, this.position)
    const end = this.position + extra
    this.position = start - 1
    this.uint32(length)
    this.position = end
  }
}
