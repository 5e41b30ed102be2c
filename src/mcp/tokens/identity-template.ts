// Identity templates: how verified claims become the `type:id` that relationships are written about.

import type { JsonObject, JsonValue } from '../../model/context.ts'
import { encodeId } from '../../model/encode-id.ts'
import { isValidObjectId, isValidType, type SubjectRef } from '../../model/reference.ts'

/** A template of one issuer, ready to be filled. */
export interface IdentityTemplate {
  readonly text: string
  readonly type: string
  /** Literal text, or the path of a claim. `{issuer}` is literal text by now. */
  readonly parts: readonly (string | readonly string[])[]
  /** Whether the text names `{issuer}`. */
  readonly namesIssuer: boolean
  /** What every id of this template begins with. */
  readonly prefix: string
}

const literalPattern = /^[A-Za-z0-9_|/+-]*$/
const claimPattern = /^claims((?:\.[A-Za-z_][A-Za-z0-9_]*)+)$/

/**
 * Reads `type:text{claims.path}/{issuer}…`. Every claim is encoded so that it can hold no `/`, hence a `/` between
 * any two variables makes the whole injective: two different sets of claims never give one id.
 * Returns the template, or a sentence that says what is wrong.
 */
export function compileIdentityTemplate(text: string, issuerName: string): IdentityTemplate | string {
  const colon = text.indexOf(':')
  const type = text.slice(0, Math.max(colon, 0))
  if (!isValidType(type))
    return `${JSON.stringify(text)} must begin with a type and a colon, such as user:{claims.sub}`
  const parts: (string | readonly string[])[] = []
  let namesIssuer = false
  let separated = true
  for (const piece of text.slice(colon + 1).split(/(\{[^{}]*\})/)) {
    if (piece === '') continue
    if (!piece.startsWith('{')) {
      if (!literalPattern.test(piece))
        return `${JSON.stringify(piece)} cannot stand in an id; literal text is A-Z a-z 0-9 _ | / + -`
      if (piece.includes('/')) separated = true
      parts.push(piece)
      continue
    }
    if (!separated)
      return `${piece} follows another variable; put a / between them, else two identities could share an id`
    separated = false
    const variable = piece.slice(1, -1)
    const claim = claimPattern.exec(variable)
    if (variable === 'issuer') {
      namesIssuer = true
      parts.push(encodeId(issuerName))
    } else if (claim) {
      parts.push(claim[1]!.slice(1).split('.'))
    } else {
      return `${piece} is unknown; variables are {issuer} and {claims.NAME}`
    }
  }
  if (!parts.some((part) => typeof part !== 'string'))
    return `${JSON.stringify(text)} names no claim, so every token would be the same subject`
  const firstClaim = parts.findIndex((part) => typeof part !== 'string')
  return { text, type, parts, namesIssuer, prefix: parts.slice(0, firstClaim).join('') }
}

/**
 * Fills a template. Returns undefined when a claim is missing, empty, or neither a string nor a safe integer,
 * or when the id would be longer than ids may be.
 */
export function fillIdentityTemplate(template: IdentityTemplate, claims: JsonObject): SubjectRef | undefined {
  let id = ''
  for (const part of template.parts) {
    if (typeof part === 'string') {
      id += part
      continue
    }
    const value = claimAt(claims, part)
    const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value
    if (typeof text !== 'string' || text === '') return undefined
    id += encodeId(text)
  }
  return isValidObjectId(id) ? { type: template.type, id, relation: '' } : undefined
}

function claimAt(claims: JsonObject, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = claims
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
      return undefined
    value = (value as JsonObject)[name]
  }
  return value
}

/** Whether some id could come out of both templates: same type, and one fixed beginning continues the other. */
export function mayCollide(a: IdentityTemplate, b: IdentityTemplate): boolean {
  return a.type === b.type && (a.prefix.startsWith(b.prefix) || b.prefix.startsWith(a.prefix))
}
