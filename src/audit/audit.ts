// The audit contract: what a door records about a call, and the promise that it is durable.

import type { ObjectRef, SubjectRef } from '../model/reference.ts'

/** One relationship question that was asked for a call, and its answer. Strings are relationship strings. */
export interface AuditDecision {
  /** Where the resource was named: `call` (whole-call question), `argument $.id`, `result $.results[3]`. */
  readonly at: string
  readonly resource: ObjectRef
  readonly permission: string
  readonly subject: SubjectRef
  readonly verdict: 'has' | 'no' | 'conditional' | 'error'
  /** Missing caveat context, for `conditional`. */
  readonly missing?: readonly string[]
  readonly proof?: readonly string[]
  /** `type:id#permission@subject` facts that must be untrue. */
  readonly absences?: readonly string[]
  readonly reason?: AuditReason
}

/** Why the answer was not `has`. */
export interface AuditReason {
  readonly kind: string
  /** Where the path ends; unset: at the resource itself, with the permission that was asked about. */
  readonly at?: string
  /** Relationships that lead there; unset: none. */
  readonly via?: readonly string[]
}

/** Who made the call. Never a token. */
export interface AuditPrincipal {
  readonly issuer: string
  readonly subject: string
  readonly subjectRef: SubjectRef
  readonly agentRef?: SubjectRef
  readonly clientId?: string
  /** Outermost actor first. */
  readonly actors: readonly { readonly issuer?: string; readonly subject: string }[]
}

/** One thing that happened, before it is chained. */
export interface AuditEvent {
  /** `intent`: before a write is dispatched. `outcome`: after any call. `refused`: before a principal or rule was found. */
  readonly phase: 'intent' | 'outcome' | 'refused'
  /** Random, shared by intent and outcome of one call. */
  readonly callId: string
  /** ISO 8601 in UTC. */
  readonly at: string
  readonly principal?: AuditPrincipal
  /** MCP method or service call, such as `tools/call` or `CheckPermission`. */
  readonly method: string
  readonly tool?: string
  /** SHA-256 of the tool's definition, in hex. */
  readonly toolHash?: string
  readonly effect?: 'read' | 'write'
  readonly outcome?: 'allowed' | 'filtered' | 'denied' | 'failed'
  /** For refused and failed: the operator's reason. */
  readonly detail?: string
  /** ZedTokens of the revisions at which arguments and results were checked. */
  readonly argumentsToken?: string
  readonly resultToken?: string
  /** Instant at which caveats and expiry were evaluated. */
  readonly evaluatedAtMs?: number
  /** SHA-256 of the schema's text, in hex, in force when the decisions were taken. */
  readonly schemaHash?: string
  /** The same for the arguments, where the schema was replaced between arguments and result. */
  readonly argumentsSchemaHash?: string
  /** SHA-256 of the caveat context's canonical JSON, in hex. */
  readonly contextDigest?: string
  readonly mode?: 'enforce' | 'observe'
  readonly decisions: readonly AuditDecision[]
}

/** Where events go. */
export interface AuditSink {
  /** Resolves when the record is durable. A rejection means that the call must be denied. */
  append(event: AuditEvent): Promise<void>
  /**
   * Keeps the text of a schema that records name by its hash, durably, for looking at them later. Called before the first of
   * them. A rejection means that the call must be denied.
   */
  keepSchema?(hash: string, text: string): Promise<void>
  close(): Promise<void>
}
