// Lists of rows by (node, shape), for one direction: up to two entries in the table itself, more in a slab.

import type { ObjectKey } from '../store/store.ts'
import { hashPair, maxLoad, placeOf, roomFor, shardCount, shardOf } from './hash.ts'
import type { Segments } from './segments.ts'
import type { ShapeId } from './shapes.ts'
import { classFor, type Entry, firstHashClass, hole, keyBits, type Slabs, smallestClass } from './slabs.ts'

/** A place of the table: node (0: free), shape and slab class, then two entries or slab address and count. */
const wordsPerPlace = 4
const shapeBits = 0xffff
/** Longest list that needs no slab. */
const inlineEntries = 2

export class Lists {
  readonly #tables: Segments
  readonly #slabs: Slabs
  /** Takes a slab that is no longer part of a list, but that somebody may still be walking. */
  readonly #retire: (address: number, kind: number) => void
  readonly #shards: Int32Array[]
  readonly #counts = new Int32Array(shardCount)
  /** The shard that {@link #locate} found its place in. */
  #shard: Int32Array
  #listCount = 0

  constructor(tables: Segments, slabs: Slabs, retire: (address: number, kind: number) => void) {
    this.#tables = tables
    this.#slabs = slabs
    this.#retire = retire
    const empty = new Int32Array(wordsPerPlace)
    this.#shards = Array.from({ length: shardCount }, () => empty)
    this.#shard = empty
  }

  /** Lists in the table; some may have lost all their rows. */
  get listCount(): number {
    return this.#listCount
  }

  /** Entries of a list, whoever may see them. */
  count(node: ObjectKey, shape: ShapeId): number {
    const at = this.#locate(node, shape)
    return at < 0 ? 0 : countAt(this.#shard, at)
  }

  /** The entry of a row, 0 when the list has none. */
  entry(node: ObjectKey, shape: ShapeId, key: ObjectKey): Entry {
    const at = this.#locate(node, shape)
    if (at < 0) return 0
    const shard = this.#shard
    const kind = shard[at + 1]! >>> 16
    const first = shard[at + 2]!
    if (kind === 0) {
      if ((first & keyBits) === key) return first
      const second = shard[at + 3]!
      return (second & keyBits) === key ? second : 0
    }
    const found = this.#slabs.find(first, kind, key)
    return found < 0 ? 0 : this.#slabs.part(first)[found]!
  }

  /**
   * Where to walk a list: puts up to two entries into `inline` and gives it, or gives the array of the list's slab.
   * {@link walkStart} and {@link walkEnd} say from where to where. What was given stays as it is for this walk, but for
   * entries that come, go, or gain and lose their record bit in place.
   */
  walk(node: ObjectKey, shape: ShapeId, inline: Int32Array): Int32Array {
    const at = this.#locate(node, shape)
    if (at < 0) {
      this.walkStart = 0
      this.walkEnd = 0
      return inline
    }
    const shard = this.#shard
    const kind = shard[at + 1]! >>> 16
    if (kind === 0) {
      inline[0] = shard[at + 2]!
      inline[1] = shard[at + 3]!
      this.walkStart = 0
      this.walkEnd = inlineEntries
      return inline
    }
    const address = shard[at + 2]!
    const start = this.#slabs.start(address)
    this.walkStart = kind < firstHashClass ? start : start + 1
    this.walkEnd = start + (1 << kind)
    return this.#slabs.part(address)
  }
  walkStart = 0
  walkEnd = 0

  /** Enters a row that the list does not have. */
  insert(node: ObjectKey, shape: ShapeId, entry: Entry): void {
    let at = this.#locate(node, shape)
    if (at < 0) at = this.#create(node, shape)
    const shard = this.#shard
    const kind = shard[at + 1]! >>> 16
    if (kind === 0) {
      if (shard[at + 2] === 0) shard[at + 2] = entry
      else if (shard[at + 3] === 0) shard[at + 3] = entry
      else {
        const address = this.#slabs.take(smallestClass)
        this.#slabs.put(address, smallestClass, 0, shard[at + 2]!)
        this.#slabs.put(address, smallestClass, 1, shard[at + 3]!)
        this.#slabs.put(address, smallestClass, 2, entry)
        this.#setSlab(shard, at, address, smallestClass, inlineEntries + 1)
      }
      return
    }
    const count = shard[at + 3]!
    if (!this.#slabs.put(shard[at + 2]!, kind, count, entry)) {
      this.#rebuild(shard, at, count, classFor(count + 1))
      this.#slabs.put(shard[at + 2]!, shard[at + 1]! >>> 16, count, entry)
    }
    shard[at + 3] = count + 1
  }

  /** Changes the entry of a row that the list has: same key, record bit set or not. */
  replace(node: ObjectKey, shape: ShapeId, entry: Entry): void {
    const at = this.#locate(node, shape)
    if (at < 0) return
    const shard = this.#shard
    const kind = shard[at + 1]! >>> 16
    const key = entry & keyBits
    if (kind === 0) {
      if ((shard[at + 2]! & keyBits) === key) shard[at + 2] = entry
      else if ((shard[at + 3]! & keyBits) === key) shard[at + 3] = entry
      return
    }
    const address = shard[at + 2]!
    const found = this.#slabs.find(address, kind, key)
    if (found >= 0) this.#slabs.part(address)[found] = entry
  }

  /** Takes a row out, if the list has it. */
  remove(node: ObjectKey, shape: ShapeId, key: ObjectKey): void {
    const at = this.#locate(node, shape)
    if (at < 0) return
    const shard = this.#shard
    const kind = shard[at + 1]! >>> 16
    if (kind === 0) {
      if ((shard[at + 2]! & keyBits) === key) shard[at + 2] = 0
      else if ((shard[at + 3]! & keyBits) === key) shard[at + 3] = 0
      return
    }
    const address = shard[at + 2]!
    const found = this.#slabs.find(address, kind, key)
    if (found < 0) return
    this.#slabs.dig(address, kind, found)
    const count = shard[at + 3]! - 1
    shard[at + 3] = count
    if (count <= inlineEntries) this.#inline(shard, at)
    // Far below the class it would get anew, so that a list at the border is not made anew each time.
    else if (count * 6 < 1 << kind && kind > smallestClass) this.#rebuild(shard, at, count, classFor(count))
  }

  /** Moves a list of `count` entries into a slab of another class, without its holes. */
  #rebuild(shard: Int32Array, at: number, count: number, kind: number): void {
    const address = this.#slabs.take(kind)
    let moved = 0
    this.#eachOfSlab(shard, at, (entry) => {
      this.#slabs.put(address, kind, moved, entry)
      moved += 1
    })
    this.#retire(shard[at + 2]!, shard[at + 1]! >>> 16)
    this.#setSlab(shard, at, address, kind, count)
  }

  /** Moves a list of at most two entries back into the table. */
  #inline(shard: Int32Array, at: number): void {
    let first = 0
    let second = 0
    this.#eachOfSlab(shard, at, (entry) => {
      if (first === 0) first = entry
      else second = entry
    })
    this.#retire(shard[at + 2]!, shard[at + 1]! >>> 16)
    this.#setSlab(shard, at, first, 0, second)
  }

  #eachOfSlab(shard: Int32Array, at: number, visit: (entry: Entry) => void): void {
    const address = shard[at + 2]!
    const kind = shard[at + 1]! >>> 16
    const part = this.#slabs.part(address)
    const start = this.#slabs.start(address)
    for (let place = kind < firstHashClass ? start : start + 1; place < start + (1 << kind); place += 1) {
      const entry = part[place]!
      if (entry !== 0 && entry !== hole) visit(entry)
    }
  }

  #setSlab(shard: Int32Array, at: number, first: number, kind: number, second: number): void {
    shard[at + 1] = (shard[at + 1]! & shapeBits) | (kind << 16)
    shard[at + 2] = first
    shard[at + 3] = second
  }

  /** Index of a list in {@link #shard}, -1 when there is none. */
  #locate(node: ObjectKey, shape: ShapeId): number {
    const hash = hashPair(node, shape)
    const shard = this.#shards[shardOf(hash)]!
    this.#shard = shard
    const end = shard.length
    let at = placeOf(hash, end >> 2) << 2
    for (;;) {
      const found = shard[at]!
      if (found === node && (shard[at + 1]! & shapeBits) === shape) return at
      if (found === 0) return -1
      at += wordsPerPlace
      if (at === end) at = 0
    }
  }

  /** Makes an empty list; gives its index in {@link #shard}. */
  #create(node: ObjectKey, shape: ShapeId): number {
    const hash = hashPair(node, shape)
    const number = shardOf(hash)
    if ((this.#counts[number]! + 1) * wordsPerPlace > this.#shards[number]!.length * maxLoad) {
      this.#grow(number)
    }
    this.#counts[number]! += 1
    this.#listCount += 1
    const shard = this.#shards[number]!
    const at = freePlace(shard, hash)
    shard[at] = node
    shard[at + 1] = shape
    this.#shard = shard
    return at
  }

  /** Makes room in a shard; lists that have lost all their rows are dropped on the way. */
  #grow(number: number): void {
    const old = this.#shards[number]!
    let count = 0
    for (let at = 0; at < old.length; at += wordsPerPlace) {
      if (old[at] !== 0 && countAt(old, at) > 0) count += 1
    }
    const shard = this.#tables.ints(roomFor(count) * wordsPerPlace)
    for (let at = 0; at < old.length; at += wordsPerPlace) {
      const node = old[at]!
      if (node === 0 || countAt(old, at) === 0) continue
      const to = freePlace(shard, hashPair(node, old[at + 1]! & shapeBits))
      for (let word = 0; word < wordsPerPlace; word += 1) shard[to + word] = old[at + word]!
    }
    if (old.length > wordsPerPlace) this.#tables.giveBack(old)
    this.#listCount += count - this.#counts[number]!
    this.#counts[number] = count
    this.#shards[number] = shard
  }
}

function countAt(shard: Int32Array, at: number): number {
  if (shard[at + 1]! >>> 16 !== 0) return shard[at + 3]!
  return (shard[at + 2] === 0 ? 0 : 1) + (shard[at + 3] === 0 ? 0 : 1)
}

function freePlace(shard: Int32Array, hash: number): number {
  let at = placeOf(hash, shard.length >> 2) << 2
  while (shard[at] !== 0) {
    at += wordsPerPlace
    if (at === shard.length) at = 0
  }
  return at
}
