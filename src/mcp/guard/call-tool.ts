// tools/call: arguments are checked before the tool runs, and what it returns before anybody sees it.

import type { JsonObject, JsonValue } from '../../model/context.ts'
import { type Denial, isDenial } from '../policy/ask.ts'
import { isJsonObject } from '../policy/json-object.ts'
import { planCall } from '../policy/plan-call.ts'
import { type FilteredResult, planResult } from '../policy/plan-result.ts'
import { writeAfter } from './after.ts'
import { type Exchange, needsInput } from './exchange.ts'
import {
  errorAnswer,
  fixedError,
  notFound,
  scopesMissing,
  toolFailed,
  toolUnrecorded,
  unknownTool,
} from './fixed-answers.ts'
import { injectLookups } from './inject.ts'
import { questionOf, unsealed } from './input-required.ts'
import type { Answer } from './message.ts'
import { isObserved } from './observe.ts'
import { fitsOutputSchema } from './output-schema.ts'
import { refill } from './refill.ts'
import { beginTask } from './tasks.ts'
import type { UsableTool } from './tool-pins.ts'

/** Answers one call. Whatever is denied looks like something that is not there. */
export async function callTool(exchange: Exchange): Promise<Answer> {
  const { params, record, server } = exchange
  const name = params.name
  const tool = typeof name === 'string' ? await server.findTool(exchange, name) : undefined
  if (tool === undefined) {
    await record.refused(`no usable tool ${JSON.stringify(name).slice(0, 200)}`)
    return unknownTool
  }
  const { rule } = tool
  record.tool = rule.name
  record.toolHash = tool.hash
  record.effect = rule.effect
  exchange.allow(rule)
  if (exchange.missingScopes(rule.scopes))
    return exchange.settle(
      scopesMissing(rule.scopes),
      'denied',
      `the token lacks one of ${rule.scopes.join(' ')}`,
    )
  if (params.task !== undefined && !rule.tasks)
    return exchange.settle(errorAnswer(-32601), 'denied', 'the tool may not run as a task')

  const decided = await checkArguments(exchange, tool, params.arguments)
  if (isDenial(decided)) return exchange.settle(notFound, 'denied', decided.denied)
  const args = await injectLookups(exchange, rule, decided.args)
  const resumed = unsealed(exchange)
  if (resumed === undefined)
    return exchange.settle(errorAnswer(-32602), 'denied', 'the request state is not of this request')
  if (rule.effect === 'write') await record.intent()
  const answer = await exchange.forwardAsking({ ...resumed, arguments: args })
  if (needsInput(answer)) {
    const question = questionOf(exchange, answer.result!)
    if (question) return exchange.settle(question, 'allowed', 'the server asked back')
    return exchange.settle(toolFailed, 'failed', 'the server asked back, which the rule does not allow')
  }
  const begun = answer.error ? undefined : beginTask(exchange, tool, decided.args, answer.result)
  return begun
    ? exchange.settle(begun, 'allowed', 'begun as a task')
    : finishTool(exchange, tool, args, answer)
}

/**
 * Asks everything about the arguments that a call or a task was given: the rule's questions, and those that the tool's
 * author adds. Gives the arguments to forward.
 */
export async function checkArguments(
  exchange: Exchange,
  tool: UsableTool,
  given: JsonValue | undefined,
): Promise<{ readonly args: JsonObject } | Denial> {
  const plan = planCall(tool.rule, given, exchange.setting)
  if (isDenial(plan)) return plan
  const added =
    tool.mapping?.asks({ name: tool.rule.name, arguments: plan.canonical }, exchange.principal) ?? []
  if (isDenial(added)) return added
  const asks = [...plan.asks, ...added]
  const { granted } = await exchange.ask('arguments', asks)
  const observed = isObserved(exchange, tool.rule)
  const relaxed = observed ? granted.map((has, index) => has || asks[index]!.at !== 'call') : granted
  if (!relaxed.slice(plan.asks.length).every(Boolean))
    return { denied: 'a question of x-authzen-mapping is not HAS' }
  const decided = plan.decide(relaxed.slice(0, plan.asks.length))
  if (observed && !isDenial(decided) && granted.includes(false)) exchange.record.mode = 'observe'
  return decided
}

/** Turns the server's answer to a call into what its caller may see. Also used when a task's result is fetched. */
export async function finishTool(
  exchange: Exchange,
  tool: UsableTool,
  args: JsonObject,
  answer: Answer,
): Promise<Answer> {
  if (answer.error) {
    const original = `${answer.error.code} ${answer.error.message}`
    return exchange.settle({ error: fixedError(answer.error.code) }, 'failed', `server error: ${original}`)
  }
  const { result } = answer
  if (result.isError === true)
    return exchange.settle(
      toolFailed,
      'failed',
      `the tool answered with an error: ${JSON.stringify(result.content ?? null).slice(0, 1000)}`,
    )
  // Before the result is looked at, so that a creator sees what it has created.
  const unwritten = await writeAfter(exchange, tool.rule, args, result)
  if (unwritten !== undefined) return exchange.settle(toolUnrecorded, 'failed', unwritten)
  const complete = tool.rule.refill ? await refill(exchange, tool, args, result) : result
  const shown = await filterResult(exchange, tool, args, complete)
  if ('denied' in shown)
    return exchange.settle(
      shown.unusable ? toolFailed : notFound,
      shown.unusable ? 'failed' : 'denied',
      shown.denied,
    )
  const { outputSchema } = tool.definition
  if (
    tool.rule.result.kind !== 'whole' &&
    outputSchema &&
    !fitsOutputSchema(tool.hash, outputSchema, shown.left.structuredContent)
  )
    return exchange.settle(toolFailed, 'failed', 'what is left of the result does not fit the output schema')
  const left: JsonObject = { ...otherMembers(tool, result), ...shown.left }
  return exchange.settle({ result: left }, shown.isWhole ? 'allowed' : 'filtered')
}

interface Shown {
  readonly left: FilteredResult & JsonObject
  readonly isWhole: boolean
}

async function filterResult(
  exchange: Exchange,
  { rule }: UsableTool,
  args: JsonObject,
  result: JsonObject,
): Promise<Shown | { readonly denied: string; readonly unusable: boolean }> {
  const plan = planResult(rule.result, result, args, exchange.setting)
  if (isDenial(plan)) return { denied: plan.denied, unusable: true }
  const { granted } = await exchange.ask('result', plan.asks)
  const observed = isObserved(exchange, rule) && granted.includes(false)
  if (observed) exchange.record.mode = 'observe'
  const types = plan.asks.map(({ resource }) => resource.type)
  exchange.core.overFetch.add(rule.name, types, granted, observed)
  if (observed) {
    const denied = types.filter((_, index) => !granted[index])
    const byType = Object.fromEntries(
      [...new Set(denied)].map((type) => [type, denied.filter((one) => one === type).length]),
    )
    exchange.log('warn', 'Observe mode shows what would be denied.', {
      returned: types.length,
      denied: denied.length,
      deniedByType: byType,
    })
  }
  if (plan.refused.length > 0)
    exchange.log('info', 'Things in the result cannot be named by the policy and were removed.', {
      refused: plan.refused.slice(0, 20),
    })
  const left = plan.filter(observed ? granted.map(() => true) : granted)
  if (isDenial(left)) return { denied: left.denied, unusable: false }
  return { left: left as Shown['left'], isWhole: !granted.includes(false) && plan.refused.length === 0 }
}

/** Under `whole`, members that are neither content nor metadata pass too; `_meta` never does. */
function otherMembers({ rule }: UsableTool, result: JsonObject): JsonObject {
  const resultType: JsonObject = result.resultType === undefined ? {} : { resultType: result.resultType }
  if (rule.result.kind !== 'whole') return resultType
  const { _meta, content, structuredContent, isError, ...others } = result
  return isJsonObject(others) ? others : {}
}
