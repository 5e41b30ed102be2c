// Permission expressions: `+` binds tightest, then `&`, then `-`; arrows and parentheses inside.

import { schemaLimits } from './limits.ts'
import { quoteName } from './problem.ts'
import type { Span } from './source-text.ts'
import type { ExpressionNode } from './syntax-tree.ts'
import type { TokenCursor } from './token-cursor.ts'

/** Reads one expression up to what cannot continue it (reference: schema language, section 2, precedence trap). */
export function parseExpression(cursor: TokenCursor): ExpressionNode {
  return parseExclusion(cursor, 0)
}

function parseExclusion(cursor: TokenCursor, parentheses: number): ExpressionNode {
  let base = parseOperands(cursor, '&', parentheses)
  while (cursor.tryTake('-') !== undefined) {
    const subtracted = parseOperands(cursor, '&', parentheses)
    const height = heightOver(cursor, [base, subtracted])
    base = {
      kind: 'exclusion',
      base,
      subtracted,
      start: base.start,
      end: subtracted.end,
      height,
      parenthesized: false,
    }
  }
  return base
}

/** `a & b & c` with unions as operands, or `a + b + c` with single operands. */
function parseOperands(cursor: TokenCursor, operator: '&' | '+', parentheses: number): ExpressionNode {
  const operand = () =>
    operator === '&' ? parseOperands(cursor, '+', parentheses) : parseOperand(cursor, parentheses)
  const first = operand()
  if (!cursor.at(operator)) return first
  const operands = [first]
  while (cursor.tryTake(operator) !== undefined) operands.push(operand())
  return {
    kind: operator === '&' ? 'intersection' : 'union',
    operands,
    start: first.start,
    end: cursor.previousEnd,
    height: heightOver(cursor, operands),
    parenthesized: false,
  }
}

function heightOver(cursor: TokenCursor, children: readonly ExpressionNode[]): number {
  const height = 1 + children.reduce((tallest, child) => Math.max(tallest, child.height), 0)
  if (height > schemaLimits.maxNesting) failNesting(cursor)
  return height
}

function failNesting(cursor: TokenCursor): never {
  const cure = 'split it into several permissions, or subtract a union: `a - (b + c)`'
  return cursor.fail(
    'nesting-too-deep',
    `The expression is nested more than ${schemaLimits.maxNesting} deep; ${cure}.`,
  )
}

function parseOperand(cursor: TokenCursor, parentheses: number): ExpressionNode {
  const open = cursor.tryTake('(')
  if (open !== undefined) {
    if (parentheses >= schemaLimits.maxNesting) failNesting(cursor)
    const inner = parseExclusion(cursor, parentheses + 1)
    cursor.take(')', 'to close the parenthesis')
    refuseArrow(cursor)
    return { ...inner, start: open.start, end: cursor.previousEnd, parenthesized: true }
  }
  for (const kind of ['nil', 'self'] as const) {
    const word = cursor.tryTakeKeyword(kind)
    if (word !== undefined) {
      refuseArrow(cursor)
      return { kind, start: word.start, end: word.end, height: 1, parenthesized: false }
    }
  }
  const name = cursor.takeName('a relation, a permission, `nil` or `(`')
  if (!cursor.at('->') && !cursor.at('.')) {
    return { kind: 'reference', name, start: name.start, end: name.end, height: 1, parenthesized: false }
  }
  const arrow = parseArrow(cursor)
  if (cursor.at('->') || cursor.at('.')) {
    const start = cursor.token.start
    while (cursor.at('->') || cursor.at('.')) parseArrow(cursor)
    const cure =
      'give the second step a permission of its own in the definition that the first arrow leads to'
    cursor.report('nested-arrow', `An arrow cannot continue another arrow; ${cure}.`, {
      start,
      end: cursor.previousEnd,
    })
  }
  return {
    kind: 'arrow',
    relation: name,
    ...arrow,
    start: name.start,
    end: cursor.previousEnd,
    height: 1,
    parenthesized: false,
  }
}

/** What follows the left side: `->target`, `.any(target)` or `.all(target)`. */
function parseArrow(cursor: TokenCursor): {
  readonly target: { readonly text: string } & Span
  readonly quantifier: 'any' | 'all'
  readonly style: 'arrow' | 'function'
} {
  const what = 'the relation or permission that the arrow leads to'
  if (cursor.tryTake('->') !== undefined) {
    return { target: cursor.takeName(what), quantifier: 'any', style: 'arrow' }
  }
  cursor.take('.', 'before `any` or `all`')
  const quantifier = cursor.atWord('any') ? 'any' : cursor.atWord('all') ? 'all' : undefined
  if (quantifier === undefined) {
    return cursor.fail(
      'unknown-arrow-function',
      `Expected \`any\` or \`all\` after the dot, found ${cursor.found()}.`,
    )
  }
  cursor.advance()
  cursor.take('(', `after ${quoteName(quantifier)}`)
  const target = cursor.takeName(what)
  cursor.take(')', 'after the name')
  return { target, quantifier, style: 'function' }
}

function refuseArrow(cursor: TokenCursor): void {
  if (!cursor.at('->') && !cursor.at('.')) return
  cursor.fail(
    'arrow-without-relation',
    'An arrow needs the name of a relation of this definition on its left.',
  )
}
