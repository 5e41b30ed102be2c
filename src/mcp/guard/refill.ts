// Refill: further pages of a repeatable read, when filtering would leave the first one thin.

import type { JsonObject, JsonValue } from '../../model/context.ts'
import { isDenial } from '../policy/ask.ts'
import type { LoadedRefill } from '../policy/loaded-policy.ts'
import { applyMarks, Mark } from '../policy/marks.ts'
import { planResult } from '../policy/plan-result.ts'
import { askAll } from './bulk-ask.ts'
import type { Exchange } from './exchange.ts'
import type { UsableTool } from './tool-pins.ts'

/**
 * The first result with the items of further pages added, and the cursor of the last page, until `want` items would be
 * left or the budget is used. Everything is filtered afterwards, as one result. A page that fails ends the refill.
 */
export async function refill(
  exchange: Exchange,
  tool: UsableTool,
  args: JsonObject,
  first: JsonObject,
): Promise<JsonObject> {
  const rule = tool.rule.refill!
  let result = first
  for (let call = 0; call < rule.maxCalls; call++) {
    const structure = result.structuredContent
    const cursor = structure === undefined ? undefined : rule.next.select(structure)[0]?.value
    if (cursor === undefined || cursor === null || cursor === '') break
    if ((await countLeft(exchange, tool, args, result)) >= rule.want) break
    const answer = await exchange.forward({
      ...exchange.params,
      arguments: { ...args, [rule.cursor.leadingNames[0]!]: cursor },
    })
    if (answer.error || answer.result.isError === true || answer.result.structuredContent === undefined) break
    result = joined(result, answer.result.structuredContent, rule)
  }
  return result
}

async function countLeft(
  exchange: Exchange,
  { rule }: UsableTool,
  args: JsonObject,
  result: JsonObject,
): Promise<number> {
  const plan = planResult(rule.result, result, args, exchange.setting)
  if (isDenial(plan)) return Number.POSITIVE_INFINITY
  const { granted } = await askAll(exchange.core, exchange.setting, plan.asks, exchange.controller.signal)
  const left = plan.filter(granted)
  if (isDenial(left) || left.structuredContent === undefined) return 0
  return rule.refill!.items.select(left.structuredContent).length
}

/** The structure with the page's items appended to its list and the page's next cursor. */
function joined(result: JsonObject, page: JsonValue, { items, next }: LoadedRefill): JsonObject {
  const structure = result.structuredContent!
  const more = items.select(page).map(({ value }) => value)
  const last = items.select(structure).at(-1)
  const list = last ? last.location.slice(0, -1) : items.leadingNames
  const marks = new Mark()
  const before = list.reduce<JsonValue | undefined>(
    (value, step) => (value as { [key: string]: JsonValue } | undefined)?.[step],
    structure,
  )
  if (Array.isArray(before)) marks.at(list).replacement = { value: [...before, ...more] }
  const nextPlace = next.select(structure)[0]
  const nextValue = next.select(page)[0]?.value
  if (nextPlace) marks.at(nextPlace.location).replacement = { value: nextValue ?? null }
  return { ...result, structuredContent: applyMarks(structure, marks, true)! }
}
