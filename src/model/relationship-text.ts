// Relationship strings: `document:a1#viewer@team:ops#member[office_hours:{"zone":"utc"}][expiration:2031-06-30T00:00:00Z]`.

import type { JsonObject } from './context.ts'
import { CardeaError } from './errors.ts'
import {
  formatObject,
  formatSubject,
  isValidCaveatName,
  isValidObjectId,
  isValidRelation,
  isValidType,
  type ObjectRef,
  type SubjectRef,
  wildcardId,
} from './reference.ts'
import type { Relationship } from './relationship.ts'

function invalid(text: string, problem: string): CardeaError {
  const shown = text.length > 200 ? `${text.slice(0, 200)}…` : text
  return new CardeaError('INVALID_ARGUMENT', `${problem} in ${JSON.stringify(shown)}.`, { text: shown })
}

/** `type:id`; throws INVALID_ARGUMENT that names what is malformed. */
export function parseObject(text: string): ObjectRef {
  const colon = text.indexOf(':')
  if (colon < 0) throw invalid(text, 'Expected type:id, found no colon')
  const type = text.slice(0, colon)
  const id = text.slice(colon + 1)
  if (!isValidType(type)) {
    throw invalid(
      text,
      `Malformed type ${JSON.stringify(type)} (3 to 64 of a-z, 0-9, _ per segment, starting with a letter)`,
    )
  }
  if (!isValidObjectId(id)) {
    throw invalid(
      text,
      `Malformed object id ${JSON.stringify(id.slice(0, 80))} (1 to 1024 of a-z, A-Z, 0-9, / _ | - = +)`,
    )
  }
  return { type, id }
}

/** `type:id`, `type:id#relation`, `type:id#...` or `type:*`; throws INVALID_ARGUMENT. */
export function parseSubject(text: string): SubjectRef {
  const hash = text.indexOf('#')
  const object = hash < 0 ? text : text.slice(0, hash)
  const written = hash < 0 ? '' : text.slice(hash + 1)
  const relation = written === '...' ? '' : written
  if (hash >= 0 && written !== '...' && !isValidRelation(relation)) {
    throw invalid(text, `Malformed subject relation ${JSON.stringify(relation)}`)
  }
  if (object.endsWith(`:${wildcardId}`)) {
    const type = object.slice(0, -2)
    if (!isValidType(type)) throw invalid(text, `Malformed type ${JSON.stringify(type)}`)
    if (relation !== '') throw invalid(text, 'A wildcard subject cannot have a relation')
    return { type, id: wildcardId, relation: '' }
  }
  return { ...parseObject(object), relation }
}

/** `type:id#name`, as in a check or an expected relation; throws INVALID_ARGUMENT. */
export function parseObjectAndRelation(text: string): { resource: ObjectRef; relation: string } {
  const hash = text.indexOf('#')
  if (hash < 0) throw invalid(text, 'Expected type:id#relation, found no #')
  const relation = text.slice(hash + 1)
  if (!isValidRelation(relation)) throw invalid(text, `Malformed relation ${JSON.stringify(relation)}`)
  return { resource: parseObject(text.slice(0, hash)), relation }
}

const expirationPattern = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/

/**
 * Reads one relationship string (reference: schema language, relationship strings).
 * Throws INVALID_ARGUMENT that says which part is malformed. A fraction finer than a millisecond is cut.
 */
export function parseRelationship(text: string): Relationship {
  const trimmed = text.trim()
  const at = trimmed.indexOf('@')
  if (at < 0) throw invalid(text, 'Expected resource#relation@subject, found no @')
  const { resource, relation } = parseObjectAndRelation(trimmed.slice(0, at))
  const rest = trimmed.slice(at + 1)
  const bracket = rest.indexOf('[')
  const subject = parseSubject(bracket < 0 ? rest : rest.slice(0, bracket))
  const traits = bracket < 0 ? '' : rest.slice(bracket)
  return { resource, relation, subject, ...parseTraits(text, traits) }
}

function parseTraits(text: string, traits: string): Pick<Relationship, 'caveat' | 'expiresAtMs'> {
  if (traits === '') return {}
  if (!traits.endsWith(']')) throw invalid(text, 'Unclosed [')
  // A caveat's JSON may hold brackets, so the expiration is looked for from the end.
  const expiration = /^(.*)\[expiration:([^\]]*)\]$/s.exec(traits)
  let expiresAtMs: number | undefined
  let caveatText = traits
  if (expiration) {
    caveatText = expiration[1]!
    const instant = expiration[2]!
    expiresAtMs = expirationPattern.test(instant) ? Date.parse(instant) : Number.NaN
    if (Number.isNaN(expiresAtMs))
      throw invalid(text, `Malformed expiration ${JSON.stringify(instant)} (RFC 3339 in UTC, ending in Z)`)
  }
  if (caveatText === '') return { expiresAtMs }
  if (!caveatText.startsWith('[') || !caveatText.endsWith(']')) throw invalid(text, 'Malformed caveat')
  const inner = caveatText.slice(1, -1)
  const colon = inner.indexOf(':')
  const name = colon < 0 ? inner : inner.slice(0, colon)
  if (!isValidCaveatName(name)) throw invalid(text, `Malformed caveat name ${JSON.stringify(name)}`)
  const context = colon < 0 ? undefined : parseContext(text, inner.slice(colon + 1))
  const caveat = context === undefined ? { name } : { name, context }
  return expiresAtMs === undefined ? { caveat } : { caveat, expiresAtMs }
}

function parseContext(text: string, json: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (cause) {
    throw invalid(text, `Caveat context is not JSON (${(cause as Error).message})`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw invalid(text, 'Caveat context must be a JSON object')
  return value as JsonObject
}

/** The text form that {@link parseRelationship} reads back to an equal relationship. */
export function formatRelationship(relationship: Relationship): string {
  const { resource, relation, subject, caveat, expiresAtMs } = relationship
  const context =
    caveat?.context && Object.keys(caveat.context).length > 0 ? `:${JSON.stringify(caveat.context)}` : ''
  const caveatText = caveat === undefined ? '' : `[${caveat.name}${context}]`
  const expiration = expiresAtMs === undefined ? '' : `[expiration:${new Date(expiresAtMs).toISOString()}]`
  return `${formatObject(resource)}#${relation}@${formatSubject(subject)}${caveatText}${expiration}`
}
