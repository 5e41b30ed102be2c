// Multi-round-trip results: a server that needs an answer first may ask only what the rule lets it ask.

import type { JsonObject, JsonValue } from '../../model/context.ts'
import { isJsonObject } from '../policy/json-object.ts'
import { plainBlock } from '../policy/plan-content.ts'
import type { Exchange } from './exchange.ts'
import type { Answer } from './message.ts'

/** How long a question may stay unanswered. */
const lifetimeMs = 10 * 60_000

const kinds: ReadonlyMap<unknown, string> = new Map([
  ['sampling/createMessage', 'sampling'],
  ['elicitation/create', 'elicitation'],
  ['roots/list', 'roots'],
])

/** The question as the client may see it, or undefined when the rule does not allow one of its parts. */
export function questionOf(exchange: Exchange, result: JsonObject): Answer | undefined {
  const requests = isJsonObject(result.inputRequests) ? result.inputRequests : {}
  const shown: { [name: string]: JsonValue } = {}
  for (const [name, request] of Object.entries(requests)) {
    const kind = isJsonObject(request) ? kinds.get(request.method) : undefined
    if (kind === undefined || !exchange.asks.has(kind)) return undefined
    const { method, params } = request as JsonObject
    shown[name] = { method: method!, ...(isJsonObject(params) && { params: plainBlock(params) }) }
  }
  const { requestState } = result
  const { seal } = exchange.core
  const sealed: JsonObject =
    typeof requestState === 'string'
      ? {
          requestState: seal.seal(
            requestState,
            exchange.principal,
            exchange.method,
            exchange.params,
            exchange.core.clock() + lifetimeMs,
          ),
        }
      : {}
  return {
    result: {
      resultType: 'input_required',
      ...(result.inputRequests !== undefined && { inputRequests: shown }),
      ...sealed,
    },
  }
}

/** The parameters with the server's own state in place of the sealed one; undefined when it does not open. */
export function unsealed(exchange: Exchange): JsonObject | undefined {
  const { params, principal, method, core } = exchange
  if (params.requestState === undefined) return params
  if (typeof params.requestState !== 'string') return undefined
  const requestState = core.seal.open(params.requestState, principal, method, params, core.clock())
  return requestState === undefined ? undefined : { ...params, requestState }
}
