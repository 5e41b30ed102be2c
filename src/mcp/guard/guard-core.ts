// What all connections of one guard share: the service, the policy in force, the audit log, the clock, the pins.

import type { AuditSink } from '../../audit/audit.ts'
import type { Authorizer } from '../../authorizer/authorizer.ts'
import type { RealPath } from '../policy/canonical-path.ts'
import type { LoadedPolicy } from '../policy/loaded-policy.ts'
import type { Freshness } from './freshness.ts'
import type { OverFetch } from './over-fetch.ts'
import type { StateSeal } from './request-state.ts'
import type { SchemasInForce } from './schemas-in-force.ts'
import type { Tasks } from './tasks.ts'
import type { ToolPins } from './tool-pins.ts'

/** The operator's log, as pino has it. Never sees a token. */
export interface GuardLog {
  info(facts: object, message: string): void
  warn(facts: object, message: string): void
  error(facts: object, message: string): void
}

export interface GuardCore {
  readonly authorizer: Authorizer
  readonly audit: AuditSink
  readonly log: GuardLog
  /** Milliseconds since the Unix epoch. */
  readonly clock: () => number
  readonly randomId: () => string
  readonly realPath: RealPath
  /** The policy in force; a call keeps the one it began with. */
  readonly policy: LoadedPolicy
  readonly pins: ToolPins
  readonly tasks: Tasks
  readonly seal: StateSeal
  readonly overFetch: OverFetch
  readonly freshness: Freshness
  readonly schemas: SchemasInForce
  /** How long one bulk check may take, in milliseconds. */
  readonly checkTimeoutMs: number
  /** Most questions of one bulk request to the service. */
  readonly maxBulkChecks: number
  /** Most requests of one connection at a time. */
  readonly maxInFlight: number
  /** Milliseconds between two notifications that a list has changed. */
  readonly listChangedEveryMs: number
  /** Whether proofs and reasons go into the audit record. */
  readonly explain: boolean
}
