// The same schema without anything that takes away: to tell a "no" by an operator from a "no" for want of a path.

import type { Expression, Schema } from '../../src/model/schema.ts'

/** What to relax: subtraction keeps its base; `&` becomes `+`, `.all` becomes `.any`. */
export interface Relaxation {
  readonly exclusion: boolean
  readonly intersection: boolean
}

export function relax(schema: Schema, relaxation: Relaxation): Schema {
  const visit = (expression: Expression): Expression => {
    switch (expression.kind) {
      case 'exclusion':
        return relaxation.exclusion
          ? visit(expression.base)
          : { ...expression, base: visit(expression.base), subtracted: expression.subtracted }
      case 'intersection':
        return {
          kind: relaxation.intersection ? 'union' : 'intersection',
          operands: expression.operands.map(visit),
        }
      case 'union':
        return { ...expression, operands: expression.operands.map(visit) }
      case 'arrow':
        return relaxation.intersection ? { ...expression, quantifier: 'any' } : expression
      default:
        return expression
    }
  }
  const definitions = new Map(
    [...schema.definitions].map(([type, definition]) => {
      const permissions = new Map(
        [...definition.permissions].map(([name, permission]) => [
          name,
          { ...permission, expression: visit(permission.expression) },
        ]),
      )
      return [type, { ...definition, permissions }]
    }),
  )
  return { ...schema, definitions }
}
