// Budgets: how much work one request may do in all, and before it lets others run.

import type { NameId } from '../graph/snapshot.ts'
import { CardeaError } from '../model/errors.ts'
import type { ObjectKey } from '../store/store.ts'
import type { EngineLimits, WidestNode } from './engine.ts'
import type { ForwardSnapshot } from './world.ts'

/** Nodes with fewer rows are not worth telling. */
const fewRows = 99

/** Counts elementary steps and held entries. Work asks {@link Budget.spent} at points where it can pause. */
export class Budget {
  steps = 0
  #pauseAt = 0
  readonly #limits: EngineLimits
  #widestRows = fewRows
  /** Named only when asked. */
  #widest:
    | { snapshot: ForwardSnapshot; node: ObjectKey; relation: NameId; resourceType: NameId | undefined }
    | undefined

  constructor(limits: EngineLimits) {
    this.#limits = limits
  }

  /** For the next request with the same limits. */
  renew(): void {
    this.steps = 0
    this.#pauseAt = 0
    this.#widestRows = fewRows
    this.#widest = undefined
  }

  /** Allows that many steps before the next pause. */
  resume(maxSteps: number): void {
    this.#pauseAt = this.steps + maxSteps
  }

  /** Whether it is time to pause. LIMIT_EXCEEDED when the request has used up all its steps. */
  get spent(): boolean {
    if (this.steps < this.#pauseAt) return false
    if (this.steps >= this.#limits.maxSteps) throw limitExceeded('max-steps', this.#limits.maxSteps, 'steps')
    return true
  }

  /** Rows were followed from one node; `resourceType` for rows in which it is the subject. */
  walked(
    rows: number,
    snapshot: ForwardSnapshot,
    node: ObjectKey,
    relation: NameId,
    resourceType?: NameId | undefined,
  ): void {
    if (rows <= this.#widestRows) return
    this.#widestRows = rows
    this.#widest = { snapshot, node, relation, resourceType }
  }

  /** What a part of the request walked counts for the whole. */
  absorb(part: Budget): void {
    if (part.#widestRows <= this.#widestRows) return
    this.#widestRows = part.#widestRows
    this.#widest = part.#widest
  }

  /** Read it while the snapshot is pinned. */
  get widest(): WidestNode | undefined {
    if (this.#widest === undefined) return undefined
    const { snapshot, node, relation, resourceType } = this.#widest
    const name = snapshot.nameText(relation)
    return {
      object: { type: snapshot.nameText(snapshot.nodeType(node)), id: snapshot.nodeId(node) },
      rowsOf: resourceType === undefined ? name : `${snapshot.nameText(resourceType)}#${name}`,
      reverse: resourceType !== undefined,
      rows: this.#widestRows,
    }
  }

  /** LIMIT_EXCEEDED when a request holds more than it may. */
  hold(entries: number): void {
    if (entries > this.#limits.maxEntries)
      throw limitExceeded('max-entries', this.#limits.maxEntries, 'entries held at once')
  }
}

function limitExceeded(setting: string, maximum: number, what: string): CardeaError {
  return new CardeaError(
    'LIMIT_EXCEEDED',
    `The question needs more than ${maximum} ${what}; raise --${setting} if it is meant to.`,
    { setting, maximum: String(maximum) },
  )
}
