// Samples of questions: made from what a datastore has, the same ones from the same data.

import { allRows, type Snapshot } from '../graph/snapshot.ts'
import type { Question } from '../model/decision.ts'
import { wildcardId } from '../model/reference.ts'
import type { Schema } from '../model/schema.ts'

interface SampledObject {
  readonly node: number
  readonly type: string
  readonly id: string
}

/** Of the subjects that an object's rows lead to, so many are asked about. */
const maxRelated = 2
/** Rows that are looked at to find them. */
const maxRowsWalked = 64

/**
 * Up to `count` questions about permissions that both schemas have. Objects stand at even distances through the
 * datastore. Each is asked about with subjects that its rows lead to, whose answers are the likely ones to change, and
 * then with others, whose answer is mostly no.
 */
export function sampleQuestions(snapshot: Snapshot, from: Schema, to: Schema, count: number): Question[] {
  if (count <= 0 || snapshot.maxNode === 0) return []
  const objects = evenly(snapshot, count, (type) => permissionsOf(from, to, type).length > 0)
  const subjects = evenly(snapshot, count, (type) => isTerminal(from, type))
  const questions: Question[] = []
  const asked = new Set<string>()
  const ask = (object: SampledObject, subject: SampledObject): void => {
    const pair = `${object.node} ${subject.node}`
    if (asked.has(pair)) return
    asked.add(pair)
    const resource = { type: object.type, id: object.id }
    for (const permission of permissionsOf(from, to, object.type)) {
      if (questions.length === count) return
      questions.push({ resource, permission, subject: { type: subject.type, id: subject.id, relation: '' } })
    }
  }
  for (const object of objects) for (const subject of relatedTo(snapshot, from, object)) ask(object, subject)
  for (let at = 0; questions.length < count && at < objects.length * subjects.length; at += 1) {
    const position = at % objects.length
    const round = Math.floor(at / objects.length)
    // In each round an object meets the next subject, and its neighbour one farther on: no pair comes twice.
    ask(objects[position]!, subjects[(position * 7 + round) % subjects.length]!)
  }
  return questions
}

/** Subjects that rows lead to from an object, over sets and parents, nearest first. */
function relatedTo(snapshot: Snapshot, schema: Schema, object: SampledObject): SampledObject[] {
  const found: SampledObject[] = []
  const seen = new Set([object.node])
  const cursor = snapshot.cursor()
  let walked = 0
  // A set grows while it is walked: each object that is met gets its turn.
  for (const node of seen) {
    for (const relation of snapshot.relationsOf(node)) {
      snapshot.openForward(cursor, node, relation, allRows)
      while (walked < maxRowsWalked && cursor.next()) {
        walked += 1
        if (seen.has(cursor.node)) continue
        seen.add(cursor.node)
        const met = objectAt(snapshot, cursor.node)
        if (met.id !== wildcardId && isTerminal(schema, met.type)) found.push(met)
        if (found.length === maxRelated) return found
      }
    }
  }
  return found
}

function permissionsOf(from: Schema, to: Schema, type: string): string[] {
  const before = from.definitions.get(type)?.permissions
  const after = to.definitions.get(type)?.permissions
  return before === undefined || after === undefined
    ? []
    : [...before.keys()].filter((name) => after.has(name))
}

/** Whether objects of the type stand as plain subjects somewhere. */
function isTerminal(schema: Schema, type: string): boolean {
  for (const definition of schema.definitions.values()) {
    for (const relation of definition.relations.values()) {
      if (relation.types.some((allowed) => allowed.type === type && allowed.relation === '')) return true
    }
  }
  return false
}

function evenly(snapshot: Snapshot, count: number, wanted: (type: string) => boolean): SampledObject[] {
  const stride = Math.max(1, Math.floor(snapshot.maxNode / (count * 4)))
  const found: SampledObject[] = []
  for (let node = 1; node <= snapshot.maxNode && found.length < count; node += stride) {
    if (snapshot.nodeType(node) === 0) continue
    const object = objectAt(snapshot, node)
    if (object.id !== wildcardId && wanted(object.type)) found.push(object)
  }
  return found
}

function objectAt(snapshot: Snapshot, node: number): SampledObject {
  return { node, type: snapshot.nameText(snapshot.nodeType(node)), id: snapshot.nodeId(node) }
}
