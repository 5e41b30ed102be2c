// Pins: which revisions somebody is reading.

import type { Revision } from '../model/revision.ts'
import type { Overlay } from './overlay.ts'

/** One revision that is held. Snapshots of one revision share their pin. */
export interface Pin {
  /** What the snapshot is called by. */
  readonly revision: Revision
  /** What the graph is seen at: the revision itself, or a later one that an overlay takes back. */
  readonly seenAt: Revision
  readonly overlay: Overlay | undefined
  /** Ascends in the order in which pins were made. */
  readonly sequence: number
  users: number
}

export class Pins {
  /** In ascending order of sequence. */
  readonly #open = new Set<Pin>()
  readonly #byRevision = new Map<Revision, Pin>()
  #sequence = 0
  /** The pin of the newest revision, kept when nobody uses it: it is what the next reader needs. */
  #head: Pin | undefined

  /** Sequence of the newest pin. */
  get sequence(): number {
    return this.#sequence
  }

  /** The newest revision, held once more. */
  holdHead(revision: Revision): Pin {
    let pin = this.#head
    if (pin === undefined) {
      pin = this.find(revision) ?? this.#add(revision, revision, undefined)
      this.#head = pin
    }
    pin.users += 1
    return pin
  }

  /** The head is a later revision from now on. */
  leaveHead(): void {
    if (this.#head?.users === 0) this.#drop(this.#head)
    this.#head = undefined
  }

  find(revision: Revision): Pin | undefined {
    return this.#byRevision.get(revision)
  }

  /** A revision that nobody holds yet, held once. */
  hold(revision: Revision, seenAt: Revision, overlay?: Overlay): Pin {
    const pin = this.#add(revision, seenAt, overlay)
    pin.users = 1
    return pin
  }

  letGo(pin: Pin): void {
    pin.users -= 1
    if (pin.users === 0 && pin !== this.#head) this.#drop(pin)
  }

  /** Sequence of the oldest pin in use; infinity when there is none. */
  oldestSequence(): number {
    for (const pin of this.#open) if (pin.users > 0) return pin.sequence
    return Number.POSITIVE_INFINITY
  }

  /** The least revision that somebody sees the graph at; infinity when nobody does. */
  leastSeen(): Revision {
    let least = Number.POSITIVE_INFINITY
    for (const { users, seenAt } of this.#open) if (users > 0 && seenAt < least) least = seenAt
    return least
  }

  /** Overlays in use, each once. */
  *overlays(): Iterable<Overlay> {
    for (const { overlay } of this.#open) if (overlay !== undefined) yield overlay
  }

  #add(revision: Revision, seenAt: Revision, overlay: Overlay | undefined): Pin {
    this.#sequence += 1
    const pin: Pin = { revision, seenAt, overlay, sequence: this.#sequence, users: 0 }
    this.#open.add(pin)
    this.#byRevision.set(revision, pin)
    return pin
  }

  #drop(pin: Pin): void {
    this.#open.delete(pin)
    this.#byRevision.delete(pin.revision)
  }
}
