// Followers: hands the log to listeners in order, each entry once, one call at a time.

import type { Revision } from '../model/revision.ts'
import type { Head, LogEntry, LogListener } from './store.ts'

interface Follower {
  readonly listener: LogListener
  position: Revision
  ended: boolean
}

type Delivery =
  | { readonly entry: LogEntry }
  | { readonly head: Head; readonly confirmedAtMs: number }
  | { readonly broken: Error }

/** A listener on its way: it is handed what it missed, then joins those who hear of everything. */
export interface Joining {
  /** The next entries after what the listener knows. */
  catchUp(entries: Iterable<LogEntry>): void
  /** The listener knows everything up to `head` and follows from there. */
  join(head: Head, confirmedAtMs: number): void
  /** The log does not continue what the listener knows. */
  break(error: Error): void
  end(): void
}

/** The listeners of one store handle. A listener that throws is broken off with what it threw; the others go on. */
export class LogFollowers {
  readonly #followers = new Set<Follower>()
  readonly #queue: Delivery[] = []
  #delivering = false

  get size(): number {
    return this.#followers.size
  }

  add(listener: LogListener): Joining {
    const follower: Follower = { listener, position: 0, ended: false }
    return {
      catchUp: (entries) => {
        for (const entry of entries) this.#call(follower, () => listener.onEntry(entry))
      },
      join: (head, confirmedAtMs) => {
        follower.position = head.revision
        if (!follower.ended) this.#followers.add(follower)
        this.#call(follower, () => listener.onHead?.(head, confirmedAtMs))
      },
      break: (error) => this.#break(follower, error),
      end: () => this.#end(follower),
    }
  }

  /** The next transaction; all listeners have it when this returns, unless called from within one. */
  deliver(entry: LogEntry): void {
    this.#push({ entry })
  }

  /** The datastore's head, confirmed at a local instant in milliseconds. */
  confirm(head: Head, confirmedAtMs: number): void {
    this.#push({ head, confirmedAtMs })
  }

  /** Ends all listeners with a reason. */
  break(broken: Error): void {
    this.#push({ broken })
  }

  /** Ends all listeners without a word. */
  clear(): void {
    for (const follower of [...this.#followers]) this.#end(follower)
  }

  // A listener may write, which delivers: its entry waits until every listener is done with the current one.
  #push(delivery: Delivery): void {
    this.#queue.push(delivery)
    if (this.#delivering) return
    this.#delivering = true
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#send(next)
    } finally {
      this.#delivering = false
    }
  }

  #send(delivery: Delivery): void {
    for (const follower of [...this.#followers]) {
      if ('entry' in delivery) {
        if (delivery.entry.revision <= follower.position) continue
        follower.position = delivery.entry.revision
        this.#call(follower, () => follower.listener.onEntry(delivery.entry))
      } else if ('head' in delivery) {
        this.#call(follower, () => follower.listener.onHead?.(delivery.head, delivery.confirmedAtMs))
      } else {
        this.#break(follower, delivery.broken)
      }
    }
  }

  #call(follower: Follower, call: () => void): void {
    if (follower.ended) return
    try {
      call()
    } catch (thrown) {
      this.#break(follower, thrown instanceof Error ? thrown : new Error(String(thrown)))
    }
  }

  #break(follower: Follower, error: Error): void {
    if (follower.ended) return
    this.#end(follower)
    try {
      follower.listener.onBreak(error)
    } catch {
      // It has been told; what it throws now has nobody left to hear it.
    }
  }

  #end(follower: Follower): void {
    follower.ended = true
    this.#followers.delete(follower)
  }
}
