// A world: what a question is asked about, the graph at one revision and the plans of the schema in force there.

import type { NameId, RowCursor, RowSelection, Snapshot } from '../graph/snapshot.ts'
import type { ObjectKey } from '../store/store.ts'
import type { Plans } from './plans.ts'

/** A cursor that gives rows one by one. */
export type ForwardCursor = Omit<RowCursor, 'fill'>

/** What the solver asks of a graph: names, objects, and rows from their resource's side. */
export interface ForwardSnapshot
  extends Pick<Snapshot, 'names' | 'nameId' | 'nameText' | 'nodeType' | 'nodeId' | 'row' | 'traits'> {
  cursor(): ForwardCursor
  openForward(cursor: ForwardCursor, resource: ObjectKey, relation: NameId, selection: RowSelection): void
}

/** A world as the solver sees it. */
export interface ForwardWorld {
  readonly snapshot: ForwardSnapshot
  readonly plans: Plans
}

export interface World extends ForwardWorld {
  readonly snapshot: Snapshot
}
