// Reflection of schemas: messages ↔ values.

import type { MessageInitShape } from '@bufbuild/protobuf'
import type { Authorizer, MemberReferences, ReflectSchemaResult } from '../authorizer/authorizer.ts'
import type { AllowedType } from '../model/schema.ts'
import type {
  ReflectionCaveatSchema,
  ReflectionDefinitionSchema,
  ReflectionRelationReferenceSchema,
  ReflectionRelationSchema,
  ReflectionSchemaDiffSchema,
  ReflectionSchemaFilter,
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
