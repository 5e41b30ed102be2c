// Checks a caveat when a schema is read: does it parse, is every name known, is it a bool, is every parameter used?

import type { CaveatType } from '../model/schema.ts'
import { createCelEnvironment } from './cel-environment.ts'
import { type ExpressionNode, visitExpression } from './expression-tree.ts'
import { isGlobalFunction, isMemberFunction } from './standard-functions.ts'

/** Longest expression in UTF-16 units, after trimming (reference: caveats). */
export const maxExpressionLength = 100_000

/**
 * Most operators and selections that may lie inside one another. Each side of a chain `a || b || c` counts as well,
 * so that neither checking nor evaluation can exhaust the stack.
 */
export const maxExpressionDepth = 1000

/** Something that makes a caveat unusable, at a place in its expression. */
export interface CaveatProblem {
  readonly code: 'caveat-invalid' | 'caveat-not-boolean' | 'caveat-unused-parameter'
  /** What is wrong and how to cure it. */
  readonly message: string
  /** UTF-16 units from the start of the expression text. */
  readonly offset: number
  /** UTF-16 units; 0 at the end of the text. */
  readonly length: number
  /** The parameter that the problem is about, when it lies in the declaration rather than in the expression. */
  readonly parameter?: string
}

/** What the CEL library's errors carry. */
interface CelProblem {
  readonly summary?: string
  readonly message: string
  readonly range?: { readonly start: number; readonly end: number }
}

const minInt = -(2n ** 63n)
const maxInt = 2n ** 63n - 1n

function problemAt(
  message: string,
  start: number,
  end: number,
  code: CaveatProblem['code'] = 'caveat-invalid',
): CaveatProblem {
  return { code, message, offset: start, length: Math.max(0, end - start) }
}

function fromCel(error: unknown, expression: string): CaveatProblem {
  if (error instanceof RangeError) {
    return problemAt('The expression is nested too deeply.', 0, expression.length)
  }
  const { summary, message, range } = error as CelProblem
  const start = Math.min(range?.start ?? 0, expression.length)
  const end = Math.min(range?.end ?? expression.length, expression.length)
  return problemAt(summary ?? message, start, end)
}

/** What the CEL library's parser and checker let pass, and the schema language does not. */
function refusals(root: ExpressionNode): CaveatProblem[] {
  const problems: CaveatProblem[] = []
  const negated = new Set<ExpressionNode>()
  visitExpression(root, (node) => {
    if (node.op === '-_' && node.args.op === 'value') negated.add(node.args)
    if (node.op === 'value' && typeof node.args === 'bigint') {
      const value = negated.has(node) ? -node.args : node.args
      if (value < minInt || value > maxInt) {
        problems.push(problemAt(`The integer ${node.args} does not fit into 64 bits.`, node.start, node.end))
      }
    }
    const name = node.op === 'call' || node.op === 'rcall' ? node.args[0] : undefined
    if (name !== undefined && !(node.op === 'call' ? isGlobalFunction(name) : isMemberFunction(name))) {
      const kind = node.op === 'call' ? 'function' : 'method'
      problems.push(problemAt(`There is no ${kind} "${name}" in caveat expressions.`, node.start, node.end))
    }
  })
  return problems
}

/**
 * Parses and checks an expression. The tree is there when nothing is wrong with the expression itself (an unused
 * parameter or a result that is no bool does not make it unreadable).
 */
export function parseCaveatExpression(
  parameters: ReadonlyMap<string, CaveatType>,
  expression: string,
): { readonly root?: ExpressionNode; readonly problems: readonly CaveatProblem[] } {
  if (expression.trim().length > maxExpressionLength) {
    const message = `The expression has ${expression.length} characters; at most ${maxExpressionLength} are allowed.`
    return { problems: [problemAt(message, 0, expression.length)] }
  }
  const { environment, refused } = createCelEnvironment(parameters)
  if (refused.length > 0) {
    return {
      problems: refused.map((parameter) => ({
        ...problemAt(`"${parameter}" cannot name a caveat parameter: the expression language uses it.`, 0, 0),
        parameter,
      })),
    }
  }
  let root: ExpressionNode
  let type: string | undefined
  try {
    const parsed = environment.parse(expression)
    root = parsed.ast
    const tooDeep = findTooDeep(root)
    if (tooDeep !== undefined) return { problems: [tooDeep] }
    const refusedParts = refusals(root)
    if (refusedParts.length > 0) return { problems: refusedParts }
    const checked = parsed.check()
    if (!checked.valid) return { problems: [fromCel(checked.error, expression)] }
    type = checked.type
  } catch (error) {
    return { problems: [fromCel(error, expression)] }
  }
  const problems: CaveatProblem[] = []
  if (type !== 'bool') {
    const message = `A caveat must be true or false, but this expression is of type ${type}.`
    problems.push(problemAt(message, root.start, root.end, 'caveat-not-boolean'))
  }
  for (const parameter of unusedParameters(parameters, root)) {
    const message = `The parameter "${parameter}" is unused: use it in the expression or remove it.`
    problems.push({ ...problemAt(message, 0, expression.length, 'caveat-unused-parameter'), parameter })
  }
  return { root, problems }
}

function findTooDeep(root: ExpressionNode): CaveatProblem | undefined {
  let found: CaveatProblem | undefined
  visitExpression(root, (node, depth) => {
    if (depth <= maxExpressionDepth || found !== undefined) return
    const message = `The expression is nested more than ${maxExpressionDepth} deep; a list with "in" replaces long chains.`
    found = problemAt(message, node.start, node.end)
  })
  return found
}

function unusedParameters(parameters: ReadonlyMap<string, CaveatType>, root: ExpressionNode): string[] {
  const used = new Set<string>()
  visitExpression(root, (node, _depth, bound) => {
    if (node.op === 'id' && !bound.has(node.args)) used.add(node.args)
  })
  return [...parameters.keys()].filter((name) => !used.has(name))
}

/**
 * Checks a caveat's expression against its parameters (reference: caveats and CEL). Empty when nothing is wrong.
 * Never throws on bad input; time and memory are bounded by the length of the expression.
 */
export function checkCaveat(
  parameters: ReadonlyMap<string, CaveatType>,
  expression: string,
): readonly CaveatProblem[] {
  return parseCaveatExpression(parameters, expression).problems
}
