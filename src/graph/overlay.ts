// Overlay: takes the graph back to a revision before its history, by what the log says of the rows changed since.

import type { ObjectKey } from '../store/store.ts'
import { Adjacency, type RowKey } from './adjacency.ts'
import { CaveatRefs } from './caveat-refs.ts'
import type { Lists } from './lists.ts'
import type { Objects } from './objects.ts'
import type { RecordId, RowRecords } from './row-records.ts'
import { type AllocateBytes, Segments } from './segments.ts'
import type { ShapeId, Shapes } from './shapes.ts'
import type { RowTraits } from './snapshot.ts'

export interface OverlayOptions {
  readonly shapes: Shapes
  readonly objects: Objects
  readonly allocate: AllocateBytes
  readonly pageBits: number
  readonly slabSegmentBits: number
}

/**
 * Every row that changed after the revision has a record here, which speaks instead of the graph; those that existed
 * at the revision stand in its lists as well.
 */
export class Overlay {
  readonly #adjacency: Adjacency
  readonly #memory: Segments
  readonly #caveats = new CaveatRefs()

  constructor({ shapes, objects, allocate, pageBits, slabSegmentBits }: OverlayOptions) {
    this.#memory = new Segments(allocate)
    this.#adjacency = new Adjacency({
      shapes,
      objects,
      caveats: this.#caveats,
      memory: { lists: this.#memory, slabs: this.#memory, records: this.#memory },
      pageBits,
      slabSegmentBits,
    })
  }

  get bytes(): number {
    return this.#memory.bytes + this.#caveats.bytes
  }

  get forward(): Lists {
    return this.#adjacency.forward
  }

  get reverse(): Lists {
    return this.#adjacency.reverse
  }

  get records(): RowRecords {
    return this.#adjacency.records
  }

  /** What a row was before a change; `before` undefined: it was not there. Only the first word on a row counts. */
  note(row: RowKey, edge: ShapeId, before: RowTraits | undefined): void {
    if (this.speaksFor(row.resource, edge, row.subject) !== 0) return
    this.#adjacency.addVersion(row, before)
  }

  /** The record of a row that changed after the revision; 0 for all others. */
  speaksFor(resource: ObjectKey, edge: ShapeId, subject: ObjectKey): RecordId {
    return this.#adjacency.records.newest(resource, edge, subject)
  }

  /** Whether the row of a record existed at the revision. */
  shows(id: RecordId): boolean {
    return this.#adjacency.records.died(id) === Number.POSITIVE_INFINITY
  }
}
