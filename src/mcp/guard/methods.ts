// The allow-list: every method that a client may use, and what becomes of it. What is not here is no method.

import type { JsonObject } from '../../model/context.ts'
import { isJsonObject } from '../policy/json-object.ts'
import type { LoadedPolicy } from '../policy/loaded-policy.ts'
import { callTool } from './call-tool.ts'
import type { GuardedConnection } from './connection.ts'
import { clientCapabilities, hasLogs, hasTasks, serverCapabilities } from './envelope.ts'
import type { Exchange } from './exchange.ts'
import { emptyResult, fixedError } from './fixed-answers.ts'
import { complete, getPrompt, listPrompts, listTools } from './lists-and-prompts.ts'
import type { Answer } from './message.ts'
import { paged } from './paged-list.ts'
import { listResources, listTemplates, readResource, subscribe, unsubscribe } from './read-resource.ts'
import { listTasks, taskResult, touchTask } from './task-methods.ts'

export type MethodHandler = (exchange: Exchange, connection: GuardedConnection) => Promise<Answer>

const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['initialize', initialize],
  ['server/discover', discover],
  ['ping', ping],
  ['tools/list', paged(listTools)],
  ['tools/call', callTool],
  ['resources/list', ifAny(({ resources }) => resources.length > 0, paged(listResources))],
  ['resources/templates/list', ifAny(({ resources }) => resources.length > 0, paged(listTemplates))],
  ['resources/read', readResource],
  ['resources/subscribe', subscribe],
  ['resources/unsubscribe', unsubscribe],
  ['prompts/list', ifAny(({ prompts }) => prompts.size > 0, paged(listPrompts))],
  ['prompts/get', getPrompt],
  ['completion/complete', complete],
  ['logging/setLevel', ifAny(hasLogs, setLevel)],
  ['tasks/get', ifAny(hasTasks, touchTask)],
  ['tasks/cancel', ifAny(hasTasks, touchTask)],
  ['tasks/list', ifAny(hasTasks, paged(listTasks))],
  ['tasks/result', ifAny(hasTasks, taskResult)],
])

interface Gated {
  readonly isThere: (policy: LoadedPolicy) => boolean
  readonly handler: MethodHandler
}
type Method = MethodHandler | Gated

/** The method as if it were not there, unless the policy has something for it. */
function ifAny(isThere: Gated['isThere'], handler: MethodHandler): Gated {
  return { isThere, handler }
}

/** What answers a method under this policy; undefined: there is no such method. */
export function handlerOf(name: string, policy: LoadedPolicy): MethodHandler | undefined {
  const method = methods.get(name)
  if (method === undefined || typeof method === 'function') return method
  return method.isThere(policy) ? method.handler : undefined
}

async function ping(exchange: Exchange): Promise<Answer> {
  const answer = await exchange.forward({})
  return answer.error ? { error: fixedError(answer.error.code) } : emptyResult()
}

async function setLevel(exchange: Exchange): Promise<Answer> {
  const answer = await exchange.forward(exchange.params)
  return answer.error ? { error: fixedError(answer.error.code) } : emptyResult()
}

/** initialize: neither side learns of capabilities that the policy does not open. */
async function initialize(exchange: Exchange, connection: GuardedConnection): Promise<Answer> {
  const { params, policy } = exchange
  const capabilities = isJsonObject(params.capabilities) ? params.capabilities : {}
  const answer = await exchange.forward({ ...params, capabilities: clientCapabilities(policy, capabilities) })
  if (answer.error) return { error: fixedError(answer.error.code) }
  const { protocolVersion, serverInfo, instructions } = answer.result
  const offered = isJsonObject(answer.result.capabilities) ? answer.result.capabilities : {}
  connection.tools.forget()
  const result: JsonObject = {
    protocolVersion: protocolVersion ?? null,
    capabilities: serverCapabilities(policy, offered),
    serverInfo: serverInfo ?? null,
    ...(policy.instructions && typeof instructions === 'string' && { instructions }),
  }
  return { result }
}

/** server/discover: the same for a revision without a handshake. */
async function discover(exchange: Exchange): Promise<Answer> {
  const answer = await exchange.forward({})
  if (answer.error) return { error: fixedError(answer.error.code) }
  const { supportedVersions, instructions } = answer.result
  const offered = isJsonObject(answer.result.capabilities) ? answer.result.capabilities : {}
  const result: JsonObject = {
    supportedVersions: supportedVersions ?? [],
    capabilities: serverCapabilities(exchange.policy, offered),
    ...(exchange.policy.instructions && typeof instructions === 'string' && { instructions }),
  }
  return { result }
}
