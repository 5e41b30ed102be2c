// Filters and preconditions: messages ↔ values. A field that is the empty text is not set.

import type { MessageInitShape } from '@bufbuild/protobuf'
import { CardeaError } from '../model/errors.ts'
import type { Precondition, RelationshipFilter, SubjectFilter } from '../model/filter.ts'
import { isValidObjectId, isValidRelation, isValidType, wildcardId } from '../model/reference.ts'
import {
  Precondition_Operation as Operation,
  type Precondition as PreconditionMessage,
  type PreconditionSchema,
  type RelationshipFilter as RelationshipFilterMessage,
  type RelationshipFilterSchema,
  type SubjectFilter as SubjectFilterMessage,
} from './gen/authzed/api/v1/permission_service_pb.ts'
import { InvalidField, malformedField, missingField } from './invalid-field.ts'
import { idRule, relationRule, typeRule } from './relationships.ts'

/** Each text is well-formed or empty. Whether the filter is empty, and names what exists, is the authorizer's matter. */
export function filterFromWire(
  message: RelationshipFilterMessage | undefined,
  path: string,
): RelationshipFilter {
  if (message === undefined) throw missingField(path)
  const {
    resourceType,
    optionalResourceId,
    optionalResourceIdPrefix,
    optionalRelation,
    optionalSubjectFilter,
  } = message
  if (resourceType !== '' && !isValidType(resourceType))
    throw malformedField(`${path}.resource_type`, resourceType, typeRule)
  if (optionalRelation !== '' && !isValidRelation(optionalRelation))
    throw malformedField(`${path}.optional_relation`, optionalRelation, relationRule)
  requireId(optionalResourceId, `${path}.optional_resource_id`)
  requireId(optionalResourceIdPrefix, `${path}.optional_resource_id_prefix`)
  return {
    ...(resourceType !== '' && { resourceType }),
    ...(optionalResourceId !== '' && { resourceId: optionalResourceId }),
    ...(optionalResourceIdPrefix !== '' && { resourceIdPrefix: optionalResourceIdPrefix }),
    ...(optionalRelation !== '' && { relation: optionalRelation }),
    ...(optionalSubjectFilter && {
      subject: subjectFilterFromWire(optionalSubjectFilter, `${path}.optional_subject_filter`),
    }),
  }
}

function requireId(id: string, path: string): void {
  if (id === '' || isValidObjectId(id)) return
  throw id === wildcardId
    ? new InvalidField(path, 'cannot be the wildcard *; leave it out to match every resource')
    : malformedField(path, id, idRule)
}

function subjectFilterFromWire(message: SubjectFilterMessage, path: string): SubjectFilter {
  const { subjectType: type, optionalSubjectId: id, optionalRelation } = message
  if (!isValidType(type)) throw malformedField(`${path}.subject_type`, type, typeRule)
  const relation = optionalRelation?.relation
  if (relation !== undefined && relation !== '' && !isValidRelation(relation))
    throw malformedField(`${path}.optional_relation.relation`, relation, relationRule)
  if (id === wildcardId) {
    if (relation !== undefined && relation !== '')
      throw new InvalidField(`${path}.optional_relation`, 'must be empty or unset for the wildcard')
  } else requireId(id, `${path}.optional_subject_id`)
  return {
    type,
    ...(id !== '' && { id }),
    ...(relation !== undefined && { relation }),
  }
}

export function filterToWire(filter: RelationshipFilter): MessageInitShape<typeof RelationshipFilterSchema> {
  const { resourceType, resourceId, resourceIdPrefix, relation, subject } = filter
  return {
    resourceType: resourceType ?? '',
    optionalResourceId: resourceId ?? '',
    optionalResourceIdPrefix: resourceIdPrefix ?? '',
    optionalRelation: relation ?? '',
    optionalSubjectFilter: subject && {
      subjectType: subject.type,
      optionalSubjectId: subject.id ?? '',
      optionalRelation: subject.relation === undefined ? undefined : { relation: subject.relation },
    },
  }
}

const operations = {
  [Operation.MUST_MATCH]: 'must_match',
  [Operation.MUST_NOT_MATCH]: 'must_not_match',
} as const

/** EMPTY_PRECONDITION for one whose filter says nothing. */
export function preconditionFromWire(message: PreconditionMessage): Precondition {
  const operation = operations[message.operation as keyof typeof operations]
  if (operation === undefined)
    throw new InvalidField('operation', 'must be OPERATION_MUST_MATCH or OPERATION_MUST_NOT_MATCH')
  const filter = filterFromWire(message.filter, 'filter')
  if (Object.keys(filter).length === 0)
    throw new CardeaError('EMPTY_PRECONDITION', 'A precondition has an empty filter: set at least one field.')
  return { operation, filter }
}

export function preconditionToWire(precondition: Precondition): MessageInitShape<typeof PreconditionSchema> {
  const must = precondition.operation === 'must_match'
  return {
    operation: must ? Operation.MUST_MATCH : Operation.MUST_NOT_MATCH,
    filter: filterToWire(precondition.filter),
  }
}
