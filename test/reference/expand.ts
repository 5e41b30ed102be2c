// The userset tree of a permission, one level of relations deep, straight from the expression.

import { type ObjectRef, wildcardId } from '../../src/model/reference.ts'
import { isLive } from '../../src/model/relationship.ts'
import type { Expression } from '../../src/model/schema.ts'
import type { ReferenceWorld } from './evaluator.ts'
import type { SaidTree } from './questions.ts'

type World = Pick<ReferenceWorld, 'schema' | 'relationships' | 'nowMs'>

/**
 * A relation is a leaf with all its written subjects, whatever their caveats say; a permission is its expression.
 * Only for data without a cycle over arrows.
 */
export function expandReference(world: World, resource: ObjectRef, name: string): SaidTree {
  const here = { resource: { type: resource.type, id: resource.id }, name }
  const definition = world.schema.definitions.get(resource.type)!
  const rowsOf = (relation: string) =>
    world.relationships.filter(
      (row) =>
        row.resource.type === resource.type &&
        row.resource.id === resource.id &&
        row.relation === relation &&
        isLive(row, world.nowMs),
    )
  const expression = (each: Expression): SaidTree => {
    switch (each.kind) {
      case 'nil':
        return { ...here, kind: 'leaf', subjects: [] }
      case 'self':
        return { ...here, kind: 'leaf', subjects: [{ ...here.resource, relation: '' }] }
      case 'reference':
        return expandReference(world, resource, each.name)
      case 'arrow': {
        const kind = each.quantifier === 'all' ? 'intersection' : 'union'
        const children = rowsOf(each.relation).map(({ subject }): SaidTree => {
          const target = world.schema.definitions.get(subject.type)!
          return target.members.includes(each.target) && subject.id !== wildcardId
            ? expandReference(world, subject, each.target)
            : { ...here, kind: 'leaf', subjects: [] }
        })
        return { ...here, kind, children }
      }
      case 'exclusion':
        return { ...here, kind: 'exclusion', children: [expression(each.base), expression(each.subtracted)] }
      default:
        return { ...here, kind: each.kind, children: each.operands.map(expression) }
    }
  }
  const permission = definition.permissions.get(name)
  if (permission === undefined) {
    return { ...here, kind: 'leaf', subjects: rowsOf(name).map(({ subject }) => subject) }
  }
  const root = expression(permission.expression)
  // A single operand stands under a union of its own.
  const isOperation = ['union', 'intersection', 'exclusion'].includes(permission.expression.kind)
  return isOperation ? root : { ...here, kind: 'union', children: [root] }
}

/** A text that is equal for trees that are equal but for the order of rows. */
export function canonicalTree(tree: SaidTree): string {
  const head = `${tree.resource.type}:${tree.resource.id}#${tree.name} ${tree.kind}`
  if (tree.kind === 'leaf') {
    return `${head} {${tree.subjects.map(({ type, id, relation }) => `${type}:${id}#${relation}`).sort()}}`
  }
  const children = tree.children.map(canonicalTree)
  return `${head} (${tree.kind === 'exclusion' ? children : children.sort()})`
}
