// Validation of what a request names: references are well-formed, types and relations exist.

import { CardeaError } from '../model/errors.ts'
import type { RelationshipFilter, SubjectFilter } from '../model/filter.ts'
import {
  formatSubject,
  isValidObjectId,
  isValidRelation,
  isValidType,
  type ObjectRef,
  type SubjectRef,
  wildcardId,
} from '../model/reference.ts'
import type { Definition, Schema } from '../model/schema.ts'
import { didYouMean } from '../schema/suggestion.ts'

function malformed(what: string, text: string, rule: string): CardeaError {
  const shown = JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
  return new CardeaError('INVALID_ARGUMENT', `validation error: ${what} ${shown} is malformed: ${rule}.`, {
    field: what,
  })
}

/** Callers without types leave fields out, or hand over text. */
function requireTexts(reference: unknown, what: string, parser: string, fields: readonly string[]): void {
  const form = `give { ${fields.join(', ')} }, or ${parser}`
  if (typeof reference !== 'object' || reference === null) {
    const found = typeof reference === 'string' ? JSON.stringify(reference.slice(0, 80)) : String(reference)
    throw new CardeaError('INVALID_ARGUMENT', `validation error: ${what} is ${found}: ${form}.`, {
      field: what,
    })
  }
  for (const field of fields) {
    if (typeof (reference as Record<string, unknown>)[field] === 'string') continue
    const message = `validation error: ${what}.${field} is missing: ${form}.`
    throw new CardeaError('INVALID_ARGUMENT', message, { field: `${what}.${field}` })
  }
}

const typeRule =
  'expected 3 to 64 of a-z, 0-9 and _ per segment, starting with a letter, segments separated by /'
const relationRule = 'expected 3 to 64 of a-z, 0-9 and _, starting with a letter'
const idRule = 'expected 1 to 1024 of a-z, A-Z, 0-9 and / _ | - = +'

/** INVALID_ARGUMENT unless the reference names one object. */
export function validateObject(object: ObjectRef, what = 'resource'): void {
  if (typeof object?.type !== 'string' || typeof object.id !== 'string')
    requireTexts(object, what, "parseObject('document:readme')", ['type', 'id'])
  if (!isValidType(object.type)) throw malformed(`${what}.object_type`, object.type, typeRule)
  if (object.id === wildcardId) {
    throw new CardeaError(
      'INVALID_ARGUMENT',
      `validation error: ${what}.object_id cannot be the wildcard *.`,
      { field: `${what}.object_id` },
    )
  }
  if (!isValidObjectId(object.id)) throw malformed(`${what}.object_id`, object.id, idRule)
}

/** INVALID_ARGUMENT unless the reference names an object, a userset or a wildcard. */
export function validateSubject(subject: SubjectRef): void {
  if (
    typeof subject?.type !== 'string' ||
    typeof subject.id !== 'string' ||
    typeof subject.relation !== 'string'
  )
    requireTexts(subject, 'subject', "parseSubject('user:ann')", ['type', 'id', 'relation'])
  if (!isValidType(subject.type)) throw malformed('subject.object_type', subject.type, typeRule)
  if (subject.id === wildcardId) {
    if (subject.relation !== '') {
      throw new CardeaError(
        'INVALID_ARGUMENT',
        'validation error: a wildcard subject cannot have a relation.',
        { field: 'subject.optional_relation' },
      )
    }
    return
  }
  if (!isValidObjectId(subject.id)) throw malformed('subject.object_id', subject.id, idRule)
  if (subject.relation !== '' && !isValidRelation(subject.relation)) {
    throw malformed('subject.optional_relation', subject.relation, relationRule)
  }
}

/** A subject of a check or lookup: one object or userset, never everyone. WILDCARD_NOT_ALLOWED. */
export function validateConcreteSubject(subject: SubjectRef): void {
  validateSubject(subject)
  if (subject.id === wildcardId) {
    throw new CardeaError(
      'WILDCARD_NOT_ALLOWED',
      `The wildcard ${formatSubject(subject)} cannot ask; name one subject.`,
      {
        field: 'subject.object_id',
      },
    )
  }
}

/** The definition, or UNKNOWN_DEFINITION. */
export function requireDefinition(schema: Schema, type: string): Definition {
  const definition = schema.definitions.get(type)
  if (definition === undefined) {
    throw new CardeaError(
      'UNKNOWN_DEFINITION',
      schema.definitions.size === 0
        ? 'There is no schema yet. Write one: cardea schema write FILE, or the WriteSchema call.'
        : `The schema has no definition ${JSON.stringify(type)}.${didYouMean(type, schema.definitions.keys())}`,
      {
        definition_name: type,
      },
    )
  }
  return definition
}

/** UNKNOWN_DEFINITION or UNKNOWN_RELATION_OR_PERMISSION unless `type` has a relation or permission of that name. */
export function requireMember(schema: Schema, type: string, name: string): void {
  const definition = requireDefinition(schema, type)
  if (definition.relations.has(name) || definition.permissions.has(name)) return
  throw new CardeaError(
    'UNKNOWN_RELATION_OR_PERMISSION',
    `Definition ${JSON.stringify(type)} has no relation or permission ${JSON.stringify(name)}.${didYouMean(name, definition.members)}`,
    { definition_name: type, relation_or_permission_name: name },
  )
}

/** Everything that a subject mentions exists in the schema. */
export function requireSubject(schema: Schema, type: string, relation: string): void {
  if (relation === '') requireDefinition(schema, type)
  else requireMember(schema, type, relation)
}

function validateSubjectFilter(filter: SubjectFilter): void {
  if (!isValidType(filter.type)) throw malformed('subject_filter.subject_type', filter.type, typeRule)
  if (filter.id !== undefined && filter.id !== wildcardId && !isValidObjectId(filter.id)) {
    throw malformed('subject_filter.optional_subject_id', filter.id, idRule)
  }
  if (filter.relation !== undefined && filter.relation !== '' && !isValidRelation(filter.relation)) {
    throw malformed('subject_filter.optional_relation', filter.relation, relationRule)
  }
  if (filter.id === wildcardId && filter.relation !== undefined && filter.relation !== '') {
    throw new CardeaError(
      'INVALID_ARGUMENT',
      'validation error: a wildcard subject filter cannot have a relation.',
    )
  }
}

/** A filter is well-formed, not empty, and names what the schema has. INVALID_FILTER, INVALID_ARGUMENT, UNKNOWN_*. */
export function validateFilter(schema: Schema, filter: RelationshipFilter): void {
  const { resourceType, resourceId, resourceIdPrefix, relation, subject } = filter
  const fields = [resourceType, resourceId, resourceIdPrefix, relation, subject]
  if (fields.every((field) => field === undefined)) {
    throw new CardeaError('INVALID_FILTER', 'The relationship filter is empty: set at least one field.', {
      filter: '{}',
    })
  }
  if (resourceId !== undefined && resourceIdPrefix !== undefined) {
    throw new CardeaError(
      'INVALID_FILTER',
      'The relationship filter has both optional_resource_id and optional_resource_id_prefix: set one.',
      { filter: JSON.stringify(filter) },
    )
  }
  if (resourceType !== undefined && !isValidType(resourceType))
    throw malformed('resource_type', resourceType, typeRule)
  for (const id of [resourceId, resourceIdPrefix]) {
    if (id !== undefined && !isValidObjectId(id)) throw malformed('optional_resource_id', id, idRule)
  }
  if (relation !== undefined && !isValidRelation(relation))
    throw malformed('optional_relation', relation, relationRule)
  if (subject !== undefined) validateSubjectFilter(subject)

  if (resourceType !== undefined) requireDefinition(schema, resourceType)
  if (resourceType !== undefined && relation !== undefined) requireMember(schema, resourceType, relation)
  if (resourceType === undefined && relation !== undefined && !anyDefinitionHas(schema, relation)) {
    throw new CardeaError(
      'UNKNOWN_RELATION_OR_PERMISSION',
      `No definition has a relation ${JSON.stringify(relation)}.`,
      {
        relation_or_permission_name: relation,
      },
    )
  }
  if (subject !== undefined) requireSubject(schema, subject.type, subject.relation ?? '')
}

function anyDefinitionHas(schema: Schema, relation: string): boolean {
  return [...schema.definitions.values()].some(
    (definition) => definition.relations.has(relation) || definition.permissions.has(relation),
  )
}
