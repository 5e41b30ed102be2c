// Results: items that are found in batches and read one by one.

/**
 * Reads like an async generator: calls of `next` are answered in order, and `return` ends the work behind it. But only
 * the first item of a batch is waited for; the others are there already.
 */
export class Results<Item> implements AsyncIterableIterator<Item> {
  readonly #batches: AsyncGenerator<readonly Item[], void, void>
  #items: readonly Item[] = []
  #at = 0
  /** How many calls wait for a batch, and the last of them: who comes later waits behind. */
  #waiting = 0
  #last: Promise<unknown> = Promise.resolve()

  constructor(batches: AsyncGenerator<readonly Item[], void, void>) {
    this.#batches = batches
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    if (this.#waiting === 0 && this.#at < this.#items.length) {
      const value = this.#items[this.#at]!
      this.#at += 1
      return Promise.resolve({ done: false, value })
    }
    this.#waiting += 1
    const take = () => this.#take().finally(() => (this.#waiting -= 1))
    const taken = this.#waiting === 1 ? take() : this.#last.then(take, take)
    this.#last = taken
    return taken
  }

  async return(): Promise<IteratorResult<Item, undefined>> {
    this.#items = []
    this.#at = 0
    await this.#batches.return()
    return { done: true, value: undefined }
  }

  async #take(): Promise<IteratorResult<Item, undefined>> {
    while (this.#at === this.#items.length) {
      const { done, value } = await this.#batches.next()
      if (done === true) return { done: true, value: undefined }
      this.#items = value
      this.#at = 0
    }
    const value = this.#items[this.#at]!
    this.#at += 1
    return { done: false, value }
  }
}
