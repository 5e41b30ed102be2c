// The allow-list: every method that a client may use, and what becomes of it. What is not here is no method.

import type { JsonObject } from '../../model/context.ts'
import { isJsonObject } from '../policy/json-object.ts'
import type { LoadedPolicy } from '../policy/loaded-policy.ts'
import { callTool } from './call-tool.ts'
import type { GuardedConnection } from './connection.ts'
import type { Exchange } from './exchange.ts'
import { emptyResult, errorAnswer, fixedError } from './fixed-answers.ts'
import { complete, getPrompt, listPrompts, listTools } from './lists-and-prompts.ts'
import type { Answer } from './message.ts'
import { listResources, listTemplates, readResource, subscribe, unsubscribe } from './read-resource.ts'
import { listTasks, taskResult, touchTask } from './task-methods.ts'

export type MethodHandler = (exchange: Exchange, connection: GuardedConnection) => Promise<Answer>

export const requestMethods: ReadonlyMap<string, MethodHandler> = new Map<string, MethodHandler>([
  ['initialize', initialize],
  ['ping', ping],
  ['tools/list', listTools],
  ['tools/call', callTool],
  ['resources/list', ifAny(({ resources }) => resources.length > 0, listResources)],
  ['resources/templates/list', ifAny(({ resources }) => resources.length > 0, listTemplates)],
  ['resources/read', readResource],
  ['resources/subscribe', subscribe],
  ['resources/unsubscribe', unsubscribe],
  ['prompts/list', ifAny(({ prompts }) => prompts.size > 0, listPrompts)],
  ['prompts/get', getPrompt],
  ['completion/complete', complete],
  ['logging/setLevel', ifAny(hasLogs, setLevel)],
  ['tasks/get', ifAny(hasTasks, touchTask)],
  ['tasks/cancel', ifAny(hasTasks, touchTask)],
  ['tasks/list', ifAny(hasTasks, listTasks)],
  ['tasks/result', ifAny(hasTasks, taskResult)],
])

/** The method as if it were not there, unless the policy has something for it. */
function ifAny(isThere: (policy: LoadedPolicy) => boolean, handler: MethodHandler): MethodHandler {
  return async (exchange, connection) =>
    isThere(exchange.policy) ? handler(exchange, connection) : errorAnswer(-32601)
}

function hasTasks({ tools }: LoadedPolicy): boolean {
  return [...tools.values()].some(({ tasks }) => tasks)
}

function hasLogs({ logging, tools }: LoadedPolicy): boolean {
  return logging === 'pass' || [...tools.values()].some(({ logs }) => logs === 'pass')
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

/** What the server may believe of the client: only what some rule lets it ask for. */
export function clientCapabilities(policy: LoadedPolicy, capabilities: JsonObject): JsonObject {
  const rules = [...policy.tools.values(), ...policy.prompts.values()]
  const open = ['sampling', 'elicitation', 'roots'].filter((kind) => rules.some(({ asks }) => asks.has(kind)))
  return Object.fromEntries(Object.entries(capabilities).filter(([name]) => open.includes(name)))
}

/** What the client may believe of the server: only what the policy has rules for. */
export function serverCapabilities(policy: LoadedPolicy, capabilities: JsonObject): JsonObject {
  const open: { readonly [capability: string]: boolean } = {
    tools: true,
    resources: policy.resources.length > 0,
    prompts: policy.prompts.size > 0,
    completions: policy.completions.length > 0,
    logging: hasLogs(policy),
    tasks: hasTasks(policy),
  }
  return Object.fromEntries(Object.entries(capabilities).filter(([name]) => open[name] === true))
}
