// Lists of rows by (node, shape), for one direction. A node has a directory of its lists; short lists stand in it.

import type { ObjectKey } from '../store/store.ts'
import { Blocks } from './blocks.ts'
import { classShift, countAt, directoryUnits, listInts, setList, shapeBits } from './directories.ts'
import { IntColumn, type Segments } from './segments.ts'
import type { ShapeId } from './shapes.ts'
import { ShortLists } from './short-lists.ts'
import { classFor, type Entry, firstHashClass, hole, keyBits, type Slabs, smallestClass } from './slabs.ts'

/** Longest list that needs no slab. */
const inlineEntries = 2
const noPart: Int32Array = new Int32Array(1)

/** Where somebody stands in a list: entries still to come are `part[at, end)`. */
export interface ListWalk {
  part: Int32Array
  at: number
  end: number
  /** Room for the entries of a list without a slab. */
  readonly inline: Int32Array
}

export class Lists {
  /** Address of a node's directory, 0 for none. */
  readonly #heads: IntColumn
  readonly #directories: Blocks
  readonly #slabs: Slabs
  readonly #short: ShortLists
  /** Takes a slab that is no longer part of a list, but that somebody may still be walking. */
  readonly #retire: (address: number, kind: number) => void
  /** The array that {@link #locate} found its list in. */
  #part = noPart
  /** The node that it was asked about last, if that has lists, and where its directory starts in that array. */
  #node: ObjectKey = 0
  #start = 0
  #count = 0

  /** `bits`: pages of columns have 2^bits.page integers, segments of directories 2^bits.segment. */
  constructor(
    memory: Segments,
    bits: { readonly page: number; readonly segment: number },
    slabs: Slabs,
    retire: (address: number, kind: number) => void,
  ) {
    this.#heads = new IntColumn(memory, bits.page)
    this.#directories = new Blocks(memory, bits.segment)
    this.#slabs = slabs
    this.#retire = retire
    this.#short = new ShortLists(this.#heads, this.#directories, slabs)
  }

  /** Reads short lists of many nodes. */
  get short(): ShortLists {
    return this.#short
  }

  /** How many lists have rows. */
  get listCount(): number {
    return this.#count
  }

  /** Shapes of the lists of a node. */
  shapesOf(node: ObjectKey): ShapeId[] {
    const shapes: ShapeId[] = []
    const head = this.#heads.get(node)
    if (head === 0) return shapes
    const part = this.#directories.part(head)
    const start = this.#directories.start(head)
    for (let list = 0; list < part[start]!; list += 1) {
      shapes.push(part[start + 1 + list * listInts]! & shapeBits)
    }
    return shapes
  }

  /** Entries of a list, whoever may see them. */
  count(node: ObjectKey, shape: ShapeId): number {
    const at = this.#locate(node, shape)
    return at < 0 ? 0 : countAt(this.#part, at)
  }

  /** The entry of a row, 0 when the list has none. */
  entry(node: ObjectKey, shape: ShapeId, key: ObjectKey): Entry {
    const at = this.#locate(node, shape)
    if (at < 0) return 0
    const part = this.#part
    const kind = part[at]! >>> classShift
    const first = part[at + 1]!
    if (kind === 0) {
      if ((first & keyBits) === key) return first
      const second = part[at + 2]!
      return (second & keyBits) === key ? second : 0
    }
    const found = this.#slabs.find(first, kind, key)
    return found < 0 ? 0 : this.#slabs.part(first)[found]!
  }

  /**
   * Starts to walk a list. The array stays as it is for this walk, but for entries that come, go, or gain and lose
   * their record bit in place.
   */
  open(walk: ListWalk, node: ObjectKey, shape: ShapeId): void {
    const at = this.#locate(node, shape)
    if (at < 0) {
      walk.at = 0
      walk.end = 0
      return
    }
    const part = this.#part
    const kind = part[at]! >>> classShift
    const first = part[at + 1]!
    if (kind === 0) {
      const second = part[at + 2]!
      const { inline } = walk
      inline[0] = first === 0 ? second : first
      inline[1] = second
      walk.part = inline
      walk.at = 0
      walk.end = first === 0 || second === 0 ? 1 : inlineEntries
      return
    }
    const start = this.#slabs.start(first)
    walk.part = this.#slabs.part(first)
    walk.at = kind < firstHashClass ? start : start + 1
    walk.end = start + (1 << kind)
  }

  /** Enters a row that the list does not have. */
  insert(node: ObjectKey, shape: ShapeId, entry: Entry): void {
    const at = this.#locate(node, shape)
    if (at < 0) {
      this.#addList(node, shape, entry)
      return
    }
    const part = this.#part
    const kind = part[at]! >>> classShift
    if (kind === 0) {
      if (part[at + 1] === 0) part[at + 1] = entry
      else if (part[at + 2] === 0) part[at + 2] = entry
      else {
        const address = this.#slabs.take(smallestClass)
        this.#slabs.put(address, smallestClass, 0, part[at + 1]!)
        this.#slabs.put(address, smallestClass, 1, part[at + 2]!)
        this.#slabs.put(address, smallestClass, 2, entry)
        setList(part, at, smallestClass, address, inlineEntries + 1)
      }
      return
    }
    const count = part[at + 2]!
    if (!this.#slabs.put(part[at + 1]!, kind, count, entry)) {
      this.#rebuild(part, at, count, classFor(count + 1))
      this.#slabs.put(part[at + 1]!, part[at]! >>> classShift, count, entry)
    }
    part[at + 2] = count + 1
  }

  /** Changes the entry of a row that the list has: same key, record bit set or not. */
  replace(node: ObjectKey, shape: ShapeId, entry: Entry): void {
    this.#set(node, shape, entry & keyBits, entry)
  }

  /** Takes a row out, if the list has it. */
  remove(node: ObjectKey, shape: ShapeId, key: ObjectKey): void {
    const at = this.#set(node, shape, key, 0)
    if (at < 0) return
    const part = this.#part
    const kind = part[at]! >>> classShift
    const count = countAt(part, at)
    if (count === 0) this.#removeList(node, at)
    else if (kind === 0) return
    else if (count <= inlineEntries) this.#inline(part, at)
    // Far below the class it would get anew, so that a list at the border is not made anew each time.
    else if (count * 6 < 1 << kind && kind > smallestClass) this.#rebuild(part, at, count, classFor(count))
  }

  /** Sets the entry of a key, or digs a hole for 0; gives where the list stands, -1 when it has no such entry. */
  #set(node: ObjectKey, shape: ShapeId, key: ObjectKey, entry: Entry): number {
    const at = this.#locate(node, shape)
    if (at < 0) return -1
    const part = this.#part
    const kind = part[at]! >>> classShift
    const address = part[at + 1]!
    if (kind === 0) {
      if ((address & keyBits) === key) part[at + 1] = entry
      else if ((part[at + 2]! & keyBits) === key) part[at + 2] = entry
      else return -1
      return at
    }
    const found = this.#slabs.find(address, kind, key)
    if (found < 0) return -1
    if (entry !== 0) this.#slabs.part(address)[found] = entry
    else {
      this.#slabs.dig(address, kind, found)
      part[at + 2]! -= 1
    }
    return at
  }

  /** Moves a list of `count` entries into a slab of another class, without its holes. */
  #rebuild(part: Int32Array, at: number, count: number, kind: number): void {
    const address = this.#slabs.take(kind)
    let moved = 0
    this.#eachOfSlab(part, at, (entry) => {
      this.#slabs.put(address, kind, moved, entry)
      moved += 1
    })
    this.#retire(part[at + 1]!, part[at]! >>> classShift)
    setList(part, at, kind, address, count)
  }

  /** Moves a list of one or two entries back into the directory. */
  #inline(part: Int32Array, at: number): void {
    let first = 0
    let second = 0
    this.#eachOfSlab(part, at, (entry) => {
      if (first === 0) first = entry
      else second = entry
    })
    this.#retire(part[at + 1]!, part[at]! >>> classShift)
    setList(part, at, 0, first, second)
  }

  #eachOfSlab(list: Int32Array, at: number, visit: (entry: Entry) => void): void {
    const address = list[at + 1]!
    const kind = list[at]! >>> classShift
    const part = this.#slabs.part(address)
    const start = this.#slabs.start(address)
    for (let place = kind < firstHashClass ? start : start + 1; place < start + (1 << kind); place += 1) {
      const entry = part[place]!
      if (entry !== 0 && entry !== hole) visit(entry)
    }
  }

  /** Index of a list in {@link #part}, -1 when there is none. */
  #locate(node: ObjectKey, shape: ShapeId): number {
    // Who asks for one list of a node mostly asks for another next.
    if (node !== this.#node) {
      const head = this.#heads.get(node)
      if (head === 0) return -1
      this.#node = node
      this.#part = this.#directories.part(head)
      this.#start = this.#directories.start(head)
    }
    const part = this.#part
    const start = this.#start
    const end = start + 1 + part[start]! * listInts
    for (let at = start + 1; at < end; at += listInts) if ((part[at]! & shapeBits) === shape) return at
    return -1
  }

  #addList(node: ObjectKey, shape: ShapeId, entry: Entry): void {
    const head = this.#heads.get(node)
    const count = head === 0 ? 0 : this.#directories.part(head)[this.#directories.start(head)]!
    const grown = this.#resize(node, head, count, count + 1)
    const part = this.#directories.part(grown)
    const at = this.#directories.start(grown) + 1 + count * listInts
    part[at] = shape
    part[at + 1] = entry
    part[at + 2] = 0
    this.#count += 1
  }

  /** Drops the empty list that {@link #locate} found at an index. It has no slab: it lost that with its last rows but two. */
  #removeList(node: ObjectKey, at: number): void {
    const part = this.#part
    const head = this.#heads.get(node)
    const start = this.#directories.start(head)
    const count = part[start]!
    const last = start + 1 + (count - 1) * listInts
    setList(part, at, 0, part[last + 1]!, part[last + 2]!)
    part[at] = part[last]!
    this.#resize(node, head, count, count - 1)
    this.#count -= 1
  }

  /** Gives a node's directory room for another number of lists; keeps the first of them. Gives its address. */
  #resize(node: ObjectKey, head: number, from: number, to: number): number {
    this.#node = 0
    this.#start = 0
    this.#part = noPart
    const unitsBefore = head === 0 ? 0 : directoryUnits(from)
    const units = to === 0 ? 0 : directoryUnits(to)
    let address = head
    if (units !== unitsBefore) {
      address = units === 0 ? 0 : this.#directories.take(units)
      if (head !== 0) {
        if (address !== 0) {
          const old = this.#directories.part(head)
          const start = this.#directories.start(head)
          const part = this.#directories.part(address)
          const newStart = this.#directories.start(address)
          const ints = 1 + Math.min(from, to) * listInts
          for (let int = 0; int < ints; int += 1) part[newStart + int] = old[start + int]!
        }
        this.#directories.give(head, unitsBefore)
      }
      this.#heads.set(node, address)
    }
    if (address !== 0) this.#directories.part(address)[this.#directories.start(address)] = to
    return address
  }
}
