// What the server says or asks on its own: progress, changes, logs, and requests to the client. Nothing passes unasked.

import type { JsonObject } from '../../model/context.ts'
import { plainBlock } from '../policy/plan-content.ts'
import type { GuardedConnection } from './connection.ts'
import type { Exchange } from './exchange.ts'
import { errorAnswer } from './fixed-answers.ts'
import { ListChanges } from './list-changes.ts'
import { idKey, type RequestId, type RpcNotification, type RpcRequest, type RpcResponse } from './message.ts'

/** Requests a server may send, and the word by which a rule allows them. */
const requestKinds: ReadonlyMap<string, string> = new Map([
  ['sampling/createMessage', 'sampling'],
  ['elicitation/create', 'elicitation'],
  ['roots/list', 'roots'],
])

export class ServerVoice {
  readonly #connection: GuardedConnection
  /** Requests of the server that the client has not answered. */
  readonly #asked = new Map<string, { readonly progressToken: unknown }>()
  /** URL elicitations that were passed on. */
  readonly #elicitations = new Set<string>()

  readonly #listChanges: ListChanges

  constructor(connection: GuardedConnection) {
    this.#connection = connection
    const { listChangedEveryMs, clock } = connection.core
    this.#listChanges = new ListChanges(listChangedEveryMs, clock, ({ method }) => {
      const { principal } = connection
      if (principal && principal.expiresAtMs > clock()) void this.#emit(method, undefined, undefined)
    })
  }

  /** Says nothing any more of its own accord. */
  end(): void {
    this.#listChanges.end()
  }

  /** A notification of the server; `exchange` is the request it belongs to, as far as the server said. */
  async notification(
    { method, params = {} }: RpcNotification,
    exchange: Exchange | undefined,
  ): Promise<void> {
    const connection = this.#connection
    switch (method) {
      case 'notifications/progress':
        return this.#progress(params, exchange)
      case 'notifications/message':
        if (connection.core.policy.logging === 'pass' || exchange?.logs === 'pass')
          await this.#emit(method, plainBlock(params), exchange)
        return
      case 'notifications/tools/list_changed':
        connection.tools.forget()
        return this.#listChanges.changed({ method })
      case 'notifications/prompts/list_changed':
        return connection.core.policy.prompts.size > 0 ? this.#listChanges.changed({ method }) : undefined
      case 'notifications/resources/list_changed':
        return connection.core.policy.resources.length > 0 ? this.#listChanges.changed({ method }) : undefined
      case 'notifications/resources/updated':
        return typeof params.uri === 'string' ? connection.subscriptions.updated(params.uri) : undefined
      case 'notifications/tasks/status':
        return connection.core.tasks.status(connection, params)
      case 'notifications/cancelled':
        return this.#cancelled(params)
      case 'notifications/elicitation/complete':
        if (typeof params.elicitationId === 'string' && this.#elicitations.delete(params.elicitationId))
          await this.#emit(method, { elicitationId: params.elicitationId }, exchange)
        return
      default:
        connection.core.log.info({ method }, 'A notification of the server was dropped: no rule allows it.')
    }
  }

  /** Numbers pass to whom they are for; texts only where the rule says that they hold nothing. */
  async #progress(params: JsonObject, related: Exchange | undefined): Promise<void> {
    const token = params.progressToken
    const exchange = related ?? this.#connection.active.find((one) => one.progressToken === token)
    if (exchange === undefined || token === undefined || exchange.progressToken !== token) return
    const { progress, total, message } = params
    if (typeof progress !== 'number') return
    const shown: JsonObject = {
      progressToken: token,
      progress,
      ...(typeof total === 'number' && { total }),
      ...(typeof message === 'string' && exchange.progress === 'message' && { message }),
    }
    await this.#emit('notifications/progress', shown, exchange)
  }

  async #cancelled({ requestId }: JsonObject): Promise<void> {
    if (typeof requestId !== 'string' && typeof requestId !== 'number') return
    if (this.#asked.delete(idKey(requestId)))
      await this.#emit('notifications/cancelled', { requestId }, undefined)
  }

  #emit(method: string, params: JsonObject | undefined, exchange: Exchange | undefined): Promise<void> {
    return this.#connection.emit({ jsonrpc: '2.0', method, ...(params && { params }) }, exchange)
  }

  /** A request of the server to the client. Without a rule that allows it, the guard answers that there is no such method. */
  async request(message: RpcRequest, exchange: Exchange | undefined): Promise<void> {
    const kind = requestKinds.get(message.method)
    if (message.method !== 'ping' && (kind === undefined || !this.#mayAsk(kind, exchange))) {
      this.#connection.core.log.info(
        { method: message.method },
        'A request of the server was refused: no rule allows it.',
      )
      this.#connection.answerServer(message.id, errorAnswer(-32601), exchange)
      return
    }
    const params = message.params ?? {}
    const meta = params._meta as JsonObject | undefined
    this.#asked.set(idKey(message.id), { progressToken: meta?.progressToken })
    if (typeof params.elicitationId === 'string') this.#elicitations.add(params.elicitationId)
    const token = meta?.progressToken
    const kept: JsonObject = token === undefined ? {} : { _meta: { progressToken: token } }
    await this.#connection.emit({ ...message, params: { ...plainBlock(params), ...kept } }, exchange)
  }

  /** Whether the request may be asked; one that names no call must be allowed by every call that runs. */
  #mayAsk(kind: string, exchange: Exchange | undefined): boolean {
    if (exchange) return exchange.asks.has(kind)
    const { active } = this.#connection
    return active.length > 0 && active.every(({ asks }) => asks.has(kind))
  }

  /** A client's answer, if the server asked for it. */
  clientResponse(message: RpcResponse): RpcResponse | undefined {
    return this.#asked.delete(idKey(message.id as RequestId)) ? message : undefined
  }

  /** A client's notification, if it belongs to something the server asked. */
  clientNotification(method: string, params: JsonObject): RpcNotification | undefined {
    if (method === 'notifications/progress') {
      const known = [...this.#asked.values()].some(
        ({ progressToken }) => progressToken !== undefined && progressToken === params.progressToken,
      )
      return known ? { jsonrpc: '2.0', method, params } : undefined
    }
    const mayKnow = [...this.#connection.core.policy.tools.values()].some(({ asks }) => asks.has('roots'))
    return mayKnow ? { jsonrpc: '2.0', method } : undefined
  }
}
