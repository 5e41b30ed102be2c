// tools/list, prompts/*, completion/complete: what is named is what may be used.

import type { JsonObject, JsonValue } from '../../model/context.ts'
import { type Ask, isDenial } from '../policy/ask.ts'
import { isJsonObject } from '../policy/json-object.ts'
import { planCall } from '../policy/plan-call.ts'
import { plainBlock } from '../policy/plan-content.ts'
import { fillChecks, resolveDemand } from '../policy/resolve-demand.ts'
import { callerScope } from '../policy/scope.ts'
import type { GuardedConnection } from './connection.ts'
import { type Exchange, needsInput } from './exchange.ts'
import { insufficientScope, unknownPrompt } from './fixed-answers.ts'
import { questionOf, unsealed } from './input-required.ts'
import type { Answer } from './message.ts'
import { failed, pageOf } from './read-resource.ts'
import { definitionsOf } from './server-tools.ts'

/**
 * tools/list: tools with a rule, an approved definition, and whole-call questions that are HAS as far as they can be
 * asked without arguments.
 */
export async function listTools(
  exchange: Exchange,
  page: JsonObject,
  connection: GuardedConnection,
): Promise<Answer> {
  const answer = await exchange.forward(page)
  if (answer.error) return failed(exchange, answer.error)
  const definitions = definitionsOf(answer.result.tools)
  const isAll = page.cursor === undefined && answer.result.nextCursor === undefined
  if (isAll) exchange.core.pins.tellUnused(exchange.policy, new Set(definitions.map(({ name }) => name)))
  const usable = definitions.flatMap((definition) => connection.tools.usable(exchange, definition) ?? [])
  const scope = callerScope(exchange.setting.caller)
  const asks: Ask[] = []
  const ranges = usable.map(({ rule }) => {
    const from = asks.length
    for (const check of [...exchange.policy.also, ...rule.also]) {
      const needsArguments = check.id.parts.some((part) => typeof part !== 'string' && part.root === 'args')
      const filled = needsArguments ? [] : fillChecks([check], scope, exchange.setting, 'call')
      if (isDenial(filled)) return undefined
      asks.push(...filled)
    }
    return [from, asks.length] as const
  })
  const { granted } = await exchange.ask('result', asks)
  const left = usable.filter((_, index) => {
    const range = ranges[index]
    return range !== undefined && granted.slice(...range).every(Boolean)
  })
  const tools = left.map(({ definition }) => plainBlock(definition as unknown as JsonObject))
  const result = { tools, ...pageOf(answer.result.nextCursor) }
  return exchange.settle({ result }, left.length === definitions.length ? 'allowed' : 'filtered')
}

/** prompts/list: prompts with a rule. */
export async function listPrompts(exchange: Exchange, page: JsonObject): Promise<Answer> {
  const answer = await exchange.forward(page)
  if (answer.error) return failed(exchange, answer.error)
  const prompts = (Array.isArray(answer.result.prompts) ? answer.result.prompts : []).filter(isJsonObject)
  const left = prompts.filter(({ name }) => typeof name === 'string' && exchange.policy.prompts.has(name))
  const result = { prompts: left.map(plainBlock), ...pageOf(answer.result.nextCursor) }
  return exchange.settle({ result }, left.length === prompts.length ? 'allowed' : 'filtered')
}

/** prompts/get: like a tool whose whole result belongs to its arguments. */
export async function getPrompt(exchange: Exchange): Promise<Answer> {
  const { params, record } = exchange
  const rule = typeof params.name === 'string' ? exchange.policy.prompts.get(params.name) : undefined
  if (rule === undefined) {
    await record.refused(`no rule for the prompt ${JSON.stringify(params.name).slice(0, 200)}`)
    return unknownPrompt
  }
  record.tool = rule.name
  exchange.asks = rule.asks
  if (exchange.missingScopes(rule.scopes))
    return exchange.settle(
      insufficientScope(rule.scopes),
      'denied',
      `the token lacks one of ${rule.scopes.join(' ')}`,
    )
  const plan = planCall(rule, params.arguments, exchange.setting)
  if (isDenial(plan)) return exchange.settle(unknownPrompt, 'denied', plan.denied)
  const { granted } = await exchange.ask('arguments', plan.asks)
  const decided = plan.decide(granted)
  if (isDenial(decided)) return exchange.settle(unknownPrompt, 'denied', decided.denied)
  const resumed = unsealed(exchange)
  if (resumed === undefined)
    return exchange.settle(unknownPrompt, 'denied', 'the request state is not of this request')
  const answer = await exchange.forwardAsking(
    params.arguments === undefined ? resumed : { ...resumed, arguments: decided.args },
  )
  if (needsInput(answer)) {
    const question = questionOf(exchange, answer.result!)
    if (question) return exchange.settle(question, 'allowed', 'the server asked back')
    return exchange.settle(unknownPrompt, 'failed', 'the server asked back, which the rule does not allow')
  }
  if (answer.error) return failed(exchange, answer.error, unknownPrompt)
  return exchange.settle({ result: plainBlock(answer.result) }, 'allowed')
}

/** completion/complete: suggestions that are granted one by one; without a rule there are none. */
export async function complete(exchange: Exchange): Promise<Answer> {
  const { params } = exchange
  const none: Answer = { result: { completion: { values: [] } } }
  const reference = isJsonObject(params.ref) ? params.ref : {}
  const argument = isJsonObject(params.argument) ? params.argument.name : undefined
  const rule = exchange.policy.completions.find((one) => {
    const isNamed =
      reference.type === 'ref/prompt' ? one.prompt === reference.name : one.resource === reference.uri
    return (one.prompt ?? one.resource) !== undefined && isNamed && one.argument === argument
  })
  if (rule === undefined) return exchange.settle(none, 'denied', 'no completion rule')
  if (!(await exchange.mayCall())) return exchange.settle(none, 'denied', 'a whole-call question is not HAS')
  const answer = await exchange.forward(params)
  if (answer.error)
    return exchange.settle(none, 'failed', `server error: ${answer.error.code} ${answer.error.message}`)
  const completion = isJsonObject(answer.result.completion) ? answer.result.completion : {}
  const values = (Array.isArray(completion.values) ? completion.values : []).filter(
    (value) => typeof value === 'string',
  )
  const context = isJsonObject(params.context) ? params.context.arguments : undefined
  const scope = callerScope(exchange.setting.caller).withRoots({ args: context ?? {} })
  const asks: Ask[] = []
  const ranges = values.map((value) => {
    const demand = resolveDemand(
      rule,
      value,
      scope.withRoots({ value }),
      exchange.setting,
      `suggestion ${value}`,
    )
    if (isDenial(demand)) return undefined
    const from = asks.length
    asks.push(...demand.asks)
    return [from, asks.length] as const
  })
  const { granted } = await exchange.ask('result', asks)
  const left = values.filter((_, index) => {
    const range = ranges[index]
    return range !== undefined && granted.slice(...range).every(Boolean)
  })
  const result = { completion: { values: left, ...totals(completion, values.length, left.length) } }
  return exchange.settle({ result }, left.length === values.length ? 'allowed' : 'filtered')
}

/** Totals are told only of a complete list, and then of what is left of it. */
function totals({ total, hasMore }: JsonObject, given: number, left: number): { [key: string]: JsonValue } {
  const isComplete = hasMore !== true && (total === undefined || total === given)
  if (!isComplete) return {}
  return { ...(total !== undefined && { total: left }), ...(hasMore !== undefined && { hasMore: false }) }
}
