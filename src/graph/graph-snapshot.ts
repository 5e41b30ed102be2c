// The graph at one revision: what the engine reads.

import type { Revision } from '../model/revision.ts'
import type { ObjectKey } from '../store/store.ts'
import type { Adjacency } from './adjacency.ts'
import { GraphCursor, overlayBit } from './cursor.ts'
import type { Names } from './names.ts'
import type { NodeMarks } from './node-marks.ts'
import type { Objects } from './objects.ts'
import type { Overlay } from './overlay.ts'
import type { Pin } from './pins.ts'
import type { Shapes } from './shapes.ts'
import {
  type NameId,
  type NodeRun,
  plainRows,
  type RowCursor,
  type RowSelection,
  type RowTraits,
  type Snapshot,
  usersetRows,
} from './snapshot.ts'

/** What all snapshots of one graph share. */
export interface GraphParts {
  readonly names: Names
  readonly objects: Objects
  readonly shapes: Shapes
  readonly adjacency: Adjacency
  letGo(pin: Pin): void
}

export class GraphSnapshot implements Snapshot {
  readonly revision: Revision
  readonly #parts: GraphParts
  readonly #objects: Objects
  readonly #shapes: Shapes
  readonly #adjacency: Adjacency
  readonly #seenAt: Revision
  readonly #overlay: Overlay | undefined
  #pin: Pin | undefined

  /** Takes over one hold of the pin. */
  constructor(parts: GraphParts, pin: Pin) {
    this.revision = pin.revision
    this.#parts = parts
    this.#objects = parts.objects
    this.#shapes = parts.shapes
    this.#adjacency = parts.adjacency
    this.#seenAt = pin.seenAt
    this.#overlay = pin.overlay
    this.#pin = pin
  }

  release(): void {
    const pin = this.#pin
    if (pin === undefined) return
    this.#pin = undefined
    this.#parts.letGo(pin)
  }

  get names(): { readonly size: number } {
    return this.#parts.names
  }

  nameId(text: string): NameId {
    return this.#parts.names.find(text)
  }

  nameText(name: NameId): string {
    return this.#parts.names.text(name)
  }

  node(type: NameId, id: string): ObjectKey {
    return this.#objects.find(type, id)
  }

  nodeType(node: ObjectKey): NameId {
    return this.#objects.type(node)
  }

  nodeId(node: ObjectKey): string {
    return this.#objects.id(node)
  }

  nodeIds(nodes: Int32Array, from: number, to: number, into: string[]): void {
    this.#objects.ids(nodes, from, to, into)
  }

  get maxNode(): ObjectKey {
    return this.#objects.maxKey
  }

  row(resource: ObjectKey, relation: NameId, subject: ObjectKey, subjectRelation: NameId): number {
    const edge = this.#shapes.edge(relation, subjectRelation)
    if (edge === 0) return -1
    const overlay = this.#overlay
    if (overlay !== undefined) {
      const id = overlay.speaksFor(resource, edge, subject)
      if (id !== 0) {
        if (!overlay.shows(id)) return -1
        return overlay.records.hasTraits(id) ? id | overlayBit : 0
      }
    }
    const entry = this.#adjacency.forward.entry(resource, edge, subject)
    if (entry > 0) return 0
    if (entry === 0) return -1
    const { records } = this.#adjacency
    const id = records.seen(resource, edge, subject, this.#seenAt)
    return id === 0 ? -1 : records.handle(id)
  }

  traits(handle: number): RowTraits {
    const overlay = this.#overlay
    if (overlay !== undefined && (handle & overlayBit) !== 0) {
      return overlay.records.traits(handle & ~overlayBit)
    }
    return this.#adjacency.records.traits(handle)
  }

  cursor(spare?: RowCursor): RowCursor {
    return spare instanceof GraphCursor && spare.isOf(this.#adjacency)
      ? spare
      : new GraphCursor(this.#adjacency, this.#shapes)
  }

  openForward(cursor: RowCursor, resource: ObjectKey, relation: NameId, selection: RowSelection): void {
    const graphCursor = cursor as GraphCursor
    graphCursor.openForward(this.#seenAt, this.#overlay, resource, relation, selection)
  }

  openReverse(
    cursor: RowCursor,
    subject: ObjectKey,
    subjectRelation: NameId,
    type: NameId,
    relation: NameId,
  ): void {
    const place = this.#shapes.place(type, relation, subjectRelation)
    const graphCursor = cursor as GraphCursor
    graphCursor.openReverse(this.#seenAt, this.#overlay, subject, subjectRelation, place)
  }

  takeReverse(
    run: NodeRun,
    subjects: Int32Array,
    from: number,
    to: number,
    subjectRelation: NameId,
    type: NameId,
    relation: NameId,
  ): number {
    // What an overlay says of a row takes a look at each.
    if (this.#overlay !== undefined) return 0
    const place = this.#shapes.place(type, relation, subjectRelation)
    return this.#adjacency.reverse.short.take(run, subjects, from, to, place)
  }

  markReverse(
    marks: NodeMarks,
    subjects: Int32Array,
    from: number,
    to: number,
    subjectRelation: NameId,
    type: NameId,
    relation: NameId,
  ): number {
    if (this.#overlay !== undefined) return 0
    const place = this.#shapes.place(type, relation, subjectRelation)
    return this.#adjacency.reverse.short.mark(marks, subjects, from, to, place)
  }

  forwardCount(resource: ObjectKey, relation: NameId, selection: RowSelection): number {
    const { forward } = this.#adjacency
    const plain = this.#shapes.edge(relation, 0)
    if (plain === 0) return 0
    let edge = selection === usersetRows ? this.#shapes.nextUserset(plain) : plain
    let count = 0
    while (edge !== 0) {
      count += forward.count(resource, edge)
      if (this.#overlay !== undefined) count += this.#overlay.forward.count(resource, edge)
      edge = selection === plainRows ? 0 : this.#shapes.nextUserset(edge)
    }
    return count
  }

  reverseCount(subject: ObjectKey, subjectRelation: NameId, type: NameId, relation: NameId): number {
    const place = this.#shapes.place(type, relation, subjectRelation)
    if (place === 0) return 0
    const count = this.#adjacency.reverse.count(subject, place)
    return this.#overlay === undefined ? count : count + this.#overlay.reverse.count(subject, place)
  }

  relationsOf(resource: ObjectKey): readonly NameId[] {
    const relations = new Set<NameId>()
    for (const edge of this.#adjacency.forward.shapesOf(resource)) relations.add(this.#shapes.relation(edge))
    if (this.#overlay !== undefined) {
      for (const edge of this.#overlay.forward.shapesOf(resource)) relations.add(this.#shapes.relation(edge))
    }
    return [...relations]
  }

  placesOf(
    subject: ObjectKey,
  ): readonly { readonly type: NameId; readonly relation: NameId; readonly subjectRelation: NameId }[] {
    const places = new Set(this.#adjacency.reverse.shapesOf(subject))
    if (this.#overlay !== undefined) {
      for (const place of this.#overlay.reverse.shapesOf(subject)) places.add(place)
    }
    return Array.from(places, (place) => ({
      type: this.#shapes.type(place),
      relation: this.#shapes.relation(place),
      subjectRelation: this.#shapes.subjectRelation(place),
    }))
  }
}
