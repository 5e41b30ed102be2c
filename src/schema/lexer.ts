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
      const closed = stringEnd(text, at)
      if (closed.terminated) {
        push('string', at, closed.end)
      } else {
        report(
          'unterminated-string',
          { start: at, end: closed.end },
          `This string never ends: close it with ${quoteName(closed.quote)}. There are no escapes; a quote inside needs the other kind around it.`,
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

/** Where the string that starts at `start` ends. There are no escapes; only triple quotes go over several lines. */
function stringEnd(text: string, start: number): { end: number; terminated: boolean; quote: string } {
  const single = text.charAt(start)
  const triple = single.repeat(3)
  if (text.startsWith(triple, start)) {
    const close = text.indexOf(triple, start + 3)
    return close < 0
      ? { end: text.length, terminated: false, quote: triple }
      : { end: close + 3, terminated: true, quote: triple }
  }
  for (let at = start + 1; at < text.length; at++) {
    const character = text.charAt(at)
    if (character === single) return { end: at + 1, terminated: true, quote: single }
    if (character === '\n' || character === '\r') return { end: at, terminated: false, quote: single }
  }
  return { end: text.length, terminated: false, quote: single }
}

function describeCharacter(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return /^[\x21-\x7e]$/.test(character) ? quoteName(character) : `U+${code}`
}
