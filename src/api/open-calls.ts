// The calls in progress at one door.

import type { OpenCall } from './open-call.ts'

/**
 * A set that costs no garbage. A JavaScript Set in which thousands of entries per second come and go leaves its old
 * tables chained to the new ones, and with them every call keeps its successors alive until a major collection.
 */
export class OpenCalls {
  readonly #calls: OpenCall[] = []

  add(call: OpenCall): void {
    call.position = this.#calls.push(call) - 1
  }

  /** False when it was not there any more. */
  delete(call: OpenCall): boolean {
    const { position } = call
    if (position < 0) return false
    const last = this.#calls.pop()!
    if (last !== call) {
      this.#calls[position] = last
      last.position = position
    }
    call.position = -1
    return true
  }

  /** Those of this moment; what is called for each may end it. */
  forEach(visit: (call: OpenCall) => void): void {
    for (const call of [...this.#calls]) visit(call)
  }
}
