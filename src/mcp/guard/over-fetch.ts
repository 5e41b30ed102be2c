// Over-fetch: how much more the tools return than their callers may see; what observe mode is run for.

/** Counts of one tool since the guard was made. */
export interface OverFetchCount {
  readonly tool: string
  /** Things that results held and that were checked. */
  readonly returned: number
  /** Those that were denied, or would have been without observe mode. */
  readonly denied: number
  /** The denied ones by object type. */
  readonly deniedByType: { readonly [type: string]: number }
  /** Calls in which observe mode let something pass that is denied. */
  readonly observedCalls: number
}

export class OverFetch {
  readonly #counts = new Map<
    string,
    { returned: number; denied: number; byType: Map<string, number>; observed: number }
  >()

  /** Adds one result: the object type of each question and whether it was granted. */
  add(tool: string, types: readonly string[], granted: readonly boolean[], observed: boolean): void {
    let count = this.#counts.get(tool)
    if (count === undefined) {
      count = { returned: 0, denied: 0, byType: new Map(), observed: 0 }
      this.#counts.set(tool, count)
    }
    count.returned += types.length
    if (observed) count.observed++
    for (let index = 0; index < types.length; index++) {
      if (granted[index]) continue
      count.denied++
      count.byType.set(types[index]!, (count.byType.get(types[index]!) ?? 0) + 1)
    }
  }

  report(): readonly OverFetchCount[] {
    return [...this.#counts].map(([tool, { returned, denied, byType, observed }]) => ({
      tool,
      returned,
      denied,
      deniedByType: Object.fromEntries(byType),
      observedCalls: observed,
    }))
  }
}
