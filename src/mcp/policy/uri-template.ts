// URI templates of resource rules: `file:///{+path}`, `note://{id}`. A URI either matches as a whole or not at all.

import { compilePattern, type Pattern } from './pattern.ts'

export interface UriTemplate {
  readonly text: string
  /** Names of its variables, in order. */
  readonly names: readonly string[]
  /** The one `{+name}` variable, if there is one. */
  readonly wide: string | undefined
  /** The variables as they stand in the URI, or undefined when it does not match. */
  match(uri: string): { readonly [name: string]: string } | undefined
  /** The URI with these values in place of the variables. */
  fill(values: { readonly [name: string]: string }): string
}

/**
 * Reads a template: `{name}` is one non-empty segment without `/ ? #`, `{+name}` any non-empty text; at most one
 * of the latter, and text between any two variables, so that a URI is read in one way. Returns a sentence when wrong.
 */
export function compileUriTemplate(text: string): UriTemplate | string {
  const names: string[] = []
  let wide: string | undefined
  let afterVariable = false
  let expression = ''
  const parts: (string | { readonly name: string })[] = []
  for (const piece of text.split(/(\{[^{}]*\})/)) {
    if (piece === '') continue
    if (!piece.startsWith('{')) {
      if (/[{}\s\p{Cc}\\]/u.test(piece)) return `${JSON.stringify(piece)} cannot stand in a URI`
      expression += piece.replace(/[.*+?^$()|[\]\\]/g, '\\$&')
      parts.push(piece)
      afterVariable = false
      continue
    }
    const variable = /^\{(\+?)([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(piece)
    if (!variable) return `${piece} is no variable; write {name} or {+name}`
    const name = variable[2]!
    if (names.includes(name)) return `{${name}} stands twice`
    if (afterVariable) return `${piece} follows another variable; put text between them`
    if (variable[1] === '+') {
      if (wide !== undefined) return 'only one {+name} can be told from the rest'
      wide = name
    }
    names.push(name)
    parts.push({ name })
    expression +=
      variable[1] === '+' ? `(?<${name}>[^\\x00-\\x20\\x7F]+)` : `(?<${name}>[^/?#\\x00-\\x20\\x7F]+)`
    afterVariable = true
  }
  if (!/^[a-z][a-z0-9+.-]*:/i.test(text))
    return `${JSON.stringify(text)} must begin with a scheme, such as file:///{+path}`
  const pattern: Pattern | string = compilePattern(expression)
  if (typeof pattern === 'string') return pattern
  return {
    text,
    names,
    wide,
    match: (uri: string) => pattern.match(uri),
    fill: (values) => parts.map((part) => (typeof part === 'string' ? part : values[part.name])).join(''),
  }
}
