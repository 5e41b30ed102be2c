// Random cases: a schema, relationships that are valid for it, and contexts and subjects to ask with.

import type fc from 'fast-check'
import type { JsonObject, JsonValue } from '../../src/model/context.ts'
import { formatSubject, type ObjectRef, type SubjectRef, wildcardId } from '../../src/model/reference.ts'
import type { Relationship } from '../../src/model/relationship.ts'
import { formatRelationship, parseRelationship } from '../../src/model/relationship-text.ts'
import type { AllowedType, Schema } from '../../src/model/schema.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { tableOf, wrongValue } from './caveat-tables.ts'
import { drawSchema, drawShape, leafTypes, type SchemaShape } from './generate-schema.ts'
import { type Draw, fromTape } from './tape.ts'

/** One world and what to ask it. */
export interface Case {
  readonly schema: Schema
  readonly relationships: readonly Relationship[]
  /** Request contexts to ask with; the first is empty. */
  readonly contexts: readonly JsonObject[]
  readonly subjects: readonly SubjectRef[]
  /** Milliseconds since the Unix epoch. Rows expire a year or more before or after it. */
  readonly nowMs: number
}

/** Instant at which random cases are asked. */
export const caseNowMs = Date.UTC(2026, 10, 21)
const expiredAtMs = Date.UTC(2020, 0, 1)
const laterAtMs = Date.UTC(2100, 0, 1)

const innerIds: readonly string[] = ['a', 'b', 'c', 'A']
const oddIds: readonly string[] = ['x|y', 'a=b+c', 'deep/path/1', '-', '_9']
const leafIds: readonly string[] = ['ann', 'bob', 'cy', 'dee']

/** Longest tape of choices that a case reads. */
const tapeLength = 1500

/** Random cases, seeded, replayed and shrunk by fast-check. */
export function caseArbitrary(): fc.Arbitrary<Case> {
  return fromTape(tapeLength, drawCase)
}

/** A case made by hand, with nothing to ask yet; throws when the schema does not compile. */
export function caseOf(text: string, rows: readonly string[]): Case {
  const { schema, problems } = compileSchema(text)
  if (schema === undefined) throw new Error(problems[0]?.message)
  return {
    schema,
    relationships: rows.map(parseRelationship),
    contexts: [{}],
    subjects: [],
    nowMs: caseNowMs,
  }
}

export function drawCase(draw: Draw): Case {
  const shape = drawShape(draw)
  const schema = drawSchema(draw, shape)
  const objects = drawObjects(draw, schema)
  const relationships = drawRelationships(draw, shape, schema, objects)
  const contexts = [{}, drawRequestContext(draw, shape), drawRequestContext(draw, shape)]
  const subjects = drawSubjects(draw, schema, objects, relationships)
  const distinct = [...new Map(contexts.map((each) => [JSON.stringify(each), each])).values()]
  return { schema, relationships, contexts: distinct, subjects, nowMs: caseNowMs }
}

/** Objects by type, in one order over all types: without cycles rows only point forward in it. */
function drawObjects(draw: Draw, schema: Schema): ObjectRef[] {
  return [...schema.definitions.keys()].flatMap((type) => {
    const ids = leafTypes.includes(type) ? leafIds : innerIds
    const count = type === 'robot' ? 1 + draw.below(2) : 2 + draw.below(ids.length - 1)
    const odd = draw.chance(15) ? [draw.pick(oddIds)] : []
    return [...ids.slice(0, count), ...odd].map((id) => ({ type, id }))
  })
}

function drawRelationships(
  draw: Draw,
  shape: SchemaShape,
  schema: Schema,
  objects: readonly ObjectRef[],
): Relationship[] {
  const relations = [...schema.definitions.values()].flatMap((definition) =>
    [...definition.relations.values()].map((relation) => ({ type: definition.name, relation })),
  )
  const rows = new Map<string, Relationship>()
  for (let more = 4 + draw.below(40); more > 0; more--) {
    const { type, relation } = draw.pick(relations)
    const resource = drawOften(
      draw,
      objects.filter((object) => object.type === type),
    )
    const wildcards = relation.types.filter((each) => each.wildcard)
    const form = draw.pick(wildcards.length > 0 && draw.chance(30) ? wildcards : relation.types)
    const subject = drawSubjectOf(draw, shape, form, objects, objects.indexOf(resource))
    if (subject === undefined) continue
    const row = { resource, relation: relation.name, subject, ...drawRowTraits(draw, form) }
    rows.set(formatRelationship({ resource, relation: relation.name, subject }), row)
  }
  return [...rows.values()]
}

/** The first items more often than the last: a few objects get many rows, so that their relations meet. */
function drawOften<Item>(draw: Draw, items: readonly Item[]): Item {
  return items[Math.min(draw.below(items.length), draw.below(items.length))]!
}

function drawSubjectOf(
  draw: Draw,
  shape: SchemaShape,
  form: AllowedType,
  objects: readonly ObjectRef[],
  position: number,
): SubjectRef | undefined {
  const { type, relation } = form
  if (form.wildcard) return { type, id: wildcardId, relation: '' }
  const candidates = objects.filter(
    (object, index) => object.type === type && (shape.cyclic || index > position),
  )
  return candidates.length === 0 ? undefined : { ...draw.pick(candidates), relation }
}

function drawRowTraits(draw: Draw, form: AllowedType): Pick<Relationship, 'caveat' | 'expiresAtMs'> {
  const expiresAtMs = draw.chance(30) ? expiredAtMs : laterAtMs
  const expiry = form.expiration ? { expiresAtMs } : {}
  if (form.caveat === undefined) return expiry
  const context = drawContext(draw, form.caveat, 45)
  const isEmpty = Object.keys(context).length === 0
  return { caveat: isEmpty ? { name: form.caveat } : { name: form.caveat, context }, ...expiry }
}

function drawContext(draw: Draw, caveat: string, percent: number): JsonObject {
  const { values } = tableOf(caveat)
  const names = draw.some(Object.keys(values), percent)
  return Object.fromEntries(names.map((name) => [name, draw.pick(values[name]!)]))
}

function drawRequestContext(draw: Draw, shape: SchemaShape): JsonObject {
  const context: { [name: string]: JsonValue } = {}
  for (const { name } of shape.caveats) Object.assign(context, drawContext(draw, name, 50))
  if (draw.chance(10)) context.nobody_reads_this = 'x'
  if (draw.chance(4)) {
    const name = draw.pick([...Object.keys(context), 'nobody_reads_this'])
    context[name] = wrongValue
  }
  return context
}

/** Everyone, a stranger, some usersets that rows mention, some that they don't, and an object that is no leaf. */
function drawSubjects(
  draw: Draw,
  schema: Schema,
  objects: readonly ObjectRef[],
  rows: readonly Relationship[],
): SubjectRef[] {
  const leaves = objects.filter(({ type }) => leafTypes.includes(type))
  const inner = objects.filter(({ type }) => !leafTypes.includes(type))
  const usersets = rows.map(({ subject }) => subject).filter(({ relation }) => relation !== '')
  const somewhere = draw.pick(inner)
  const members = schema.definitions.get(somewhere.type)!.members
  const subjects: SubjectRef[] = [
    ...leaves.map((object) => ({ ...object, relation: '' })),
    { type: 'user', id: 'nobody', relation: '' },
    ...(usersets.length > 0 ? [draw.pick(usersets), draw.pick(usersets), draw.pick(usersets)] : []),
    { ...somewhere, relation: draw.pick(members) },
    { ...draw.pick(inner), relation: '' },
  ]
  return [...new Map(subjects.map((subject) => [formatSubject(subject), subject])).values()]
}
