// Tokens to a syntax tree: the file's statements; reading goes on behind every problem, so that all are told at once.

import type { UseFlag } from '../model/schema.ts'
import { tokenize } from './lexer.ts'
import { schemaLimits } from './limits.ts'
import { parseCaveat } from './parse-caveat.ts'
import { parseDefinition, readComments } from './parse-definition.ts'
import { type ProblemList, quoteName } from './problem.ts'
import type { SourceText } from './source-text.ts'
import type { CaveatNode, DefinitionNode, FileNode, ImportNode, UseNode } from './syntax-tree.ts'
import { TokenCursor } from './token-cursor.ts'

const useFlags: readonly UseFlag[] = ['expiration', 'import', 'partial', 'self', 'typechecking']

/** Reads one file. Never throws; what is wrong is in `problems`, and the tree has what could be read. */
export function parseFile(source: SourceText, problems: ProblemList): FileNode {
  if (source.text.length > schemaLimits.maxTextLength) {
    const message = `The schema has more than ${schemaLimits.maxTextLength} characters; split it or generate less.`
    problems.add(source, { start: 0, end: 0 }, 'parse', 'schema-too-large', message)
    return { source, tokens: [], uses: [], imports: [], declarations: [], incomplete: true }
  }
  const tokens = tokenize(source, problems)
  const cursor = new TokenCursor(source, tokens, problems)
  const uses: UseNode[] = []
  const imports: ImportNode[] = []
  const declarations: (DefinitionNode | CaveatNode)[] = []
  let incomplete = false
  for (;;) {
    if (cursor.at(';') || cursor.at('line-end')) cursor.advance()
    if (cursor.atEnd) break
    const first = cursor.index
    const statement = cursor.attempt(
      () => parseStatement(cursor, declarations.length > 0),
      () => {
        if (cursor.index === first) cursor.advance()
        skipStatement(cursor)
      },
    )
    if (statement === undefined) incomplete = true
    else if (statement.kind === 'use') uses.push(...statement.nodes)
    else if (statement.kind === 'import') imports.push(statement.node)
    else declarations.push(statement.node)
  }
  return { source, tokens, uses, imports, declarations, incomplete }
}

type Statement =
  | { readonly kind: 'use'; readonly nodes: readonly UseNode[] }
  | { readonly kind: 'import'; readonly node: ImportNode }
  | { readonly kind: 'declaration'; readonly node: DefinitionNode | CaveatNode }

function parseStatement(cursor: TokenCursor, afterDeclaration: boolean): Statement {
  const { start } = cursor.token
  const comments = readComments(cursor, cursor.token.comments)
  for (const kind of ['definition', 'partial'] as const) {
    if (cursor.tryTakeKeyword(kind) !== undefined) {
      return { kind: 'declaration', node: parseDefinition(cursor, kind, start, comments) }
    }
  }
  if (cursor.tryTakeKeyword('caveat') !== undefined) {
    return { kind: 'declaration', node: parseCaveat(cursor, start, comments) }
  }
  if (cursor.atWord('use')) {
    cursor.advance()
    return { kind: 'use', nodes: parseUse(cursor, start, afterDeclaration) }
  }
  if (cursor.tryTakeKeyword('import') !== undefined) {
    const path = cursor.take('string', 'with the path of the file to import')
    const quotes = cursor.source.text.startsWith(cursor.source.text.charAt(path.start).repeat(3), path.start)
      ? 3
      : 1
    const text = cursor.text(path).slice(quotes, -quotes)
    return {
      kind: 'import',
      node: { path: { text, start: path.start, end: path.end }, start, end: path.end },
    }
  }
  for (const flag of ['import', 'partial'] as const) {
    if (cursor.atWord(flag)) {
      cursor.fail('missing-use-flag', `${quoteName(flag)} needs the line \`use ${flag}\` before it.`)
    }
  }
  return cursor.fail(
    'unexpected-token',
    `Expected \`definition\`, \`caveat\` or \`use\`, found ${cursor.found()}.`,
  )
}

function parseUse(cursor: TokenCursor, start: number, afterDeclaration: boolean): readonly UseNode[] {
  const word = cursor.token
  if (word.kind !== 'identifier') return cursor.failExpected('the name of a flag', 'after `use`')
  const flag = useFlags.find((candidate) => candidate === cursor.text(word))
  cursor.advance()
  if (flag === undefined) {
    const message = `Unknown flag ${quoteName(cursor.text(word))}; there are ${useFlags.map(quoteName).join(', ')}.`
    cursor.report('unknown-use-flag', message, word)
    return []
  }
  if (afterDeclaration) {
    const message = '`use` lines come before the first definition and the first caveat; move this one up.'
    cursor.report('late-use', message, { start, end: word.end })
  }
  cursor.enable(flag)
  return [{ flag, start, end: word.end }]
}

/** Moves to the next word that starts a statement. */
function skipStatement(cursor: TokenCursor): void {
  let lineStart = false
  while (!cursor.atEnd) {
    if (cursor.atKeyword('definition') || cursor.atKeyword('caveat')) return
    if (lineStart && (cursor.atWord('use') || cursor.atWord('import') || cursor.atWord('partial'))) return
    lineStart = cursor.at('line-end') || cursor.at(';')
    cursor.advance()
  }
}
