// `cardea schema fmt`: one layout for schema text that keeps every comment, every word and their meaning.

import { layoutCaveatBody, layoutComment } from './layout.ts'
import { endsStatement, type Token, type TokenKind } from './lexer.ts'
import { parseFile } from './parser.ts'
import { type Problem, ProblemList } from './problem.ts'
import { SourceText, type Span } from './source-text.ts'
import type { FileNode } from './syntax-tree.ts'

/**
 * Formats a schema text: tabs, one statement a line, one blank line between definitions, single blanks between words.
 * Line breaks inside a statement, single blank lines between members, the order of everything, partials, imports and
 * annotations stay. Formatting twice gives the same text. Names need not resolve.
 *
 * @returns `text` when the syntax is sound, else the problems
 */
export function formatSchema(text: string): {
  readonly text?: string
  readonly problems: readonly Problem[]
} {
  const problems = new ProblemList()
  const file = parseFile(new SourceText(text), problems)
  if (problems.count > 0) return { problems: problems.sorted() }
  return { text: new Formatter(file).format(), problems: [] }
}

/** A comment or token to be written. */
interface Piece extends Span {
  readonly token?: Token
  readonly text: string
  /** Line breaks before it in the source: 0, 1, or 2 for a blank line. */
  readonly breaks: number
}

/** What starts or ends at an offset; `body-close` is the brace behind a caveat's expression. */
type Boundary = 'use' | 'import' | 'declaration' | 'member' | 'close' | 'body-close' | 'end'

class Formatter {
  readonly #source: SourceText
  readonly #boundaries: ReadonlyMap<number, Boundary>
  /** Offset behind the opening brace of a caveat to the offset of its closing brace. */
  readonly #bodies: ReadonlyMap<number, number>
  readonly #pieces: readonly Piece[]
  /** Indices of comments that end their line, behind a token. */
  readonly #trailing: ReadonlySet<number>
  /** For each piece, the token at or behind it. */
  readonly #nextToken: readonly Piece[]
  #out = ''
  #depth = 0
  #previousItem: Boundary | undefined
  /** Kind of the token written last. */
  #lastKind: TokenKind = 'end'

  constructor(file: FileNode) {
    this.#source = file.source
    this.#bodies = caveatBodies(file)
    this.#boundaries = findBoundaries(file)
    this.#pieces = this.#collectPieces(file.tokens)
    this.#trailing = findTrailing(this.#pieces)
    this.#nextToken = findNextTokens(this.#pieces)
  }

  format(): string {
    this.#pieces.forEach((piece, index) => {
      if (piece.token === undefined) this.#comment(piece, index)
      else if (piece.token.kind === ';') this.#semicolon(piece, index)
      else if (piece.token.kind !== 'end') this.#token(piece, piece.token, index)
    })
    return this.#out === '' ? '' : `${this.#out}\n`
  }

  /** Comments and tokens in order, without line ends and without what lies inside caveat bodies. */
  #collectPieces(tokens: readonly Token[]): readonly Piece[] {
    const { text } = this.#source
    const pieces: Piece[] = []
    let previousEnd = 0
    let skipUntil = 0
    const add = (span: Span, token?: Token): void => {
      const gap = text.slice(previousEnd, span.start)
      const breaks = Math.min(2, gap.match(/\r\n|\n|\r/g)?.length ?? 0)
      const shown = text.slice(span.start, span.end)
      pieces.push({
        start: span.start,
        end: span.end,
        text: shown,
        breaks,
        ...(token === undefined ? {} : { token }),
      })
      previousEnd = span.end
    }
    for (const token of tokens) {
      if (token.start < skipUntil) continue
      for (const comment of token.comments) if (comment.start >= skipUntil) add(comment)
      if (token.kind === 'line-end') continue
      add(token, token)
      const bodyEnd = this.#bodies.get(token.end)
      if (token.kind === '{' && bodyEnd !== undefined) {
        skipUntil = bodyEnd
        previousEnd = bodyEnd
      }
    }
    return pieces
  }

  #token(piece: Piece, token: Token, index: number): void {
    const boundary = this.#boundaries.get(piece.start)
    const previous = this.#pieces[index - 1]
    this.#lastKind = token.kind
    if (boundary === 'body-close') {
      this.#out += '}'
      return
    }
    if (boundary === 'close') {
      this.#depth--
      if (previous?.token?.kind !== '{') this.#newLine(1)
    } else if (boundary === 'member') {
      this.#newLine(this.#afterOpening(index) ? 1 : Math.max(1, piece.breaks))
    } else if (boundary !== undefined) {
      const led = previous !== undefined && previous.token === undefined && !this.#trailing.has(index - 1)
      this.#newLine(led ? Math.max(1, piece.breaks) : this.#itemBreaks(boundary, piece.breaks))
      this.#previousItem = boundary
    } else if (isLineComment(previous) || piece.breaks > 0) {
      this.#newLine(1, 1)
    } else if (
      previous !== undefined &&
      spaceBetween(previous, piece, this.#boundaries.get(previous.start))
    ) {
      this.#out += ' '
    }
    this.#out += piece.text
    if (token.kind === '{') this.#open(piece)
  }

  #open(piece: Piece): void {
    const bodyEnd = this.#bodies.get(piece.end)
    if (bodyEnd === undefined) this.#depth++
    else this.#out += `\n${layoutCaveatBody(this.#source.text.slice(piece.end, bodyEnd))}\n`
  }

  /** Kept where dropping it would change what ends the statement or which element a comment belongs to. */
  #semicolon(piece: Piece, index: number): void {
    const previous = this.#pieces[index - 1]
    const opensBlock = this.#lastKind === '{'
    const endsLine = this.#lastKind === ';' || opensBlock || endsStatement(this.#lastKind)
    const holdsComment = previous !== undefined && previous.token === undefined && previous.breaks > 0
    const holdsTrailing = this.#trailing.has(index + 1) && !opensBlock && this.#lastKind !== ';'
    if (endsLine && !holdsTrailing && !holdsComment) return
    if (isLineComment(previous)) this.#newLine(1)
    this.#out += piece.text
    this.#lastKind = ';'
  }

  #comment(piece: Piece, index: number): void {
    const indent = '\t'.repeat(this.#depth)
    const previous = this.#pieces[index - 1]
    if (this.#trailing.has(index)) {
      this.#out += ` ${layoutComment(piece.text, indent)}`
      return
    }
    const boundary = this.#boundaries.get(this.#nextToken[index]?.start ?? -1)
    if (boundary === undefined) {
      if (piece.breaks === 0 && !isLineComment(previous)) this.#out += ' '
      else this.#newLine(1, 1)
      this.#out += layoutComment(piece.text, `${indent}\t`)
      return
    }
    const item = boundary === 'use' || boundary === 'import' || boundary === 'declaration'
    const first = previous === undefined || previous.token !== undefined || this.#trailing.has(index - 1)
    if (item && first) this.#newLine(this.#itemBreaks(boundary, piece.breaks))
    else this.#newLine(this.#afterOpening(index) ? 1 : Math.max(1, piece.breaks))
    this.#out += layoutComment(piece.text, indent)
  }

  #afterOpening(index: number): boolean {
    return this.#pieces[index - 1]?.token?.kind === '{'
  }

  #itemBreaks(boundary: Boundary, breaks: number): number {
    const grouped = boundary !== 'declaration' && boundary === this.#previousItem
    return grouped || boundary === 'end' ? Math.max(1, breaks) : 2
  }

  #newLine(breaks: number, extraDepth = 0): void {
    if (this.#out === '') return
    this.#out += `${'\n'.repeat(breaks)}${'\t'.repeat(this.#depth + extraDepth)}`
  }
}

function isLineComment(piece: Piece | undefined): boolean {
  return piece?.text.startsWith('//') ?? false
}

/** Comments on the line of the token before them, when a line break follows. */
function findTrailing(pieces: readonly Piece[]): ReadonlySet<number> {
  const trailing = new Set<number>()
  let run: number[] | undefined
  pieces.forEach((piece, index) => {
    if (run !== undefined && (piece.breaks > 0 || piece.token?.kind === 'end')) {
      for (const each of run) trailing.add(each)
      run = undefined
    }
    if (piece.token !== undefined) run = []
    else if (piece.breaks === 0) run?.push(index)
  })
  return trailing
}

function findNextTokens(pieces: readonly Piece[]): readonly Piece[] {
  const next: Piece[] = []
  let token: Piece | undefined
  for (let index = pieces.length - 1; index >= 0; index--) {
    const piece = pieces[index]!
    if (piece.token !== undefined) token = piece
    next[index] = token ?? piece
  }
  return next
}

const tightBefore = new Set([',', ')', '>', ':', '#', '.', '->', '/', '<', '*'])
const tightAfter = new Set(['(', '#', '.', '->', '/', '<'])

function spaceBetween(previous: Piece, next: Piece, previousBoundary: Boundary | undefined): boolean {
  const before = previous.token?.kind
  const after = next.token?.kind
  if (before === undefined) return true
  if (after === undefined || tightBefore.has(after) || tightAfter.has(before)) return false
  if (after === '(') return before !== 'identifier'
  if (after === '...') return before !== '#'
  return !(before === '...' && previousBoundary === 'member')
}

function findBoundaries(file: FileNode): ReadonlyMap<number, Boundary> {
  const boundaries = new Map<number, Boundary>()
  for (const use of file.uses) boundaries.set(use.start, 'use')
  for (const statement of file.imports) boundaries.set(statement.start, 'import')
  for (const declaration of file.declarations) {
    boundaries.set(declaration.start, 'declaration')
    boundaries.set(declaration.end - 1, declaration.kind === 'caveat' ? 'body-close' : 'close')
    if (declaration.kind === 'caveat') continue
    for (const member of declaration.members) boundaries.set(member.start, 'member')
  }
  const end = file.tokens.at(-1)
  if (end !== undefined) boundaries.set(end.start, 'end')
  return boundaries
}

function caveatBodies(file: FileNode): ReadonlyMap<number, number> {
  const bodies = new Map<number, number>()
  for (const declaration of file.declarations) {
    if (declaration.kind === 'caveat') bodies.set(declaration.bodyStart, declaration.end - 1)
  }
  return bodies
}
