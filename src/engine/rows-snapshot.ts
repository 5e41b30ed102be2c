// A world of a few rows: the objects and names of a snapshot, but only the rows that were picked.

import {
  allRows,
  type NameId,
  plainRows,
  type RowCursor,
  type RowSelection,
  type Snapshot,
} from '../graph/snapshot.ts'
import type { Plans } from './plans.ts'
import type { SupportRow } from './support-row.ts'

class ListCursor implements RowCursor {
  node = 0
  subjectRelation: NameId = 0
  traits = 0
  #rows: readonly SupportRow[] = []
  #at = 0
  #reverse = false

  open(rows: readonly SupportRow[], reverse: boolean): void {
    this.#rows = rows
    this.#at = 0
    this.#reverse = reverse
  }

  next(): boolean {
    const row = this.#rows[this.#at]
    if (row === undefined) return false
    this.#at += 1
    this.node = this.#reverse ? row.resource : row.subject
    this.subjectRelation = row.subjectRelation
    this.traits = row.traits
    return true
  }
}

/**
 * A snapshot with the given rows only. For small worlds: what a proof needs to be judged on its own.
 */
export function rowsSnapshot(base: Snapshot, plans: Plans, rows: readonly SupportRow[]): Snapshot {
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
  const reverse = (
    subject: number,
    subjectRelation: NameId,
    type: NameId,
    relation: NameId,
  ): readonly SupportRow[] =>
    rows.filter(
      (row) =>
        row.subject === subject &&
        row.subjectRelation === subjectRelation &&
        base.nodeType(row.resource) === type &&
        nameOf(row) === relation,
    )
  return {
    revision: base.revision,
    release: () => {},
    names: base.names,
    nameId: (text) => base.nameId(text),
    nameText: (name) => base.nameText(name),
    node: (type, id) => base.node(type, id),
    nodeType: (node) => base.nodeType(node),
    nodeId: (node) => base.nodeId(node),
    maxNode: base.maxNode,
    row: (resource, relation, subject, subjectRelation) =>
      byIdentity.get(`${resource},${relation},${subject},${subjectRelation}`)?.traits ?? -1,
    traits: (handle) => base.traits(handle),
    cursor: () => new ListCursor(),
    openForward: (cursor, resource, relation, selection) =>
      (cursor as ListCursor).open(forward(resource, relation, selection), false),
    openReverse: (cursor, subject, subjectRelation, type, relation) =>
      (cursor as ListCursor).open(reverse(subject, subjectRelation, type, relation), true),
    forwardCount: (resource, relation, selection) => forward(resource, relation, selection).length,
    reverseCount: (subject, subjectRelation, type, relation) =>
      reverse(subject, subjectRelation, type, relation).length,
    relationsOf: (resource) => [...new Set(rows.filter((row) => row.resource === resource).map(nameOf))],
    placesOf: (subject) =>
      rows
        .filter((row) => row.subject === subject)
        .map((row) => ({
          type: base.nodeType(row.resource),
          relation: nameOf(row),
          subjectRelation: row.subjectRelation,
        })),
  }
}
