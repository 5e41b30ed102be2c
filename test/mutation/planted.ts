// Which planted fault is active: the sources of the instrumented copy ask here at every place that has one.

/** Thrown when an active fault is met so often that it can only be an endless loop. */
export class Runaway extends Error {}

let active = ''
let hitsLeft = 0
/** By number of the fault. */
let reached: boolean[] | undefined

/** Turns one fault on, '' for none. It may be met `maxHits` times. */
export function plant(id: string, maxHits: number): void {
  active = id
  hitsLeft = maxHits
}

/** Faults that the work comes past while none is active. */
export async function reachedBy(work: () => void | Promise<void>): Promise<string[]> {
  const found: boolean[] = []
  reached = found
  try {
    await work()
  } finally {
    reached = undefined
  }
  return Object.keys(found)
}

/** Called by instrumented sources: whether this fault is active. */
export function isPlanted(id: string): boolean {
  if (id !== active) return false
  hitsLeft -= 1
  if (hitsLeft < 0) throw new Runaway('The fault was met too often.')
  return true
}

/** Called by instrumented sources where no fault is active. */
export function passed(...ids: readonly string[]): void {
  if (reached === undefined) return
  for (const id of ids) reached[Number(id)] = true
}
