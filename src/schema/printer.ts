// A checked schema back to text, in the one form that ReadSchema answers with.

import { printExpression as printCel } from '../caveats/print-expression.ts'
import {
  type Caveat,
  type Definition,
  type Expression,
  formatAllowedType,
  formatCaveatType,
  type Permission,
  type Relation,
  type Schema,
} from '../model/schema.ts'

/** Longest block comment that stays on one line, between the delimiters. */
const maxSingleLineCommentBytes = 70

const encoder = new TextEncoder()

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/**
 * The schema as text (reference: schema language, section 8): `use` lines that are needed, caveats by name, definitions
 * by name with their members in source order, one blank line between. Partials, imports and type annotations are not
 * in it. Ends without a newline; the empty schema is the empty text. Compiles to an equal schema.
 */
export function printSchema(schema: Schema): string {
  const byName = <Named extends { readonly name: string }>(map: ReadonlyMap<string, Named>): Named[] =>
    [...map.values()].sort((a, b) => compareText(a.name, b.name))
  return [
    ...(usesSelf(schema) ? ['use self'] : []),
    ...(usesExpiration(schema) ? ['use expiration'] : []),
    ...byName(schema.caveats).map(printCaveat),
    ...byName(schema.definitions).map(printDefinition),
  ].join('\n\n')
}

/** One caveat as {@link printSchema} prints it: parameters by name, the expression in its normal form. */
export function printCaveat(caveat: Caveat): string {
  const parameters = [...caveat.parameters]
    .sort(([a], [b]) => compareText(a, b))
    .map(([name, type]) => `${name} ${formatCaveatType(type)}`)
  return [
    ...caveat.comments.map((comment) => printComment(comment, '')),
    `caveat ${caveat.name}(${parameters.join(', ')}) {`,
    ...printCel(caveat.expression)
      .split('\n')
      .map((line) => `\t${line}`),
    '}',
  ].join('\n')
}

/** One definition as {@link printSchema} prints it. */
export function printDefinition(definition: Definition): string {
  const comments = definition.comments.map((comment) => printComment(comment, ''))
  if (definition.members.length === 0) return [...comments, `definition ${definition.name} {}`].join('\n')
  const lines = [...comments, `definition ${definition.name} {`]
  definition.members.forEach((name, index) => {
    const relation = definition.relations.get(name)
    const member = relation ?? definition.permissions.get(name)
    if (member === undefined) return
    if (index > 0 && member.comments.length > 0) lines.push('')
    lines.push(...member.comments.map((comment) => printComment(comment, '\t')))
    lines.push(
      `\t${relation === undefined ? printPermission(member as Permission) : printRelation(relation)}`,
    )
  })
  return [...lines, '}'].join('\n')
}

function printRelation(relation: Relation): string {
  return `relation ${relation.name}: ${relation.types.map(formatAllowedType).join(' | ')}`
}

function printPermission(permission: Permission): string {
  return `permission ${permission.name} = ${printExpression(permission.expression)}`
}

/** An expression as source text, with parentheses only around operands that need them: `+` binds tightest. */
export function printExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'nil':
    case 'self':
      return expression.kind
    case 'reference':
      return expression.name
    case 'arrow':
      return expression.style === 'arrow' && expression.quantifier === 'any'
        ? `${expression.relation}->${expression.target}`
        : `${expression.relation}.${expression.quantifier}(${expression.target})`
    case 'union':
      return expression.operands.map(printOperand).join(' + ')
    case 'intersection':
      return expression.operands.map(printOperand).join(' & ')
    case 'exclusion':
      return `${printOperand(expression.base)} - ${printOperand(expression.subtracted)}`
  }
}

/**
 * An operand of an operator. A union of single operands stands without parentheses, as nothing binds tighter than `+`;
 * every other nested operation gets them, also where precedence would do without.
 */
function printOperand(operand: Expression): string {
  const bare = isSingle(operand) || (operand.kind === 'union' && operand.operands.every(isSingle))
  return bare ? printExpression(operand) : `(${printExpression(operand)})`
}

function isSingle(expression: Expression): boolean {
  return expression.kind !== 'union' && expression.kind !== 'intersection' && expression.kind !== 'exclusion'
}

/**
 * A stored comment in the form that SpiceDB gives back, to the character: one blank behind the opening; block comments
 * that are long or have several lines get a ` * ` before each line, also before empty ones.
 */
function printComment(comment: string, indent: string): string {
  if (comment.startsWith('//')) return `${indent}// ${comment.slice(2).trim()}`
  const open = comment.startsWith('/**') && comment.length > '/**/'.length ? '/**' : '/*'
  const lines = comment
    .slice(open.length, -'*/'.length)
    .trim()
    .split('\n')
    .map((line) => line.trim().replace(/^\*/, '').trim())
  const [first = ''] = lines
  if (lines.length === 1 && encoder.encode(first).length <= maxSingleLineCommentBytes) {
    return `${indent}${open} ${first} */`
  }
  return [`${indent}${open}`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`].join('\n')
}

function usesExpiration(schema: Schema): boolean {
  return anyRelation(schema, (relation) => relation.types.some((type) => type.expiration))
}

function anyRelation(schema: Schema, holds: (relation: Relation) => boolean): boolean {
  return [...schema.definitions.values()].some((definition) => [...definition.relations.values()].some(holds))
}

function usesSelf(schema: Schema): boolean {
  const mentionsSelf = (expression: Expression): boolean => {
    switch (expression.kind) {
      case 'self':
        return true
      case 'union':
      case 'intersection':
        return expression.operands.some(mentionsSelf)
      case 'exclusion':
        return mentionsSelf(expression.base) || mentionsSelf(expression.subtracted)
      default:
        return false
    }
  }
  return [...schema.definitions.values()].some((definition) =>
    [...definition.permissions.values()].some((permission) => mentionsSelf(permission.expression)),
  )
}
