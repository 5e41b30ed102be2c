// A place in the tokens: what the parser reads through, reports at and recovers with.

import type { UseFlag } from '../model/schema.ts'
import type { Punctuation, Token } from './lexer.ts'
import { type ProblemList, quoteName } from './problem.ts'
import type { ParseProblemCode } from './problem-code.ts'
import type { SourceText, Span } from './source-text.ts'
import type { NameNode } from './syntax-tree.ts'

/** Thrown after a problem was reported; caught where the parser can go on. One object: a hostile text throws often. */
const syntaxFailure = new Error('A syntax problem was reported.')

const keywords = new Set(['definition', 'caveat', 'relation', 'permission', 'nil', 'with'])

/** Words that a flag turns into keywords (reference: schema language, section 1). */
const flagKeywords: Readonly<Record<UseFlag, readonly string[]>> = {
  expiration: ['expiration', 'and'],
  import: ['import'],
  partial: ['partial'],
  self: ['self'],
  typechecking: ['typechecking'],
}

export class TokenCursor {
  readonly source: SourceText
  readonly flags = new Set<UseFlag>()
  readonly #tokens: readonly Token[]
  readonly #problems: ProblemList
  readonly #keywords = new Set(keywords)
  #index = 0

  constructor(source: SourceText, tokens: readonly Token[], problems: ProblemList) {
    this.source = source
    this.#tokens = tokens
    this.#problems = problems
  }

  get token(): Token {
    return this.#tokens[this.#index] ?? this.#tokens[this.#tokens.length - 1]!
  }

  /** The token before; for the end of what was just read. */
  get previousEnd(): number {
    return this.#tokens[this.#index - 1]?.end ?? 0
  }

  get index(): number {
    return this.#index
  }

  get atEnd(): boolean {
    return this.token.kind === 'end'
  }

  text(token: Span): string {
    return this.source.text.slice(token.start, token.end)
  }

  enable(flag: UseFlag): void {
    this.flags.add(flag)
    for (const word of flagKeywords[flag]) this.#keywords.add(word)
  }

  advance(): Token {
    const token = this.token
    if (token.kind !== 'end') this.#index++
    return token
  }

  at(kind: Punctuation | 'identifier' | 'string' | 'line-end'): boolean {
    return this.token.kind === kind
  }

  atWord(word: string): boolean {
    const { token } = this
    return (
      token.kind === 'identifier' &&
      token.end - token.start === word.length &&
      this.source.text.startsWith(word, token.start)
    )
  }

  /** Whether the word is a keyword here: always, or because its flag is on. */
  atKeyword(word: string): boolean {
    return this.#keywords.has(word) && this.atWord(word)
  }

  /** `;`, a newline that ends a statement, or the end of the text. */
  get atTerminator(): boolean {
    return this.at(';') || this.at('line-end') || this.atEnd
  }

  tryTake(kind: Punctuation): Token | undefined {
    return this.at(kind) ? this.advance() : undefined
  }

  tryTakeKeyword(word: string): Token | undefined {
    return this.atKeyword(word) ? this.advance() : undefined
  }

  take(kind: Punctuation | 'string', where: string): Token {
    if (this.at(kind)) return this.advance()
    if (kind === 'string') return this.failExpected('a quoted string', where)
    const cure = this.at('line-end')
      ? ' A line may end behind an operator or an opening bracket, not before one.'
      : ''
    return this.failExpected(quoteName(kind), where, cure)
  }

  /** An identifier that is no keyword. */
  takeName(what: string): NameNode {
    const { token } = this
    if (token.kind !== 'identifier') return this.failExpected(what)
    const text = this.text(token)
    if (this.#keywords.has(text)) {
      this.report(
        'expected-token',
        `Expected ${what}, found the keyword ${quoteName(text)}; choose another name.`,
      )
      // On its own line the keyword is more likely the start of the next statement than a name.
      if (!/[\r\n]/.test(this.source.text.slice(this.previousEnd, token.start))) this.advance()
      return this.giveUp()
    }
    this.advance()
    return { text, start: token.start, end: token.end }
  }

  /** `segment/segment/name`. */
  takePath(what: string): NameNode {
    const first = this.takeName(what)
    if (!this.at('/')) return first
    const segments = [first.text]
    while (this.tryTake('/') !== undefined) segments.push(this.takeName(what).text)
    return { text: segments.join('/'), start: first.start, end: this.previousEnd }
  }

  /** Reports at a place and goes on. */
  report(code: ParseProblemCode, message: string, span: Span = this.#here): void {
    this.#problems.add(this.source, span, 'parse', code, message)
  }

  /** Gives up what is being read without a report: there was one already. */
  giveUp(): never {
    throw syntaxFailure
  }

  /** Reports and gives up what is being read; nothing twice for a token that was reported already. */
  fail(code: ParseProblemCode, message: string, span: Span = this.#here): never {
    if (this.token.kind !== 'invalid') this.report(code, message, span)
    throw syntaxFailure
  }

  failExpected(what: string, where = '', cure = ''): never {
    const place = where === '' ? '' : ` ${where}`
    return this.fail('expected-token', `Expected ${what}${place}, found ${this.found()}.${cure}`)
  }

  /** What stands here, for a message. */
  found(): string {
    const { token } = this
    if (token.kind === 'line-end') return 'the end of the line'
    if (token.kind === 'end') return 'the end of the text'
    return quoteName(this.text(token))
  }

  /**
   * Runs `read`; when it fails, `recover` moves on to where reading can continue, and the value is undefined.
   * When the problem list is full, nothing more is read.
   */
  attempt<Value>(read: () => Value, recover: () => void): Value | undefined {
    try {
      return read()
    } catch (thrown) {
      if (thrown !== syntaxFailure) throw thrown
      if (this.#problems.full) this.#index = this.#tokens.length - 1
      else recover()
      return undefined
    }
  }

  /** The token's place; of a line end, the point where the line ends. */
  get #here(): Span {
    const { kind, start, end } = this.token
    return { start, end: kind === 'line-end' ? start : end }
  }
}
