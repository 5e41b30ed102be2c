// A world: what a question is asked about, the graph at one revision and the plans of the schema in force there.

import type { Snapshot } from '../graph/snapshot.ts'
import type { Plans } from './plans.ts'

export interface World {
  readonly snapshot: Snapshot
  readonly plans: Plans
}
