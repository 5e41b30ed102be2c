// References and relationships: messages ↔ values. Patterns are those of the model; presence is looked at here.

import type { MessageInitShape } from '@bufbuild/protobuf'
import {
  isValidCaveatName,
  isValidObjectId,
  isValidRelation,
  isValidType,
  type ObjectRef,
  type SubjectRef,
  wildcardId,
} from '../model/reference.ts'
import type { CaveatRef, Relationship, RelationshipUpdate } from '../model/relationship.ts'
import {
  type ContextualizedCaveat,
  type ObjectReference,
  type ObjectReferenceSchema,
  RelationshipUpdate_Operation as Operation,
  type Relationship as RelationshipMessage,
  type RelationshipSchema,
  type RelationshipUpdate as RelationshipUpdateMessage,
  type RelationshipUpdateSchema,
  type SubjectReference,
  type SubjectReferenceSchema,
} from './gen/authzed/api/v1/core_pb.ts'
import { instantFromWire, instantToWire } from './instant.ts'
import { InvalidField, malformedField, missingField } from './invalid-field.ts'
import { jsonToWire } from './json-values.ts'

export const typeRule =
  '3 to 64 of a-z, 0-9 and _ per segment, starting with a letter, segments separated by /, at most 128 bytes'
export const relationRule = '3 to 64 of a-z, 0-9 and _, starting with a letter'
export const idRule = '1 to 1024 of a-z, A-Z, 0-9 and / _ | - = +'
const caveatRule = '1 to 128 of a-z, A-Z, 0-9 and / _ | -'

/** One object; the wildcard is refused. */
export function objectFromWire(message: ObjectReference | undefined, path: string): ObjectRef {
  if (message === undefined) throw missingField(path)
  const { objectType: type, objectId: id } = message
  if (!isValidType(type)) throw malformedField(`${path}.object_type`, type, typeRule)
  if (!isValidObjectId(id)) {
    throw id === wildcardId
      ? new InvalidField(`${path}.object_id`, 'cannot be the wildcard *; name one object')
      : malformedField(`${path}.object_id`, id, idRule)
  }
  return { type, id }
}

/** An object, a userset, or the wildcard without a relation. */
export function subjectFromWire(message: SubjectReference | undefined, path: string): SubjectRef {
  if (message === undefined) throw missingField(path)
  const { object, optionalRelation: relation } = message
  if (object === undefined) throw missingField(`${path}.object`)
  if (relation !== '' && !isValidRelation(relation))
    throw malformedField(`${path}.optional_relation`, relation, relationRule)
  if (object.objectId === wildcardId) {
    if (relation !== '') throw new InvalidField(`${path}.optional_relation`, 'must be empty for a wildcard')
    if (!isValidType(object.objectType))
      throw malformedField(`${path}.object.object_type`, object.objectType, typeRule)
    return { type: object.objectType, id: wildcardId, relation: '' }
  }
  const { type, id } = objectFromWire(object, `${path}.object`)
  return { type, id, relation }
}

/** The name of a definition. */
export function typeFromWire(type: string, path: string): string {
  if (!isValidType(type)) throw malformedField(path, type, typeRule)
  return type
}

/** The name of a relation or permission; empty is let through, for the schema to refuse. */
export function nameFromWire(name: string, path: string): string {
  if (name !== '' && !isValidRelation(name)) throw malformedField(path, name, relationRule)
  return name
}

function caveatFromWire(message: ContextualizedCaveat, path: string): CaveatRef {
  const { caveatName: name, context } = message
  if (!isValidCaveatName(name)) throw malformedField(`${path}.caveat_name`, name, caveatRule)
  return context === undefined || Object.keys(context).length === 0 ? { name } : { name, context }
}

export function relationshipFromWire(message: RelationshipMessage | undefined, path: string): Relationship {
  if (message === undefined) throw missingField(path === '' ? 'relationship' : path)
  const within = path === '' ? '' : `${path}.`
  const { relation, optionalCaveat, optionalExpiresAt } = message
  if (!isValidRelation(relation)) throw malformedField(`${within}relation`, relation, relationRule)
  return {
    resource: objectFromWire(message.resource, `${within}resource`),
    relation,
    subject: subjectFromWire(message.subject, `${within}subject`),
    ...(optionalCaveat && { caveat: caveatFromWire(optionalCaveat, `${within}optional_caveat`) }),
    ...(optionalExpiresAt && {
      expiresAtMs: instantFromWire(optionalExpiresAt, `${within}optional_expires_at`),
    }),
  }
}

const operations = {
  [Operation.CREATE]: 'create',
  [Operation.TOUCH]: 'touch',
  [Operation.DELETE]: 'delete',
} as const

export function updateFromWire(message: RelationshipUpdateMessage): RelationshipUpdate {
  const operation = operations[message.operation as keyof typeof operations]
  if (operation === undefined)
    throw new InvalidField('operation', 'must be OPERATION_CREATE, OPERATION_TOUCH or OPERATION_DELETE')
  return { operation, relationship: relationshipFromWire(message.relationship, 'relationship') }
}

export function objectToWire(object: ObjectRef): MessageInitShape<typeof ObjectReferenceSchema> {
  return { objectType: object.type, objectId: object.id }
}

export function subjectToWire(subject: SubjectRef): MessageInitShape<typeof SubjectReferenceSchema> {
  return {
    object: { objectType: subject.type, objectId: subject.id },
    optionalRelation: subject.relation,
  }
}

export function relationshipToWire(relationship: Relationship): MessageInitShape<typeof RelationshipSchema> {
  const { resource, relation, subject, caveat, expiresAtMs } = relationship
  return {
    resource: objectToWire(resource),
    relation,
    subject: subjectToWire(subject),
    optionalCaveat: caveat && { caveatName: caveat.name, context: jsonToWire(caveat.context) },
    optionalExpiresAt: expiresAtMs === undefined ? undefined : instantToWire(expiresAtMs),
  }
}

const operationNumbers = {
  create: Operation.CREATE,
  touch: Operation.TOUCH,
  delete: Operation.DELETE,
} as const

export function updateToWire(update: RelationshipUpdate): MessageInitShape<typeof RelationshipUpdateSchema> {
  return {
    operation: operationNumbers[update.operation],
    relationship: relationshipToWire(update.relationship),
  }
}
