// Which types of terminal subjects an expression can reach at all.

import type { Expression, Schema } from '../model/schema.ts'

/** Steps left for following the schema; taken from. */
export interface StepBudget {
  steps: number
}

/**
 * The types whose objects may be found behind an expression of a definition: all branches of all operators count, a
 * wildcard counts as its type, subject relations are followed, `self` and `nil` add nothing (reference: schema
 * language, section 5). Undefined when the budget runs out.
 */
export function subjectTypes(
  schema: Schema,
  definitionName: string,
  expression: Expression,
  budget: StepBudget,
): ReadonlySet<string> | undefined {
  const types = new Set<string>()
  const seen = new Map<string, Set<string>>()
  const pending: { readonly definition: string; readonly member: string }[] = []
  const visit = (definition: string, member: string): void => {
    budget.steps--
    const members = seen.get(definition) ?? new Set<string>()
    if (members.has(member)) return
    seen.set(definition, members.add(member))
    pending.push({ definition, member })
  }
  visitExpression(schema, definitionName, expression, visit)
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    if (budget.steps < 0) return undefined
    const definition = schema.definitions.get(next.definition)
    for (const allowed of definition?.relations.get(next.member)?.types ?? []) {
      budget.steps--
      if (allowed.relation === '') types.add(allowed.type)
      else visit(allowed.type, allowed.relation)
    }
    const permission = definition?.permissions.get(next.member)
    if (permission !== undefined) visitExpression(schema, next.definition, permission.expression, visit)
  }
  return types
}

function visitExpression(
  schema: Schema,
  definition: string,
  expression: Expression,
  visit: (definition: string, member: string) => void,
): void {
  switch (expression.kind) {
    case 'reference':
      visit(definition, expression.name)
      return
    case 'arrow': {
      const relation = schema.definitions.get(definition)?.relations.get(expression.relation)
      for (const { type } of relation?.types ?? []) visit(type, expression.target)
      return
    }
    case 'union':
    case 'intersection':
      for (const operand of expression.operands) visitExpression(schema, definition, operand, visit)
      return
    case 'exclusion':
      visitExpression(schema, definition, expression.base, visit)
      visitExpression(schema, definition, expression.subtracted, visit)
      return
    default:
  }
}
