// Gives every subtracted expression a permission of its own, so that each exclusion subtracts a named node.

import type { Definition, Expression, Permission, Schema } from '../../src/model/schema.ts'

/**
 * The same schema, with hidden permissions for the right sides of exclusions: naming a subexpression must never
 * change an answer, so the judge starts by naming them all. Hidden names hold a `-`, which no name of a schema can.
 */
export function nameSubtracted(schema: Schema): Schema {
  const definitions = new Map([...schema.definitions].map(([name, each]) => [name, nameInDefinition(each)]))
  return { ...schema, definitions }
}

function nameInDefinition(definition: Definition): Definition {
  const permissions = new Map<string, Permission>()
  const visit = (expression: Expression, owner: string): Expression => {
    switch (expression.kind) {
      case 'union':
      case 'intersection':
        return { ...expression, operands: expression.operands.map((each) => visit(each, owner)) }
      case 'exclusion': {
        const base = visit(expression.base, owner)
        const subtracted = visit(expression.subtracted, owner)
        if (subtracted.kind === 'reference') return { kind: 'exclusion', base, subtracted }
        const name = `${owner}-${permissions.size}`
        permissions.set(name, { name, comments: [], expression: subtracted })
        return { kind: 'exclusion', base, subtracted: { kind: 'reference', name } }
      }
      default:
        return expression
    }
  }
  for (const permission of definition.permissions.values()) {
    const expression = visit(permission.expression, permission.name)
    permissions.set(permission.name, { ...permission, expression })
  }
  return { ...definition, permissions }
}
