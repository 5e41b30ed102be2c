// One request of a client, from its arrival to its answer: who asks, under which policy, and the way to the server.

import type { AuditEvent } from '../../audit/audit.ts'
import type { JsonObject, JsonValue } from '../../model/context.ts'
import { CardeaError } from '../../model/errors.ts'
import { type Ask, isDenial, type Setting } from '../policy/ask.ts'
import { isJsonObject } from '../policy/json-object.ts'
import type { LoadedPolicy, LoadedTool } from '../policy/loaded-policy.ts'
import { fillChecks } from '../policy/resolve-demand.ts'
import { callerScope } from '../policy/scope.ts'
import type { Principal } from '../principal.ts'
import { type Answered, askAll } from './bulk-ask.ts'
import { CallRecord } from './call-record.ts'
import { isModern } from './envelope.ts'
import type { GuardCore } from './guard-core.ts'
import type { Answer, MessageExtra, RequestId, RpcRequest } from './message.ts'
import type { UsableTool } from './tool-pins.ts'

/** What an exchange needs of its connection. */
export interface Server {
  readonly core: GuardCore
  /** Sends a request to the server and waits for its answer. */
  forward(exchange: Exchange, method: string, params: JsonObject): Promise<Answer>
  /** The tool of this name, if it may be used; asks the server for its definitions when they are not known. */
  findTool(exchange: Exchange, name: string): Promise<UsableTool | undefined>
}

export class Exchange {
  readonly id: RequestId
  readonly method: string
  readonly params: JsonObject
  readonly principal: Principal
  readonly extra: MessageExtra
  readonly policy: LoadedPolicy
  readonly record: CallRecord
  readonly startedMs: number
  readonly controller = new AbortController()
  /** As the client gave it; progress must name it. */
  readonly progressToken: RequestId | undefined
  /** What the server may ask of the client meanwhile. */
  asks: ReadonlySet<string> = new Set()
  /** Whether progress texts pass. */
  progress: 'numbers' | 'message' = 'numbers'
  /** Whether log notifications of this request pass. */
  logs: 'drop' | 'pass' = 'drop'
  /** Ids under which the server knows this exchange, while it works on it. */
  readonly innerIds = new Set<RequestId>()
  readonly server: Server
  /** Whether the request is of a revision without sessions (2026-07-28 or later). */
  readonly modern: boolean
  /** What the server says of itself in its answers. */
  serverInfo: JsonValue | undefined

  constructor(server: Server, message: RpcRequest, extra: MessageExtra, principal: Principal) {
    this.server = server
    this.id = message.id
    this.method = message.method
    this.params = message.params ?? {}
    this.modern = isModern(this.params)
    this.principal = principal
    this.extra = extra
    this.policy = server.core.policy
    this.startedMs = server.core.clock()
    this.record = new CallRecord(server.core, { method: message.method, principal })
    const token = isJsonObject(this.params._meta) ? this.params._meta.progressToken : undefined
    this.progressToken = typeof token === 'string' || typeof token === 'number' ? token : undefined
  }

  get core(): GuardCore {
    return this.server.core
  }

  /** What policy evaluation needs to know. */
  get setting(): Setting {
    const request = this.extra.authInfo?.extra?.cardeaRequest
    return {
      policy: this.policy,
      caller: { principal: this.principal, request: isJsonObject(request) ? request : undefined },
      nowMs: this.core.clock(),
      realPath: this.policy.symlinks === 'resolved' ? this.core.realPath : undefined,
    }
  }

  /** Asks the service and records the answers. */
  async ask(stage: 'arguments' | 'result', asks: readonly Ask[]): Promise<Answered> {
    const answered = await askAll(this.core, this.setting, asks, this.controller.signal)
    this.record.add(stage, asks, answered)
    return answered
  }

  /** Sends the request on with these parameters. A question in return counts as a failure. */
  async forward(params: JsonObject): Promise<Answer> {
    const answer = await this.forwardAsking(params)
    return needsInput(answer)
      ? { error: { code: -32603, message: 'the server asked back, which no rule allows' } }
      : answer
  }

  /** The same for methods whose server may ask back before it answers. */
  forwardAsking(params: JsonObject): Promise<Answer> {
    return this.server.forward(this, this.method, params)
  }

  /** The policy's own whole-call questions, for requests that have no rule with questions of its own. */
  wholeCallAsks(): readonly Ask[] {
    const asks = fillChecks(this.policy.also, callerScope(this.setting.caller), this.setting, 'call')
    if (isDenial(asks)) throw new CardeaError('PERMISSION_DENIED', asks.denied)
    return asks
  }

  /** Whether those are HAS. */
  async mayCall(): Promise<boolean> {
    const { granted } = await this.ask('arguments', this.wholeCallAsks())
    return granted.every(Boolean)
  }

  /** Takes over what a tool's rule lets the server do meanwhile. */
  allow({ asks, progress, logs }: Pick<LoadedTool, 'asks' | 'progress' | 'logs'>): void {
    this.asks = asks
    this.progress = progress
    this.logs = logs
  }

  /** Scopes of `needed` that the token lacks. */
  missingScopes(needed: readonly string[]): boolean {
    return needed.some((scope) => !this.principal.scopes.has(scope))
  }

  /** Writes the outcome and gives the answer; the answer leaves only if the record is durable. */
  async settle(
    answer: Answer,
    outcome: NonNullable<AuditEvent['outcome']>,
    detail?: string,
  ): Promise<Answer> {
    if (outcome === 'denied') this.log('info', `denied: ${detail ?? 'a question is not HAS'}`)
    if (outcome === 'failed') this.log('warn', `failed: ${detail ?? 'the server answered with an error'}`)
    await this.record.outcome(outcome, detail)
    return answer
  }

  log(level: 'info' | 'warn' | 'error', message: string, facts: object = {}): void {
    const { callId, tool } = this.record
    const who = `${this.principal.subjectRef.type}:${this.principal.subjectRef.id}`
    this.core.log[level]({ method: this.method, tool, callId, subject: who, ...facts }, message)
  }
}

/** Whether the server's answer is a question (2026-07-28, multi-round-trip results). */
export function needsInput({ result }: Answer): boolean {
  return result?.resultType === 'input_required'
}

/** The operator's words for something that was thrown. */
export function reasonOf(thrown: unknown): string {
  if (thrown instanceof CardeaError) return `${thrown.code}: ${thrown.message}`
  return thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)
}
