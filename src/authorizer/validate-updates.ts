// Validation of writes: each update fits the schema, and the request fits its limits.

import { validateContext } from '../caveats/validate-context.ts'
import type { JsonObject } from '../model/context.ts'
import { CardeaError } from '../model/errors.ts'
import type { Precondition } from '../model/filter.ts'
import { formatObject, formatSubject, isValidRelation, wildcardId } from '../model/reference.ts'
import type { Relationship, RelationshipUpdate } from '../model/relationship.ts'
import { formatRelationship } from '../model/relationship-text.ts'
import { type AllowedType, formatAllowedType, type Relation, type Schema } from '../model/schema.ts'
import { structBytes } from '../model/struct-size.ts'
import { didYouMean } from '../schema/suggestion.ts'
import type { AuthorizerLimits } from './limits.ts'
import {
  requireDefinition,
  requireSubject,
  validateFilter,
  validateObject,
  validateSubject,
} from './validate-names.ts'

function identityOf(relationship: Relationship): string {
  return `${formatObject(relationship.resource)}#${relationship.relation}@${formatSubject(relationship.subject)}`
}

const updateOperations: ReadonlySet<unknown> = new Set(['create', 'touch', 'delete'])

/** What needs no schema: sizes, counts, well-formed references, one update per identity. */
export function validateWriteRequest(
  updates: readonly RelationshipUpdate[],
  preconditions: readonly Precondition[],
  metadata: JsonObject | undefined,
  limits: AuthorizerLimits,
): void {
  validateMetadata(metadata, limits)
  if (updates.length > limits.maxUpdatesPerWrite) {
    throw new CardeaError(
      'TOO_MANY_UPDATES',
      `${updates.length} updates in one write, more than max-updates-per-write allows (${limits.maxUpdatesPerWrite}). Split the write or use a bulk import.`,
      { update_count: String(updates.length), maximum_updates_allowed: String(limits.maxUpdatesPerWrite) },
    )
  }
  validatePreconditionCount(preconditions, limits)
  const seen = new Set<string>()
  for (const { operation, relationship } of updates) {
    if (!updateOperations.has(operation)) {
      throw new CardeaError(
        'INVALID_ARGUMENT',
        `validation error: operation ${JSON.stringify(operation)} is none of create, touch and delete.`,
        { field: 'operation' },
      )
    }
    validateRelationship(relationship, limits)
    const identity = identityOf(relationship)
    if (seen.has(identity)) {
      throw new CardeaError('UPDATES_ON_SAME_RELATIONSHIP', `The write has two updates for ${identity}.`, {
        definition_name: relationship.resource.type,
        relationship: identity,
      })
    }
    seen.add(identity)
  }
}

export function validateMetadata(metadata: JsonObject | undefined, limits: AuthorizerLimits): void {
  const bytes = metadata === undefined ? 0 : new TextEncoder().encode(JSON.stringify(metadata)).length
  if (bytes > limits.maxMetadataBytes) {
    throw new CardeaError(
      'TRANSACTION_METADATA_TOO_LARGE',
      `The transaction metadata has ${bytes} bytes, more than max-metadata-bytes allows (${limits.maxMetadataBytes}).`,
      {
        metadata_byte_size: String(bytes),
        maximum_allowed_metadata_byte_size: String(limits.maxMetadataBytes),
      },
    )
  }
}

export function validatePreconditionCount(
  preconditions: readonly Precondition[],
  limits: AuthorizerLimits,
): void {
  if (preconditions.length > limits.maxPreconditionsPerWrite) {
    throw new CardeaError(
      'TOO_MANY_PRECONDITIONS',
      `${preconditions.length} preconditions, more than max-preconditions-per-write allows (${limits.maxPreconditionsPerWrite}).`,
      {
        precondition_count: String(preconditions.length),
        maximum_updates_allowed: String(limits.maxPreconditionsPerWrite),
      },
    )
  }
}

/** A relationship on its own: well-formed, context within its size. */
export function validateRelationship(relationship: Relationship, limits: AuthorizerLimits): void {
  validateObject(relationship.resource)
  if (!isValidRelation(relationship.relation)) {
    throw new CardeaError(
      'INVALID_ARGUMENT',
      `validation error: relation ${JSON.stringify(relationship.relation)} is malformed: expected 3 to 64 of a-z, 0-9 and _.`,
      { field: 'relation' },
    )
  }
  validateSubject(relationship.subject)
  const { caveat, expiresAtMs } = relationship
  if (expiresAtMs !== undefined && !Number.isSafeInteger(expiresAtMs)) {
    throw new CardeaError('INVALID_ARGUMENT', 'validation error: optional_expires_at is not an instant.', {
      field: 'optional_expires_at',
    })
  }
  const bytes = caveat?.context === undefined ? 0 : structBytes(caveat.context)
  if (bytes > limits.maxRelationshipContextBytes) {
    throw new CardeaError(
      'RELATIONSHIP_CONTEXT_TOO_LARGE',
      `The caveat context of ${identityOf(relationship)} has ${bytes} bytes, more than max-relationship-context-bytes allows (${limits.maxRelationshipContextBytes}).`,
      {
        relationship: identityOf(relationship),
        max_allowed_size: String(limits.maxRelationshipContextBytes),
        context_size: String(bytes),
      },
    )
  }
}

/** Filters of preconditions, against the schema. EMPTY_PRECONDITION for one without any field. */
export function validatePreconditions(schema: Schema, preconditions: readonly Precondition[]): void {
  for (const { filter } of preconditions) {
    if (Object.values(filter).every((field) => field === undefined)) {
      throw new CardeaError(
        'EMPTY_PRECONDITION',
        'A precondition has an empty filter: set at least one field.',
      )
    }
    validateFilter(schema, filter)
  }
}

/** Each update names what the schema has and takes a form that the relation allows. */
export function validateUpdates(schema: Schema, updates: readonly RelationshipUpdate[]): void {
  for (const update of updates) validateUpdate(schema, update)
}

function validateUpdate(schema: Schema, { operation, relationship }: RelationshipUpdate): void {
  const { resource, relation: name, subject, caveat } = relationship
  const definition = requireDefinition(schema, resource.type)
  if (definition.permissions.has(name)) {
    throw new CardeaError(
      'CANNOT_UPDATE_PERMISSION',
      `${resource.type}#${name} is a permission; relationships are written on relations only.`,
      { definition_name: resource.type, permission_name: name },
    )
  }
  const relation = definition.relations.get(name)
  if (relation === undefined) {
    throw new CardeaError(
      'UNKNOWN_RELATION_OR_PERMISSION',
      `Definition ${JSON.stringify(resource.type)} has no relation ${JSON.stringify(name)}.${didYouMean(name, definition.relations.keys())}`,
      { definition_name: resource.type, relation_or_permission_name: name },
    )
  }
  requireSubject(schema, subject.type, subject.relation)
  if (caveat !== undefined && !schema.caveats.has(caveat.name)) {
    throw new CardeaError(
      'UNKNOWN_CAVEAT',
      `The schema has no caveat ${JSON.stringify(caveat.name)}.${didYouMean(caveat.name, schema.caveats.keys())}`,
      { caveat_name: caveat.name },
    )
  }
  // Identity alone decides what is deleted, so a delete may leave the traits out.
  const traitsMatter = operation !== 'delete' || caveat !== undefined
  if (!relation.types.some((allowed) => isAllowed(allowed, relationship, traitsMatter))) {
    throw invalidSubjectType(relation, relationship)
  }
  if (operation !== 'delete' && caveat?.context !== undefined) {
    validateContext(schema.caveats.get(caveat.name)!, caveat.context)
  }
}

function isAllowed(
  allowed: AllowedType,
  { subject, caveat, expiresAtMs }: Relationship,
  traitsMatter: boolean,
): boolean {
  return (
    allowed.type === subject.type &&
    allowed.wildcard === (subject.id === wildcardId) &&
    allowed.relation === subject.relation &&
    (!traitsMatter || (allowed.caveat === caveat?.name && allowed.expiration === (expiresAtMs !== undefined)))
  )
}

function invalidSubjectType(relation: Relation, relationship: Relationship): CardeaError {
  const { resource, subject, caveat, expiresAtMs } = relationship
  const written = formatAllowedType({
    type: subject.type,
    relation: subject.relation,
    wildcard: subject.id === wildcardId,
    ...(caveat === undefined ? {} : { caveat: caveat.name }),
    expiration: expiresAtMs !== undefined,
  })
  return new CardeaError(
    'INVALID_SUBJECT_TYPE',
    `${formatRelationship(relationship)}: ${resource.type}#${relation.name} does not allow ${written}; it allows ${relation.types.map(formatAllowedType).join(' | ')}.`,
    { definition_name: resource.type, relation_name: relation.name, subject_type: written },
  )
}
