// Checks a caveat when a schema is read: does it parse, is every name known, is it a bool, is every parameter used?

import type { CaveatType } from '../model/schema.ts'
import { formatType, namedTypes, typeOfParameter } from './cel-type.ts'
import { TypeProblem, typeOfExpression } from './check-types.ts'
import { type ExpressionNode, visitExpression } from './expression-tree.ts'
import { parseExpression, SyntaxProblem } from './parse-expression.ts'

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

/**
 * Parses and checks an expression. `root` is there unless the expression itself is unreadable or ill-typed.
 * Never throws on bad input.
 */
export function readCaveatExpression(
  parameters: ReadonlyMap<string, CaveatType>,
  expression: string,
): { readonly root?: ExpressionNode; readonly problems: readonly CaveatProblem[] } {
  const taken = [...parameters.keys()].filter((name) => namedTypes.includes(name))
  if (taken.length > 0) {
    const problems = taken.map((parameter): CaveatProblem => {
      const message = `"${parameter}" cannot name a caveat parameter: it is the name of a type.`
      return { code: 'caveat-invalid', message, offset: 0, length: 0, parameter }
    })
    return { problems }
  }
  try {
    const root = parseExpression(expression)
    const scope = new Map([...parameters].map(([name, type]) => [name, typeOfParameter(type)]))
    const type = typeOfExpression(root, scope)
    const problems = unusedParameters(parameters, root).map((parameter): CaveatProblem => {
      const message = `The parameter "${parameter}" is unused: use it in the expression or remove it.`
      return { code: 'caveat-unused-parameter', message, offset: 0, length: expression.length, parameter }
    })
    if (type.name !== 'bool') {
      const message = `A caveat must be a bool, but this expression is of type ${formatType(type)}.`
      const length = root.end - root.start
      problems.unshift({ code: 'caveat-not-boolean', message, offset: root.start, length })
    }
    return { root, problems }
  } catch (error) {
    if (!(error instanceof SyntaxProblem || error instanceof TypeProblem)) throw error
    const { message, start, end } = error
    return { problems: [{ code: 'caveat-invalid', message, offset: start, length: end - start }] }
  }
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
  return readCaveatExpression(parameters, expression).problems
}
