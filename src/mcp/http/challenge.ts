// Challenges: the WWW-Authenticate values that tell a client which token to come back with (RFC 6750, RFC 9728 section 5.1).

import type { ChallengeError } from '../tokens/refusal.ts'

export interface Challenge {
  /** Default Bearer. */
  readonly scheme?: 'Bearer' | 'DPoP'
  /** Absolute URL of the protected resource metadata. */
  readonly resourceMetadata: string
  /** Scopes the operation needs, all of them at once; the basic ones for a first 401. */
  readonly scopes?: readonly string[]
  /** Only with credentials that were sent and refused. */
  readonly error?: ChallengeError
  /** Shown to the caller's developer; never the operator's reason. */
  readonly errorDescription?: string
  /** For DPoP: signature algorithms of proofs (RFC 9449 section 7.1). */
  readonly algorithms?: readonly string[]
}

/** One challenge, such as `Bearer error="invalid_token", scope="docs.read", resource_metadata="https://…"`. */
export function challenge(options: Challenge): string {
  const parameters = [
    parameter('error', options.error),
    parameter('error_description', options.errorDescription),
    parameter('scope', options.scopes?.length ? options.scopes.join(' ') : undefined),
    parameter('algs', options.algorithms?.join(' ')),
    parameter('resource_metadata', options.resourceMetadata),
  ]
  return `${options.scheme ?? 'Bearer'} ${parameters.filter((one) => one !== '').join(', ')}`
}

/** The step-up challenge of a 403: every scope the operation needs in one header (MCP authorization, scope challenge). */
export function insufficientScope(resourceMetadata: string, scopes: readonly string[]): string {
  return challenge({ resourceMetadata, scopes, error: 'insufficient_scope' })
}

/** `name="value"` with the quoting of RFC 9110 section 5.6.4; a control or non-ASCII character never gets into a header. */
function parameter(name: string, value: string | undefined): string {
  if (value === undefined) return ''
  return `${name}="${value.replace(/[^\x20-\x7e]/g, '?').replace(/["\\]/g, '\\$&')}"`
}
