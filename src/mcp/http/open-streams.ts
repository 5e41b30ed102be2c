// Open streams: answers that are still being given, each to a principal whose token will expire, and whose grant may go before.

import type { Principal } from '../principal.ts'
import { principalKey } from './sessions.ts'

/** Longest delay of a timer; an answer that is open for so long is cut as well. */
const maxTimerMs = 2 ** 31 - 1

export interface StayRules {
  /** Asked again and again while an answer is open; no, or no answer, ends it. */
  readonly mayStay: (principal: Principal) => Promise<boolean>
  /** How often, in milliseconds. Answers that are given faster are never asked about. */
  readonly everyMs: number
  /** Told why a stream was ended before its time; for the operator. */
  readonly onCut: (principal: Principal, reason: string) => void
}

/** The answers that are still being given, and to whom. */
export class OpenStreams {
  readonly #open = new Map<() => void, Principal>()
  readonly #rules: StayRules | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(rules?: StayRules) {
    this.#rules = rules
  }

  /** Calls `cut` when the principal's token expires, or when told to. The answer to this tells that it ended by itself. */
  watch(principal: Principal, nowMs: number, cut: () => void): () => void {
    const leftMs = Math.min(Math.max(principal.expiresAtMs - nowMs, 0), maxTimerMs)
    const timer = setTimeout(cut, leftMs).unref()
    this.#open.set(cut, principal)
    this.#lookSoon()
    return () => {
      clearTimeout(timer)
      this.#open.delete(cut)
    }
  }

  /** Ends every open answer of the principals that `concerns` picks, say after a grant was taken away. */
  close(concerns: (principal: Principal) => boolean): void {
    for (const [cut, principal] of [...this.#open]) if (concerns(principal)) cut()
  }

  #lookSoon(): void {
    if (this.#rules === undefined || this.#timer !== undefined) return
    const present = new Set(this.#open.keys())
    this.#timer = setTimeout(() => {
      void this.#look(present).finally(() => {
        this.#timer = undefined
        if (this.#open.size > 0) this.#lookSoon()
      })
    }, this.#rules.everyMs).unref()
  }

  /** Asks about everybody whose answers were open a while ago and still are; each principal once. */
  async #look(present: ReadonlySet<() => void>): Promise<void> {
    const { mayStay, onCut } = this.#rules!
    const asked = new Map<string, Promise<string | undefined>>()
    const looks = [...this.#open].map(async ([cut, principal]) => {
      if (!present.has(cut)) return
      const key = `${principalKey(principal)} ${[...principal.scopes].sort().join(' ')}`
      const answer = asked.get(key) ?? whyNot(mayStay, principal)
      asked.set(key, answer)
      const reason = await answer
      if (reason === undefined || !this.#open.has(cut)) return
      cut()
      onCut(principal, reason)
    })
    await Promise.all(looks)
  }
}

/** Undefined: may stay. What cannot be asked is a no. */
async function whyNot(mayStay: StayRules['mayStay'], principal: Principal): Promise<string | undefined> {
  try {
    return (await mayStay(principal)) ? undefined : 'its token or its grant is no longer good'
  } catch (error) {
    return `it could not be asked whether it may stay: ${(error as Error).message}`
  }
}
