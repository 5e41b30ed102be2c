// The principal: who is asking, as a verified token says it.

import type { JsonObject } from '../model/context.ts'
import type { SubjectRef } from '../model/reference.ts'

/** Made from verified claims only. The raw token is never part of it. */
export interface Principal {
  /** `iss` claim. */
  readonly issuer: string
  /** `sub` claim. */
  readonly subject: string
  readonly kind: 'user' | 'service'
  /** Subject of every relationship check, from the issuer's `subject` or `service` template. */
  readonly subjectRef: SubjectRef
  /** The outermost actor or the client, from the first agent template whose claims are all there. */
  readonly agentRef?: SubjectRef
  readonly clientId?: string
  /** The `act` chain, outermost first. Only the first decides; all are audited. */
  readonly actors: readonly { readonly issuer?: string; readonly subject: string }[]
  readonly scopes: ReadonlySet<string>
  readonly claims: JsonObject
  /** `exp`, milliseconds since the Unix epoch. */
  readonly expiresAtMs: number
}
