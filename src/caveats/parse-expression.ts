// From expression text to a syntax tree, by the CEL library's parser, with limits against hostile text.

import { Environment } from '@marcbachmann/cel-js'
import { type ExpressionNode, visitExpression } from './expression-tree.ts'

/** Longest expression in UTF-16 units, after trimming (reference: caveats). */
export const maxExpressionLength = 100_000

/** Deepest nesting of parentheses, brackets, selections and calls. */
const maxNesting = 250

/**
 * Most operators that may lie inside one another, each side of a chain `a + b + c` counted, so that neither checking nor
 * evaluation can exhaust the stack.
 */
const maxDepth = 1000

let environment: Environment | undefined

/** Why a text is no expression, and where: offsets in UTF-16 units. */
export class SyntaxProblem extends Error {
  readonly start: number
  readonly end: number

  constructor(message: string, start: number, end: number) {
    super(message)
    this.start = start
    this.end = end
  }
}

/** What the CEL library's parse errors carry. */
interface LibraryError {
  readonly summary?: string
  readonly range?: { readonly start: number; readonly end: number }
}

/** Parses an expression. Throws SyntaxProblem; takes time and memory in proportion to the text. */
export function parseExpression(text: string): ExpressionNode {
  if (text.trim().length > maxExpressionLength) {
    const message = `The expression has ${text.length} characters; at most ${maxExpressionLength} are allowed.`
    throw new SyntaxProblem(message, 0, text.length)
  }
  environment ??= new Environment({
    enableOptionalTypes: true,
    limits: { maxDepth: maxNesting, maxListElements: 10_000, maxMapEntries: 10_000 },
  })
  let root: ExpressionNode
  try {
    root = environment.parse(text).ast
  } catch (error) {
    if (error instanceof RangeError)
      throw new SyntaxProblem('The expression is nested too deeply.', 0, text.length)
    const { summary, range } = error as LibraryError
    if (summary === undefined) throw error
    const start = Math.min(range?.start ?? 0, text.length)
    throw new SyntaxProblem(
      `${summary}.`,
      start,
      Math.max(start, Math.min(range?.end ?? text.length, text.length)),
    )
  }
  visitExpression(root, (node, depth) => {
    if (depth <= maxDepth) return
    const message = `The expression is nested more than ${maxDepth} deep; a list with "in" replaces long chains.`
    throw new SyntaxProblem(message, node.start, node.end)
  })
  return root
}
