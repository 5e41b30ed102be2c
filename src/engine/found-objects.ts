// Found objects: results of a lookup, column by column, so that nothing is made for each of them.

import type { Answer } from '../model/decision.ts'
import type { ObjectKey } from '../store/store.ts'

export interface FoundObject extends Answer {
  /** 0 for an object that the graph has never seen. */
  readonly key: ObjectKey
  readonly id: string
}

/** One for all: most of what is found holds for certain. */
const nothingMissing: readonly string[] = Object.freeze([])

/** As many as one turn mostly gives. */
const firstRoom = 512

/** A batch of results, to be filled, read and filled again. */
export class FoundObjects implements Iterable<FoundObject> {
  length = 0
  /** What {@link FoundObject} has, by place; what stands behind `length` means nothing. */
  keys = new Int32Array(firstRoom)
  readonly ids: string[] = []
  /** Of those that depend on missing context only: what they lack. */
  readonly #missing = new Map<number, readonly string[]>()

  /** Makes room in the columns for some more. */
  reserve(count: number): void {
    const least = this.length + count
    if (least <= this.keys.length) return
    const grown = new Int32Array(Math.max(least, 2 * this.keys.length))
    grown.set(this.keys)
    this.keys = grown
  }

  /** Appends one; `missing` unless it holds for certain. */
  add(key: ObjectKey, id: string, missing?: readonly string[]): void {
    this.reserve(1)
    const place = this.length
    this.keys[place] = key
    this.ids[place] = id
    this.length = place + 1
    if (missing !== undefined) this.#missing.set(place, missing)
  }

  clear(): void {
    this.length = 0
    if (this.#missing.size > 0) this.#missing.clear()
  }

  permissionshipAt(place: number): 'has' | 'conditional' {
    return this.#missing.size > 0 && this.#missing.has(place) ? 'conditional' : 'has'
  }

  missingAt(place: number): readonly string[] {
    return this.#missing.size === 0 ? nothingMissing : (this.#missing.get(place) ?? nothingMissing)
  }

  *[Symbol.iterator](): Generator<FoundObject, void, void> {
    for (let place = 0; place < this.length; place += 1)
      yield {
        key: this.keys[place]!,
        id: this.ids[place]!,
        permissionship: this.permissionshipAt(place),
        missing: this.missingAt(place),
      }
  }
}
