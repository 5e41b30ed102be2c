import type { RelationshipUpdate } from '../../src/model/relationship.ts'

export declare function intendedUpdates(
  run: number,
  writer: number,
  n: number,
  big: boolean,
): RelationshipUpdate[]
