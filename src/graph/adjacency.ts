// Adjacency: rows in both directions, and the records of those that are more than plain.

import type { Revision } from '../model/revision.ts'
import type { ObjectKey } from '../store/store.ts'
import type { CaveatRefs } from './caveat-refs.ts'
import { Lists } from './lists.ts'
import type { Objects } from './objects.ts'
import { type RecordId, RowRecords } from './row-records.ts'
import type { Segments } from './segments.ts'
import type { ShapeId, Shapes } from './shapes.ts'
import { recordBit, Slabs } from './slabs.ts'
import type { RowTraits } from './snapshot.ts'

export interface AdjacencyOptions {
  readonly shapes: Shapes
  readonly objects: Objects
  readonly caveats: CaveatRefs
  readonly memory: { readonly lists: Segments; readonly slabs: Segments; readonly records: Segments }
  readonly pageBits: number
  readonly slabSegmentBits: number
}

/** A row as the tables know it. */
export interface RowKey {
  readonly resource: ObjectKey
  readonly place: ShapeId
  readonly subject: ObjectKey
}

/** Receives what a change leaves behind for older snapshots. */
export interface ChangeKeeper {
  /** A version of a row was born or has died. */
  onVersion(id: RecordId): void
  /** A slab is no longer part of a list. Must be given back with {@link Adjacency.giveSlab} once nobody walks it. */
  onSlab(address: number, kind: number): void
}

export class Adjacency {
  readonly forward: Lists
  readonly reverse: Lists
  readonly records: RowRecords
  /** Where versions and slabs go; undefined while nobody reads yet. */
  keeper: ChangeKeeper | undefined
  readonly #shapes: Shapes
  readonly #objects: Objects
  readonly #slabs: Slabs
  #rowCount = 0
  #lastLookedAt: RecordId = 0

  constructor({ shapes, objects, caveats, memory, pageBits, slabSegmentBits }: AdjacencyOptions) {
    this.#shapes = shapes
    this.#objects = objects
    this.#slabs = new Slabs(memory.slabs, slabSegmentBits)
    const retire = (address: number, kind: number) =>
      this.keeper === undefined ? this.#slabs.give(address, kind) : this.keeper.onSlab(address, kind)
    const bits = { page: pageBits, segment: slabSegmentBits }
    this.forward = new Lists(memory.lists, bits, this.#slabs, retire)
    this.reverse = new Lists(memory.lists, bits, this.#slabs, retire)
    this.records = new RowRecords(memory.records, caveats, pageBits)
  }

  /** Rows that stand at the newest revision. */
  get rowCount(): number {
    return this.#rowCount
  }

  /** Enters a row that is not there, seen by everyone. */
  add(resource: ObjectKey, place: ShapeId, subject: ObjectKey, traits?: RowTraits): void {
    const edge = this.#shapes.edgeOf(place)
    let mark = 0
    if (traits !== undefined && (traits.caveat !== undefined || traits.expiresAtMs !== undefined)) {
      this.records.create(resource, edge, subject, traits, 0)
      mark = recordBit
    }
    this.forward.insert(resource, edge, subject | mark)
    this.reverse.insert(subject, place, resource | mark)
    this.#rowCount += 1
  }

  /** Enters a record for a row that has none, and the row itself unless its traits are undefined: it is absent then. */
  addVersion({ resource, place, subject }: RowKey, traits: RowTraits | undefined): void {
    const edge = this.#shapes.edgeOf(place)
    const id = this.records.create(resource, edge, subject, traits ?? {}, 0)
    if (traits === undefined) this.records.end(id, 0)
    else {
      this.forward.insert(resource, edge, subject | recordBit)
      this.reverse.insert(subject, place, resource | recordBit)
    }
  }

  /** The row is as given from a revision on, whether or not it was there before. */
  touch({ resource, place, subject }: RowKey, traits: RowTraits, revision: Revision): void {
    const edge = this.#shapes.edgeOf(place)
    const entry = this.forward.entry(resource, edge, subject)
    const existed = entry !== 0 && this.#end(resource, edge, subject, revision)
    const id = this.records.create(resource, edge, subject, traits, revision)
    if (entry === 0) {
      this.forward.insert(resource, edge, subject | recordBit)
      this.reverse.insert(subject, place, resource | recordBit)
    } else if (entry > 0) this.#mark(resource, edge, place, subject, recordBit)
    if (!existed) this.#rowCount += 1
    this.#keep(id)
  }

  /** The row is gone from a revision on; nothing happens when it was not there. */
  delete({ resource, place, subject }: RowKey, revision: Revision): void {
    const edge = this.#shapes.edgeOf(place)
    const entry = this.forward.entry(resource, edge, subject)
    if (entry === 0 || !this.#end(resource, edge, subject, revision)) return
    if (entry > 0) this.#mark(resource, edge, place, subject, recordBit)
    this.#rowCount -= 1
  }

  /**
   * Ends rows that expired before an instant, at a revision. Looks at `maxRecords` records at most, from where the
   * last call stopped; gives how many rows it ended.
   */
  dropExpired(beforeMs: number, maxRecords: number, revision: Revision): number {
    const { records } = this
    let ended = 0
    for (let looked = Math.min(maxRecords, records.lastId); looked > 0; looked -= 1) {
      this.#lastLookedAt = this.#lastLookedAt >= records.lastId ? 1 : this.#lastLookedAt + 1
      const id = this.#lastLookedAt
      const resource = records.resource(id)
      if (resource === 0 || records.expiresAtMs(id) >= beforeMs) continue
      if (records.died(id) !== Number.POSITIVE_INFINITY) continue
      records.end(id, revision)
      this.#keep(id)
      this.#rowCount -= 1
      ended += 1
    }
    return ended
  }

  /** The row needs no record any more. */
  makePlain(id: RecordId): void {
    const edge = this.records.edge(id)
    const resource = this.records.resource(id)
    this.#mark(resource, edge, this.#placeOf(resource, edge), this.records.subject(id), 0)
  }

  /** Nobody sees the row any more. */
  removeEntries(id: RecordId): void {
    const edge = this.records.edge(id)
    const resource = this.records.resource(id)
    const subject = this.records.subject(id)
    this.forward.remove(resource, edge, subject)
    this.reverse.remove(subject, this.#placeOf(resource, edge), resource)
  }

  giveSlab(address: number, kind: number): void {
    this.#slabs.give(address, kind)
  }

  /** Ends the version that stands; false when none does. A plain row gets its record now. */
  #end(resource: ObjectKey, edge: ShapeId, subject: ObjectKey, revision: Revision): boolean {
    let id = this.records.newest(resource, edge, subject)
    if (id === 0) id = this.records.create(resource, edge, subject, {}, 0)
    if (this.records.died(id) !== Number.POSITIVE_INFINITY) return false
    this.records.end(id, revision)
    this.#keep(id)
    return true
  }

  #mark(resource: ObjectKey, edge: ShapeId, place: ShapeId, subject: ObjectKey, mark: number): void {
    this.forward.replace(resource, edge, subject | mark)
    this.reverse.replace(subject, place, resource | mark)
  }

  #keep(id: RecordId): void {
    this.records.addDuty(id, 1)
    this.keeper?.onVersion(id)
  }

  #placeOf(resource: ObjectKey, edge: ShapeId): ShapeId {
    return this.#shapes.place(
      this.#objects.type(resource),
      this.#shapes.relation(edge),
      this.#shapes.subjectRelation(edge),
    )
  }
}
