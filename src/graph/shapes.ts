// Shapes: the kinds of lists that rows stand in. Schemas bound their number, so they are few.

import { CardeaError } from '../model/errors.ts'
import { mix } from './hash.ts'
import type { NameId } from './snapshot.ts'

/**
 * A forward list is (resource, edge), where an edge is `relation@[#subjectRelation]`; a reverse list is
 * (subject, place), where a place is an edge of one resource type. Both are shapes: positive and below 2^16.
 */
export type ShapeId = number

/** Shapes share the bits of an integer with other facts about a list. */
const maxShapes = 65_535

const wordsPerPlace = 4

export class Shapes {
  readonly #types: NameId[] = [0]
  readonly #relations: NameId[] = [0]
  readonly #subjectRelations: NameId[] = [0]
  readonly #edges: ShapeId[] = [0]
  readonly #nextUsersets: ShapeId[] = [0]
  /** The edges of rows with plain subjects, by relation: those are asked for all the time. */
  readonly #plainEdges: ShapeId[] = []
  /** Open addressing: type, relation, subject relation, shape (0: free). A power of two of places. */
  #table = new Int32Array(64 * wordsPerPlace)

  /** 0 when there is no such edge. */
  edge(relation: NameId, subjectRelation: NameId): ShapeId {
    if (subjectRelation === 0) return this.#plainEdges[relation] ?? 0
    return this.#find(0, relation, subjectRelation)
  }

  /** 0 when there is no such place. */
  place(type: NameId, relation: NameId, subjectRelation: NameId): ShapeId {
    return this.#find(type, relation, subjectRelation)
  }

  /** The place, made now if need be, with its edge. */
  internPlace(type: NameId, relation: NameId, subjectRelation: NameId): ShapeId {
    const known = this.#find(type, relation, subjectRelation)
    if (known !== 0) return known
    const edge = this.#internEdge(relation, subjectRelation)
    const place = this.#add(type, relation, subjectRelation)
    this.#edges[place] = edge
    return place
  }

  relation(shape: ShapeId): NameId {
    return this.#relations[shape]!
  }

  subjectRelation(shape: ShapeId): NameId {
    return this.#subjectRelations[shape]!
  }

  /** Resource type of a place. */
  type(place: ShapeId): NameId {
    return this.#types[place]!
  }

  /** The edge of a place. */
  edgeOf(place: ShapeId): ShapeId {
    return this.#edges[place]!
  }

  /** The next userset edge of the same relation: first after the plain edge, then onwards; 0 at the end. */
  nextUserset(edge: ShapeId): ShapeId {
    return this.#nextUsersets[edge]!
  }

  #internEdge(relation: NameId, subjectRelation: NameId): ShapeId {
    const known = this.#find(0, relation, subjectRelation)
    if (known !== 0) return known
    const plain = subjectRelation === 0 ? 0 : this.#internEdge(relation, 0)
    const edge = this.#add(0, relation, subjectRelation)
    if (subjectRelation === 0) {
      // Filled up from the start, so that it stays a plain array.
      while (this.#plainEdges.length <= relation) this.#plainEdges.push(0)
      this.#plainEdges[relation] = edge
    }
    if (plain !== 0) {
      this.#nextUsersets[edge] = this.#nextUsersets[plain]!
      this.#nextUsersets[plain] = edge
    }
    return edge
  }

  #add(type: NameId, relation: NameId, subjectRelation: NameId): ShapeId {
    if (this.#types.length > maxShapes) {
      throw new CardeaError(
        'LIMIT_EXCEEDED',
        `The graph holds at most ${maxShapes} combinations of type, relation and subject relation; the relationships use more.`,
        { limit: String(maxShapes) },
      )
    }
    const shape = this.#types.push(type) - 1
    this.#relations.push(relation)
    this.#subjectRelations.push(subjectRelation)
    this.#edges.push(0)
    this.#nextUsersets.push(0)
    if (shape * 2 * wordsPerPlace > this.#table.length) this.#grow()
    else this.#enter(shape)
    return shape
  }

  #grow(): void {
    this.#table = new Int32Array(this.#table.length * 2)
    for (let shape = 1; shape < this.#types.length; shape += 1) this.#enter(shape)
  }

  #enter(shape: ShapeId): void {
    const table = this.#table
    const type = this.#types[shape]!
    const relation = this.#relations[shape]!
    const subjectRelation = this.#subjectRelations[shape]!
    let at = startOf(type, relation, subjectRelation, table.length)
    while (table[at + 3] !== 0) at = (at + wordsPerPlace) & (table.length - 1)
    table[at] = type
    table[at + 1] = relation
    table[at + 2] = subjectRelation
    table[at + 3] = shape
  }

  #find(type: NameId, relation: NameId, subjectRelation: NameId): ShapeId {
    const table = this.#table
    let at = startOf(type, relation, subjectRelation, table.length)
    for (;;) {
      const shape = table[at + 3]!
      if (shape === 0) return 0
      if (table[at] === type && table[at + 1] === relation && table[at + 2] === subjectRelation) return shape
      at = (at + wordsPerPlace) & (table.length - 1)
    }
  }
}

function startOf(type: NameId, relation: NameId, subjectRelation: NameId, length: number): number {
  const hash = mix(Math.imul(type, 0x9e37_79b1) ^ ((relation << 16) | (subjectRelation & 0xffff)))
  return (hash * wordsPerPlace) & (length - 1)
}
