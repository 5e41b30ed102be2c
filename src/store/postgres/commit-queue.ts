// Group commit: writes that wait go to the server together and share one durable commit, each with its own revision.

import type { Pool } from 'pg'
import { CardeaError } from '../../model/errors.ts'
import type { Head } from '../store.ts'
import { storeError } from './driver-errors.ts'

/** What the functions answer for one transaction. */
export interface Written {
  readonly head: Head
  /** Rows that changed. */
  readonly count: number
}

/** Facts of a refusal, as the functions give them. */
export interface Refused {
  readonly code: string
  readonly [fact: string]: unknown
}

export interface CommitQueueLimits {
  readonly maxQueuedWrites: number
  readonly maxQueuedUpdates: number
}

interface Job {
  readonly text: string
  readonly weight: number
  readonly translate: (refused: Refused) => CardeaError
  readonly resolve: (written: Written) => void
  readonly reject: (error: CardeaError) => void
}

/** Most writes and updates of one commit: some tens of milliseconds during which other processes wait. */
const maxBatchWrites = 256
const maxBatchUpdates = 5_000

export class CommitQueue {
  readonly #pool: Pool
  readonly #limits: CommitQueueLimits
  readonly #waiting: Job[] = []
  #waitingUpdates = 0
  #running: Promise<void> | undefined

  constructor(pool: Pool, limits: CommitQueueLimits) {
    this.#pool = pool
    this.#limits = limits
  }

  /**
   * `text` is the JSON of one transaction, `weight` its updates. Resolves once it is durable. Errors: OVERLOADED, what
   * `translate` makes of a refusal, UNAVAILABLE, STORE_FAILED.
   */
  add(text: string, weight: number, translate: Job['translate']): Promise<Written> {
    const { maxQueuedWrites, maxQueuedUpdates } = this.#limits
    const count = this.#waiting.length
    if (count >= maxQueuedWrites || (count > 0 && this.#waitingUpdates + weight > maxQueuedUpdates)) {
      throw new CardeaError(
        'OVERLOADED',
        `${count} writes with ${this.#waitingUpdates} updates wait already (maxQueuedWrites, maxQueuedUpdates); retry later.`,
        { max_queued_writes: String(maxQueuedWrites), max_queued_updates: String(maxQueuedUpdates) },
      )
    }
    this.#waitingUpdates += weight
    const written = new Promise<Written>((resolve, reject) => {
      this.#waiting.push({ text, weight, translate, resolve, reject })
    })
    this.#running ??= this.#run()
    return written
  }

  /** Resolves when nothing waits any more. */
  async idle(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    // Whoever writes in the same turn shares the first commit.
    await Promise.resolve()
    while (this.#waiting.length > 0) await this.#commit(this.#nextBatch())
    this.#running = undefined
  }

  #nextBatch(): readonly Job[] {
    let weight = 0
    const end = this.#waiting.findIndex((job, at) => {
      weight += job.weight
      return at > 0 && (weight > maxBatchUpdates || at >= maxBatchWrites)
    })
    const batch = this.#waiting.splice(0, end < 0 ? this.#waiting.length : end)
    for (const job of batch) this.#waitingUpdates -= job.weight
    return batch
  }

  async #commit(batch: readonly Job[]): Promise<void> {
    try {
      // One statement is the whole transaction: no lock is ever held across a round trip.
      const { rows } = await this.#pool.query<{ results: readonly (Written | { refused: Refused })[] }>(
        'SELECT cardea_write($1::jsonb) AS results',
        [`[${batch.map(({ text }) => text).join(',')}]`],
      )
      rows[0]!.results.forEach((result, at) => {
        const { resolve, reject, translate } = batch[at]!
        if ('refused' in result) reject(translate(result.refused))
        else resolve(result)
      })
    } catch (thrown) {
      const error = storeError(thrown)
      for (const { reject } of batch) reject(error)
    }
  }
}
