// The tail of the log, as the followers of this process know it: nothing is told twice, left out or out of order,
// whichever process wrote it.

import type { CardeaError } from '../../model/errors.ts'
import type { Head } from '../store.ts'
import type { EncodedEntry } from './cells.ts'
import type { Position, Reader } from './reader.ts'

export interface TailEvents {
  onEntries(entries: readonly EncodedEntry[]): void
  onBroken(error: CardeaError): void
}

const anyRevision = Number.MAX_SAFE_INTEGER

export class Tail {
  readonly #reader: Reader
  readonly #events: TailEvents
  /** What the followers know; undefined while there are none. */
  #position: Position | undefined
  #dataVersion = 0

  constructor(reader: Reader, events: TailEvents) {
    this.#reader = reader
    this.#events = events
  }

  get followed(): boolean {
    return this.#position !== undefined
  }

  /**
   * The next page after a point, or why the log does not continue it. When the page leads to the head, the caller is a
   * follower from then on.
   */
  join(
    after: Position,
  ): { entries: readonly EncodedEntry[]; head: Head; joined: boolean } | { broken: CardeaError } {
    return this.#reader.atOnce(() => {
      const broken = this.#reader.broken(after)
      if (broken !== undefined) return { broken }
      // Those who follow already must not be behind the one who joins.
      this.catchUp()
      const entries = this.#reader.page(after.revision, anyRevision)
      const head = this.#reader.head()
      const joined = (entries.at(-1)?.head ?? after).revision === head.revision
      if (joined) this.#position = head
      return { entries, head, joined }
    })
  }

  /** Tells the followers what others have committed since; breaks them off when the log is another one. */
  catchUp(): void {
    if (this.#position === undefined) return
    this.#reader.atOnce(() => {
      const head = this.#reader.head()
      if (head.nonce === this.#position!.nonce) return
      const broken = this.#reader.broken(this.#position!)
      if (broken !== undefined) return this.break(broken)
      for (;;) {
        const entries = this.#reader.page(this.#position!.revision, anyRevision)
        const last = entries.at(-1)
        if (last === undefined) return
        this.#position = last.head
        this.#events.onEntries(entries)
      }
    })
  }

  /** Our own transactions, just committed. The followers hear of them together with the writers. */
  advance(entries: readonly EncodedEntry[]): void {
    const last = entries.at(-1)
    if (this.#position !== undefined && last !== undefined) this.#position = last.head
  }

  /** Ends all following: whoever followed must load again. */
  break(error: CardeaError): void {
    this.#position = undefined
    this.#events.onBroken(error)
  }

  /** Looks whether another connection has committed since the last time. Cheap enough to do all the time. */
  poll(): void {
    if (this.#position === undefined) return
    const dataVersion = this.#reader.dataVersion()
    if (dataVersion === this.#dataVersion) return
    this.#dataVersion = dataVersion
    this.catchUp()
  }
}
