// Text to tokens, with synthetic line ends where a statement may stop, and every comment kept with the token after it.

import { schemaLimits } from './limits.ts'
import { type ProblemList, quoteName } from './problem.ts'
import type { SourceText, Span } from './source-text.ts'

const punctuation = [
  ...['...', '->', '||', '&&', '==', '!=', '<=', '>='],
  ...['{', '}', '(', ')', '[', ']', '|', '&', '+', '-', '/', '=', '!', '<', '>'],
  ...[':', ';', '#', '*', '?', '.', ',', '%'],
] as const

export type Punctuation = (typeof punctuation)[number]

/**
 * `line-end` is a newline that ends a statement. `invalid` stands where something was reported already.
 * Keywords are identifiers here: which words are keywords depends on the `use` lines, which the parser knows.
 */
export type TokenKind = Punctuation | 'identifier' | 'string' | 'line-end' | 'invalid' | 'end'

export interface Token extends Span {
  readonly kind: TokenKind
  /** Comments between the token before and this one, delimiters included. */
  readonly comments: readonly Span[]
}

const byFirstCharacter = new Map<string, Punctuation[]>()
for (const text of punctuation) {
  const list = byFirstCharacter.get(text.charAt(0))
  if (list === undefined) byFirstCharacter.set(text.charAt(0), [text])
  else list.push(text)
}

const identifierPattern = /[\p{L}\p{Nd}_]+/uy
const spacePattern = /[ \t]+/y
const newlinePattern = /\r\n|\n|\r/y
const lineCommentPattern = /\/\/[^\r\n]*/y
const noComments: readonly Span[] = []

/** Whether a newline after a token of this kind ends a statement (reference: schema language, section 1). */
export function endsStatement(kind: TokenKind): boolean {
  return kind === 'identifier' || kind === '}' || kind === ')' || kind === '*'
}

/**
 * Cuts the whole text into tokens; the last one is `end`. Never throws: what cannot be read is reported
 * (unrecognized-character, unterminated-string, unterminated-comment, schema-too-large) and becomes `invalid`.
 */
export function tokenize(source: SourceText, problems: ProblemList): readonly Token[] {
  const { text } = source
  const tokens: Token[] = []
  let comments: Span[] | undefined
  let at = 0

  const push = (kind: TokenKind, start: number, end: number): void => {
    tokens.push({ kind, start, end, comments: comments ?? noComments })
    comments = undefined
    at = end
  }
  const matchEnd = (pattern: RegExp): number => {
    pattern.lastIndex = at
    return pattern.test(text) ? pattern.lastIndex : -1
  }
  const report = (
    code: 'unrecognized-character' | 'unterminated-string' | 'unterminated-comment',
    span: Span,
    message: string,
  ) => problems.add(source, span, 'parse', code, message)

  while (at < text.length) {
    if (tokens.length >= schemaLimits.maxTokens) {
      const message = `The schema has more than ${schemaLimits.maxTokens} tokens; split it or generate less.`
      problems.add(source, { start: at, end: at }, 'parse', 'schema-too-large', message)
      break
    }
    const character = text.charAt(at)
    let end = matchEnd(spacePattern)
    if (end >= 0) {
      at = end
      continue
    }
    end = matchEnd(newlinePattern)
    if (end >= 0) {
      const last = tokens.at(-1)
      if (last !== undefined && endsStatement(last.kind)) push('line-end', at, end)
      else at = end
      continue
    }
    if (character === '/' && text.charAt(at + 1) === '/') {
      end = matchEnd(lineCommentPattern)
      comments ??= []
      comments.push({ start: at, end })
      at = end
      continue
    }
    if (character === '/' && text.charAt(at + 1) === '*') {
      const close = text.indexOf('*/', at + 2)
      end = close < 0 ? text.length : close + 2
      if (close < 0) {
        report(
          'unterminated-comment',
          { start: at, end: at + 2 },
          'This comment never ends: close it with `*/`.',
        )
      }
      comments ??= []
      comments.push({ start: at, end })
      at = end
      continue
    }
    end = matchEnd(identifierPattern)
    if (end >= 0) {
      push('identifier', at, end)
      continue
    }
    if (character === '"' || character === "'") {
      const last = tokens.at(-1)
      const raw = last?.kind === 'identifier' && last.end === at && rawPrefix.test(text.slice(last.start, at))
      const closed = stringEnd(text, at, raw)
      if (closed.terminated) {
        push('string', at, closed.end)
      } else {
        report(
          'unterminated-string',
          { start: at, end: closed.end },
          `This string never ends: close it with ${quoteName(closed.quote)}.`,
        )
        push('invalid', at, closed.end)
      }
      continue
    }
    const mark = byFirstCharacter.get(character)?.find((candidate) => text.startsWith(candidate, at))
    if (mark !== undefined) {
      push(mark, at, at + mark.length)
      continue
    }
    const start = at
    const stray = String.fromCodePoint(text.codePointAt(at) ?? 0)
    end = at + stray.length
    // A run of the same stray character is one problem.
    while (text.startsWith(stray, end)) end += stray.length
    report('unrecognized-character', { start, end }, `Unrecognized character ${describeCharacter(stray)}.`)
    push('invalid', start, end)
  }
  push('end', Math.min(at, text.length), Math.min(at, text.length))
  return tokens
}

const rawPrefix = /^(?:[rR]|[bB][rR]|[rR][bB])$/

/**
 * Where the string that starts at `start` ends, as CEL reads it: a backslash keeps a quote from ending it unless the
 * string is raw, and only triple quotes go over several lines.
 */
function stringEnd(
  text: string,
  start: number,
  raw: boolean,
): { readonly end: number; readonly terminated: boolean; readonly quote: string } {
  const single = text.charAt(start)
  const triple = single.repeat(3)
  const quote = text.startsWith(triple, start) ? triple : single
  for (let at = start + quote.length; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === '\\' && !raw) at++
    else if (quote === single && (character === '\n' || character === '\r'))
      return { end: at, terminated: false, quote }
    else if (character === single && text.startsWith(quote, at)) {
      return { end: at + quote.length, terminated: true, quote }
    }
  }
  return { end: text.length, terminated: false, quote }
}

function describeCharacter(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return /^[\x21-\x7e]$/.test(character) ? quoteName(character) : `U+${code}`
}
