// Caveats: their parameters, and the CEL text between their braces.

import { schemaLimits } from './limits.ts'
import type { CaveatNode, CaveatParameterNode, CaveatTypeNode, NameNode } from './syntax-tree.ts'
import type { TokenCursor } from './token-cursor.ts'

/**
 * Reads `caveat name(parameters) { CEL }`, the cursor being behind the word `caveat`.
 *
 * @param start offset of the word `caveat`
 */
export function parseCaveat(cursor: TokenCursor, start: number, comments: readonly string[]): CaveatNode {
  const name = cursor.takePath('the name of the caveat')
  cursor.take('(', 'and the parameters of the caveat')
  const parameters: CaveatParameterNode[] = []
  const close = cursor.tryTake(')')
  if (close !== undefined) {
    const message = 'A caveat needs at least one parameter, such as `(zone string)`.'
    cursor.report('caveat-without-parameters', message, { start: close.start - 1, end: close.end })
  } else {
    do parameters.push(parseParameter(cursor))
    while (cursor.tryTake(',') !== undefined)
    cursor.take(')', 'or `,` after the parameter')
  }
  cursor.take('{', 'on the same line, and the CEL expression')
  const bodyStart = cursor.previousEnd
  const expression = parseBody(cursor)
  return {
    kind: 'caveat',
    name,
    comments,
    parameters,
    bodyStart,
    ...(expression === undefined ? {} : { expression }),
    start,
    end: cursor.previousEnd,
  }
}

function parseParameter(cursor: TokenCursor): CaveatParameterNode {
  const name = cursor.takeName('the name of a parameter')
  const type = parseType(cursor, 1)
  return { name, type, start: name.start, end: type.end }
}

function parseType(cursor: TokenCursor, depth: number): CaveatTypeNode {
  if (depth > schemaLimits.maxNesting) {
    cursor.fail('nesting-too-deep', `The type is nested more than ${schemaLimits.maxNesting} deep.`)
  }
  const name = cursor.takeName('the type of the parameter')
  const types: CaveatTypeNode[] = []
  if (cursor.tryTake('<') !== undefined) {
    do types.push(parseType(cursor, depth + 1))
    while (cursor.tryTake(',') !== undefined)
    cursor.take('>', 'to close the type')
  }
  return { name, arguments: types, start: name.start, end: cursor.previousEnd }
}

/** The raw text up to the brace that closes the one just taken; braces are counted by tokens, so not in strings. */
function parseBody(cursor: TokenCursor): NameNode | undefined {
  const start = cursor.previousEnd
  let open = 1
  let tokens = 0
  let invalid = false
  for (;;) {
    if (cursor.atEnd) return invalid ? cursor.giveUp() : cursor.failExpected('`}`', 'to close the caveat')
    invalid ||= cursor.token.kind === 'invalid'
    if (cursor.at('{')) open++
    if (cursor.at('}') && --open === 0) break
    if (!cursor.at('line-end')) tokens++
    cursor.advance()
  }
  const end = cursor.token.start
  cursor.advance()
  if (tokens === 0) {
    const message =
      'The caveat has no expression; write a CEL expression that gives a bool, such as `zone == "utc"`.'
    cursor.report('missing-caveat-expression', message, { start: start - 1, end: end + 1 })
    return undefined
  }
  if (invalid) return undefined
  const raw = cursor.text({ start, end })
  const text = raw.trim()
  const from = start + raw.indexOf(text)
  if (text.length > schemaLimits.maxCaveatLength) {
    const message = `The expression has more than ${schemaLimits.maxCaveatLength} characters; shorten it.`
    cursor.report('caveat-too-long', message, { start: from, end: from + text.length })
    return undefined
  }
  return { text, start: from, end: from + text.length }
}
