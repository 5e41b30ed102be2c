// Where the graph's memory comes from: typed arrays from one source, counted, in pages that never move.

/** Gives zeroed memory of a length in bytes. A SharedArrayBuffer will do. */
export type AllocateBytes = (bytes: number) => ArrayBufferLike

/** Memory of one part of the graph. Every array comes from here, so that the count is exact. */
export class Segments {
  readonly #allocate: AllocateBytes
  #bytes = 0

  constructor(allocate: AllocateBytes) {
    this.#allocate = allocate
  }

  /** Bytes allocated and not given back. */
  get bytes(): number {
    return this.#bytes
  }

  ints(length: number): Int32Array {
    return new Int32Array(this.#take(length * 4), 0, length)
  }

  doubles(length: number): Float64Array {
    return new Float64Array(this.#take(length * 8), 0, length)
  }

  halves(length: number): Uint16Array {
    return new Uint16Array(this.#take(length * 2), 0, length)
  }

  octets(length: number): Uint8Array {
    return new Uint8Array(this.#take(length), 0, length)
  }

  /** The array is no longer used. Memory itself goes back when nothing refers to it. */
  giveBack(array: { readonly byteLength: number }): void {
    this.#bytes -= array.byteLength
  }

  #take(bytes: number): ArrayBufferLike {
    this.#bytes += bytes
    return this.#allocate(bytes)
  }
}

/** A column of integers by index. Pages appear when first written; unwritten places read as 0. */
export class IntColumn {
  readonly #segments: Segments
  readonly #pageBits: number
  readonly #mask: number
  readonly #pages: (Int32Array | undefined)[] = []

  constructor(segments: Segments, pageBits: number) {
    this.#segments = segments
    this.#pageBits = pageBits
    this.#mask = (1 << pageBits) - 1
  }

  get(index: number): number {
    const page = this.#pages[index >>> this.#pageBits]
    return page === undefined ? 0 : page[index & this.#mask]!
  }

  set(index: number, value: number): void {
    const number = index >>> this.#pageBits
    let page = this.#pages[number]
    if (page === undefined) {
      // Filled up from the start, so that the list of pages stays a plain array.
      while (this.#pages.length <= number) this.#pages.push(undefined)
      page = this.#segments.ints(this.#mask + 1)
      this.#pages[number] = page
    }
    page[index & this.#mask] = value
  }
}

/** A column of doubles by index; like {@link IntColumn}. */
export class DoubleColumn {
  readonly #segments: Segments
  readonly #pageBits: number
  readonly #mask: number
  readonly #pages: (Float64Array | undefined)[] = []

  constructor(segments: Segments, pageBits: number) {
    this.#segments = segments
    this.#pageBits = pageBits
    this.#mask = (1 << pageBits) - 1
  }

  get(index: number): number {
    const page = this.#pages[index >>> this.#pageBits]
    return page === undefined ? 0 : page[index & this.#mask]!
  }

  set(index: number, value: number): void {
    const number = index >>> this.#pageBits
    let page = this.#pages[number]
    if (page === undefined) {
      while (this.#pages.length <= number) this.#pages.push(undefined)
      page = this.#segments.doubles(this.#mask + 1)
      this.#pages[number] = page
    }
    page[index & this.#mask] = value
  }
}

/** A first-in, first-out line of numbers. */
export class NumberQueue {
  readonly #segments: Segments
  #ring: Float64Array
  #first = 0
  #length = 0

  constructor(segments: Segments) {
    this.#segments = segments
    this.#ring = segments.doubles(16)
  }

  get length(): number {
    return this.#length
  }

  /** The value at a place in the line; 0 is the oldest. */
  at(place: number): number {
    return this.#ring[(this.#first + place) & (this.#ring.length - 1)]!
  }

  push(value: number): void {
    if (this.#length === this.#ring.length) this.#resize(this.#ring.length * 2)
    this.#ring[(this.#first + this.#length) & (this.#ring.length - 1)] = value
    this.#length += 1
  }

  /** Takes the oldest; there must be one. */
  shift(): number {
    const value = this.at(0)
    this.#first = (this.#first + 1) & (this.#ring.length - 1)
    this.#length -= 1
    if (this.#ring.length > 16 && this.#length * 8 <= this.#ring.length) this.#resize(this.#ring.length / 2)
    return value
  }

  /** Replaces the oldest. */
  replaceFirst(value: number): void {
    this.#ring[this.#first] = value
  }

  #resize(length: number): void {
    const ring = this.#segments.doubles(length)
    for (let place = 0; place < this.#length; place += 1) ring[place] = this.at(place)
    this.#segments.giveBack(this.#ring)
    this.#ring = ring
    this.#first = 0
  }
}
