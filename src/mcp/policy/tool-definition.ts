// Tool definitions: what a server says of a tool, its hash, and whether a rule fits it.

import { createHash } from 'node:crypto'
import { canonicalJson } from '../../model/canonical-json.ts'
import type { JsonObject, JsonValue } from '../../model/context.ts'
import type { JsonPath } from './json-path.ts'
import type { LoadedRules, LoadedTool } from './loaded-policy.ts'
import type { PolicyPath } from './problem.ts'
import { didYouMean } from './suggest-name.ts'

/** One entry of `tools/list`. Whatever else is in it is part of the hash. */
export interface ToolDefinition {
  readonly name: string
  readonly inputSchema?: JsonObject
  readonly outputSchema?: JsonObject
}

/** SHA-256 of the definition's canonical JSON (RFC 8785 order), in hex: every word of it is pinned. */
export function definitionHash(definition: ToolDefinition): string {
  return createHash('sha256')
    .update(canonicalJson(definition as unknown as JsonValue))
    .digest('hex')
}

export interface DefinitionProblem {
  readonly path: PolicyPath
  readonly problem: string
}

/**
 * Whether the rule fits the definition: every argument is checked or named as unchecked, every name exists, and the
 * fields that result rules name are in the output schema. A rule that does not fit makes the tool unusable.
 */
export function definitionProblems(
  tool: LoadedTool,
  definition: ToolDefinition,
): readonly DefinitionProblem[] {
  const problems: DefinitionProblem[] = []
  const report = (path: PolicyPath, problem: string) => problems.push({ path, problem })
  checkArguments(tool, definition.inputSchema, report)
  if (tool.result.kind === 'rules') checkFields(tool.result, definition.outputSchema, report)
  if (tool.result.kind === 'fixed' && definition.outputSchema && typeof tool.result.value === 'string')
    report(['result', 'fixed'], 'the tool has an output schema, so fixed must be an object that fits it')
  return problems
}

type Reporter = (path: PolicyPath, problem: string) => void

function checkArguments(tool: LoadedTool, schema: JsonObject | undefined, report: Reporter): void {
  const known = Object.keys(objectAt(schema, 'properties'))
  const named = new Map<string, PolicyPath>()
  tool.unchecked.forEach((path, index) => {
    named.set(path.leadingNames[0]!, ['unchecked', index])
  })
  let all = false
  tool.arguments.forEach(({ at }, index) => {
    const name = at.leadingNames[0]
    if (name === undefined) all = true
    else named.set(name, ['arguments', index, 'at'])
  })
  for (const { path } of tool.inject) named.set(path.leadingNames[0]!, ['inject', path.text])
  for (const name of known) {
    if (!all && !named.has(name))
      report(
        ['unchecked'],
        `the argument ${JSON.stringify(name)} is neither checked nor listed; check it under arguments, or list it in unchecked`,
      )
  }
  const open = schema !== undefined && schema.additionalProperties !== false && known.length === 0
  for (const [name, path] of named) {
    if (!open && !known.includes(name))
      report(path, `the tool has no argument ${JSON.stringify(name)}${didYouMean(name, known)}`)
  }
}

function checkFields(rules: LoadedRules, schema: JsonObject | undefined, report: Reporter): void {
  const { structure } = rules
  if (schema === undefined || structure === undefined) return
  const paths: JsonPath[] = [
    ...structure.items.map(({ items }) => items),
    ...structure.unchecked,
    ...structure.sets.map(({ path }) => path),
  ]
  for (const path of paths) {
    let here: JsonObject | undefined = schema
    for (const name of path.leadingNames) {
      const properties = objectAt(here, 'properties')
      const names = Object.keys(properties)
      if (names.length === 0) break
      if (!Object.hasOwn(properties, name)) {
        report(
          ['result'],
          `${path.text}: the output schema has no field ${JSON.stringify(name)}${didYouMean(name, names)}`,
        )
        break
      }
      here = objectAt(properties, name)
    }
  }
}

function objectAt(value: JsonObject | undefined, key: string): JsonObject {
  const found = value !== undefined && Object.hasOwn(value, key) ? value[key] : undefined
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? (found as JsonObject) : {}
}
