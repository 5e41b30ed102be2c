// A tool's result: which things it holds, what is asked about them, and the result that is left.

import type { JsonObject, JsonValue } from '../../model/context.ts'
import type { Ask, Denial, Setting } from './ask.ts'
import { isJsonObject } from './json-object.ts'
import { rewriteJsonText } from './json-text.ts'
import type { LoadedResult, LoadedRules } from './loaded-policy.ts'
import { type BlockFilter, planLinkedBlock, planText } from './plan-content.ts'
import { type Asking, planTree } from './plan-tree.ts'
import { callerScope, type Scope } from './scope.ts'

/** What the guard sends on: `content` and, if there is any, `structuredContent`. */
export interface FilteredResult {
  readonly content: readonly JsonValue[]
  readonly structuredContent?: JsonValue
}

export interface ResultPlan {
  /** All of a result's questions; asked at one revision. */
  readonly asks: readonly Ask[]
  /** What was denied without asking, for the operator. */
  readonly refused: readonly string[]
  /** Takes one answer per ask, in order. */
  filter(granted: readonly boolean[]): FilteredResult | Denial
}

/**
 * Plans a result (policy format, 3.1). With rules, what none covers is removed: fields, blocks, unknown block types.
 * `args` are the arguments that were forwarded.
 */
export function planResult(
  rule: LoadedResult,
  result: JsonObject,
  args: JsonObject,
  setting: Setting,
): ResultPlan | Denial {
  if (rule.kind === 'fixed') return unasked(fixedResult(rule.value, rule.text))
  const content = result.content ?? []
  if (!Array.isArray(content) || !content.every(isJsonObject))
    return { denied: 'the result has no list of content blocks' }
  const structure = result.structuredContent
  if (rule.kind === 'whole')
    return unasked(structure === undefined ? { content } : { content, structuredContent: structure })
  const asking: Asking = { setting, asks: [], refused: [] }
  const scope = callerScope(setting.caller).withRoots({ args })
  return planRules(rule, content as readonly JsonObject[], structure, scope, asking)
}

function unasked(result: FilteredResult): ResultPlan {
  return { asks: [], refused: [], filter: () => result }
}

function fixedResult(value: JsonValue, text = JSON.stringify(value)): FilteredResult {
  if (typeof value === 'string') return { content: [{ type: 'text', text: value }] }
  return { content: [{ type: 'text', text }], structuredContent: value }
}

function planRules(
  rule: LoadedRules,
  content: readonly JsonObject[],
  structure: JsonValue | undefined,
  scope: Scope,
  asking: Asking,
): ResultPlan | Denial {
  const tree =
    structure === undefined
      ? undefined
      : planTree(rule.structure ?? { items: [], unchecked: [], sets: [] }, structure, scope, asking, 'result')
  const blocks: { filter: BlockFilter; text: string | undefined }[] = []
  for (const [index, block] of content.entries()) {
    const planned = planBlock(rule, block, scope, asking, `result content[${index}]`)
    if (planned === undefined) return { denied: `content[${index}] should be JSON text and is not` }
    blocks.push(planned)
  }
  return {
    asks: asking.asks,
    refused: asking.refused,
    filter(granted) {
      const left: JsonValue[] = []
      /** Texts and what became of them, for the copies of them in the structure. */
      const copies = new Map<string, string>()
      for (const { filter, text } of blocks) {
        const kept = filter(granted)
        if (kept === undefined) return { denied: 'a result rule says denied: fail or unmatched: fail' }
        if (kept.block === undefined) continue
        left.push(kept.block)
        if (text !== undefined) copies.set(text, (kept.block as { text: string }).text)
      }
      let copied = false
      const kept = tree?.(granted, (root) => {
        if (!isJsonObject(structure)) return
        for (const [key, member] of Object.entries(structure)) {
          const copy = typeof member === 'string' ? copies.get(member) : undefined
          if (copy === undefined) continue
          root.at([key]).replacement = { value: copy }
          copied = true
        }
      })
      if (tree && kept === undefined) return { denied: 'a result rule says denied: fail' }
      if (rule.mirror && kept) mirror(content, structure!, kept.value, left)
      // A structure that no rule speaks of is not sent, not even as an empty one.
      const isSent = kept !== undefined && (rule.structure !== undefined || copied)
      return isSent ? { content: left, structuredContent: kept.value } : { content: left }
    },
  }
}

/** Undefined: the text should be JSON and is not. */
function planBlock(
  rule: LoadedRules,
  block: JsonObject,
  scope: Scope,
  asking: Asking,
  at: string,
): { filter: BlockFilter; text: string | undefined } | undefined {
  const { type, text } = block
  if (type === 'resource_link' || type === 'resource')
    return { filter: planLinkedBlock(block, asking, at), text: undefined }
  const filter =
    type === 'text' && typeof text === 'string' ? planText(rule, text, scope, asking, at) : undefined
  if (filter === 'malformed') return undefined
  if (filter === undefined) return { filter: () => ({ block: undefined }), text: undefined }
  return {
    text: text as string,
    filter(granted) {
      const left = filter(granted)
      return left === undefined ? undefined : { block: { ...textBlock(block), text: left } }
    },
  }
}

/** Puts one text block with the structure's JSON first, in the style that the server's had. */
function mirror(
  content: readonly JsonObject[],
  structure: JsonValue,
  left: JsonValue,
  blocks: JsonValue[],
): void {
  const first = content.find(({ type, text }) => type === 'text' && typeof text === 'string')
  const text = typeof first?.text === 'string' ? first.text : ''
  blocks.unshift({ ...textBlock(first ?? {}), text: rewriteJsonText(text, structure, left) })
}

/** A text block with nothing but what the protocol knows and no rule has to cover. */
function textBlock({ annotations }: JsonObject): JsonObject {
  if (!isJsonObject(annotations)) return { type: 'text' }
  const { audience, priority } = annotations
  const known = { ...(audience !== undefined && { audience }), ...(priority !== undefined && { priority }) }
  return { type: 'text', annotations: known }
}
