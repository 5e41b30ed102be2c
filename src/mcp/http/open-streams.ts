// Open streams: answers that are still being given, each to a principal whose token will expire.

import type { Principal } from '../principal.ts'

/** Longest delay of a timer; an answer that is open for so long is cut as well. */
const maxTimerMs = 2 ** 31 - 1

/** The answers that are still being given, and to whom. */
export class OpenStreams {
  readonly #open = new Map<() => void, Principal>()

  /** Calls `cut` when the principal's token expires, or when told to. The answer to this tells that it ended by itself. */
  watch(principal: Principal, nowMs: number, cut: () => void): () => void {
    const leftMs = Math.min(Math.max(principal.expiresAtMs - nowMs, 0), maxTimerMs)
    const timer = setTimeout(cut, leftMs).unref()
    this.#open.set(cut, principal)
    return () => {
      clearTimeout(timer)
      this.#open.delete(cut)
    }
  }

  /** Ends every open answer of the principals that `concerns` picks, say after a grant was taken away. */
  close(concerns: (principal: Principal) => boolean): void {
    for (const [cut, principal] of [...this.#open]) if (concerns(principal)) cut()
  }
}
