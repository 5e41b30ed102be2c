// What the graph tests share: small segments, a naive model of rows, and everything a snapshot says, as text.

import type { GraphOptions } from '../../src/graph/graph.ts'
import { NodeMarks } from '../../src/graph/node-marks.ts'
import { allRows, plainRows, type Snapshot, usersetRows } from '../../src/graph/snapshot.ts'
import type { Relationship } from '../../src/model/relationship.ts'
import { formatRelationship } from '../../src/model/relationship-text.ts'
import type { LogEntry, Store } from '../../src/store/store.ts'

/** Segments so small that a test crosses their borders, and hashes that are the same in every run. */
export const small: GraphOptions = { segmentBits: { page: 3, slabs: 4, ids: 17 }, hashSeed: 42 }

/** Rows by identity: the model that the graph is compared with. */
export type Model = ReadonlyMap<string, Relationship>

export function identity({ resource, relation, subject }: Relationship): string {
  return formatRelationship({ resource, relation, subject })
}

/** The model after one more transaction. */
export function changed(model: Model, entry: LogEntry): Model {
  const next = new Map(model)
  for (const { operation, relationship } of entry.changes) {
    if (operation === 'touch') next.set(identity(relationship), relationship)
    else next.delete(identity(relationship))
  }
  return next
}

export function textsOf(model: Model): string[] {
  return [...model.values()].map(formatRelationship).sort()
}

/** All entries of a store's log after a revision. */
export async function entriesOf(store: Store, after = 0): Promise<LogEntry[]> {
  const entries: LogEntry[] = []
  for await (const entry of store.log(after)) entries.push(entry)
  return entries
}

/** Node of an object by its text, 0 when the graph does not know it. */
export function nodeOf(snapshot: Snapshot, object: { readonly type: string; readonly id: string }): number {
  return snapshot.node(snapshot.nameId(object.type), object.id)
}

/** Rows of `resource#relation` as texts, sorted. */
export function forwardRows(
  snapshot: Snapshot,
  resource: number,
  relation: number,
  selection = allRows,
): string[] {
  const cursor = snapshot.cursor()
  snapshot.openForward(cursor, resource, relation, selection as 0 | 1 | 2)
  const rows: string[] = []
  while (cursor.next()) {
    rows.push(rowText(snapshot, resource, relation, cursor.node, cursor.subjectRelation, cursor.traits))
  }
  return rows.sort()
}

export function reverseRows(
  snapshot: Snapshot,
  subject: number,
  subjectRelation: number,
  type: number,
  relation: number,
): string[] {
  const cursor = snapshot.cursor()
  snapshot.openReverse(cursor, subject, subjectRelation, type, relation)
  const rows: string[] = []
  while (cursor.next()) {
    rows.push(rowText(snapshot, cursor.node, relation, subject, cursor.subjectRelation, cursor.traits))
  }
  return rows.sort()
}

export function rowText(
  snapshot: Snapshot,
  resource: number,
  relation: number,
  subject: number,
  subjectRelation: number,
  traits: number,
): string {
  return formatRelationship({
    resource: { type: snapshot.nameText(snapshot.nodeType(resource)), id: snapshot.nodeId(resource) },
    relation: snapshot.nameText(relation),
    subject: {
      type: snapshot.nameText(snapshot.nodeType(subject)),
      id: snapshot.nodeId(subject),
      relation: snapshot.nameText(subjectRelation),
    },
    ...(traits === 0 ? {} : snapshot.traits(traits)),
  })
}

/**
 * Holds lists taken many at a time against those of cursors. Gives how many lists were taken so, and how many were left
 * to a cursor.
 */
export function takeLists(
  snapshot: Snapshot,
  subjects: Int32Array,
  subjectRelation: number,
  type: number,
  relation: number,
  room = 200,
): { taken: number; left: number } {
  const cursor = snapshot.cursor()
  const run = { nodes: new Int32Array(room), length: 0 }
  const counts = { taken: 0, left: 0 }
  for (let at = 0; at < subjects.length; ) {
    run.nodes[0] = -7
    run.length = 1
    const lists = snapshot.takeReverse(run, subjects, at, subjects.length, subjectRelation, type, relation)
    const expected = [-7]
    for (const subject of subjects.subarray(at, at + lists)) {
      snapshot.openReverse(cursor, subject, subjectRelation, type, relation)
      while (cursor.next()) {
        if (cursor.traits !== 0) throw new Error('a row with traits was taken')
        expected.push(cursor.node)
      }
    }
    const given = run.nodes.subarray(0, run.length)
    if (given.toSorted().join() !== expected.sort((left, right) => left - right).join())
      throw new Error(`${given.join()} was taken where ${expected.join()} stands`)
    const marks = new NodeMarks(snapshot.maxNode)
    const marked = snapshot.markReverse(marks, subjects, at, at + lists, subjectRelation, type, relation)
    const resources = [...new Set(expected.slice(1))]
    const into = new Int32Array(resources.length + 1)
    const end = marks.certainAbove(-1, into, 0, into.length)
    if (
      marked !== lists ||
      marks.count !== expected.length - 1 ||
      marks.news !== resources.length ||
      into.subarray(0, end).join() !== resources.join()
    )
      throw new Error(`${marked} lists were marked: ${into.subarray(0, end).join()}`)
    counts.taken += lists
    counts.left += lists === 0 ? 1 : 0
    at += Math.max(1, lists)
  }
  return counts
}

/** All rows of a snapshot, once from the resources' side, once from the subjects'. */
export function everything(snapshot: Snapshot): { forward: string[]; reverse: string[] } {
  const forward: string[] = []
  const reverse: string[] = []
  const places = new Map<string, { type: number; relation: number; subjectRelation: number }>()
  for (let node = 1; node <= snapshot.maxNode; node += 1) {
    for (const relation of snapshot.relationsOf(node)) {
      const plain = forwardRows(snapshot, node, relation, plainRows)
      const usersets = forwardRows(snapshot, node, relation, usersetRows)
      const all = forwardRows(snapshot, node, relation, allRows)
      if ([...plain, ...usersets].sort().join() !== all.join()) throw new Error('selections disagree')
      if (plain.some((row) => row.includes('#', row.indexOf('@'))))
        throw new Error('a userset among plain rows')
      if (usersets.some((row) => !row.includes('#', row.indexOf('@'))))
        throw new Error('a plain row among usersets')
      if (
        plain.length > snapshot.forwardCount(node, relation, plainRows) ||
        usersets.length > snapshot.forwardCount(node, relation, usersetRows) ||
        all.length > snapshot.forwardCount(node, relation, allRows)
      ) {
        throw new Error('a count below the rows')
      }
      forward.push(...all)
    }
    for (const { type, relation, subjectRelation } of snapshot.placesOf(node)) {
      const rows = reverseRows(snapshot, node, subjectRelation, type, relation)
      if (rows.length > snapshot.reverseCount(node, subjectRelation, type, relation)) {
        throw new Error('a count below the rows')
      }
      reverse.push(...rows)
      places.set([type, relation, subjectRelation].join(), { type, relation, subjectRelation })
    }
  }
  const nodes = Int32Array.from({ length: snapshot.maxNode }, (_, at) => at + 1)
  for (const { type, relation, subjectRelation } of places.values())
    takeLists(snapshot, nodes, subjectRelation, type, relation)
  return { forward: forward.sort(), reverse: reverse.sort() }
}

/** What `row` says of a relationship: its text with the traits found, undefined when there is none. */
export function lookedUp(
  snapshot: Snapshot,
  { resource, relation, subject }: Relationship,
): string | undefined {
  const resourceNode = nodeOf(snapshot, resource)
  const subjectNode = nodeOf(snapshot, subject)
  const relationId = snapshot.nameId(relation)
  const subjectRelation = snapshot.nameId(subject.relation)
  const found = snapshot.row(resourceNode, relationId, subjectNode, subjectRelation)
  if (found < 0) return undefined
  return rowText(snapshot, resourceNode, relationId, subjectNode, subjectRelation, found)
}
