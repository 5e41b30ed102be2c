// Names: types, relations and permissions as small integers.

import { CardeaError } from '../model/errors.ts'
import type { NameId } from './snapshot.ts'

/** Names that one graph can hold: ids fit into 16 bits. */
const maxNames = 65_536

export class Names {
  readonly #ids = new Map<string, NameId>([['', 0]])
  readonly #texts: string[] = ['']

  /** How many names there are, the empty one included. */
  get size(): number {
    return this.#texts.length
  }

  /** -1 for a name never seen. */
  find(text: string): NameId {
    return this.#ids.get(text) ?? -1
  }

  /** The id of a name, given now if need be. LIMIT_EXCEEDED beyond 65,536 names. */
  intern(text: string): NameId {
    let id = this.#ids.get(text)
    if (id === undefined) {
      if (this.#texts.length === maxNames) {
        throw new CardeaError(
          'LIMIT_EXCEEDED',
          `The graph holds at most ${maxNames} names of types and relations; the relationships use more.`,
          { limit: String(maxNames) },
        )
      }
      id = this.#texts.push(text) - 1
      this.#ids.set(text, id)
    }
    return id
  }

  /** Empty for an id never given. */
  text(id: NameId): string {
    return this.#texts[id] ?? ''
  }
}
