// The envelope of revision 2026-07-28: what `_meta` must carry in each request, and what results must say of themselves.

import type { JsonObject, JsonValue } from '../../model/context.ts'
import { isJsonObject } from '../policy/json-object.ts'
import type { LoadedPolicy } from '../policy/loaded-policy.ts'

const prefix = 'io.modelcontextprotocol/'
export const versionKey = `${prefix}protocolVersion`
const capabilitiesKey = `${prefix}clientCapabilities`
const clientInfoKey = `${prefix}clientInfo`
const logLevelKey = `${prefix}logLevel`
export const serverInfoKey = `${prefix}serverInfo`
export const subscriptionKey = `${prefix}subscriptionId`

/** Results that caches on the way may keep, unless they are told not to. */
const cacheable: ReadonlySet<string> = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
])

/** Whether the request is of a revision without sessions: it says so itself, in every message. */
export function isModern({ _meta }: JsonObject): boolean {
  return isJsonObject(_meta) && typeof _meta[versionKey] === 'string'
}

/** What of a request's `_meta` goes on to the server. Client info is self-reported and decides nothing. */
export function forwardedMeta(params: JsonObject, policy: LoadedPolicy): JsonObject {
  const meta = isJsonObject(params._meta) ? params._meta : {}
  const kept: { [key: string]: JsonValue } = {}
  const { progressToken } = meta
  if (typeof progressToken === 'string' || typeof progressToken === 'number')
    kept.progressToken = progressToken
  if (!isModern(params)) return kept
  for (const key of [versionKey, clientInfoKey]) if (meta[key] !== undefined) kept[key] = meta[key]
  const capabilities = meta[capabilitiesKey]
  if (isJsonObject(capabilities)) kept[capabilitiesKey] = clientCapabilities(policy, capabilities)
  if (hasLogs(policy) && meta[logLevelKey] !== undefined) kept[logLevelKey] = meta[logLevelKey]
  return kept
}

/** The result with what the revision wants: its type, and that nobody may keep it for anybody else, or for later. */
export function modernResult(
  method: string,
  result: JsonObject,
  serverInfo: JsonValue | undefined,
): JsonObject {
  const { _meta, ttlMs, cacheScope, resultType = 'complete', ...rest } = result
  const meta = {
    ...(isJsonObject(_meta) && _meta),
    ...(serverInfo !== undefined && { [serverInfoKey]: serverInfo }),
  }
  return {
    ...rest,
    resultType,
    ...(cacheable.has(method) && { ttlMs: 0, cacheScope: 'private' }),
    ...(Object.keys(meta).length > 0 && { _meta: meta }),
  }
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
  return Object.fromEntries(
    Object.entries(capabilities).filter(([name]) => Object.hasOwn(open, name) && open[name]),
  )
}

/** Whether some log notification may pass. */
export function hasLogs({ logging, tools }: LoadedPolicy): boolean {
  return logging === 'pass' || [...tools.values()].some(({ logs }) => logs === 'pass')
}

/** Whether some tool may run as a task. */
export function hasTasks({ tools }: LoadedPolicy): boolean {
  return [...tools.values()].some(({ tasks }) => tasks)
}
