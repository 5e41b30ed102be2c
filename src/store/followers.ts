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

/** The listeners of one store handle. A listener that throws is broken off with what it threw; the others go on. */
export class LogFollowers {
  readonly #followers = new Set<Follower>()
  readonly #queue: Delivery[] = []
  #delivering = false

  get size(): number {
    return this.#followers.size
  }

  /**
   * Hands `missed`, the entries between the listener's position and `head`, to the listener and lets it follow from
   * there. Returns the function that ends it.
   */
  join(listener: LogListener, missed: Iterable<LogEntry>, head: Head, confirmedAtMs: number): () => void {
    const follower: Follower = { listener, position: head.revision, ended: false }
    this.#followers.add(follower)
    for (const entry of missed) this.#call(follower, () => listener.onEntry(entry))
    this.#call(follower, () => listener.onHead?.(head, confirmedAtMs))
    return () => this.#end(follower)
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
