// subscriptions/listen over HTTP: SDK v2 serves it beside the server instance, so its requests and events are looked at here.

import type { JsonObject } from '../../model/context.ts'
import { isJsonObject } from '../policy/json-object.ts'
import type { Principal } from '../principal.ts'
import { CallRecord } from './call-record.ts'
import { forwardedMeta, subscriptionKey } from './envelope.ts'
import { reasonOf } from './exchange.ts'
import { errorAnswer, unauthenticated, unavailable } from './fixed-answers.ts'
import type { GuardCore } from './guard-core.ts'
import { isListChange, ListChanges } from './list-changes.ts'
import { mayConnect, mayHear } from './may-hear.ts'
import { type Answer, isRequest, type RequestId, type RpcRequest } from './message.ts'
import { withoutSecrets } from './without-secrets.ts'

/** The fetch of `createMcpHandler` in SDK v2. */
export type HandlerFetch = (request: Request, options?: HandlerFetchOptions) => Promise<Response>

export interface HandlerFetchOptions {
  readonly authInfo?: { readonly token: string; readonly extra?: Record<string, unknown> } & Record<
    string,
    unknown
  >
  readonly parsedBody?: unknown
}

const maxBodyBytes = 4 * 1024 * 1024

/** Puts the guard around the handler's fetch; everything but listening goes on to the guarded instance. */
export function listenFetch(core: GuardCore, fetch: HandlerFetch): HandlerFetch {
  return async (request, options = {}) => {
    if (request.method !== 'POST') return fetch(request, options)
    const body = options.parsedBody ?? (await readBody(request))
    if (body === undefined || Array.isArray(body)) return reply(null, errorAnswer(-32600), 400)
    const params = isJsonObject(body) && isJsonObject(body.params) ? body.params : {}
    if (!isRequest(body) || body.method !== 'subscriptions/listen')
      return fetch(request, { ...options, parsedBody: body })
    const principal = options.authInfo?.extra?.cardeaPrincipal as Principal | undefined
    if (principal?.subjectRef === undefined || principal.expiresAtMs <= core.clock())
      return reply(body.id, unauthenticated, 401)
    try {
      return await listen(core, fetch, request, options, body, params, principal)
    } catch (error) {
      core.log.error(
        { method: body.method },
        `Listening was denied because it could not be authorized: ${reasonOf(error)}`,
      )
      return reply(body.id, unavailable, 200)
    }
  }
}

async function readBody(request: Request): Promise<unknown> {
  if (Number(request.headers.get('content-length') ?? 0) > maxBodyBytes) return undefined
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > maxBodyBytes) return undefined
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return undefined
  }
}

function reply(id: RequestId | null, answer: Answer, status: number): Response {
  return Response.json({ jsonrpc: '2.0', id, ...answer }, { status })
}

async function listen(
  core: GuardCore,
  fetch: HandlerFetch,
  request: Request,
  options: HandlerFetchOptions,
  body: RpcRequest,
  params: JsonObject,
  principal: Principal,
): Promise<Response> {
  const record = new CallRecord(core, { method: body.method, principal })
  if (!(await mayConnect(core, principal))) {
    await record.outcome('denied', 'a whole-call question is not HAS')
    return reply(body.id, errorAnswer(-32601), 404)
  }
  const wanted = isJsonObject(params.notifications) ? params.notifications : {}
  const uris = await grantedUris(core, principal, wanted.resourceSubscriptions, record, request.signal)
  const { policy } = core
  const notifications: JsonObject = {
    ...(wanted.toolsListChanged === true && { toolsListChanged: true }),
    ...(wanted.promptsListChanged === true && policy.prompts.size > 0 && { promptsListChanged: true }),
    ...(wanted.resourcesListChanged === true &&
      policy.resources.length > 0 && { resourcesListChanged: true }),
    ...(uris.size > 0 && { resourceSubscriptions: [...uris.keys()] }),
  }
  await record.outcome('allowed')
  const rewritten = { ...body, params: { notifications, _meta: forwardedMeta(params, policy) } }
  const { authInfo } = withoutSecrets(options, principal)
  const response = await fetch(request, {
    ...options,
    authInfo,
    parsedBody: rewritten,
  } as HandlerFetchOptions)
  if (response.body === null || !response.headers.get('content-type')?.startsWith('text/event-stream'))
    return response
  const events = filteredEvents(core, response.body, principal, uris)
  return new Response(events, { status: response.status, headers: response.headers })
}

/** The URIs that may be listened to: as the server knows them, and as the client wrote them. */
async function grantedUris(
  core: GuardCore,
  principal: Principal,
  wanted: unknown,
  record: CallRecord,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  const granted = new Map<string, string>()
  for (const uri of Array.isArray(wanted) ? wanted : []) {
    if (typeof uri !== 'string') continue
    const { asks, answered, plan } = await mayHear(core, principal, uri, `listen ${uri}`, signal)
    if (answered) record.add('arguments', asks, answered)
    if (plan) granted.set(plan.uri, uri)
  }
  return granted
}

/** The events of the stream, each looked at when it is sent; the stream ends when the token does. */
function filteredEvents(
  core: GuardCore,
  source: ReadableStream<Uint8Array>,
  principal: Principal,
  uris: ReadonlyMap<string, string>,
): ReadableStream<Uint8Array> {
  const reader = source.getReader()
  const decoder = new TextDecoder()
  const encoder = new TextEncoder()
  const controller = new AbortController()
  let stream!: ReadableStreamDefaultController<Uint8Array>
  const write = (frame: string) => stream.enqueue(encoder.encode(`${frame}\n\n`))
  const changes = new ListChanges(core.listChangedEveryMs, core.clock, (change) => {
    if (principal.expiresAtMs > core.clock()) write(eventOf(change))
  })
  const end = () => {
    controller.abort()
    clearTimeout(timer)
    changes.end()
    reader.cancel().catch(() => {})
  }
  const leftMs = Math.min(Math.max(principal.expiresAtMs - core.clock(), 0), 2 ** 31 - 1)
  const timer = setTimeout(end, leftMs)
  timer.unref()
  let buffered = ''
  return new ReadableStream({
    start(made) {
      stream = made
    },
    async pull() {
      for (let isSaid = false; !isSaid; ) {
        const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined }) as const)
        if (done || principal.expiresAtMs <= core.clock()) {
          end()
          stream.close()
          return
        }
        buffered += decoder.decode(value, { stream: true })
        const frames = buffered.split('\n\n')
        buffered = frames.pop() ?? ''
        for (const frame of frames) {
          const message = messageOf(frame)
          const shown = message && (await shownMessage(core, message, principal, uris, controller.signal))
          if (isListChange(shown)) {
            changes.changed(shown)
          } else if (shown || frame.startsWith(':')) {
            write(shown ? eventOf(shown) : ': keepalive')
            isSaid = true
          }
        }
      }
    },
    cancel: end,
  })
}

/** The message in a frame of the stream; a comment and what is no JSON have none. */
function messageOf(frame: string): JsonObject | undefined {
  const data = /^data: (.*)$/m.exec(frame)?.[1]
  try {
    const message: unknown = data === undefined ? undefined : JSON.parse(data)
    return isJsonObject(message) ? message : undefined
  } catch {
    return undefined
  }
}

function eventOf(message: object): string {
  return `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}`
}

async function shownMessage(
  core: GuardCore,
  message: JsonObject,
  principal: Principal,
  uris: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<JsonObject | undefined> {
  const { method, id } = message
  const params = isJsonObject(message.params) ? message.params : {}
  const subscription = isJsonObject(params._meta) ? params._meta[subscriptionKey] : undefined
  const _meta: JsonObject = subscription === undefined ? {} : { [subscriptionKey]: subscription }
  if (id !== undefined && method === undefined)
    return message.error
      ? { id, error: errorAnswer(-32603).error! as never }
      : { id, result: { resultType: 'complete', _meta: { [subscriptionKey]: id } } }
  if (method === 'notifications/subscriptions/acknowledged') {
    const honoured = isJsonObject(params.notifications) ? params.notifications : {}
    const named: JsonObject = Array.isArray(honoured.resourceSubscriptions)
      ? {
          resourceSubscriptions: honoured.resourceSubscriptions.flatMap((uri) => uris.get(String(uri)) ?? []),
        }
      : {}
    return { method, params: { notifications: { ...honoured, ...named }, _meta } }
  }
  if (isListChange(message)) return { method: message.method, params: { _meta } }
  if (method !== 'notifications/resources/updated' || typeof params.uri !== 'string') return undefined
  const clientUri = uris.get(params.uri)
  if (clientUri === undefined) return undefined
  try {
    const { plan } = await mayHear(core, principal, params.uri, 'update', signal)
    return plan && { method, params: { uri: clientUri, _meta } }
  } catch (error) {
    core.log.error({}, `An update was dropped because it could not be authorized: ${reasonOf(error)}`)
    return undefined
  }
}
