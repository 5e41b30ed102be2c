// Walks that several lint rules share.

import type { DeclaredDefinition, DeclaredMember } from './declarations.ts'
import type { LintContext } from './lint-rule.ts'
import type { ExpressionNode, PermissionNode, RelationNode } from './syntax-tree.ts'

/** A permission with where it is. */
export interface LintedPermission {
  readonly definition: DeclaredDefinition
  readonly definitionName: string
  readonly member: DeclaredMember
  readonly node: PermissionNode & { readonly expression: ExpressionNode }
  /** definition_name and relation_name. */
  readonly facts: { readonly [name: string]: string }
}

/** A relation with where it is. */
export interface LintedRelation {
  readonly definition: DeclaredDefinition
  readonly definitionName: string
  readonly member: DeclaredMember
  readonly node: RelationNode
  readonly facts: { readonly [name: string]: string }
}

export function* permissionsOf({ declarations }: LintContext): Generator<LintedPermission> {
  for (const [definitionName, definition] of declarations.definitions) {
    for (const member of definition.members) {
      const { node } = member
      if (node.kind !== 'permission' || node.expression === undefined) continue
      const facts = { definition_name: definitionName, relation_name: node.name.text }
      yield { definition, definitionName, member, node: { ...node, expression: node.expression }, facts }
    }
  }
}

export function* relationsOf({ declarations }: LintContext): Generator<LintedRelation> {
  for (const [definitionName, definition] of declarations.definitions) {
    for (const member of definition.members) {
      const { node } = member
      if (node.kind !== 'relation') continue
      const facts = { definition_name: definitionName, relation_name: node.name.text }
      yield { definition, definitionName, member, node, facts }
    }
  }
}

/** The expression and every expression inside it. */
export function* expressionsOf(node: ExpressionNode): Generator<ExpressionNode> {
  yield node
  if (node.kind === 'union' || node.kind === 'intersection') {
    for (const operand of node.operands) yield* expressionsOf(operand)
  } else if (node.kind === 'exclusion') {
    yield* expressionsOf(node.base)
    yield* expressionsOf(node.subtracted)
  }
}

export type ArrowNode = Extract<ExpressionNode, { kind: 'arrow' }>

/** Every arrow inside an expression. */
export function* arrowsOf(node: ExpressionNode): Generator<ArrowNode> {
  for (const inner of expressionsOf(node)) if (inner.kind === 'arrow') yield inner
}
