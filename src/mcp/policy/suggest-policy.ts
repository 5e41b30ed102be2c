// Suggestions: a first draft of rules from what a server says of its tools. Every line is a comment until a person has read it.

import type { JsonObject, JsonValue } from '../../model/context.ts'
import type { Schema } from '../../model/schema.ts'
import { isJsonObject } from './json-object.ts'
import { suggestName } from './suggest-name.ts'
import { definitionHash, type ToolDefinition } from './tool-definition.ts'

export interface SuggestOptions {
  /** Its definitions and permissions are used where names fit. */
  readonly schema?: Schema
  /** Results that the tools have given, by tool name; looked at where there is no output schema. */
  readonly samples?: { readonly [tool: string]: JsonObject }
}

/** Names that usually hold an id, best first. */
const idNames = ['id', 'uuid', 'key', 'slug', 'uri', 'url', 'path', 'name', 'number']
const pathNames = /^(?:.*_)?(?:path|paths|file|filename|source|destination|directory|folder)$/i
const idLike = /(?:^|_)(?:id|ids|uuid|key|slug|name|names|uri|url)$|(?:Id|Ids|Name|Names|Uri|Url)$/

/**
 * A draft in YAML. All of it is commented out: a suggestion counts for nothing until somebody has read it, corrected its
 * TYPE and PERMISSION, and taken the # away.
 */
export function suggestPolicy(tools: readonly ToolDefinition[], options: SuggestOptions = {}): string {
  const lines = [
    '# A draft, made from what the server says of its tools. Nothing of it is in force: read each rule, correct types and',
    '# permissions, take the leading # away. Whatever has no rule is neither listed nor callable.',
    'tools:',
  ]
  for (const tool of tools)
    lines.push(...suggestTool(tool, options).map((line) => `#  ${line}`.trimEnd()), '#')
  return `${lines.join('\n')}\n`
}

function suggestTool(tool: ToolDefinition, options: SuggestOptions): string[] {
  const lines = [`${yamlKey(tool.name)}:`]
  const hints = (tool as { annotations?: { readOnlyHint?: unknown } }).annotations
  if (hints?.readOnlyHint === true)
    lines.push('  effect: read   # the server says so; believe it only if you know')
  lines.push(`  definition: ${definitionHash(tool)}`)
  const { checked, unchecked } = suggestArguments(tool, options.schema)
  if (unchecked.length > 0) lines.push(`  unchecked: [${unchecked.map(yamlText).join(', ')}]`)
  if (checked.length > 0) lines.push('  arguments:', ...checked.map((line) => `    - ${line}`))
  const shape = shapeOf(tool, options.samples?.[tool.name])
  const rules = shape ? suggestItems(shape.schema, '$', options.schema, shape.inText) : []
  if (rules.length > 0) {
    lines.push('  result:', ...rules.map((line) => `    - ${line}`))
    if (!shape!.inText) lines.push('  text: mirror')
  } else if (checked.length > 0) {
    lines.push('  result: whole   # if all of it belongs to what the arguments name')
  } else {
    lines.push(
      '  # nothing here names a resource; if it may go to whoever has a token:',
      '  result: whole',
      '  public: true',
    )
  }
  return lines
}

function suggestArguments(
  tool: ToolDefinition,
  schema: Schema | undefined,
): { checked: string[]; unchecked: string[] } {
  const properties = isJsonObject(tool.inputSchema?.properties) ? tool.inputSchema.properties : {}
  const required = Array.isArray(tool.inputSchema?.required) ? tool.inputSchema.required : []
  const checked: string[] = []
  const unchecked: string[] = []
  for (const [name, property] of Object.entries(properties)) {
    const isList = isJsonObject(property) && property.type === 'array'
    const isPath = pathNames.test(name)
    if (!isPath && !idLike.test(name)) {
      unchecked.push(name)
      continue
    }
    const at = isList ? `$.${name}[*]` : `$.${name}`
    const value = isPath ? '{+value}' : '{value}'
    const noun = name.replace(/[_-]?(?:ids?|names?|uuid|key|slug|ur[il])$/i, '') || tool.name
    const type = typeFor(isPath ? 'file' : noun, schema)
    const optional = required.includes(name) ? '' : ', optional: true'
    const as = isPath ? ', as: path' : ''
    checked.push(
      `{ at: ${yamlText(at)}${as}${optional}, all: ["${type}:${value}#${permissionFor(type, schema)}"] }`,
    )
  }
  return { checked, unchecked }
}

/** Lists of objects with something like an id are items; whole numbers that count them are set. */
function suggestItems(
  schema: JsonObject,
  path: string,
  known: Schema | undefined,
  inText: boolean,
): string[] {
  const json = inText ? 'json: text, ' : ''
  const rules: string[] = []
  const properties = isJsonObject(schema.properties) ? schema.properties : {}
  for (const [name, property] of Object.entries(properties)) {
    if (!isJsonObject(property)) continue
    const here = `${path}.${name}`
    if (property.type === 'array' && isJsonObject(property.items)) {
      const members = isJsonObject(property.items.properties) ? Object.keys(property.items.properties) : []
      const id = idNames.find((one) => members.includes(one))
      const type = typeFor(name, known)
      const variable = id === undefined ? (members.length === 0 ? '{item}' : undefined) : `{item.${id}}`
      if (variable)
        rules.push(
          `{ ${json}items: "${here}[*]", all: ["${type}:${variable}#${permissionFor(type, known)}"] }`,
        )
    } else if (property.type === 'object') {
      rules.push(...suggestItems(property, here, known, inText))
    } else if (/^(?:total|count|total_?count|size|matches)$/i.test(name)) {
      rules.push(`{ ${json}set: { ${here}: count } }`)
    }
  }
  return rules.some((rule) => rule.includes('items:')) ? rules : []
}

/** What results look like: as the server says, or as a sample shows, be it in the structure or as JSON in a text. */
function shapeOf(
  { outputSchema }: ToolDefinition,
  sample: JsonObject | undefined,
): { readonly schema: JsonObject; readonly inText: boolean } | undefined {
  if (outputSchema) return { schema: outputSchema, inText: false }
  if (sample?.structuredContent !== undefined)
    return { schema: schemaOf(sample.structuredContent), inText: false }
  for (const block of Array.isArray(sample?.content) ? sample.content : []) {
    if (!isJsonObject(block) || typeof block.text !== 'string') continue
    try {
      return { schema: schemaOf(JSON.parse(block.text) as JsonValue), inText: true }
    } catch {
      // Another block may hold JSON.
    }
  }
  return undefined
}

/** The JSON Schema that one sample shows, as far as suggestions need it. */
function schemaOf(value: JsonValue): JsonObject {
  if (Array.isArray(value))
    return { type: 'array', items: value.length > 0 ? schemaOf(value[0] as JsonValue) : {} }
  if (isJsonObject(value))
    return {
      type: 'object',
      properties: Object.fromEntries(Object.entries(value).map(([key, member]) => [key, schemaOf(member)])),
    }
  return { type: typeof value }
}

/** The definition whose name is closest to the singular of `name`; else TYPE. */
function typeFor(name: string, schema: Schema | undefined): string {
  const singular = name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/ies$/, 'y')
    .replace(/(?<!s)s$/, '')
  return (schema && suggestName(singular, schema.definitions.keys())) ?? 'TYPE'
}

function permissionFor(type: string, schema: Schema | undefined): string {
  const permissions = [...(schema?.definitions.get(type)?.permissions.keys() ?? [])]
  return permissions.find((one) => /^(?:view|read|see|get|list)/.test(one)) ?? permissions[0] ?? 'PERMISSION'
}

function yamlKey(text: string): string {
  return /^[A-Za-z_][A-Za-z0-9_-]*$/.test(text) ? text : JSON.stringify(text)
}

function yamlText(text: string): string {
  return /^[A-Za-z_$][A-Za-z0-9_.$-]*$/.test(text) ? text : JSON.stringify(text)
}
