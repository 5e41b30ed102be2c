// Reads rows in a stable order: by resource key, relation, subject key, subject relation.

import { allRows, type NameId, type Snapshot } from '../graph/snapshot.ts'
import type { RelationshipFilter } from '../model/filter.ts'
import { Budget } from './budget.ts'
import type { Engine, EngineLimits, FoundRow, RowPosition, StreamEvaluation } from './engine.ts'
import { streamOf } from './paused-work.ts'
import type { World } from './world.ts'

type Request = Parameters<Engine<World>['readRows']>[1]

export function readRows(
  world: World,
  request: Request,
  nowMs: number,
  limits: EngineLimits,
): StreamEvaluation<FoundRow> {
  // A read may be as long as the datastore: its reader's pace bounds it, not a count of steps.
  const budget = new Budget({ ...limits, maxSteps: Number.MAX_SAFE_INTEGER })
  return streamOf(budget, readWork(world.snapshot, request, nowMs, budget))
}

function* readWork(
  snapshot: Snapshot,
  { filter, after }: Request,
  nowMs: number,
  budget: Budget,
): Generator<FoundRow | undefined, void, void> {
  for (const resource of resources(snapshot, filter, after)) {
    if (resource === undefined) {
      budget.steps += 64
      if (budget.spent) yield undefined
      continue
    }
    yield* rowsOf(snapshot, resource, filter, after, nowMs, budget)
  }
}

/** Candidate resources ascending, with an undefined now and then while the search finds none. */
function* resources(
  snapshot: Snapshot,
  filter: RelationshipFilter,
  after: RowPosition | undefined,
): Generator<number | undefined> {
  const from = after?.resourceKey ?? 1
  const type = filter.resourceType === undefined ? undefined : snapshot.nameId(filter.resourceType)
  if (type !== undefined && filter.resourceId !== undefined) {
    const node = type < 0 ? 0 : snapshot.node(type, filter.resourceId)
    if (node >= from && node > 0) yield node
    return
  }
  if (filter.subject?.id !== undefined) {
    yield* resourcesOfSubject(snapshot, filter, from)
    return
  }
  const { maxNode } = snapshot
  for (let node = from; node <= maxNode; node += 1) {
    if ((node & 63) === 0) yield undefined
    const nodeType = snapshot.nodeType(node)
    if (nodeType !== 0 && (type === undefined || type === nodeType) && idMatches(snapshot, node, filter))
      yield node
  }
}

/** Resources that have the filter's subject, from the subject's side. */
function* resourcesOfSubject(
  snapshot: Snapshot,
  filter: RelationshipFilter,
  from: number,
): Generator<number> {
  const { type, id, relation } = filter.subject!
  const subjectType = snapshot.nameId(type)
  const subject = subjectType < 0 ? 0 : snapshot.node(subjectType, id!)
  if (subject === 0) return
  const found = new Set<number>()
  const cursor = snapshot.cursor()
  for (const place of snapshot.placesOf(subject)) {
    if (relation !== undefined && snapshot.nameText(place.subjectRelation) !== relation) continue
    if (filter.relation !== undefined && snapshot.nameText(place.relation) !== filter.relation) continue
    if (filter.resourceType !== undefined && snapshot.nameText(place.type) !== filter.resourceType) continue
    snapshot.openReverse(cursor, subject, place.subjectRelation, place.type, place.relation)
    while (cursor.next())
      if (cursor.node >= from && idMatches(snapshot, cursor.node, filter)) found.add(cursor.node)
  }
  yield* Int32Array.from(found).sort()
}

function idMatches(
  snapshot: Snapshot,
  node: number,
  { resourceId, resourceIdPrefix }: RelationshipFilter,
): boolean {
  if (resourceId === undefined && resourceIdPrefix === undefined) return true
  const id = snapshot.nodeId(node)
  return (
    (resourceId === undefined || id === resourceId) &&
    (resourceIdPrefix === undefined || id.startsWith(resourceIdPrefix))
  )
}

interface Row {
  readonly subject: number
  readonly subjectRelation: NameId
  readonly traits: number
}

function* rowsOf(
  snapshot: Snapshot,
  resource: number,
  filter: RelationshipFilter,
  after: RowPosition | undefined,
  nowMs: number,
  budget: Budget,
): Generator<FoundRow | undefined, void, void> {
  const resume = after !== undefined && after.resourceKey === resource ? after : undefined
  const relations = snapshot.relationsOf(resource).map((name) => ({ name, text: snapshot.nameText(name) }))
  for (const { name, text } of relations.sort((left, right) => compare(left.text, right.text))) {
    if (filter.relation !== undefined && filter.relation !== text) continue
    if (resume !== undefined && text < resume.relation) continue
    const rows: Row[] = []
    const cursor = snapshot.cursor()
    snapshot.openForward(cursor, resource, name, allRows)
    while (cursor.next()) {
      budget.steps += 1
      if (subjectMatches(snapshot, cursor.node, cursor.subjectRelation, filter)) {
        rows.push({ subject: cursor.node, subjectRelation: cursor.subjectRelation, traits: cursor.traits })
      }
      if ((budget.steps & 1023) === 0 && budget.spent) yield undefined
    }
    rows.sort(
      (left, right) =>
        left.subject - right.subject ||
        compare(snapshot.nameText(left.subjectRelation), snapshot.nameText(right.subjectRelation)),
    )
    for (const row of rows) {
      const position = {
        resourceKey: resource,
        relation: text,
        subjectKey: row.subject,
        subjectRelation: snapshot.nameText(row.subjectRelation),
      }
      if (resume !== undefined && text === resume.relation && !isAfter(position, resume)) continue
      const found = foundRow(snapshot, position, row, nowMs)
      if (found !== undefined) yield found
    }
  }
  budget.steps += 1
  if (budget.spent) yield undefined
}

function subjectMatches(
  snapshot: Snapshot,
  node: number,
  relation: NameId,
  { subject }: RelationshipFilter,
): boolean {
  if (subject === undefined) return true
  if (snapshot.nameText(snapshot.nodeType(node)) !== subject.type) return false
  if (subject.relation !== undefined && snapshot.nameText(relation) !== subject.relation) return false
  return subject.id === undefined || snapshot.nodeId(node) === subject.id
}

function isAfter(position: RowPosition, resume: RowPosition): boolean {
  if (position.subjectKey !== resume.subjectKey) return position.subjectKey > resume.subjectKey
  return position.subjectRelation > resume.subjectRelation
}

function foundRow(snapshot: Snapshot, position: RowPosition, row: Row, nowMs: number): FoundRow | undefined {
  const { caveat, expiresAtMs } = row.traits === 0 ? {} : snapshot.traits(row.traits)
  if (expiresAtMs !== undefined && expiresAtMs <= nowMs) return undefined
  return {
    ...position,
    relationship: {
      resource: objectOf(snapshot, position.resourceKey),
      relation: position.relation,
      subject: { ...objectOf(snapshot, position.subjectKey), relation: position.subjectRelation },
      ...(caveat === undefined ? {} : { caveat }),
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    },
  }
}

/** Type and id of a known object. */
export function objectOf(snapshot: Snapshot, node: number): { readonly type: string; readonly id: string } {
  return { type: snapshot.nameText(snapshot.nodeType(node)), id: snapshot.nodeId(node) }
}

function compare(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0
}
