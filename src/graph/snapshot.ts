// What the engine sees of the graph: integers, at one revision.

import type { CaveatRef } from '../model/relationship.ts'
import type { Revision } from '../model/revision.ts'
import type { ObjectKey } from '../store/store.ts'
import type { NodeMarks } from './node-marks.ts'

/** Interned text of a type, relation or permission. 0 is the empty name. Valid as long as the graph lives. */
export type NameId = number

/** Which rows of a list: those with a plain subject (wildcards included), those with a userset, or all. */
export type RowSelection = 0 | 1 | 2
export const plainRows = 0
export const usersetRows = 1
export const allRows = 2

/** What a row has besides its identity. Absent caveat and absent expiry alike mean: unconditional, for good. */
export interface RowTraits {
  readonly caveat?: CaveatRef
  readonly expiresAtMs?: number
}

/**
 * Walks rows without allocating: open it on a list through a snapshot, then call `next` until it gives false.
 * A cursor may be opened again and again. The order of rows within a list is not promised.
 */
export interface RowCursor {
  /** Moves to the next row that is visible in the snapshot (whatever its expiry). */
  next(): boolean
  /**
   * Passes rows without traits, as long as no other comes, and writes their other ends into `nodes`; gives how many.
   * That may be fewer than there are, even none: what is left comes from `next`, or from here after that. All have the
   * same subject relation, the cursor's.
   */
  fill(nodes: Int32Array): number
  /** The row's other end: the subject of a forward list, the resource of a reverse one. */
  readonly node: ObjectKey
  /** Forward lists: relation of the subject, 0 for none. Reverse lists: as opened. */
  readonly subjectRelation: NameId
  /** Non-zero when the row has traits; give it to {@link Snapshot.traits}. */
  readonly traits: number
}

/** Nodes that lists gave, the first `length` of an array. */
export interface NodeRun {
  readonly nodes: Int32Array
  length: number
}

/** The graph at one revision. Stays as it is while the graph goes on, until it is released. */
export interface Snapshot {
  readonly revision: Revision
  release(): void

  /** The same object for all snapshots of one graph; `size` counts its names and only grows. */
  readonly names: { readonly size: number }
  /** 0 for the empty name; -1 when the graph has never seen the name. */
  nameId(text: string): NameId
  nameText(name: NameId): string

  /** The object's key, or 0 when the graph has never seen it. `id` may be the wildcard. */
  node(type: NameId, id: string): ObjectKey
  /** Type of a known object. */
  nodeType(node: ObjectKey): NameId
  /** Id of a known object. */
  nodeId(node: ObjectKey): string
  /** The ids of known objects `nodes[from, to)`, at the same places of `into`. */
  nodeIds(nodes: Int32Array, from: number, to: number, into: string[]): void
  /** Largest key in the graph; keys may be missing below it ({@link nodeType} is then 0). */
  readonly maxNode: ObjectKey

  /**
   * The row `resource#relation@subject[#subjectRelation]`: -1 when there is none, 0 when it has no traits,
   * else its traits. O(1).
   */
  row(resource: ObjectKey, relation: NameId, subject: ObjectKey, subjectRelation: NameId): number
  /** Traits behind a non-zero handle. */
  traits(handle: number): RowTraits

  /**
   * A cursor for {@link openForward} and {@link openReverse}; keep and reuse it. `spare`: one that nobody uses any more,
   * of any snapshot; it is given again where it fits.
   */
  cursor(spare?: RowCursor): RowCursor
  /** Opens a cursor on the rows of `resource#relation`. */
  openForward(cursor: RowCursor, resource: ObjectKey, relation: NameId, selection: RowSelection): void
  /** Opens a cursor on the rows `type:*any*#relation@subject[#subjectRelation]`. */
  openReverse(
    cursor: RowCursor,
    subject: ObjectKey,
    subjectRelation: NameId,
    type: NameId,
    relation: NameId,
  ): void
  /**
   * Appends to `run` the resources of the rows that {@link openReverse} would give for each of `subjects[from, to)`, list
   * by list, as long as they are short, have no traits, and there is room. Gives how many subjects that was: fewer than
   * possible perhaps. The next one is to be walked by cursor when that was none, though the run was empty.
   */
  takeReverse(
    run: NodeRun,
    subjects: Int32Array,
    from: number,
    to: number,
    subjectRelation: NameId,
    type: NameId,
    relation: NameId,
  ): number
  /** Marks the same resources for certain instead; some of the list that it stops at may be marked already. */
  markReverse(
    marks: NodeMarks,
    subjects: Int32Array,
    from: number,
    to: number,
    subjectRelation: NameId,
    type: NameId,
    relation: NameId,
  ): number
  /** Upper bound of the rows that {@link openForward} would give. O(1). */
  forwardCount(resource: ObjectKey, relation: NameId, selection: RowSelection): number
  /** Upper bound of the rows that {@link openReverse} would give. O(1). */
  reverseCount(subject: ObjectKey, subjectRelation: NameId, type: NameId, relation: NameId): number

  /** Relations under which `resource` has rows (perhaps also some under which it no longer has). */
  relationsOf(resource: ObjectKey): readonly NameId[]
  /** Where `subject` occurs as a subject: the distinct (type, relation, subjectRelation) of its reverse lists. */
  placesOf(
    subject: ObjectKey,
  ): readonly { readonly type: NameId; readonly relation: NameId; readonly subjectRelation: NameId }[]
}
