// The schema as plain data that names its own parts: what ReflectSchema and DiffSchema answer with.

import { printExpression } from '../caveats/print-expression.ts'
import {
  type AllowedType,
  type Caveat,
  type Definition,
  formatCaveatType,
  type Permission,
  type Relation,
} from '../model/schema.ts'

/** Comments are the stored ones, delimiters included, joined by newlines; the empty string when there are none. */
export interface ReflectedDefinition {
  readonly name: string
  readonly comment: string
  /** In source order. */
  readonly relations: readonly ReflectedRelation[]
  /** In source order. */
  readonly permissions: readonly ReflectedPermission[]
}

export interface ReflectedRelation {
  readonly name: string
  readonly comment: string
  readonly parentDefinitionName: string
  /** In source order. */
  readonly subjectTypes: readonly AllowedType[]
}

export interface ReflectedPermission {
  readonly name: string
  readonly comment: string
  readonly parentDefinitionName: string
}

export interface ReflectedCaveat {
  readonly name: string
  readonly comment: string
  /** By name. */
  readonly parameters: readonly ReflectedParameter[]
  /** In its normal form: spacing and quotes as printed, comments left out. */
  readonly expression: string
}

export interface ReflectedParameter {
  readonly name: string
  /** As in the source: `list<string>`. */
  readonly type: string
  readonly parentCaveatName: string
}

export function joinComments(comments: readonly string[]): string {
  return comments.join('\n')
}

export function reflectDefinition(definition: Definition): ReflectedDefinition {
  const inOrder = <Member>(members: ReadonlyMap<string, Member>): Member[] =>
    definition.members.flatMap((name) => members.get(name) ?? [])
  return {
    name: definition.name,
    comment: joinComments(definition.comments),
    relations: inOrder(definition.relations).map((relation) => reflectRelation(definition.name, relation)),
    permissions: inOrder(definition.permissions).map((permission) =>
      reflectPermission(definition.name, permission),
    ),
  }
}

export function reflectRelation(definitionName: string, relation: Relation): ReflectedRelation {
  return {
    name: relation.name,
    comment: joinComments(relation.comments),
    parentDefinitionName: definitionName,
    subjectTypes: relation.types,
  }
}

export function reflectPermission(definitionName: string, permission: Permission): ReflectedPermission {
  return {
    name: permission.name,
    comment: joinComments(permission.comments),
    parentDefinitionName: definitionName,
  }
}

export function reflectCaveat(caveat: Caveat): ReflectedCaveat {
  return {
    name: caveat.name,
    comment: joinComments(caveat.comments),
    parameters: [...caveat.parameters.keys()].sort().map((name) => reflectParameter(caveat, name)),
    expression: printExpression(caveat.expression),
  }
}

/** @param name a parameter of the caveat */
export function reflectParameter(caveat: Caveat, name: string): ReflectedParameter {
  const type = caveat.parameters.get(name)
  return { name, type: type === undefined ? '' : formatCaveatType(type), parentCaveatName: caveat.name }
}
