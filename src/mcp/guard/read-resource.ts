// resources/*: every URI is asked about, the one that is read and every one that comes back.

import type { JsonObject, JsonValue } from '../../model/context.ts'
import { type Ask, isDenial } from '../policy/ask.ts'
import { isJsonObject } from '../policy/json-object.ts'
import { type BlockFilter, plainBlock, planContents } from '../policy/plan-content.ts'
import { planResource, type ResourcePlan } from '../policy/plan-resource.ts'
import type { Asking } from '../policy/plan-tree.ts'
import type { GuardedConnection } from './connection.ts'
import type { Exchange } from './exchange.ts'
import { emptyResult, fixedError, insufficientScope, unknownResource } from './fixed-answers.ts'
import type { Answer } from './message.ts'

/** resources/list: the entries whose URI is granted, in the server's order. */
export async function listResources(exchange: Exchange, page: JsonObject): Promise<Answer> {
  const answer = await exchange.forward(page)
  if (answer.error) return failed(exchange, answer.error)
  const { resources, nextCursor } = answer.result
  const entries = Array.isArray(resources) ? resources.filter(isJsonObject) : []
  const asks: Ask[] = []
  const ranges = entries.map((entry) => {
    const plan =
      typeof entry.uri === 'string'
        ? planResource(entry.uri, exchange.setting, `list ${entry.uri}`)
        : undefined
    if (plan === undefined || isDenial(plan)) return undefined
    const from = asks.length
    asks.push(...plan.asks)
    return [from, asks.length] as const
  })
  const { granted } = await exchange.ask('result', asks)
  const left = entries.filter((_, index) => {
    const range = ranges[index]
    return range !== undefined && granted.slice(...range).every(Boolean)
  })
  const result = { resources: left.map(plainBlock), ...pageOf(nextCursor) }
  return exchange.settle({ result }, left.length === entries.length ? 'allowed' : 'filtered')
}

/** resources/templates/list: the templates that a rule is written for. */
export async function listTemplates(exchange: Exchange, page: JsonObject): Promise<Answer> {
  const answer = await exchange.forward(page)
  if (answer.error) return failed(exchange, answer.error)
  const { resourceTemplates, nextCursor } = answer.result
  const entries = Array.isArray(resourceTemplates) ? resourceTemplates.filter(isJsonObject) : []
  const known = new Set(exchange.policy.resources.map(({ uri }) => shapeOf(uri.text)))
  const left = entries.filter(
    ({ uriTemplate }) => typeof uriTemplate === 'string' && known.has(shapeOf(uriTemplate)),
  )
  const result = { resourceTemplates: left.map(plainBlock), ...pageOf(nextCursor) }
  return exchange.settle({ result }, left.length === entries.length ? 'allowed' : 'filtered')
}

/** A template without the names of its variables and their operators. */
function shapeOf(template: string): string {
  return template.replace(/\{[^{}]*\}/g, '{}')
}

/** resources/read: denied and missing are the same answer. */
export async function readResource(exchange: Exchange, connection: GuardedConnection): Promise<Answer> {
  const admitted = await admit(exchange, connection)
  if ('answer' in admitted) return admitted.answer
  const { plan } = admitted
  const answer = await exchange.forward({ ...exchange.params, uri: plan.uri })
  if (answer.error) return failed(exchange, answer.error, unknownResource(exchange.modern))
  const contents = answer.result.contents
  const items = Array.isArray(contents) ? contents.filter(isJsonObject) : []
  const asking: Asking = { setting: exchange.setting, asks: [], refused: [] }
  const filters = items.map((item, index) =>
    planItem(item, plan, String(exchange.params.uri), asking, `result contents[${index}]`),
  )
  const { granted } = await exchange.ask('result', asking.asks)
  const left: JsonValue[] = []
  for (const filter of filters) {
    const kept = filter(granted)
    if (kept === undefined)
      return exchange.settle(
        unknownResource(exchange.modern),
        'failed',
        'the contents are not what the rule expects',
      )
    if (kept.block !== undefined) left.push(kept.block)
  }
  if (left.length === 0)
    return exchange.settle(unknownResource(exchange.modern), 'denied', 'nothing of the contents is granted')
  const isWhole = left.length === items.length && !granted.includes(false)
  return exchange.settle({ result: { contents: left } }, isWhole ? 'allowed' : 'filtered')
}

/** One of the contents: of the URI that was read, or of another one, which is asked about by itself. */
function planItem(
  item: JsonObject,
  read: ResourcePlan,
  clientUri: string,
  asking: Asking,
  at: string,
): BlockFilter {
  const { uri } = item
  if (typeof uri !== 'string') return () => ({ block: undefined })
  const isRead = uri === read.uri || uri === clientUri
  const plan = isRead ? read : planResource(uri, asking.setting, at)
  if (isDenial(plan)) {
    asking.refused.push(plan.denied)
    return () => ({ block: undefined })
  }
  const from = asking.asks.length
  if (!isRead) asking.asks.push(...plan.asks)
  const to = asking.asks.length
  const contents = planContents(plan.rule.result, item, plan.scope, asking, at)
  return (granted) => {
    if (!granted.slice(from, to).every(Boolean)) return { block: undefined }
    const left = contents(granted)
    return left && { block: left.contents }
  }
}

/** resources/subscribe. */
export async function subscribe(exchange: Exchange, connection: GuardedConnection): Promise<Answer> {
  const admitted = await admit(exchange, connection)
  if ('answer' in admitted) return admitted.answer
  const { uri } = admitted.plan
  const answer = await exchange.forward({ ...exchange.params, uri })
  if (answer.error) return failed(exchange, answer.error, unknownResource(exchange.modern))
  if (!connection.subscriptions.add(uri, String(exchange.params.uri)))
    return exchange.settle(
      { error: fixedError(-32600) },
      'failed',
      'too many subscriptions of one connection',
    )
  return exchange.settle(emptyResult(), 'allowed')
}

/** resources/unsubscribe: nobody has to be allowed to stop. */
export async function unsubscribe(exchange: Exchange, connection: GuardedConnection): Promise<Answer> {
  const { uri } = exchange.params
  const plan = typeof uri === 'string' ? planResource(uri, exchange.setting, 'unsubscribe') : undefined
  if (plan === undefined || isDenial(plan))
    return exchange.settle(unknownResource(exchange.modern), 'denied', 'no resource rule matches')
  connection.subscriptions.remove(plan.uri)
  const answer = await exchange.forward({ ...exchange.params, uri: plan.uri })
  return answer.error
    ? failed(exchange, answer.error, unknownResource(exchange.modern))
    : exchange.settle(emptyResult(), 'allowed')
}

async function admit(
  exchange: Exchange,
  _connection: GuardedConnection,
): Promise<{ readonly plan: ResourcePlan } | { readonly answer: Answer }> {
  const denied = async (detail: string) => ({
    answer: await exchange.settle(unknownResource(exchange.modern), 'denied', detail),
  })
  const { uri } = exchange.params
  if (typeof uri !== 'string') return denied('uri is no string')
  const plan = planResource(uri, exchange.setting, `resource ${uri}`)
  if (isDenial(plan)) return denied(plan.denied)
  const { scopes } = plan.rule
  if (exchange.missingScopes(scopes))
    return {
      answer: await exchange.settle(
        insufficientScope(scopes),
        'denied',
        `the token lacks one of ${scopes.join(' ')}`,
      ),
    }
  const { granted } = await exchange.ask('arguments', [...exchange.wholeCallAsks(), ...plan.asks])
  return granted.every(Boolean) ? { plan } : denied(`${uri} is not HAS`)
}

/** The server's error with its fixed text; what says "not found" says it as a denial does. */
export function failed(
  exchange: Exchange,
  error: { code: number; message: string },
  missing?: Answer,
): Promise<Answer> {
  const isMissing = missing !== undefined && (error.code === -32002 || error.code === -32602)
  return exchange.settle(
    isMissing ? missing : { error: fixedError(error.code) },
    'failed',
    `server error: ${error.code} ${error.message}`,
  )
}

/** A page may be empty and still have a next one. */
export function pageOf(nextCursor: JsonValue | undefined): { nextCursor?: string } {
  return typeof nextCursor === 'string' ? { nextCursor } : {}
}
