// The syntax tree: what a schema text says, as written, before any name is looked up.

import type { UseFlag } from '../model/schema.ts'
import type { Token } from './lexer.ts'
import type { SourceText, Span } from './source-text.ts'

/** A name as written; paths have their segments joined by `/`. */
export interface NameNode extends Span {
  readonly text: string
}

export interface UseNode extends Span {
  readonly flag: UseFlag
}

export interface ImportNode extends Span {
  /** The path between the quotes. */
  readonly path: NameNode
}

/** `user`, `user:*`, `group#member`, `user#...`, with what follows `with`. */
export interface TypeNode extends Span {
  readonly type: NameNode
  readonly wildcard: boolean
  /** Unset for a plain type, a wildcard, and the ellipsis. */
  readonly relation?: NameNode
  readonly caveat?: NameNode
  readonly expiration: boolean
}

export type ExpressionNode = Span & {
  /** Height of the tree below, 1 for a leaf: bounded, so that others may recurse. */
  readonly height: number
  readonly parenthesized: boolean
} & (
    | { readonly kind: 'nil' }
    | { readonly kind: 'self' }
    | { readonly kind: 'reference'; readonly name: NameNode }
    | {
        readonly kind: 'arrow'
        readonly relation: NameNode
        readonly target: NameNode
        readonly quantifier: 'any' | 'all'
        readonly style: 'arrow' | 'function'
      }
    | { readonly kind: 'union' | 'intersection'; readonly operands: readonly ExpressionNode[] }
    | { readonly kind: 'exclusion'; readonly base: ExpressionNode; readonly subtracted: ExpressionNode }
  )

export interface RelationNode extends Span {
  readonly kind: 'relation'
  readonly name: NameNode
  readonly comments: readonly string[]
  /** Unset when they could not be read (reported already). */
  readonly types?: readonly TypeNode[]
}

export interface PermissionNode extends Span {
  readonly kind: 'permission'
  readonly name: NameNode
  readonly comments: readonly string[]
  readonly annotation?: readonly NameNode[]
  /** Unset when it could not be read (reported already). */
  readonly expression?: ExpressionNode
}

/** `...name`: the members of a partial, inserted here. */
export interface SplatNode extends Span {
  readonly kind: 'splat'
  readonly name: NameNode
}

export type MemberNode = RelationNode | PermissionNode | SplatNode

export interface DefinitionNode extends Span {
  readonly kind: 'definition' | 'partial'
  readonly name: NameNode
  readonly comments: readonly string[]
  readonly members: readonly MemberNode[]
  /** Whether a member was lost to a syntax error, so that an unknown name may just be that one. */
  readonly incomplete: boolean
}

export interface CaveatTypeNode extends Span {
  readonly name: NameNode
  readonly arguments: readonly CaveatTypeNode[]
}

export interface CaveatParameterNode extends Span {
  readonly name: NameNode
  readonly type: CaveatTypeNode
}

export interface CaveatNode extends Span {
  readonly kind: 'caveat'
  readonly name: NameNode
  readonly comments: readonly string[]
  readonly parameters: readonly CaveatParameterNode[]
  /** Offset behind the opening brace. The closing one is the node's last character. */
  readonly bodyStart: number
  /** The CEL text between the braces, trimmed, with its own place. Unset when missing (reported already). */
  readonly expression?: NameNode
}

export interface FileNode {
  readonly source: SourceText
  readonly tokens: readonly Token[]
  readonly uses: readonly UseNode[]
  readonly imports: readonly ImportNode[]
  /** In source order. */
  readonly declarations: readonly (DefinitionNode | CaveatNode)[]
  /** Whether a definition, partial or caveat was lost to a syntax error. */
  readonly incomplete: boolean
}
