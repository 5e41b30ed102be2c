// Known nonces: which transaction was at a revision, as this process has seen it. A token or cursor whose nonce is
// another one names a transaction that the datastore has lost.

import type { Revision } from '../model/revision.ts'

/** Some megabytes, and minutes of a busy datastore; who comes with an older token costs a question to the store. */
const maxKnown = 65_536

export class KnownNonces {
  readonly #nonces = new Map<Revision, string>()

  get(revision: Revision): string | undefined {
    return this.#nonces.get(revision)
  }

  set(revision: Revision, nonce: string): void {
    this.#nonces.set(revision, nonce)
    if (this.#nonces.size <= maxKnown) return
    for (const oldest of this.#nonces.keys()) {
      this.#nonces.delete(oldest)
      return
    }
  }
}
