// Caveat references of rows, each different one held once, behind small integers.

import type { CaveatRef } from '../model/relationship.ts'

/** Different references that are recognized when they come again; more are held, but perhaps twice. */
const maxRecognized = 1_000_000

export class CaveatRefs {
  /** By handle; 0 is unused. */
  readonly #refs: (CaveatRef | undefined)[] = [undefined]
  readonly #users: number[] = [0]
  readonly #sizes: number[] = [0]
  readonly #free: number[] = []
  readonly #handles = new Map<string, number>()
  #bytes = 0

  /** What the references take, as a guess: text and the objects around it. */
  get bytes(): number {
    return this.#bytes
  }

  /** A handle above 0. Every hold is let go once. */
  hold(ref: CaveatRef): number {
    const text = textOf(ref)
    const known = this.#handles.get(text)
    if (known !== undefined) {
      this.#users[known]! += 1
      return known
    }
    const handle = this.#free.pop() ?? this.#refs.push(undefined) - 1
    this.#refs[handle] = ref
    this.#users[handle] = 1
    this.#sizes[handle] = guessedBytes(text)
    this.#bytes += this.#sizes[handle]!
    if (this.#handles.size < maxRecognized) this.#handles.set(text, handle)
    return handle
  }

  letGo(handle: number): void {
    this.#users[handle]! -= 1
    if (this.#users[handle] !== 0) return
    const text = textOf(this.#refs[handle]!)
    if (this.#handles.get(text) === handle) this.#handles.delete(text)
    this.#refs[handle] = undefined
    this.#free.push(handle)
    this.#bytes -= this.#sizes[handle]!
  }

  get(handle: number): CaveatRef {
    return this.#refs[handle]!
  }

  /** A guess at the bytes that one reference takes. */
  bytesOf(handle: number): number {
    return this.#sizes[handle]!
  }
}

/** Stored contexts are canonical already, so equal ones have equal texts. */
function textOf({ name, context }: CaveatRef): string {
  return context === undefined ? name : `${name} ${JSON.stringify(context)}`
}

function guessedBytes(text: string): number {
  return 160 + 4 * text.length
}
