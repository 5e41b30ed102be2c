// The cursor: walks the rows of lists as one snapshot sees them.

import type { Revision } from '../model/revision.ts'
import type { ObjectKey } from '../store/store.ts'
import type { Adjacency } from './adjacency.ts'
import type { Lists, ListWalk } from './lists.ts'
import type { Overlay } from './overlay.ts'
import type { ShapeId, Shapes } from './shapes.ts'
import { keyBits } from './slabs.ts'
import { allRows, type NameId, plainRows, type RowCursor, type RowSelection } from './snapshot.ts'

/** Set in a traits handle that belongs to the snapshot's overlay. */
export const overlayBit = 0x4000_0000

/**
 * Stands in the entries of one list, an array that never moves an entry, so that a cursor may rest between two calls
 * of `next` while the graph changes: lists that grow leave their old array to whoever walks it (see History).
 */
export class GraphCursor implements RowCursor, ListWalk {
  node: ObjectKey = 0
  subjectRelation: NameId = 0
  traits = 0

  readonly #adjacency: Adjacency
  readonly #shapes: Shapes
  readonly inline: Int32Array = new Int32Array(2)
  part = this.inline
  at = 0
  end = 0
  #revision: Revision = 0
  #forward = true
  /** The node whose list this is, and the edge of its rows. */
  #owner: ObjectKey = 0
  #edge: ShapeId = 0
  /** Where to go on after this list: the next edge of a forward walk, 0 for none. */
  #nextEdge: ShapeId = 0
  /** Edge or place that the walk began with: the overlay's lists are walked from there, after the graph's. */
  #firstShape: ShapeId = 0
  #selection: RowSelection = allRows
  #overlay: Overlay | undefined
  /** The overlay while its rows hide those of the graph; undefined when there is none or its own lists are walked. */
  #hiding: Overlay | undefined

  constructor(adjacency: Adjacency, shapes: Shapes) {
    this.#adjacency = adjacency
    this.#shapes = shapes
  }

  /** Whether it walks the rows of one graph. */
  isOf(adjacency: Adjacency): boolean {
    return this.#adjacency === adjacency
  }

  openForward(
    revision: Revision,
    overlay: Overlay | undefined,
    resource: ObjectKey,
    relation: NameId,
    selection: RowSelection,
  ): void {
    this.#start(revision, overlay, resource, true)
    this.#selection = selection
    // Every relation that has rows has a plain edge, which its userset edges hang on.
    this.#firstShape = this.#shapes.edge(relation, 0)
    this.#startForward(this.#adjacency.forward)
  }

  openReverse(
    revision: Revision,
    overlay: Overlay | undefined,
    subject: ObjectKey,
    subjectRelation: NameId,
    place: ShapeId,
  ): void {
    this.#start(revision, overlay, subject, false)
    this.subjectRelation = subjectRelation
    this.#firstShape = place
    this.#edge = place === 0 ? 0 : this.#shapes.edgeOf(place)
    this.#nextEdge = 0
    this.#adjacency.reverse.open(this, subject, place)
  }

  next(): boolean {
    for (;;) {
      while (this.at < this.end) {
        const entry = this.part[this.at]!
        this.at += 1
        if (entry > 0 && this.#hiding === undefined) {
          this.node = entry
          this.traits = 0
          return true
        }
        if ((entry & keyBits) !== 0 && this.#visit(entry)) return true
      }
      if ((this.#nextEdge === 0 && this.#overlay === undefined) || !this.#enterNext()) return false
    }
  }

  fill(nodes: Int32Array): number {
    if (this.#hiding !== undefined) return 0
    const { part, end } = this
    const room = nodes.length
    let { at } = this
    let count = 0
    for (; at < end && count < room; at += 1) {
      const entry = part[at]!
      if (entry > 0) {
        nodes[count] = entry
        count += 1
      } else if ((entry & keyBits) !== 0) break
    }
    this.at = at
    return count
  }

  #start(revision: Revision, overlay: Overlay | undefined, owner: ObjectKey, forward: boolean): void {
    this.#revision = revision
    this.#overlay = overlay
    this.#hiding = overlay
    this.#owner = owner
    this.#forward = forward
  }

  #startForward(lists: Lists): void {
    const plain = this.#firstShape
    const usersets = plain === 0 || this.#selection === plainRows ? 0 : this.#shapes.nextUserset(plain)
    if (this.#selection === plainRows || this.#selection === allRows) {
      this.#nextEdge = usersets
      this.#enterEdge(lists, plain)
    } else {
      this.#nextEdge = usersets === 0 ? 0 : this.#shapes.nextUserset(usersets)
      this.#enterEdge(lists, usersets)
    }
  }

  #enterEdge(lists: Lists, edge: ShapeId): void {
    this.#edge = edge
    this.subjectRelation = this.#shapes.subjectRelation(edge)
    lists.open(this, this.#owner, edge)
  }

  /** Goes to the next list: the next userset edge, or the overlay's own rows. */
  #enterNext(): boolean {
    const overlay = this.#overlay
    if (this.#nextEdge !== 0) {
      const lists = overlay !== undefined && this.#hiding === undefined ? overlay : this.#adjacency
      const edge = this.#nextEdge
      this.#nextEdge = this.#shapes.nextUserset(edge)
      this.#enterEdge(lists.forward, edge)
      return true
    }
    if (this.#hiding === undefined || overlay === undefined) return false
    this.#hiding = undefined
    if (this.#forward) this.#startForward(overlay.forward)
    else overlay.reverse.open(this, this.#owner, this.#firstShape)
    return true
  }

  /** An entry that needs a look at its record or at the overlay. */
  #visit(entry: number): boolean {
    const key = entry & keyBits
    const resource = this.#forward ? this.#owner : key
    const subject = this.#forward ? key : this.#owner
    const overlay = this.#overlay
    if (overlay !== undefined) {
      const id = overlay.speaksFor(resource, this.#edge, subject)
      if (this.#hiding === undefined) {
        const handle = overlay.records.handle(id)
        this.traits = handle === 0 ? 0 : handle | overlayBit
        this.node = key
        return true
      }
      if (id !== 0) return false
    }
    if (entry > 0) this.traits = 0
    else {
      const { records } = this.#adjacency
      const id = records.seen(resource, this.#edge, subject, this.#revision)
      if (id === 0) return false
      this.traits = records.handle(id)
    }
    this.node = key
    return true
  }
}
