// The record of one request: decisions gathered on the way, written before anything leaves.

import { createHash } from 'node:crypto'
import type { AuditDecision, AuditEvent, AuditPrincipal } from '../../audit/audit.ts'
import { canonicalJson } from '../../model/canonical-json.ts'
import type { JsonObject } from '../../model/context.ts'
import type { Ask } from '../policy/ask.ts'
import type { Principal } from '../principal.ts'
import type { Answered } from './bulk-ask.ts'
import type { GuardCore } from './guard-core.ts'

/** Facts of the request that are known from the start or soon after. */
export interface RecordedCall {
  readonly method: string
  readonly principal?: Principal
}

export class CallRecord {
  readonly callId: string
  tool: string | undefined
  toolHash: string | undefined
  effect: 'read' | 'write' | undefined
  mode: 'enforce' | 'observe' = 'enforce'
  readonly #core: GuardCore
  readonly #call: RecordedCall
  readonly #decisions: AuditDecision[] = []
  #argumentsToken: string | undefined
  #resultToken: string | undefined
  #argumentsSchema: Promise<string | undefined> | undefined
  #resultSchema: Promise<string | undefined> | undefined
  #evaluatedAtMs: number | undefined
  #context: JsonObject | undefined
  #isEnded = false

  constructor(core: GuardCore, call: RecordedCall) {
    this.#core = core
    this.#call = call
    this.callId = core.randomId()
  }

  /** Adds what was answered; `stage` says which token it was. */
  add(stage: 'arguments' | 'result', asks: readonly Ask[], answered: Answered): void {
    for (const decision of answered.decisions) this.#decisions.push(decision)
    const { token } = answered
    if (token !== undefined) {
      // Found out while the call goes on; only the record waits for it.
      const schema = this.#core.schemas.hashAt(token)
      if (stage === 'arguments') [this.#argumentsToken, this.#argumentsSchema] = [token, schema]
      else [this.#resultToken, this.#resultSchema] = [token, schema]
    }
    this.#evaluatedAtMs = answered.evaluatedAtMs ?? this.#evaluatedAtMs
    this.#context ??= asks.find(({ context }) => context !== undefined)?.context
  }

  /** Durable before a write is dispatched. Rejects when the log cannot be written. */
  async intent(): Promise<void> {
    await this.#append('intent', undefined, undefined)
  }

  /** Whether the end of the request has been recorded. */
  get isEnded(): boolean {
    return this.#isEnded
  }

  /** Durable before the answer leaves. Rejects when the log cannot be written. */
  async outcome(outcome: NonNullable<AuditEvent['outcome']>, detail?: string): Promise<void> {
    this.#isEnded = true
    await this.#append('outcome', outcome, detail)
  }

  /** A request that ended before a rule was found. */
  async refused(detail: string): Promise<void> {
    this.#isEnded = true
    await this.#append('refused', 'denied', detail)
  }

  async #append(
    phase: AuditEvent['phase'],
    outcome: AuditEvent['outcome'],
    detail: string | undefined,
  ): Promise<void> {
    const { method, principal } = this.#call
    const argumentsSchema = await this.#argumentsSchema
    const resultSchema = await this.#resultSchema
    const schemaHash = resultSchema ?? argumentsSchema
    const event: AuditEvent = {
      phase,
      callId: this.callId,
      at: new Date(this.#core.clock()).toISOString(),
      principal: principal && auditPrincipal(principal),
      method,
      tool: this.tool,
      toolHash: this.toolHash,
      effect: this.effect,
      outcome,
      detail,
      argumentsToken: this.#argumentsToken,
      resultToken: this.#resultToken,
      evaluatedAtMs: this.#evaluatedAtMs,
      schemaHash,
      argumentsSchemaHash: argumentsSchema === schemaHash ? undefined : argumentsSchema,
      contextDigest: this.#context && createHash('sha256').update(canonicalJson(this.#context)).digest('hex'),
      mode: this.mode,
      decisions: [...this.#decisions],
    }
    const known = Object.entries(event).filter(([, value]) => value !== undefined)
    await this.#core.audit.append(Object.fromEntries(known) as unknown as AuditEvent)
  }
}

function auditPrincipal(principal: Principal): AuditPrincipal {
  const { issuer, subject, subjectRef, agentRef, clientId, actors } = principal
  return {
    issuer,
    subject,
    subjectRef,
    actors,
    ...(agentRef && { agentRef }),
    ...(clientId !== undefined && { clientId }),
  }
}
