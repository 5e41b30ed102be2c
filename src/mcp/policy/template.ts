// Templates: how a policy turns values into ids and checks, with every variable encoded exactly once.

import type { JsonValue } from '../../model/context.ts'
import { decodeId, encodeId } from '../../model/encode-id.ts'
import { isValidRelation, isValidType } from '../../model/reference.ts'
import type { Scope } from './scope.ts'

export type TemplateFilter = 'lower' | 'dirname'

export interface Variable {
  readonly root: string
  readonly path: readonly string[]
  /** `{+x}`: slashes stay. */
  readonly keepSlash: boolean
  readonly filters: readonly TemplateFilter[]
}

export interface Template {
  readonly text: string
  readonly parts: readonly (string | Variable)[]
}

/** Which variables a place offers. */
export interface Variables {
  /** Roots such as `args` and `item`. */
  readonly roots: ReadonlySet<string>
  /** Names given by `let` or by a URI's variables. */
  readonly names: ReadonlySet<string>
}

/** A relationship string without its subject, or with one after `@`. */
export interface CheckTemplate {
  readonly text: string
  readonly type: string
  readonly id: Template
  readonly permission: string
  readonly subject:
    | { readonly kind: 'principal' }
    | { readonly kind: 'agent' }
    | { readonly kind: 'other'; readonly type: string; readonly id: Template; readonly relation: string }
}

const literalPattern = /^(?:[A-Za-z0-9_+|/-]|=[0-9A-F]{2})*$/
const variablePattern = /^(\+?)([A-Za-z_][A-Za-z0-9_]*)((?:\.[A-Za-z0-9_$-]+)*)((?:\|[a-z]+)*)$/
/** Roots that are a value by themselves; the others need a path. */
const wholeRoots: ReadonlySet<string> = new Set(['value', 'item'])

/**
 * Reads an id template. Two variables must have a `/` between them and at most one may be `{+x}`: then different
 * values never give the same id. Returns the template or a sentence that says what is wrong and how to cure it.
 */
export function compileTemplate(text: string, variables: Variables): Template | string {
  const parts: (string | Variable)[] = []
  let separated = true
  let keptSlashes = 0
  for (const piece of text.split(/(\{[^{}]*\})/)) {
    if (piece === '') continue
    if (!piece.startsWith('{')) {
      if (!literalPattern.test(piece))
        return `${JSON.stringify(piece)} cannot stand in an id; literal text is A-Z a-z 0-9 _ | / + -, all else is written =HH`
      if (piece.includes('/')) separated = true
      parts.push(piece)
      continue
    }
    const variable = compileVariable(piece, variables)
    if (typeof variable === 'string') return variable
    if (!separated)
      return `${piece} follows another variable; put a / between them, else two things could share an id`
    separated = false
    if (variable.keepSlash && ++keptSlashes > 1)
      return `${JSON.stringify(text)} has two {+…} variables; only one may keep its slashes, else two things could share an id`
    parts.push(variable)
  }
  if (parts.length === 0) return 'the id is empty'
  return { text, parts }
}

/** Reads `{root.path|filter}` or `{+name}`. */
export function compileVariable(text: string, variables: Variables): Variable | string {
  const match = variablePattern.exec(text.slice(1, -1))
  if (!match) return `${text} is no variable; write {root.name}, such as {item.id} or {+args.path|dirname}`
  const [, plus, root, dotted, piped] = match as unknown as [string, string, string, string, string]
  const path = dotted.split('.').slice(1)
  const filters = piped.split('|').slice(1)
  for (const filter of filters) {
    if (filter !== 'lower' && filter !== 'dirname')
      return `${text}: the filter |${filter} is unknown; there are |lower and |dirname`
  }
  const isName = variables.names.has(root)
  if (isName && path.length > 0) return `${text}: ${root} is one text, it has no members`
  if (!isName && !variables.roots.has(root)) {
    const known = [...variables.roots, ...variables.names].sort().join(', ')
    return `${text}: ${root} is unknown here; variables begin with one of ${known}`
  }
  if (!isName && path.length === 0 && !wholeRoots.has(root))
    return `${text}: say which member of ${root}, such as {${root}.name}`
  return { root, path, keepSlash: plus === '+', filters: filters as TemplateFilter[] }
}

/** Fills a template. Undefined when a variable is missing, empty, no string and no safe integer. Encoded once. */
export function fillTemplate(template: Template, scope: Scope): string | undefined {
  let id = ''
  for (const part of template.parts) {
    if (typeof part === 'string') {
      id += part
      continue
    }
    const encoded = encodeVariable(part, scope)
    if (encoded === undefined || encoded === '') return undefined
    id += encoded
  }
  return id
}

function encodeVariable(variable: Variable, scope: Scope): string | undefined {
  const found = scope.find(variable.root, variable.path)
  if (found === undefined) return undefined
  try {
    if (found.encoded !== undefined) return reencode(found.encoded, variable)
    let text = plainText(found.raw)
    if (text === undefined) return undefined
    for (const filter of variable.filters) text = filter === 'lower' ? text.toLowerCase() : dirname(text)
    return encodeId(text, variable.keepSlash)
  } catch {
    return undefined
  }
}

/** A name from `let` is encoded already: its bytes stay, only slashes and filters are looked at. */
function reencode(encoded: string, variable: Variable): string {
  let text = encoded
  for (const filter of variable.filters) {
    if (filter === 'dirname') text = dirname(text)
    else text = text.replace(/[^/]+/g, (segment) => encodeId(decodeId(segment).toLowerCase()))
  }
  return variable.keepSlash ? text : text.replaceAll('/', '=2F')
}

/** One string or one safe integer as text (policy format, 3.3); anything else is no variable. */
export function plainText(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : undefined
}

function dirname(path: string): string {
  const slash = path.lastIndexOf('/')
  if (slash < 0) return ''
  return slash === 0 ? '/' : path.slice(0, slash)
}

/**
 * Reads `type:id#permission` or `type:id#permission@subject`, where the subject is `{subject}`, `{agent}`, or
 * `type:id` with an optional `#relation`. Returns the check or a sentence.
 */
export function compileCheck(text: string, variables: Variables): CheckTemplate | string {
  const [object, permission, subject, surplus] = splitCheck(text)
  if (permission === undefined || surplus)
    return `${JSON.stringify(text)} is no check; write type:id#permission`
  if (!isValidRelation(permission)) return `${JSON.stringify(permission)} cannot name a permission`
  const resource = compileObject(object, variables)
  if (typeof resource === 'string') return resource
  const base = { text, ...resource, permission }
  if (subject === undefined || subject === '{subject}') return { ...base, subject: { kind: 'principal' } }
  if (subject === '{agent}') return { ...base, subject: { kind: 'agent' } }
  const hash = subject.indexOf('#')
  const relation = hash < 0 ? '' : subject.slice(hash + 1)
  if (hash >= 0 && !isValidRelation(relation)) return `${JSON.stringify(relation)} cannot name a relation`
  const other = compileObject(hash < 0 ? subject : subject.slice(0, hash), variables)
  if (typeof other === 'string') return other
  return { ...base, subject: { kind: 'other', ...other, relation } }
}

/** Reads `type:id` with variables in the id. */
export function compileObject(
  text: string,
  variables: Variables,
): { readonly type: string; readonly id: Template } | string {
  const colon = text.indexOf(':')
  const type = text.slice(0, Math.max(colon, 0))
  if (!isValidType(type))
    return `${JSON.stringify(text)} must begin with a type and a colon, such as document:{item.id}`
  const id = compileTemplate(text.slice(colon + 1), variables)
  return typeof id === 'string' ? id : { type, id }
}

/** Object, permission, subject; the last tells that something is left over. Braces hide their content. */
function splitCheck(text: string): [string, string | undefined, string | undefined, boolean] {
  const outside = text.replace(/\{[^{}]*\}/g, (braces) => '_'.repeat(braces.length))
  const at = outside.indexOf('@')
  const front = at < 0 ? outside : outside.slice(0, at)
  const hash = front.indexOf('#')
  if (hash < 0) return [text, undefined, undefined, false]
  const permission = text.slice(hash + 1, front.length)
  const subject = at < 0 ? undefined : text.slice(at + 1)
  return [text.slice(0, hash), permission, subject, permission.includes('#')]
}
