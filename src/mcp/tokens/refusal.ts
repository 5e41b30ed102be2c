// Refusals: why a request's credentials do not count, for the HTTP answer and for the operator.

/** Error codes of the challenge: RFC 6750 section 3.1, RFC 9449 sections 7.1 and 9. */
export type ChallengeError =
  | 'invalid_request'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'

/** A refused request. `description` is for the operator's log alone; callers get a fixed text per status. */
export interface Refusal {
  /** 503: the issuer could not be asked, so nobody can tell; the caller may try again. */
  readonly status: 400 | 401 | 403 | 503
  /** Unset when no credentials were sent (RFC 6750 section 3.1). */
  readonly error?: ChallengeError
  /** Scheme of the challenge. Default Bearer. */
  readonly scheme?: 'Bearer' | 'DPoP'
  /** For `use_dpop_nonce`: the nonce to use, for the `DPoP-Nonce` header. */
  readonly dpopNonce?: string
  readonly description: string
}

/** Thrown inside this room; {@link createTokenVerifier} turns it into a value. */
export class RefusedError extends Error {
  readonly refusal: Refusal

  constructor(refusal: Refusal) {
    super(refusal.description)
    this.name = 'RefusedError'
    this.refusal = refusal
  }
}

/** A token that was sent and does not count: 401 `invalid_token`. */
export function invalidToken(description: string): RefusedError {
  return new RefusedError({ status: 401, error: 'invalid_token', description })
}
