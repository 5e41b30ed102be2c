// That lists have changed: told late and seldom, since it is told to all, also of what they cannot see.

import type { JsonObject } from '../../model/context.ts'

/** A notification that says nothing but that there is something new in a list. */
export interface ListChange {
  readonly method: string
  readonly params?: JsonObject
}

const listChanged: ReadonlySet<unknown> = new Set([
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
])

export function isListChange(message: object | undefined): message is ListChange {
  return message !== undefined && listChanged.has((message as { method?: unknown }).method)
}

/**
 * Keeps the changes of one connection or stream until the next full interval of the clock and tells each kind once then.
 * A burst and a single change look alike, and when a change happened is known no better than the interval.
 */
export class ListChanges {
  readonly #everyMs: number
  readonly #clock: () => number
  readonly #tell: (notice: ListChange) => void
  /** By method. */
  readonly #waiting = new Map<string, ListChange>()
  #timer: NodeJS.Timeout | undefined
  #isEnded = false

  /** `everyMs` above 0; `clock` in milliseconds since the Unix epoch. */
  constructor(everyMs: number, clock: () => number, tell: (notice: ListChange) => void) {
    this.#everyMs = everyMs
    this.#clock = clock
    this.#tell = tell
  }

  changed(notice: ListChange): void {
    if (this.#isEnded) return
    this.#waiting.set(notice.method, notice)
    this.#timer ??= setTimeout(() => this.#tellAll(), this.#everyMs - (this.#clock() % this.#everyMs)).unref()
  }

  #tellAll(): void {
    const told = [...this.#waiting.values()]
    this.#waiting.clear()
    this.#timer = undefined
    for (const notice of told) this.#tell(notice)
  }

  /** Nothing is told any more, what waits included. */
  end(): void {
    this.#isEnded = true
    clearTimeout(this.#timer)
  }
}
