// History: keeps what older snapshots still see, for the undo window and as long as somebody reads, and then clears it.

import type { Revision } from '../model/revision.ts'
import type { Adjacency, ChangeKeeper } from './adjacency.ts'
import type { Pins } from './pins.ts'
import type { RecordId } from './row-records.ts'
import { NumberQueue, type Segments } from './segments.ts'

export interface HistoryOptions {
  readonly adjacency: Adjacency
  readonly pins: Pins
  readonly memory: Segments
  /** How long a revision stays readable after the next one, by the datastore's clock. */
  readonly windowMs: number
  /** Bytes that the window may take; what open snapshots need may exceed it. */
  readonly maxBytes: number
  /** Revision that the graph was loaded at: the oldest readable one. */
  readonly floor: Revision
}

/**
 * A version that was born or has died goes through two steps, each in the order of the log.
 *
 * 1. It is settled once no readable revision lies before it: the entries of dead rows leave the lists, rows without
 *    traits become plain. Entries leave holes, so a cursor under way loses nothing; its snapshot does not see the row.
 * 2. Its record is dropped once every snapshot that was open at step 1 is released: a cursor of such a snapshot may be
 *    walking an older copy of a list, where the entry still stands and the record tells what it means. Slabs that
 *    lists have left wait in the same line.
 */
export class History implements ChangeKeeper {
  readonly #adjacency: Adjacency
  readonly #pins: Pins
  readonly #windowMs: number
  readonly #maxBytes: number
  #floor: Revision
  /** Transactions not settled: revision, instant, number of versions. */
  readonly #revisions: NumberQueue
  readonly #instants: NumberQueue
  readonly #sizes: NumberQueue
  /** Versions of all these transactions, and those left of the transaction that is being settled. */
  readonly #versions: NumberQueue
  #left = 0
  /** Versions since the last transaction. */
  #pending = 0
  /** What waits for snapshots to be released (a record, or a slab as a negative number), and for which. */
  readonly #waiting: NumberQueue
  readonly #waitingFor: NumberQueue
  /** Guesses at the memory held for the window, and for what waits. */
  #windowBytes = 0
  #waitingBytes = 0

  constructor({ adjacency, pins, memory, windowMs, maxBytes, floor }: HistoryOptions) {
    this.#adjacency = adjacency
    this.#pins = pins
    this.#windowMs = windowMs
    this.#maxBytes = maxBytes
    this.#floor = floor
    this.#revisions = new NumberQueue(memory)
    this.#instants = new NumberQueue(memory)
    this.#sizes = new NumberQueue(memory)
    this.#versions = new NumberQueue(memory)
    this.#waiting = new NumberQueue(memory)
    this.#waitingFor = new NumberQueue(memory)
  }

  /** The oldest revision that the graph can still be seen at. */
  get floor(): Revision {
    return this.#floor
  }

  /** A guess at the memory that is held for older snapshots. */
  get bytes(): number {
    return this.#windowBytes + this.#waitingBytes
  }

  onVersion(id: RecordId): void {
    this.#versions.push(id)
    this.#pending += 1
    this.#windowBytes += this.#adjacency.records.heldBytes(id)
  }

  onSlab(address: number, kind: number): void {
    if (this.#pins.oldestSequence() === Number.POSITIVE_INFINITY) this.#adjacency.giveSlab(address, kind)
    else {
      this.#waitingBytes += 4 * 2 ** kind
      this.#wait(-((address >>> 0) * 32 + kind))
    }
  }

  /** The changes of a transaction are done. Settles about as much as came in, so that no backlog grows. */
  onTransaction(revision: Revision, committedAtMs: number): void {
    const size = this.#pending
    this.#pending = 0
    if (size > 0) {
      this.#revisions.push(revision)
      this.#instants.push(committedAtMs)
      this.#sizes.push(size)
    }
    this.work(committedAtMs, size + 1024)
  }

  /** Does what has become possible, at most `maxSteps` versions and slabs. */
  work(nowMs: number, maxSteps: number): void {
    const leastSeen = this.#pins.leastSeen()
    let steps = 0
    while (steps < maxSteps) {
      if (this.#left > 0) {
        this.#left -= 1
        this.#settle(this.#versions.shift())
        steps += 1
      } else if (this.#revisions.length > 0 && this.#isPast(nowMs) && this.#revisions.at(0) <= leastSeen) {
        this.#floor = this.#revisions.shift()
        this.#instants.shift()
        this.#left = this.#sizes.shift()
      } else break
    }
    const oldest = this.#pins.oldestSequence()
    for (steps = 0; steps < maxSteps && this.#waiting.length > 0; steps += 1) {
      if (this.#waitingFor.at(0) >= oldest) break
      this.#waitingFor.shift()
      const waiting = this.#waiting.shift()
      if (waiting > 0) this.#drop(waiting)
      else {
        const kind = -waiting % 32
        this.#waitingBytes -= 4 * 2 ** kind
        this.#adjacency.giveSlab(Math.floor(-waiting / 32) | 0, kind)
      }
    }
  }

  /** Whether the oldest transaction lies before the window. */
  #isPast(nowMs: number): boolean {
    return nowMs - this.#instants.at(0) >= this.#windowMs || this.#windowBytes > this.#maxBytes
  }

  #settle(id: RecordId): void {
    const { records } = this.#adjacency
    const died = records.died(id)
    if (died === Number.POSITIVE_INFINITY) {
      if (!records.hasTraits(id)) this.#adjacency.makePlain(id)
    } else if (died <= this.#floor) {
      const newest = records.newest(records.resource(id), records.edge(id), records.subject(id))
      // Otherwise the entries belong to a newer version.
      if (newest === id) this.#adjacency.removeEntries(id)
    }
    const bytes = records.heldBytes(id)
    this.#windowBytes -= bytes
    this.#waitingBytes += bytes
    this.#wait(id)
  }

  #wait(what: number): void {
    this.#waiting.push(what)
    this.#waitingFor.push(this.#pins.sequence)
  }

  #drop(id: RecordId): void {
    const { records } = this.#adjacency
    this.#waitingBytes -= records.heldBytes(id)
    if (records.addDuty(id, -1) > 0) return
    // A plain row needs no record. Older versions have died, and so have been dropped, before this one was born.
    if (records.died(id) !== Number.POSITIVE_INFINITY || !records.hasTraits(id)) records.free(id)
  }
}
