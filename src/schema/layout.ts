// Layout of what the formatter does not cut into words: block comments and CEL expressions.

import { tokenize } from './lexer.ts'
import { ProblemList } from './problem.ts'
import { SourceText } from './source-text.ts'

/**
 * A comment with the lines of a block comment aligned under its first one when each begins with `*`; other lines stay
 * as they are. Blanks at line ends go.
 */
export function layoutComment(comment: string, indent: string): string {
  const [first = '', ...rest] = comment.split(/\r\n|\n|\r/).map((line) => line.trimEnd())
  const aligned = rest.every((line) => line.trimStart().startsWith('*'))
  return [first, ...rest.map((line) => (aligned ? `${indent} ${line.trimStart()}` : line))].join('\n')
}

/**
 * The CEL text of a caveat with one tab before each line: what all lines have in common is replaced, the rest of their
 * indentation stays, and so do lines inside strings.
 */
export function layoutCaveatBody(raw: string): string {
  const text = raw.trim()
  const lines = splitOutsideStrings(text)
  const firstIndent = /(?:^|[\r\n])([ \t]*)$/.exec(raw.slice(0, raw.indexOf(text)))
  const indents = lines
    .slice(1)
    .filter((line) => line.trim() !== '')
    .map((line) => /^[ \t]*/.exec(line)?.[0] ?? '')
  const startsOwnLine =
    firstIndent !== null && firstIndent.index >= 0 && /[\r\n]/.test(raw.slice(0, raw.indexOf(text)))
  if (startsOwnLine) indents.push(firstIndent[1] ?? '')
  const common = indents.reduce(commonPrefix, indents[0] ?? '')
  return lines
    .map((line, index) => (index === 0 ? line : line.slice(common.length)).trimEnd())
    .map((line, index) => {
      const own = index === 0 && startsOwnLine ? (firstIndent[1] ?? '').slice(common.length) : ''
      return line === '' ? '' : `\t${own}${line}`
    })
    .join('\n')
}

function commonPrefix(a: string, b: string): string {
  let length = 0
  while (length < a.length && a[length] === b[length]) length++
  return a.slice(0, length)
}

/** Lines of a text; a line break inside a string does not cut. */
function splitOutsideStrings(text: string): string[] {
  const strings = tokenize(new SourceText(text), new ProblemList()).filter((token) => token.kind === 'string')
  const lines: string[] = []
  let start = 0
  let nextString = 0
  for (const match of text.matchAll(/\r\n|\n|\r/g)) {
    while ((strings[nextString]?.end ?? Number.POSITIVE_INFINITY) <= match.index) nextString++
    if ((strings[nextString]?.start ?? Number.POSITIVE_INFINITY) < match.index) continue
    lines.push(text.slice(start, match.index))
    start = match.index + match[0].length
  }
  lines.push(text.slice(start))
  return lines
}
