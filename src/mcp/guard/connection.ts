// One guarded connection: a transport for the server that lets nothing pass that was not looked at, in either direction.

import type { JsonObject } from '../../model/context.ts'
import { principalKey } from '../http/sessions.ts'
import { isJsonObject } from '../policy/json-object.ts'
import type { Principal } from '../principal.ts'
import { forwardedMeta, modernResult, serverInfoKey } from './envelope.ts'
import { Exchange, reasonOf, type Server } from './exchange.ts'
import { errorAnswer, toolUnavailable, unauthenticated, unavailable } from './fixed-answers.ts'
import type { GuardCore } from './guard-core.ts'
import {
  type Answer,
  idKey,
  isNotification,
  isRequest,
  isResponse,
  type MessageExtra,
  type RequestId,
  type RpcMessage,
  type RpcNotification,
  type RpcRequest,
  type RpcResponse,
  type SendOptions,
  type Transport,
} from './message.ts'
import { handlerOf } from './methods.ts'
import { plainJson } from './plain-json.ts'
import { ServerTools } from './server-tools.ts'
import { ServerVoice } from './server-voice.ts'
import { Subscriptions } from './subscriptions.ts'
import type { UsableTool } from './tool-pins.ts'
import { withoutSecrets } from './without-secrets.ts'

export interface ConnectionOptions {
  /** Who asks when the transport does not say so: a configured identity, as for stdio. */
  readonly principal?: () => Principal
}

interface Pending {
  readonly exchange: Exchange
  readonly resolve: (answer: Answer) => void
}

/** Methods that name nothing and hold nothing of anybody. */
const unrecorded: ReadonlySet<string> = new Set(['initialize', 'server/discover', 'ping', 'logging/setLevel'])

export class GuardedConnection implements Transport, Server {
  onmessage: Transport['onmessage']
  onclose: Transport['onclose']
  onerror: Transport['onerror']
  readonly core: GuardCore
  readonly subscriptions: Subscriptions
  readonly #raw: Transport
  readonly #options: ConnectionOptions
  /** Requests of the client that have no answer yet, by the client's id. */
  readonly #exchanges = new Map<string, Exchange>()
  /** The same, by the ids under which the server was asked. */
  readonly #pending = new Map<RequestId, Pending>()
  readonly #tools: ServerTools
  readonly #voice: ServerVoice
  #lastInnerId = 0
  #owner: string | undefined
  #principal: Principal | undefined
  #closed = false

  constructor(raw: Transport, core: GuardCore, options: ConnectionOptions = {}) {
    this.#raw = raw
    this.core = core
    this.#options = options
    this.#tools = new ServerTools(this)
    this.#voice = new ServerVoice(this)
    this.subscriptions = new Subscriptions(this)
  }

  get sessionId(): string | undefined {
    return this.#raw.sessionId
  }

  setProtocolVersion = (version: string): void => {
    this.#raw.setProtocolVersion?.(version)
  }

  /** The principal of the newest message; its token's expiry ends what was begun under older ones. */
  get principal(): Principal | undefined {
    return this.#principal
  }

  async start(): Promise<void> {
    const { onclose, onerror } = this.#raw
    this.#raw.onmessage = (message, extra) => this.#receive(message, extra ?? {})
    this.#raw.onclose = () => {
      onclose?.()
      this.#end()
    }
    this.#raw.onerror = (error) => {
      onerror?.(error)
      this.onerror?.(error)
    }
    await this.#raw.start()
  }

  async close(): Promise<void> {
    await this.#raw.close()
    this.#end()
  }

  #end(): void {
    if (this.#closed) return
    this.#closed = true
    this.#voice.end()
    for (const exchange of this.#exchanges.values()) this.#cancel(exchange, 'the connection was closed')
    this.onclose?.()
  }

  // From the client.

  #receive(given: unknown, extra: MessageExtra): void {
    const message = onTheWire(given)
    if (isRequest(message)) this.#request(message, extra)
    else if (isNotification(message)) this.#notification(message, extra)
    else if (isResponse(message)) this.#response(message, extra)
    else this.core.log.warn({}, 'A message that is neither request, notification nor response was dropped.')
  }

  /** Who sent it; undefined when nobody says so, the token has expired, or the connection is another principal's. */
  #authenticate(extra: MessageExtra): Principal | undefined {
    const stated = extra.authInfo?.extra?.cardeaPrincipal as Principal | undefined
    const principal = stated ?? this.#options.principal?.()
    if (principal?.subjectRef === undefined || principal.expiresAtMs <= this.core.clock()) return undefined
    const key = principalKey(principal)
    this.#owner ??= key
    if (this.#owner !== key) return undefined
    this.#principal = principal
    return principal
  }

  #request(message: RpcRequest, extra: MessageExtra): void {
    const key = idKey(message.id)
    const principal = this.#authenticate(extra)
    if (principal === undefined) {
      this.core.log.warn({ method: message.method }, 'A request without a valid principal was denied.')
      this.#reply(message.id, unauthenticated)
      return
    }
    if (this.#exchanges.has(key) || this.#exchanges.size >= this.core.maxInFlight) {
      const busy = this.#exchanges.has(key) ? 'its id is in use' : 'too many requests at once'
      this.core.log.warn({ method: message.method }, `A request was refused: ${busy}.`)
      this.#reply(message.id, errorAnswer(-32600))
      return
    }
    const exchange = new Exchange(this, message, extra, principal)
    this.#exchanges.set(key, exchange)
    void this.#run(exchange).finally(() => this.#exchanges.delete(key))
  }

  async #run(exchange: Exchange): Promise<void> {
    const method = handlerOf(exchange.method, exchange.policy)
    let answer: Answer
    try {
      answer = method === undefined ? errorAnswer(-32601) : await method(exchange, this)
      if (method === undefined) this.#recordUnknown(exchange)
      else if (!exchange.record.isEnded && !unrecorded.has(exchange.method))
        await exchange.record.outcome(answer.error ? 'failed' : 'allowed')
    } catch (error) {
      answer = await this.#failure(exchange, error)
    }
    if (exchange.controller.signal.aborted || this.#closed) return
    // The token may have expired while the server was at work.
    const expired = exchange.principal.expiresAtMs <= this.core.clock()
    const modern = exchange.modern && answer.result
    const dressed = modern ? { result: modernResult(exchange.method, modern, exchange.serverInfo) } : answer
    await this.#reply(exchange.id, expired ? unauthenticated : dressed)
  }

  /** Nothing leaves that would have to wait for this record. */
  #recordUnknown(exchange: Exchange): void {
    exchange.record
      .refused('no such method under this policy')
      .catch((error) => exchange.log('error', `The audit log cannot be written: ${reasonOf(error)}`))
  }

  /** Whatever is thrown on the way denies: the service, the audit log, or a fault of ours. */
  async #failure(exchange: Exchange, error: unknown): Promise<Answer> {
    const reason = reasonOf(error)
    exchange.log('error', `The request was denied because it could not be authorized: ${reason}`)
    try {
      await exchange.record.outcome('failed', reason)
    } catch (auditError) {
      exchange.log('error', `The audit log cannot be written: ${reasonOf(auditError)}`)
    }
    return exchange.method === 'tools/call' ? toolUnavailable : unavailable
  }

  #notification(message: RpcNotification, extra: MessageExtra): void {
    if (this.#authenticate(extra) === undefined) return
    const { method, params = {} } = message
    if (method === 'notifications/cancelled') {
      const id = params.requestId
      const exchange =
        typeof id === 'string' || typeof id === 'number' ? this.#exchanges.get(idKey(id)) : undefined
      if (exchange) this.#cancel(exchange, 'the client cancelled it')
    } else if (method === 'notifications/initialized') {
      this.#deliver({ jsonrpc: '2.0', method }, extra)
    } else if (method === 'notifications/progress' || method === 'notifications/roots/list_changed') {
      const passed = this.#voice.clientNotification(method, params)
      if (passed) this.#deliver(passed, extra)
    }
  }

  #response(message: RpcResponse, extra: MessageExtra): void {
    if (this.#authenticate(extra) === undefined) return
    const passed = this.#voice.clientResponse(message)
    if (passed) this.#deliver(passed, extra)
  }

  /** Stops an exchange; the server is told without the client's reason. */
  #cancel(exchange: Exchange, reason: string): void {
    if (exchange.controller.signal.aborted) return
    exchange.controller.abort()
    exchange.log('info', `The request ended early: ${reason}.`)
    for (const innerId of exchange.innerIds) {
      this.#deliver(
        { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: innerId } },
        exchange.extra,
      )
      this.#settle(innerId, { error: { code: -32603, message: `cancelled: ${reason}` } })
    }
  }

  #deliver(message: RpcMessage, extra: MessageExtra): void {
    if (this.#principal) this.onmessage?.(message, withoutSecrets(extra, this.#principal))
  }

  // To and from the server.

  forward(exchange: Exchange, method: string, params: JsonObject): Promise<Answer> {
    if (exchange.controller.signal.aborted || this.#closed)
      return Promise.resolve({ error: { code: -32603, message: 'cancelled before it was dispatched' } })
    const id = ++this.#lastInnerId
    return new Promise((resolve) => {
      this.#pending.set(id, { exchange, resolve })
      exchange.innerIds.add(id)
      const { _meta, ...rest } = params
      const meta = forwardedMeta(exchange.params, exchange.policy)
      const named = Object.keys(meta).length > 0 ? { ...rest, _meta: meta } : rest
      this.#deliver({ jsonrpc: '2.0', id, method, params: named }, exchange.extra)
    })
  }

  #settle(innerId: RequestId, answer: Answer): void {
    const pending = this.#pending.get(innerId)
    if (pending === undefined) return
    this.#pending.delete(innerId)
    pending.exchange.innerIds.delete(innerId)
    const { resultType = 'complete', _meta } = answer.result ?? {}
    if (isJsonObject(_meta)) pending.exchange.serverInfo ??= _meta[serverInfoKey]
    const known = resultType === 'complete' || resultType === 'input_required'
    pending.resolve(
      known ? answer : { error: { code: -32603, message: `unknown result type ${String(resultType)}` } },
    )
  }

  findTool(exchange: Exchange, name: string): Promise<UsableTool | undefined> {
    return this.#tools.find(exchange, name)
  }

  get tools(): ServerTools {
    return this.#tools
  }

  /** Everything the server says comes through here. */
  async send(given: RpcMessage, options?: SendOptions): Promise<void> {
    const message = onTheWire(given) ?? unspeakable(given)
    if (isResponse(message)) {
      this.#settle(message.id, message.error ? { error: message.error } : { result: message.result! })
    } else if (isRequest(message)) {
      await this.#voice.request(message, this.#exchangeOf(options))
    } else if (isNotification(message)) {
      await this.#voice.notification(message, this.#exchangeOf(options))
    }
  }

  #exchangeOf(options: SendOptions | undefined): Exchange | undefined {
    return options?.relatedRequestId === undefined
      ? undefined
      : this.#pending.get(options.relatedRequestId)?.exchange
  }

  /** Exchanges the server is working on. */
  get active(): readonly Exchange[] {
    return [...new Set([...this.#pending.values()].map(({ exchange }) => exchange))]
  }

  /** Sends to the client what has been looked at; `exchange` says on whose stream. */
  async emit(message: RpcMessage, exchange?: Exchange): Promise<void> {
    // What is said while a request runs is for its caller, as long as the token lasts.
    if (this.#closed || (exchange && exchange.principal.expiresAtMs <= this.core.clock())) return
    try {
      await this.#raw.send(message, exchange && { relatedRequestId: exchange.id })
    } catch (error) {
      this.core.log.info({}, `A message could not be sent: ${reasonOf(error)}`)
    }
  }

  /** Gives the server an answer of the guard's own. */
  answerServer(id: RequestId, answer: Answer, exchange?: Exchange): void {
    this.#deliver({ jsonrpc: '2.0', id, ...answer } as RpcResponse, exchange?.extra ?? {})
  }

  async #reply(id: RequestId, answer: Answer): Promise<void> {
    await this.emit({ jsonrpc: '2.0', id, ...answer } as RpcResponse)
  }
}

/**
 * The message as it will be on the wire. Until then a handler may still hold and change parts of it, and a toJSON
 * method may say something else than what was checked.
 */
function onTheWire(message: unknown): unknown {
  try {
    return plainJson(message)
  } catch {
    return undefined
  }
}

/** Stands for a response that is no JSON: a cycle, a BigInt. */
function unspeakable(message: unknown): unknown {
  return {
    jsonrpc: '2.0',
    id: (message as { id?: unknown }).id,
    error: { code: -32603, message: 'The answer is no JSON.' },
  }
}
