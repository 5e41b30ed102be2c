// What depends on what between relations and permissions: ComputablePermissions and DependentRelations.

import { CardeaError } from '../model/errors.ts'
import type { Definition, Expression, Schema } from '../model/schema.ts'
import { memberKey } from './member-key.ts'

/** A relation or permission, named. */
export interface MemberReference {
  readonly definitionName: string
  readonly relationName: string
  readonly isPermission: boolean
}

/**
 * Relations and permissions of any definition whose answer a relation can affect: through expressions, arrows, or as a
 * subject type, transitively; itself left out (reference: schema language, section 9). Sorted by definition, then name.
 *
 * @param relationName relation or permission; empty: the definition as a plain subject
 * @param definitionPrefix only members of definitions whose name starts so
 * @throws UNKNOWN_DEFINITION, UNKNOWN_RELATION_OR_PERMISSION
 */
export function computablePermissions(
  schema: Schema,
  definitionName: string,
  relationName: string,
  definitionPrefix = '',
): readonly MemberReference[] {
  const definition = findDefinition(schema, definitionName)
  if (relationName !== '') findMember(definition, relationName)
  const dependents = new Map<string, MemberNode[]>()
  forEachDependency(schema, (dependent, dependency) => {
    const key = memberKey(dependency.definition, dependency.member)
    const list = dependents.get(key)
    if (list === undefined) dependents.set(key, [dependent])
    else list.push(dependent)
  })
  return reachable(
    schema,
    { definition: definitionName, member: relationName },
    (node) => dependents.get(memberKey(node.definition, node.member)) ?? [],
  ).filter((reference) => reference.definitionName.startsWith(definitionPrefix))
}

/**
 * Relations and permissions of any definition that are visited to compute a permission, transitively over arrows and
 * subject relations; itself left out. Sorted by definition, then name.
 *
 * @throws UNKNOWN_DEFINITION, UNKNOWN_RELATION_OR_PERMISSION; NOT_A_PERMISSION for a relation
 */
export function dependentRelations(
  schema: Schema,
  definitionName: string,
  permissionName: string,
): readonly MemberReference[] {
  const definition = findDefinition(schema, definitionName)
  findMember(definition, permissionName)
  if (definition.relations.has(permissionName)) {
    throw new CardeaError(
      'NOT_A_PERMISSION',
      `\`${definitionName}#${permissionName}\` is a relation; only permissions are computed from others.`,
      { definition_name: definitionName, relationName: permissionName },
    )
  }
  const dependencies = new Map<string, MemberNode[]>()
  forEachDependency(schema, (dependent, dependency) => {
    const key = memberKey(dependent.definition, dependent.member)
    const list = dependencies.get(key)
    if (list === undefined) dependencies.set(key, [dependency])
    else list.push(dependency)
  })
  return reachable(
    schema,
    { definition: definitionName, member: permissionName },
    (node) => dependencies.get(memberKey(node.definition, node.member)) ?? [],
  )
}

/** A member, or a definition as a plain subject when `member` is empty. */
export interface MemberNode {
  readonly definition: string
  readonly member: string
}

function reachable(
  schema: Schema,
  start: MemberNode,
  next: (node: MemberNode) => readonly MemberNode[],
): readonly MemberReference[] {
  const seen = new Map([[memberKey(start.definition, start.member), start]])
  for (const node of seen.values()) {
    for (const other of next(node))
      if (!seen.has(memberKey(other.definition, other.member)))
        seen.set(memberKey(other.definition, other.member), other)
  }
  seen.delete(memberKey(start.definition, start.member))
  const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
  return [...seen.values()]
    .filter(({ member }) => member !== '')
    .map(({ definition, member }) => ({
      definitionName: definition,
      relationName: member,
      isPermission: schema.definitions.get(definition)?.permissions.has(member) ?? false,
    }))
    .sort(
      (a, b) =>
        compareText(a.definitionName, b.definitionName) || compareText(a.relationName, b.relationName),
    )
}

/**
 * Calls back with every pair of a member and something its answer is made of: what its expression names, what its
 * arrows lead to, and its subject types (as members, or as plain subjects with an empty name).
 */
export function forEachDependency(
  schema: Schema,
  found: (dependent: MemberNode, dependency: MemberNode) => void,
): void {
  for (const definition of schema.definitions.values()) {
    for (const relation of definition.relations.values()) {
      const dependent = { definition: definition.name, member: relation.name }
      for (const { type, relation: member } of relation.types) found(dependent, { definition: type, member })
    }
    for (const permission of definition.permissions.values()) {
      const dependent = { definition: definition.name, member: permission.name }
      forEachOperand(schema, definition, permission.expression, (dependency) => found(dependent, dependency))
    }
  }
}

function forEachOperand(
  schema: Schema,
  definition: Definition,
  expression: Expression,
  found: (dependency: MemberNode) => void,
): void {
  switch (expression.kind) {
    case 'nil':
      return
    case 'self':
      found({ definition: definition.name, member: '' })
      return
    case 'reference':
      found({ definition: definition.name, member: expression.name })
      return
    case 'arrow':
      found({ definition: definition.name, member: expression.relation })
      for (const { type } of definition.relations.get(expression.relation)?.types ?? []) {
        const target = schema.definitions.get(type)
        if (target?.relations.has(expression.target) || target?.permissions.has(expression.target)) {
          found({ definition: type, member: expression.target })
        }
      }
      return
    case 'exclusion':
      forEachOperand(schema, definition, expression.base, found)
      forEachOperand(schema, definition, expression.subtracted, found)
      return
    default:
      for (const operand of expression.operands) forEachOperand(schema, definition, operand, found)
  }
}

function findDefinition(schema: Schema, name: string): Definition {
  const definition = schema.definitions.get(name)
  if (definition === undefined) {
    throw new CardeaError('UNKNOWN_DEFINITION', `There is no definition \`${name}\`.`, {
      definition_name: name,
    })
  }
  return definition
}

function findMember(definition: Definition, name: string): void {
  if (definition.relations.has(name) || definition.permissions.has(name)) return
  throw new CardeaError(
    'UNKNOWN_RELATION_OR_PERMISSION',
    `\`${definition.name}\` has no relation or permission \`${name}\`.`,
    { definition_name: definition.name, relation_or_permission_name: name },
  )
}
