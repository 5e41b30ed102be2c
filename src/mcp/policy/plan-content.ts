// Content blocks under rules: each block is covered by a rule or goes. Used for tool results and prompt messages.

import type { JsonObject, JsonValue } from '../../model/context.ts'
import { isDenial } from './ask.ts'
import { isJsonObject } from './json-object.ts'
import { parseJsonText, rewriteJsonText } from './json-text.ts'
import type { LoadedRules } from './loaded-policy.ts'
import { planLines } from './plan-lines.ts'
import { planResource } from './plan-resource.ts'
import { type Asking, type Filter, planTree } from './plan-tree.ts'
import type { Scope } from './scope.ts'

/** What becomes of one block; an undefined block goes. */
export type BlockFilter = Filter<{ readonly block: JsonValue | undefined }>

const gone: BlockFilter = () => ({ block: undefined })

/**
 * Plans the text of a block or of a resource's contents: by lines, or as JSON. Undefined when the rules do not cover
 * text at all; `'malformed'` when it should be JSON and is not.
 */
export function planText(
  rules: LoadedRules,
  text: string,
  scope: Scope,
  asking: Asking,
  at: string,
): Filter<string> | 'malformed' | undefined {
  if (rules.lines) return planLines(rules.lines, text, scope, asking, at)
  if (!rules.json) return undefined
  const parsed = parseJsonText(text)
  if (parsed === undefined) return 'malformed'
  const filter = planTree(rules.json, parsed.value, scope, asking, at)
  return (granted) => {
    const left = filter(granted)
    return left && rewriteJsonText(text, parsed.value, left.value)
  }
}

/** A block with a URI: a link or an embedded resource. Its resource rule decides; without one it goes. */
export function planLinkedBlock(block: JsonObject, asking: Asking, at: string): BlockFilter {
  const embedded = block.type === 'resource' && isJsonObject(block.resource) ? block.resource : undefined
  const uri = embedded ? embedded.uri : block.uri
  if (typeof uri !== 'string') return gone
  const plan = planResource(uri, asking.setting, `${at} ${uri}`)
  if (isDenial(plan)) {
    asking.refused.push(plan.denied)
    return gone
  }
  const from = asking.asks.length
  asking.asks.push(...plan.asks)
  const to = asking.asks.length
  const contents = embedded ? planContents(plan.rule.result, embedded, plan.scope, asking, at) : undefined
  return (granted) => {
    const has = to <= granted.length && granted.slice(from, to).every((one) => one === true)
    if (!has) return { block: undefined }
    if (contents === undefined) return { block: plainBlock(block) }
    const left = contents(granted)
    return left && { block: left.contents && { ...plainBlock(block), resource: left.contents } }
  }
}

/** The contents of one resource whose URI is granted: all of it, or its text under rules. */
export function planContents(
  result: { readonly kind: 'whole' } | LoadedRules,
  contents: JsonObject,
  scope: Scope,
  asking: Asking,
  at: string,
): Filter<{ readonly contents: JsonObject | undefined }> {
  if (result.kind === 'whole') return () => ({ contents: plainBlock(contents) })
  const text = contents.text
  const filter = typeof text === 'string' ? planText(result, text, scope, asking, at) : undefined
  if (filter === undefined) return () => ({ contents: undefined })
  if (filter === 'malformed') return () => undefined
  return (granted) => {
    const left = filter(granted)
    return left === undefined ? undefined : { contents: { ...plainBlock(contents), text: left } }
  }
}

/** The block without `_meta`, which no rule can cover. */
export function plainBlock(block: JsonObject): JsonObject {
  if (!Object.hasOwn(block, '_meta')) return block
  const { _meta, ...rest } = block
  return rest
}
