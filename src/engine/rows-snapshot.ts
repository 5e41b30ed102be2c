// A world of a few rows: the objects and names of a snapshot, but only the rows that were picked.

import { allRows, type NameId, plainRows, type RowSelection } from '../graph/snapshot.ts'
import type { Plans } from './plans.ts'
import type { SupportRow } from './support-row.ts'
import type { ForwardCursor, ForwardSnapshot } from './world.ts'

class ListCursor implements ForwardCursor {
  node = 0
  subjectRelation: NameId = 0
  traits = 0
  #rows: readonly SupportRow[] = []
  #at = 0

  open(rows: readonly SupportRow[]): void {
    this.#rows = rows
    this.#at = 0
  }

  next(): boolean {
    const row = this.#rows[this.#at]
    if (row === undefined) return false
    this.#at += 1
    this.node = row.subject
    this.subjectRelation = row.subjectRelation
    this.traits = row.traits
    return true
  }
}

/**
 * A snapshot with the given rows only. For small worlds: what a proof needs to be judged on its own.
 */
export function rowsSnapshot(
  base: ForwardSnapshot,
  plans: Plans,
  rows: readonly SupportRow[],
): ForwardSnapshot {
  const nameOf = (row: SupportRow) => base.nameId(plans.members[row.relation]!.name)
  const byList = new Map<string, SupportRow[]>()
  const byIdentity = new Map<string, SupportRow>()
  for (const row of rows) {
    const list = `${row.resource},${nameOf(row)}`
    byList.set(list, [...(byList.get(list) ?? []), row])
    byIdentity.set(`${list},${row.subject},${row.subjectRelation}`, row)
  }
  const forward = (resource: number, relation: NameId, selection: RowSelection): readonly SupportRow[] =>
    (byList.get(`${resource},${relation}`) ?? []).filter(
      (row) => selection === allRows || (row.subjectRelation === 0) === (selection === plainRows),
    )
  return {
    names: base.names,
    nameId: (text) => base.nameId(text),
    nameText: (name) => base.nameText(name),
    nodeType: (node) => base.nodeType(node),
    nodeId: (node) => base.nodeId(node),
    row: (resource, relation, subject, subjectRelation) =>
      byIdentity.get(`${resource},${relation},${subject},${subjectRelation}`)?.traits ?? -1,
    traits: (handle) => base.traits(handle),
    cursor: () => new ListCursor(),
    openForward: (cursor, resource, relation, selection) =>
      (cursor as ListCursor).open(forward(resource, relation, selection)),
  }
}
