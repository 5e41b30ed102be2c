// Writes a schema as text, for the systems under test to read.

import {
  type Caveat,
  type Definition,
  type Expression,
  formatAllowedType,
  formatCaveatType,
  type Schema,
} from '../../src/model/schema.ts'

/** `parentheses`: `all` around every nested operation, `needed` where precedence asks for them. */
export type Parentheses = 'all' | 'needed'

/** The text of a schema: uses, caveats, definitions, in the order of the maps. */
export function printSchema(
  schema: Pick<Schema, 'caveats' | 'definitions' | 'uses'>,
  parentheses: Parentheses = 'all',
): string {
  return [
    ...[...schema.uses].sort().map((flag) => `use ${flag}\n`),
    ...[...schema.caveats.values()].map(printCaveat),
    ...[...schema.definitions.values()].map((definition) => printDefinition(definition, parentheses)),
  ].join('\n')
}

function printCaveat(caveat: Caveat): string {
  const parameters = [...caveat.parameters].map(([name, type]) => `${name} ${formatCaveatType(type)}`)
  return `caveat ${caveat.name}(${parameters.join(', ')}) {\n\t${caveat.expression}\n}\n`
}

function printDefinition(definition: Definition, parentheses: Parentheses): string {
  const lines = definition.members.map((name) => {
    const relation = definition.relations.get(name)
    if (relation !== undefined)
      return `\trelation ${name}: ${relation.types.map(formatAllowedType).join(' | ')}\n`
    const { expression } = definition.permissions.get(name)!
    return `\tpermission ${name} = ${printExpression(expression, parentheses)}\n`
  })
  return `definition ${definition.name} {\n${lines.join('')}}\n`
}

/** How tightly an operator binds: `+` tighter than `&`, `&` tighter than `-`. */
const binding = { exclusion: 1, intersection: 2, union: 3 }

/** The source form of an expression. */
export function printExpression(expression: Expression, parentheses: Parentheses = 'all'): string {
  switch (expression.kind) {
    case 'nil':
    case 'self':
      return expression.kind
    case 'reference':
      return expression.name
    case 'arrow': {
      const { relation, target, quantifier, style } = expression
      return style === 'arrow' ? `${relation}->${target}` : `${relation}.${quantifier}(${target})`
    }
    case 'union':
      return expression.operands.map((each) => nested(each, 4, parentheses)).join(' + ')
    case 'intersection':
      return expression.operands.map((each) => nested(each, 3, parentheses)).join(' & ')
    case 'exclusion': {
      const base = nested(expression.base, 1, parentheses)
      return `${base} - ${nested(expression.subtracted, 2, parentheses)}`
    }
  }
}

function nested(expression: Expression, weakest: number, parentheses: Parentheses): string {
  const text = printExpression(expression, parentheses)
  if (expression.kind !== 'union' && expression.kind !== 'intersection' && expression.kind !== 'exclusion') {
    return text
  }
  return parentheses === 'all' || binding[expression.kind] < weakest ? `(${text})` : text
}
