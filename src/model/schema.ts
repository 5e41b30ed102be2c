// The checked schema: what the schema text means, once every name in it has been resolved.

/** One allowed form of a relation's subjects, such as `user`, `user:*` or `group#member with office_hours`. */
export interface AllowedType {
  readonly type: string
  /** Subject relation or permission; empty for a plain object and for a wildcard. */
  readonly relation: string
  readonly wildcard: boolean
  /** Name of the caveat that rows of this form must carry. */
  readonly caveat?: string
  /** Whether rows of this form must have an expiry. */
  readonly expiration: boolean
}

export interface Relation {
  readonly name: string
  /** Doc comments before the element, delimiters included, each line trimmed. */
  readonly comments: readonly string[]
  readonly types: readonly AllowedType[]
}

export type Expression =
  | { readonly kind: 'nil' }
  | { readonly kind: 'self' }
  /** A relation or permission of the same definition. */
  | { readonly kind: 'reference'; readonly name: string }
  /** `relation->target`, `relation.any(target)` or `relation.all(target)`; `style` is how it was written. */
  | {
      readonly kind: 'arrow'
      readonly relation: string
      readonly target: string
      readonly quantifier: 'any' | 'all'
      readonly style: 'arrow' | 'function'
    }
  | { readonly kind: 'union'; readonly operands: readonly Expression[] }
  | { readonly kind: 'intersection'; readonly operands: readonly Expression[] }
  | { readonly kind: 'exclusion'; readonly base: Expression; readonly subtracted: Expression }

export interface Permission {
  readonly name: string
  readonly comments: readonly string[]
  readonly expression: Expression
  /** Types named by `permission p: a | b = ...`. */
  readonly annotation?: readonly string[]
}

export interface Definition {
  readonly name: string
  readonly comments: readonly string[]
  /** In source order. Relations and permissions share their names. */
  readonly relations: ReadonlyMap<string, Relation>
  readonly permissions: ReadonlyMap<string, Permission>
  /** Names of relations and permissions in source order, mixed as written. */
  readonly members: readonly string[]
}

/** A caveat parameter's type, such as `{ name: 'list', arguments: [{ name: 'string', arguments: [] }] }`. */
export interface CaveatType {
  readonly name:
    | 'any'
    | 'bool'
    | 'string'
    | 'int'
    | 'uint'
    | 'double'
    | 'bytes'
    | 'duration'
    | 'timestamp'
    | 'ipaddress'
    | 'list'
    | 'map'
  readonly arguments: readonly CaveatType[]
}

export interface Caveat {
  readonly name: string
  readonly comments: readonly string[]
  readonly parameters: ReadonlyMap<string, CaveatType>
  /** The CEL text between the braces, trimmed. */
  readonly expression: string
}

/** Flags that a schema turns on with `use`. */
export type UseFlag = 'expiration' | 'import' | 'partial' | 'self' | 'typechecking'

/** A whole checked schema. Every name that it mentions exists. */
export interface Schema {
  readonly definitions: ReadonlyMap<string, Definition>
  readonly caveats: ReadonlyMap<string, Caveat>
  readonly uses: ReadonlySet<UseFlag>
  /** The text it was read from. */
  readonly text: string
}

/** The source form of a caveat type: `list<string>`. */
export function formatCaveatType(type: CaveatType): string {
  return type.arguments.length === 0
    ? type.name
    : `${type.name}<${type.arguments.map(formatCaveatType).join(', ')}>`
}

/** The source form of an allowed type: `user:* with office_hours and expiration`. */
export function formatAllowedType(allowed: AllowedType): string {
  const subject = allowed.wildcard
    ? `${allowed.type}:*`
    : allowed.relation === ''
      ? allowed.type
      : `${allowed.type}#${allowed.relation}`
  const traits = [
    ...(allowed.caveat === undefined ? [] : [allowed.caveat]),
    ...(allowed.expiration ? ['expiration'] : []),
  ]
  return traits.length === 0 ? subject : `${subject} with ${traits.join(' and ')}`
}
