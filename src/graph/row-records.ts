// Records of the rows that are more than their identity: they have traits, or some snapshot may see them otherwise.

import type { Revision } from '../model/revision.ts'
import type { ObjectKey } from '../store/store.ts'
import type { CaveatRefs } from './caveat-refs.ts'
import { hashTriple, maxLoad, placeOf, roomFor, shardCount, shardOf } from './hash.ts'
import { DoubleColumn, IntColumn, type Segments } from './segments.ts'
import type { ShapeId } from './shapes.ts'
import type { RowTraits } from './snapshot.ts'

/** One version of one row: a positive integer below 2^30. */
export type RecordId = number

/** What a record takes with its place in the table and in the lines of the history. */
const recordBytes = 80

/**
 * Versions of a row hang together, the newest first. A version is seen by the snapshots from the revision that made
 * it (`born`) up to the one that ended it (`died`). A row without a record is plain and seen by everyone.
 */
export class RowRecords {
  readonly #segments: Segments
  readonly #caveats: CaveatRefs
  readonly #resources: IntColumn
  readonly #edges: IntColumn
  readonly #subjects: IntColumn
  readonly #olders: IntColumn
  readonly #caveatHandles: IntColumn
  /** How often the history still has to deal with a record. */
  readonly #duties: IntColumn
  readonly #expiries: DoubleColumn
  readonly #births: DoubleColumn
  readonly #deaths: DoubleColumn
  #lastId = 0
  #firstFree = 0
  #count = 0
  /** Open addressing by (resource, edge, subject): the newest record, 0 for free. */
  readonly #shards: Int32Array[]
  readonly #counts = new Int32Array(shardCount)

  constructor(segments: Segments, caveats: CaveatRefs, pageBits: number) {
    this.#segments = segments
    this.#caveats = caveats
    this.#resources = new IntColumn(segments, pageBits)
    this.#edges = new IntColumn(segments, pageBits)
    this.#subjects = new IntColumn(segments, pageBits)
    this.#olders = new IntColumn(segments, pageBits)
    this.#caveatHandles = new IntColumn(segments, pageBits)
    this.#duties = new IntColumn(segments, pageBits)
    this.#expiries = new DoubleColumn(segments, pageBits)
    this.#births = new DoubleColumn(segments, pageBits)
    this.#deaths = new DoubleColumn(segments, pageBits)
    const empty = new Int32Array(1)
    this.#shards = Array.from({ length: shardCount }, () => empty)
  }

  get count(): number {
    return this.#count
  }

  /** Largest id given so far. */
  get lastId(): RecordId {
    return this.#lastId
  }

  /** The newest version of a row; 0 when it has no record. */
  newest(resource: ObjectKey, edge: ShapeId, subject: ObjectKey): RecordId {
    const hash = hashTriple(resource, edge, subject)
    const shard = this.#shards[shardOf(hash)]!
    const at = this.#locate(shard, hash, resource, edge, subject)
    return shard[at]!
  }

  /** The version that a snapshot at a revision sees; 0 when it sees none. */
  seen(resource: ObjectKey, edge: ShapeId, subject: ObjectKey, revision: Revision): RecordId {
    let id = this.newest(resource, edge, subject)
    while (id !== 0 && (this.#births.get(id) > revision || this.#deaths.get(id) <= revision)) {
      id = this.#olders.get(id)
    }
    return id
  }

  /** The id itself when the version has traits, else 0. */
  handle(id: RecordId): number {
    return this.hasTraits(id) ? id : 0
  }

  hasTraits(id: RecordId): boolean {
    return this.#caveatHandles.get(id) !== 0 || this.#expiries.get(id) !== Number.POSITIVE_INFINITY
  }

  traits(id: RecordId): RowTraits {
    const caveat = this.#caveatHandles.get(id)
    const expiresAtMs = this.#expiries.get(id)
    if (caveat === 0) return expiresAtMs === Number.POSITIVE_INFINITY ? {} : { expiresAtMs }
    if (expiresAtMs === Number.POSITIVE_INFINITY) return { caveat: this.#caveats.get(caveat) }
    return { caveat: this.#caveats.get(caveat), expiresAtMs }
  }

  /** Makes the newest version of a row, born at a revision. */
  create(
    resource: ObjectKey,
    edge: ShapeId,
    subject: ObjectKey,
    traits: RowTraits,
    born: Revision,
  ): RecordId {
    let id = this.#firstFree
    if (id === 0) id = this.#lastId += 1
    else this.#firstFree = this.#olders.get(id)
    this.#resources.set(id, resource)
    this.#edges.set(id, edge)
    this.#subjects.set(id, subject)
    this.#caveatHandles.set(id, traits.caveat === undefined ? 0 : this.#caveats.hold(traits.caveat))
    this.#duties.set(id, 0)
    this.#expiries.set(id, traits.expiresAtMs ?? Number.POSITIVE_INFINITY)
    this.#births.set(id, born)
    this.#deaths.set(id, Number.POSITIVE_INFINITY)
    this.#count += 1

    const hash = hashTriple(resource, edge, subject)
    const number = shardOf(hash)
    let shard = this.#shards[number]!
    let at = this.#locate(shard, hash, resource, edge, subject)
    this.#olders.set(id, shard[at]!)
    if (shard[at] === 0) {
      const count = this.#counts[number]! + 1
      this.#counts[number] = count
      if (count > shard.length * maxLoad) {
        shard = this.#grow(number, roomFor(count))
        at = this.#locate(shard, hash, resource, edge, subject)
      }
    }
    shard[at] = id
    return id
  }

  /** Drops a version; the other versions of its row stay. */
  free(id: RecordId): void {
    const older = this.#olders.get(id)
    const newest = this.newest(this.#resources.get(id), this.#edges.get(id), this.#subjects.get(id))
    if (newest === id) this.#replaceNewest(id, older)
    else {
      let newer = newest
      while (this.#olders.get(newer) !== id) newer = this.#olders.get(newer)
      this.#olders.set(newer, older)
    }
    const caveat = this.#caveatHandles.get(id)
    if (caveat !== 0) this.#caveats.letGo(caveat)
    this.#resources.set(id, 0)
    this.#olders.set(id, this.#firstFree)
    this.#firstFree = id
    this.#count -= 1
  }

  /** 0 when the id is free. */
  resource(id: RecordId): ObjectKey {
    return this.#resources.get(id)
  }

  edge(id: RecordId): ShapeId {
    return this.#edges.get(id)
  }

  subject(id: RecordId): ObjectKey {
    return this.#subjects.get(id)
  }

  expiresAtMs(id: RecordId): number {
    return this.#expiries.get(id)
  }

  /** Infinity while the version stands. */
  died(id: RecordId): Revision {
    return this.#deaths.get(id)
  }

  end(id: RecordId, revision: Revision): void {
    this.#deaths.set(id, revision)
  }

  /** Adds to a record's duties; gives how many there are now. */
  addDuty(id: RecordId, more: 1 | -1): number {
    const duties = this.#duties.get(id) + more
    this.#duties.set(id, duties)
    return duties
  }

  /** A guess at the memory that goes when a record does; for the bound on undo. */
  heldBytes(id: RecordId): number {
    const caveat = this.#caveatHandles.get(id)
    return caveat === 0 ? recordBytes : recordBytes + this.#caveats.bytesOf(caveat)
  }

  #hashOf(id: RecordId): number {
    return hashTriple(this.#resources.get(id), this.#edges.get(id), this.#subjects.get(id))
  }

  /** Where the row's newest version stands, or the free place where it would. */
  #locate(shard: Int32Array, hash: number, resource: ObjectKey, edge: ShapeId, subject: ObjectKey): number {
    let at = placeOf(hash, shard.length)
    for (;;) {
      const id = shard[at]!
      if (
        id === 0 ||
        (this.#resources.get(id) === resource &&
          this.#subjects.get(id) === subject &&
          this.#edges.get(id) === edge)
      ) {
        return at
      }
      at += 1
      if (at === shard.length) at = 0
    }
  }

  #replaceNewest(id: RecordId, older: RecordId): void {
    const hash = this.#hashOf(id)
    const number = shardOf(hash)
    const shard = this.#shards[number]!
    let at = placeOf(hash, shard.length)
    while (shard[at] !== id) at = at + 1 === shard.length ? 0 : at + 1
    shard[at] = older
    if (older !== 0) return
    this.#counts[number]! -= 1
    // Nothing may be cut off from where its search starts: what follows the gap moves into it.
    let gap = at
    for (;;) {
      at = at + 1 === shard.length ? 0 : at + 1
      const follower = shard[at]!
      if (follower === 0) break
      const start = placeOf(this.#hashOf(follower), shard.length)
      const reachable = gap <= at ? start <= gap || start > at : start <= gap && start > at
      if (reachable) {
        shard[gap] = follower
        shard[at] = 0
        gap = at
      }
    }
    const count = this.#counts[number]!
    if (shard.length > 64 && count * 8 < shard.length) this.#grow(number, roomFor(count))
  }

  #grow(number: number, capacity: number): Int32Array {
    const old = this.#shards[number]!
    const shard = this.#segments.ints(capacity)
    for (const id of old) {
      if (id === 0) continue
      let at = placeOf(this.#hashOf(id), capacity)
      while (shard[at] !== 0) at = at + 1 === capacity ? 0 : at + 1
      shard[at] = id
    }
    if (old.length > 1) this.#segments.giveBack(old)
    this.#shards[number] = shard
    return shard
  }
}
