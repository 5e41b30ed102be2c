// The cancellation of one call.

type AbortListener = ((event: Event) => void) | { handleEvent(event: Event): void }

/**
 * What everyone uses of an AbortSignal, without being an EventTarget: Node's costs a microsecond and two kilobytes,
 * which for a check is a tenth of the call. Give it to nothing outside the house; `AbortSignal.any` would refuse it.
 */
export class CallSignal {
  #aborted = false
  #reason: unknown
  /** Made for the first who listens; most calls are over before anybody does. */
  #listeners: AbortListener[] | undefined

  /** The same object, as the contracts call it. */
  get signal(): AbortSignal {
    return this as unknown as AbortSignal
  }

  get aborted(): boolean {
    return this.#aborted
  }

  get reason(): unknown {
    return this.#reason
  }

  throwIfAborted(): void {
    if (this.#aborted) throw this.#reason
  }

  /** Each listener is called once at most, since there is one abort. */
  addEventListener(type: string, listener: AbortListener | null): void {
    if (type !== 'abort' || listener === null || this.#aborted) return
    this.#listeners ??= []
    if (!this.#listeners.includes(listener)) this.#listeners.push(listener)
  }

  removeEventListener(type: string, listener: AbortListener | null): void {
    if (type === 'abort') this.#listeners = this.#listeners?.filter((known) => known !== listener)
  }

  /** Without a reason it is an AbortError, as of an AbortController. */
  abort(reason?: unknown): void {
    if (this.#aborted) return
    this.#aborted = true
    this.#reason = reason ?? new DOMException('This operation was aborted', 'AbortError')
    const listeners = this.#listeners
    if (listeners === undefined) return
    this.#listeners = undefined
    const event = new Event('abort')
    for (const listener of listeners) {
      if (typeof listener === 'function') listener(event)
      else listener.handleEvent(event)
    }
  }
}
