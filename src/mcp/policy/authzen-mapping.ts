// Mappings that a tool's author offers (`x-authzen-mapping`, AuthZEN for MCP): they may add questions, never answer one.

import { Environment } from '@marcbachmann/cel-js'
import type { JsonObject, JsonValue } from '../../model/context.ts'
import { encodeId } from '../../model/encode-id.ts'
import { isValidObjectId, isValidRelation, isValidType } from '../../model/reference.ts'
import type { Principal } from '../principal.ts'
import type { Ask, Denial } from './ask.ts'
import { isJsonObject } from './json-object.ts'
import { plainText } from './template.ts'

/** A compiled mapping of one tool. */
export interface AuthzenMapping {
  /** The questions for one call, about the principal; a denial when the mapping does not fit the call. */
  asks(params: JsonObject, principal: Principal): readonly Ask[] | Denial
}

type Variables = { readonly params: JsonObject; readonly token: JsonObject }
/** Undefined: left out by optional selection. Throws when a key is missing. */
type Leaf = (variables: Variables) => JsonValue | undefined
type Tree = Leaf | readonly Tree[] | { readonly [key: string]: Tree }

const environment = new Environment({ unlistedVariablesAreDyn: false, enableOptionalTypes: true })
  .registerVariable('params', 'map<string, dyn>')
  .registerVariable('token', 'map<string, dyn>')

/**
 * Compiles the mapping in a tool's input schema. Undefined when there is none; a sentence when it is malformed, which
 * makes the tool unusable. Types are object types, action names are permissions, ids are encoded as everywhere.
 */
export function compileAuthzenMapping(
  inputSchema: JsonObject | undefined,
): AuthzenMapping | string | undefined {
  const mapping = inputSchema?.['x-authzen-mapping']
  if (mapping === undefined) return undefined
  if (!isJsonObject(mapping)) return 'x-authzen-mapping is no object'
  const [envelope, ...others] = Object.keys(mapping)
  if (others.length > 0 || (envelope !== 'evaluation' && envelope !== 'evaluations'))
    return 'x-authzen-mapping must have exactly one member, evaluation or evaluations'
  const body = mapping[envelope]
  if (!isJsonObject(body)) return `x-authzen-mapping.${envelope} is no object`
  // One true answer would otherwise do for all of them.
  if (Object.hasOwn(body, 'options')) return 'x-authzen-mapping must not choose how evaluations are combined'
  const items = envelope === 'evaluation' ? [{}] : body.evaluations
  if (!Array.isArray(items) || items.length === 0 || !items.every(isJsonObject))
    return 'x-authzen-mapping.evaluations must be a list of evaluations'
  const trees: Tree[] = []
  for (const item of items) {
    if (envelope === 'evaluations' && Object.hasOwn(item, 'subject'))
      return 'x-authzen-mapping must not name a subject per evaluation'
    const { evaluations: _, ...shared } = body
    const tree = compileTree({ ...shared, ...item })
    if (typeof tree === 'string') return `x-authzen-mapping: ${tree}`
    trees.push(tree)
  }
  return {
    asks(params, principal) {
      const asks: Ask[] = []
      for (const tree of trees) {
        const ask = askOf(tree, { params, token: principal.claims }, principal)
        if ('denied' in ask) return ask
        asks.push(ask)
      }
      return asks
    },
  }
}

/** Strings that begin with `$` are CEL, `$$` is a literal `$`; all else stands for itself. */
function compileTree(value: JsonValue): Tree | string {
  if (Array.isArray(value)) {
    const items = value.map((item) => compileTree(item as JsonValue))
    return items.find((item) => typeof item === 'string') ?? (items as Tree[])
  }
  if (isJsonObject(value)) {
    const members: [string, Tree][] = []
    for (const [key, member] of Object.entries(value)) {
      const tree = compileTree(member)
      if (typeof tree === 'string') return tree
      members.push([key, tree])
    }
    return Object.fromEntries(members)
  }
  if (typeof value !== 'string' || !value.startsWith('$')) return () => value
  if (value.startsWith('$$')) return () => value.slice(1)
  try {
    const expression = environment.parse(value.slice(1))
    const checked = expression.check()
    if (!checked.valid) return `${value} does not type-check (${checked.error?.message.split('\n')[0]})`
    return (variables) => {
      const result: unknown = expression(variables)
      if (typeof result === 'object' && result !== null && 'hasValue' in result) {
        const optional = result as { hasValue(): boolean; value(): unknown }
        return optional.hasValue() ? (optional.value() as JsonValue) : undefined
      }
      return typeof result === 'bigint' ? Number(result) : (result as JsonValue)
    }
  } catch (error) {
    return `${value} is no CEL (${(error as Error).message.split('\n')[0]})`
  }
}

function askOf(tree: Tree, variables: Variables, principal: Principal): Ask | Denial {
  const denied = (why: string): Denial => ({ denied: `x-authzen-mapping: ${why}` })
  let subjectId: JsonValue | undefined
  let type: JsonValue | undefined
  let id: string | undefined
  let permission: JsonValue | undefined
  try {
    subjectId = leafAt(tree, ['subject', 'id'], variables)
    type = leafAt(tree, ['resource', 'type'], variables)
    id = plainText(leafAt(tree, ['resource', 'id'], variables))
    permission = leafAt(tree, ['action', 'name'], variables)
    if (id !== undefined && id !== '') id = encodeId(id)
  } catch (error) {
    return denied((error as Error).message.split('\n')[0]!)
  }
  // Who asks is never the server's to say.
  if (subjectId !== undefined && subjectId !== principal.subject)
    return denied('the subject is another than the token’s')
  if (typeof type !== 'string' || !isValidType(type))
    return denied(`${JSON.stringify(type)} is no object type`)
  if (typeof permission !== 'string' || !isValidRelation(permission))
    return denied(`${JSON.stringify(permission)} is no permission`)
  if (id === undefined || !isValidObjectId(id)) return denied('the resource has no usable id')
  return { at: 'mapping', resource: { type, id }, permission, subject: principal.subjectRef }
}

function leafAt(tree: Tree, path: readonly string[], variables: Variables): JsonValue | undefined {
  let found: Tree | undefined = tree
  for (const key of path) {
    if (
      typeof found === 'function' ||
      found === undefined ||
      Array.isArray(found) ||
      !Object.hasOwn(found, key)
    )
      return undefined
    found = (found as { readonly [key: string]: Tree })[key]
  }
  return typeof found === 'function' ? found(variables) : undefined
}
