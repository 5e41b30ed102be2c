// Short lists: many lists of one shape at once, where opening each of them would cost more than its rows.

import type { Blocks } from './blocks.ts'
import { classShift, listInts, shapeBits } from './directories.ts'
import { markPageBits, markWordMask, type NodeMarks } from './node-marks.ts'
import type { IntColumn } from './segments.ts'
import type { ShapeId } from './shapes.ts'
import { firstHashClass, keyBits, type Slabs } from './slabs.ts'
import type { NodeRun } from './snapshot.ts'

/** Class of the largest slab that is short; it has at most {@link maxShortRows} entries. */
const maxShortClass = 6
const maxShortRows = 2 ** maxShortClass
/** Lists that are looked up before the first is walked: their memory is waited for together. */
const listsAhead = 64
/** In place of the class of a list that a node does not have. */
const noList = -1

export class ShortLists {
  /** See Lists: where a node's directory is, the directories, and the entries of lists that don't stand in them. */
  readonly #heads: IntColumn
  readonly #directories: Blocks
  readonly #slabs: Slabs
  readonly #found: Int32Array = new Int32Array(listsAhead * listInts)

  constructor(heads: IntColumn, directories: Blocks, slabs: Slabs) {
    this.#heads = heads
    this.#directories = directories
    this.#slabs = slabs
  }

  /** Lists of `nodes[from, to)`; as {@link Snapshot.takeReverse} gives them. */
  take(run: NodeRun, nodes: Int32Array, from: number, to: number, shape: ShapeId): number {
    const count = Math.min(to - from, listsAhead)
    const last = run.nodes.length - maxShortRows
    this.#lookUp(nodes, from, count, shape)
    const found = this.#found
    const slabs = this.#slabs
    let { length } = run
    let list = 0
    for (; list < count && length <= last; list += 1) {
      const at = list * listInts
      const kind = found[at]!
      if (kind === noList) continue
      let end: number
      if (kind === 0) end = copyEntries(found, at + 1, at + listInts, at + listInts, run.nodes, length)
      else {
        if (kind > maxShortClass) break
        const address = found[at + 1]!
        const start = slabs.start(address)
        const whole = start + (1 << kind)
        end =
          kind < firstHashClass
            ? copyEntries(slabs.part(address), start, start + found[at + 2]!, whole, run.nodes, length)
            : copyEntries(slabs.part(address), start + 1, whole, whole, run.nodes, length)
      }
      if (end < 0) break
      length = end
    }
    run.length = length
    return list
  }

  /** Lists of `nodes[from, to)`; as {@link Snapshot.markReverse} marks them. */
  mark(marks: NodeMarks, nodes: Int32Array, from: number, to: number, shape: ShapeId): number {
    const count = Math.min(to - from, listsAhead)
    this.#lookUp(nodes, from, count, shape)
    const found = this.#found
    const slabs = this.#slabs
    let list = 0
    for (; list < count; list += 1) {
      const at = list * listInts
      const kind = found[at]!
      if (kind === noList) continue
      let rows = found[at + 2]!
      if (kind === 0) {
        rows = (found[at + 1] === 0 ? 0 : 1) + (rows === 0 ? 0 : 1)
        if (!markEntries(found, at + 1, at + listInts, at + listInts, marks)) break
      } else {
        if (kind > maxShortClass) break
        const address = found[at + 1]!
        const start = slabs.start(address)
        const whole = start + (1 << kind)
        const marked =
          kind < firstHashClass
            ? markEntries(slabs.part(address), start, start + rows, whole, marks)
            : markEntries(slabs.part(address), start + 1, whole, whole, marks)
        if (!marked) break
      }
      marks.count += rows
    }
    return list
  }

  #lookUp(nodes: Int32Array, from: number, count: number, shape: ShapeId): void {
    const found = this.#found
    for (let list = 0; list < count; list += 1) found[list * listInts] = this.#heads.get(nodes[from + list]!)
    for (let list = 0; list < count; list += 1) this.#find(found[list * listInts]!, shape, list * listInts)
  }

  /** Writes what a directory says of its list of a shape. */
  #find(head: number, shape: ShapeId, into: number): void {
    const found = this.#found
    found[into] = noList
    if (head === 0) return
    const part = this.#directories.part(head)
    const start = this.#directories.start(head)
    const end = start + 1 + part[start]! * listInts
    for (let at = start + 1; at < end; at += listInts) {
      if ((part[at]! & shapeBits) !== shape) continue
      found[into] = part[at]! >>> classShift
      found[into + 1] = part[at + 1]!
      found[into + 2] = part[at + 2]!
      return
    }
  }
}

/**
 * Copies entries to `into` from `end` on; gives where they end, -1 when one has a record. They stand in
 * `entries[from, likely)` unless there are holes: then up to `whole`.
 */
function copyEntries(
  entries: Int32Array,
  from: number,
  likely: number,
  whole: number,
  into: Int32Array,
  end: number,
): number {
  let to = likely
  let last = end
  for (let at = from; at < to; at += 1) {
    const entry = entries[at]!
    if (entry > 0) {
      into[last] = entry
      last += 1
    } else if ((entry & keyBits) !== 0) return -1
    else to = whole
  }
  return last
}

/** Marks entries for certain, as {@link NodeMarks.mark} does, but does not count them; false when one has a record. */
function markEntries(
  entries: Int32Array,
  from: number,
  likely: number,
  whole: number,
  marks: NodeMarks,
): boolean {
  const { pages } = marks
  let to = likely
  let news = 0
  let at = from
  while (at < to) {
    const { words } = marks
    for (; at < to; at += 1) {
      const entry = entries[at]!
      if (entry > 0) {
        const page = pages[entry >>> markPageBits]!
        if (page === 0) break
        const word = page + ((entry >>> 5) & markWordMask)
        const known = words[word]!
        words[word] = known | (1 << (entry & 31))
        news += ((known >>> (entry & 31)) & 1) ^ 1
      } else if ((entry & keyBits) !== 0) break
      else to = whole
    }
    if (at === to || entries[at]! < 0) break
    // Out of the loop, which calls nothing and so is quicker.
    marks.addPage(entries[at]! >>> markPageBits)
  }
  marks.news += news
  return at === to
}
