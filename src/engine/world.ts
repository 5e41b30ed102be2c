// A world: what a question is asked about, the graph at one revision and the plans of the schema in force there.

import type { Snapshot } from '../graph/snapshot.ts'
import type { Plans } from './plans.ts'

/** What the solver asks of a graph: names, objects, and rows from their resource's side. */
export type ForwardSnapshot = Pick<
  Snapshot,
  'names' | 'nameId' | 'nameText' | 'nodeType' | 'nodeId' | 'row' | 'traits' | 'cursor' | 'openForward'
>

/** A world as the solver sees it. */
export interface ForwardWorld {
  readonly snapshot: ForwardSnapshot
  readonly plans: Plans
}

export interface World extends ForwardWorld {
  readonly snapshot: Snapshot
}
