// Reflection of schemas: messages ↔ values.

import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Authorizer, MemberReferences, ReflectSchemaResult } from '../authorizer/authorizer.ts'
import { CardeaError } from '../model/errors.ts'
import type { AllowedType } from '../model/schema.ts'
import type {
  ReflectionCaveat,
  ReflectionCaveatSchema,
  ReflectionDefinition,
  ReflectionDefinitionSchema,
  ReflectionRelation,
  ReflectionRelationReferenceSchema,
  ReflectionRelationSchema,
  ReflectionSchemaDiff,
  ReflectionSchemaDiffSchema,
  ReflectionSchemaFilter,
  ReflectionTypeReference,
  ReflectionTypeReferenceSchema,
} from './gen/authzed/api/v1/schema_service_pb.ts'

type ReflectedDefinition = ReflectSchemaResult['definitions'][number]
type ReflectedRelation = ReflectedDefinition['relations'][number]
type ReflectedCaveat = ReflectSchemaResult['caveats'][number]
type SchemaDifference = Awaited<ReturnType<Authorizer['diffSchema']>>['differences'][number]
type Filter = NonNullable<Parameters<Authorizer['reflectSchema']>[0]>[number]

/** Empty texts do not filter. */
export function reflectionFilterFromWire(message: Omit<ReflectionSchemaFilter, '$typeName'>): Filter {
  return {
    definitionName: message.optionalDefinitionNameFilter,
    caveatName: message.optionalCaveatNameFilter,
    relationName: message.optionalRelationNameFilter,
    permissionName: message.optionalPermissionNameFilter,
  }
}

export function reflectionFilterToWire(filter: Filter): Omit<ReflectionSchemaFilter, '$typeName'> {
  return {
    optionalDefinitionNameFilter: filter.definitionName ?? '',
    optionalCaveatNameFilter: filter.caveatName ?? '',
    optionalRelationNameFilter: filter.relationName ?? '',
    optionalPermissionNameFilter: filter.permissionName ?? '',
  }
}

export function definitionToWire(
  definition: ReflectedDefinition,
): MessageInitShape<typeof ReflectionDefinitionSchema> {
  const { name, comment, relations, permissions } = definition
  return { name, comment, relations: relations.map(relationToWire), permissions: [...permissions] }
}

function relationToWire(relation: ReflectedRelation): MessageInitShape<typeof ReflectionRelationSchema> {
  const { name, comment, parentDefinitionName, subjectTypes } = relation
  return { name, comment, parentDefinitionName, subjectTypes: subjectTypes.map(typeReferenceToWire) }
}

function typeReferenceToWire(type: AllowedType): MessageInitShape<typeof ReflectionTypeReferenceSchema> {
  return {
    subjectDefinitionName: type.type,
    optionalCaveatName: type.caveat ?? '',
    typeref: type.wildcard
      ? { case: 'isPublicWildcard', value: true }
      : type.relation === ''
        ? { case: 'isTerminalSubject', value: true }
        : { case: 'optionalRelationName', value: type.relation },
  }
}

export function caveatToWire(caveat: ReflectedCaveat): MessageInitShape<typeof ReflectionCaveatSchema> {
  return { ...caveat, parameters: [...caveat.parameters] }
}

export function referenceToWire(
  reference: MemberReferences['references'][number],
): MessageInitShape<typeof ReflectionRelationReferenceSchema> {
  return reference
}

/** `definition_added` is the arm `definitionAdded`. */
function armOf<Kind extends string>(kind: Kind) {
  return kind.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()) as CamelCase<Kind>
}

type CamelCase<Kind extends string> = Kind extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Kind

type Diff = MessageInitShape<typeof ReflectionSchemaDiffSchema>

/** One difference. The arms of the message are named like the kinds of differences. */
export function differenceToWire(difference: SchemaDifference): Diff {
  return { diff: { case: armOf(difference.kind), value: elementToWire(difference) } } as Diff
}

function elementToWire(difference: SchemaDifference) {
  if ('definition' in difference) return definitionToWire(difference.definition)
  if ('subjectType' in difference)
    return {
      relation: relationToWire(difference.relation),
      changedSubjectType: typeReferenceToWire(difference.subjectType),
    }
  if ('relation' in difference) return relationToWire(difference.relation)
  if ('permission' in difference) return difference.permission
  if ('caveat' in difference) return caveatToWire(difference.caveat)
  if ('previousType' in difference)
    return { parameter: difference.parameter, previousType: difference.previousType }
  return difference.parameter
}

export function definitionFromWire(message: ReflectionDefinition): ReflectedDefinition {
  const { name, comment, relations, permissions } = message
  return {
    name,
    comment,
    relations: relations.map(relationFromWire),
    permissions: permissions.map(withoutTypeName),
  }
}

function relationFromWire(message: ReflectionRelation): ReflectedRelation {
  const { name, comment, parentDefinitionName, subjectTypes } = message
  return { name, comment, parentDefinitionName, subjectTypes: subjectTypes.map(typeReferenceFromWire) }
}

/** The wire does not tell whether rows of a form must have an expiry; it reads as no. */
function typeReferenceFromWire(message: ReflectionTypeReference): AllowedType {
  const { subjectDefinitionName: type, optionalCaveatName: caveat, typeref } = message
  return {
    type,
    relation: typeref.case === 'optionalRelationName' ? typeref.value : '',
    wildcard: typeref.case === 'isPublicWildcard',
    ...(caveat !== '' && { caveat }),
    expiration: false,
  }
}

export function caveatFromWire(message: ReflectionCaveat): ReflectedCaveat {
  const { name, comment, parameters, expression } = message
  return { name, comment, parameters: parameters.map(withoutTypeName), expression }
}

function withoutTypeName<Message extends { $typeName: string }>(
  message: Message,
): Omit<Message, '$typeName'> {
  const { $typeName, ...fields } = message
  return fields
}

/** INTERNAL for a kind of difference that this version does not know. */
export function differenceFromWire(message: ReflectionSchemaDiff): SchemaDifference {
  const { diff } = message
  if (diff.case === undefined)
    throw new CardeaError('INTERNAL', 'The server sent an unknown kind of difference.')
  const kind = diff.case.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  return { kind, ...elementFromWire(diff) } as SchemaDifference
}

function elementFromWire({ value }: Extract<ReflectionSchemaDiff['diff'], { value: object }>) {
  switch (value.$typeName) {
    case 'authzed.api.v1.ReflectionDefinition':
      return { definition: definitionFromWire(value) }
    case 'authzed.api.v1.ReflectionRelation':
      return { relation: relationFromWire(value) }
    case 'authzed.api.v1.ReflectionRelationSubjectTypeChange':
      return {
        relation: relationFromWire(value.relation!),
        subjectType: typeReferenceFromWire(value.changedSubjectType!),
      }
    case 'authzed.api.v1.ReflectionPermission':
      return { permission: withoutTypeName(value) }
    case 'authzed.api.v1.ReflectionCaveat':
      return { caveat: caveatFromWire(value) }
    case 'authzed.api.v1.ReflectionCaveatParameter':
      return { parameter: withoutTypeName(value) }
    case 'authzed.api.v1.ReflectionCaveatParameterTypeChange':
      return { parameter: withoutTypeName(value.parameter!), previousType: value.previousType }
  }
}
