// Staleness: how long ago the datastore's head was last confirmed, by the clock that says more.

export class Staleness {
  readonly #clock: () => number
  readonly #steadyClock: () => number
  #confirmedAtMs = Number.NEGATIVE_INFINITY
  #steadyAtMs = Number.NEGATIVE_INFINITY

  /**
   * `clock` is in milliseconds since the Unix epoch and may be set while it runs; `steadyClock` only ever goes on, but
   * may stand still while the machine sleeps. Each covers what the other does not see.
   */
  constructor(clock: () => number, steadyClock: () => number) {
    this.#clock = clock
    this.#steadyClock = steadyClock
  }

  /** The head was the datastore's at this instant of the clock, which is now or a moment ago. */
  confirm(confirmedAtMs: number): void {
    this.#confirmedAtMs = confirmedAtMs
    this.#steadyAtMs = this.#steadyClock() - Math.max(0, this.#clock() - confirmedAtMs)
  }

  /** Milliseconds since then; never less than have passed. */
  get ms(): number {
    return Math.max(0, this.#clock() - this.#confirmedAtMs, this.#steadyClock() - this.#steadyAtMs)
  }
}
