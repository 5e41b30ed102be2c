// Definitions and partials: their members, and how reading goes on behind a broken one.

import { schemaLimits } from './limits.ts'
import { parseExpression } from './parse-expression.ts'
import { quoteName } from './problem.ts'
import type { Span } from './source-text.ts'
import type {
  DefinitionNode,
  MemberNode,
  NameNode,
  PermissionNode,
  RelationNode,
  SplatNode,
  TypeNode,
} from './syntax-tree.ts'
import type { TokenCursor } from './token-cursor.ts'

/** Stored form of doc comments: delimiters included, each line trimmed. */
export function readComments(cursor: TokenCursor, spans: readonly Span[]): readonly string[] {
  return spans.map((span) =>
    cursor
      .text(span)
      .split(/\r\n|\n|\r/)
      .map((line) => line.trim())
      .join('\n'),
  )
}

/** Reads `name { members }`, the cursor being behind the word `definition` or `partial`. */
export function parseDefinition(
  cursor: TokenCursor,
  kind: 'definition' | 'partial',
  start: number,
  comments: readonly string[],
): DefinitionNode {
  const name = cursor.takePath(`the name of the ${kind}`)
  cursor.take('{', `on the same line as the name of the ${kind}`)
  const members: MemberNode[] = []
  let incomplete = false
  while (cursor.tryTake('}') === undefined) {
    // An empty statement, as in `relation boss: user;;`.
    if (cursor.tryTake(';') !== undefined) continue
    if (atDeclaration(cursor) || cursor.atEnd) {
      const message = `Expected \`}\` to close the ${kind} ${quoteName(name.text)}, found ${cursor.found()}.`
      cursor.report('expected-token', message)
      break
    }
    const member = cursor.attempt(
      () => parseMember(cursor),
      () => skipMember(cursor, start),
    )
    if (member === undefined) incomplete = true
    else members.push(member.node)
    if (member === undefined || member.broken) {
      if (cursor.at(';') || cursor.at('line-end')) cursor.advance()
    } else {
      takeTerminator(cursor)
    }
  }
  return { kind, name, comments, members, incomplete, start, end: cursor.previousEnd }
}

function parseMember(cursor: TokenCursor): { readonly node: MemberNode; readonly broken: boolean } {
  const { start, comments } = cursor.token
  if (cursor.tryTakeKeyword('relation') !== undefined) {
    const node = parseRelation(cursor, start, readComments(cursor, comments))
    return { node, broken: node.types === undefined }
  }
  if (cursor.tryTakeKeyword('permission') !== undefined) {
    const node = parsePermission(cursor, start, readComments(cursor, comments))
    return { node, broken: node.expression === undefined }
  }
  if (cursor.tryTake('...') !== undefined) {
    const name = cursor.takePath('the name of a partial')
    if (name.text.includes('/')) {
      const message = `${quoteName(name.text)} has a prefix, and only partials without one can be inserted; rename the partial.`
      cursor.fail('unexpected-token', message, name)
    }
    const node: SplatNode = { kind: 'splat', name, start, end: name.end }
    return { node, broken: false }
  }
  const operator = ['+', '&', '-', '|', '->', '.', '=', ':'].find(
    (mark) => cursor.text(cursor.token) === mark,
  )
  if (operator !== undefined) {
    const message = `A line cannot start with ${quoteName(operator)}; put it at the end of the line before.`
    return cursor.fail('expected-end-of-statement', message)
  }
  return cursor.fail(
    'unexpected-token',
    `Expected \`relation\`, \`permission\` or \`}\`, found ${cursor.found()}.`,
  )
}

function parseRelation(cursor: TokenCursor, start: number, comments: readonly string[]): RelationNode {
  const name = cursor.takeName('the name of the relation')
  const types = cursor.attempt(
    () => parseTypes(cursor, name),
    () => skipMember(cursor, start),
  )
  return {
    kind: 'relation',
    name,
    comments,
    ...(types === undefined ? {} : { types }),
    start,
    end: cursor.previousEnd,
  }
}

function parseTypes(cursor: TokenCursor, name: NameNode): readonly TypeNode[] {
  const withoutTypes = () => {
    const message = `The relation ${quoteName(name.text)} allows no subjects; write \`relation ${name.text}: user\`, for example.`
    return cursor.fail('relation-without-types', message, name)
  }
  if (cursor.atTerminator || cursor.at('}')) withoutTypes()
  cursor.take(':', 'and the allowed subject types')
  if (cursor.atTerminator || cursor.at('}')) withoutTypes()
  const types = [parseType(cursor)]
  while (cursor.tryTake('|') !== undefined) {
    if (types.length >= schemaLimits.maxTypesPerRelation) {
      const message = `A relation takes at most ${schemaLimits.maxTypesPerRelation} subject types.`
      cursor.fail('schema-too-large', message)
    }
    types.push(parseType(cursor))
  }
  return types
}

function parseType(cursor: TokenCursor): TypeNode {
  const type = cursor.takePath('a subject type')
  let wildcard = false
  let relation: NameNode | undefined
  if (cursor.tryTake(':') !== undefined) {
    cursor.take('*', 'after the colon of a subject type')
    wildcard = true
  } else if (cursor.tryTake('#') !== undefined && cursor.tryTake('...') === undefined) {
    relation = cursor.takeName('a relation or permission of the subject type, or `...`')
  }
  const traits = cursor.tryTakeKeyword('with') === undefined ? { expiration: false } : parseTraits(cursor)
  return {
    type,
    wildcard,
    ...(relation === undefined ? {} : { relation }),
    ...traits,
    start: type.start,
    end: cursor.previousEnd,
  }
}

function parseTraits(cursor: TokenCursor): { readonly caveat?: NameNode; readonly expiration: boolean } {
  if (cursor.tryTakeKeyword('expiration') !== undefined) {
    if (cursor.atWord('and')) {
      cursor.fail('trait-order', 'The caveat comes before the expiration: `with some_caveat and expiration`.')
    }
    return { expiration: true }
  }
  const caveat = cursor.takePath('the name of a caveat')
  if (!cursor.atWord('and')) return { caveat, expiration: false }
  cursor.advance()
  if (cursor.atWord('expiration')) {
    if (cursor.tryTakeKeyword('expiration') !== undefined) return { caveat, expiration: true }
    return cursor.fail(
      'missing-use-flag',
      '`and expiration` needs the line `use expiration` at the top of the schema.',
    )
  }
  const cure = 'list the type once per caveat, or join both into one caveat'
  return cursor.fail('more-than-one-caveat', `A subject type takes one caveat; ${cure}.`)
}

function parsePermission(cursor: TokenCursor, start: number, comments: readonly string[]): PermissionNode {
  const name = cursor.takeName('the name of the permission')
  const rest = cursor.attempt(
    () => {
      const annotation: NameNode[] = []
      if (cursor.tryTake(':') !== undefined) {
        do annotation.push(cursor.takeName('a subject type'))
        while (cursor.tryTake('|') !== undefined)
      }
      cursor.take('=', 'and the expression of the permission')
      return { ...(annotation.length === 0 ? {} : { annotation }), expression: parseExpression(cursor) }
    },
    () => skipMember(cursor, start),
  )
  return { kind: 'permission', name, comments, ...rest, start, end: cursor.previousEnd }
}

function takeTerminator(cursor: TokenCursor): void {
  if (cursor.at(';') || cursor.at('line-end')) {
    cursor.advance()
    return
  }
  if (cursor.atEnd) return
  const cure = cursor.at('}')
    ? 'put `}` on a line of its own, or write `;` before it'
    : 'start a new line, or write `;`'
  cursor.attempt(
    () =>
      cursor.fail(
        'expected-end-of-statement',
        `Expected the end of the statement, found ${cursor.found()}; ${cure}.`,
      ),
    () => {
      if (!cursor.at('}')) skipMember(cursor, cursor.token.start)
    },
  )
  if (cursor.at(';') || cursor.at('line-end')) cursor.advance()
}

/** `definition` and `caveat` never occur inside a definition, so the closing brace must be missing. */
function atDeclaration(cursor: TokenCursor): boolean {
  return cursor.atKeyword('definition') || cursor.atKeyword('caveat') || cursor.atKeyword('partial')
}

/** Moves to the terminator, the closing brace, or the next member behind a broken one that began at `start`. */
function skipMember(cursor: TokenCursor, start: number): void {
  let open = 0
  if (cursor.token.start === start) cursor.advance()
  while (!cursor.atEnd && !atDeclaration(cursor)) {
    if (open === 0 && (cursor.at('}') || cursor.atTerminator)) return
    if (open === 0 && (cursor.atKeyword('relation') || cursor.atKeyword('permission'))) return
    if (cursor.at('{')) open++
    if (cursor.at('}')) open--
    cursor.advance()
  }
}
