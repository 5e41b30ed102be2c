// The token verifier: credentials of a request become a principal or a refusal, and nothing in between.

import type { JsonObject } from '../../model/context.ts'
import type { Principal } from '../principal.ts'
import { AccessTokenVerifier, looksLikeJwt } from './access-token.ts'
import { checkClaims } from './claims.ts'
import { ProofChecker } from './dpop.ts'
import { type DpopNonceOptions, DpopNonces } from './dpop-nonces.ts'
import { heldToken, holdToken } from './held-token.ts'
import { principalOf } from './identity.ts'
import { Introspector } from './introspection.ts'
import type { IssuerConfig } from './issuer-config.ts'
import { IssuerEndpoints } from './issuer-endpoints.ts'
import { loadIssuers } from './issuers.ts'
import { guardedFetch, type OutboundFetch } from './outbound-fetch.ts'
import { invalidToken, type Refusal, RefusedError } from './refusal.ts'
import { checkResourceUri } from './resource-uri.ts'

/** What a request brought. Header values, not parsed yet. */
export interface Credentials {
  readonly authorization?: string
  /** The `DPoP` header (RFC 9449 section 4). */
  readonly dpop?: string
  readonly method: string
  /** The request's URI as the client sees it, for `htu`. */
  readonly url: string
}

export type Verified =
  | {
      readonly principal: Principal
      /** For the `DPoP-Nonce` header of the answer: the nonce to use from now on. */
      readonly dpopNonce?: string
      readonly refusal?: undefined
    }
  | { readonly principal?: undefined; readonly dpopNonce?: undefined; readonly refusal: Refusal }

export interface TokenVerifier {
  /** Never throws for what a caller sent; every doubt is a refusal. */
  verify(credentials: Credentials): Promise<Verified>
  /**
   * Whether the token that a principal came with still says at least as much: it has not expired, and an opaque one is
   * still active with every scope it had. A JWT cannot be taken back before its end. Rejects when the issuer does not answer.
   */
  isStillGood?(principal: Principal): Promise<boolean>
}

export interface TokenVerifierOptions {
  /** Canonical URI of this server; a token's audience must be it. */
  readonly resource: string
  readonly issuers: readonly IssuerConfig[]
  /** Replaces the guarded fetch, for an egress proxy say. URLs are still checked, resolved addresses then are not. */
  readonly fetch?: OutboundFetch
  /** Milliseconds since the Unix epoch. Default: the system's clock. */
  readonly clock?: () => number
  /** Asks for a nonce in every DPoP proof (RFC 9449 section 9). Default: not asked for. */
  readonly dpopNonce?: DpopNonceOptions
}

/** Longest token that is looked at, in characters. */
const maxTokenLength = 16_384

/**
 * Makes the verifier of one resource. Throws CONFIG_INVALID when the issuers break a rule. Nothing is fetched before the
 * first token.
 */
export function createTokenVerifier(options: TokenVerifierOptions): TokenVerifier {
  const clock = options.clock ?? Date.now
  checkResourceUri(options.resource)
  const pinned = loadIssuers(options.issuers).map((issuer) => {
    const fetch = options.fetch ?? guardedFetch(issuer.network)
    return { issuer, fetch, endpoints: new IssuerEndpoints(issuer, fetch, clock) }
  })
  const accessTokens = new AccessTokenVerifier(pinned)
  const introspecting = pinned.find(({ issuer }) => issuer.introspection)
  const introspector = introspecting && new Introspector(introspecting, introspecting.fetch, clock)
  const proofs = new ProofChecker(clock, options.dpopNonce && new DpopNonces(options.dpopNonce, clock))

  async function principalFor(
    credentials: Credentials,
  ): Promise<{ readonly principal: Principal; readonly dpopNonce?: string }> {
    const { scheme, token } = readAuthorization(credentials.authorization)
    const isJwt = looksLikeJwt(token)
    if (!isJwt && !introspector)
      throw invalidToken('It is opaque, and no issuer of the policy has introspection set.')
    const { claims, pinned: from } = await (isJwt ? accessTokens.verify(token) : introspector!.claims(token))
    checkClaims(claims, from.issuer, options.resource, clock(), isJwt ? 'jwt' : 'introspection')
    const thumbprint = keyBinding(claims, scheme)
    const dpopNonce =
      thumbprint === undefined
        ? undefined
        : await proofs.check({ ...credentials, proof: credentials.dpop, token, thumbprint })
    const principal = principalOf(claims, from.issuer)
    holdToken(principal, token)
    return dpopNonce === undefined ? { principal } : { principal, dpopNonce }
  }

  return {
    async isStillGood(principal) {
      const token = heldToken(principal)
      if (token === undefined || principal.expiresAtMs <= clock()) return false
      if (looksLikeJwt(token) || introspector === undefined) return true
      try {
        const { claims, pinned: from } = await introspector.claims(token)
        checkClaims(claims, from.issuer, options.resource, clock(), 'introspection')
        const { scopes } = principalOf(claims, from.issuer)
        return [...principal.scopes].every((scope) => scopes.has(scope))
      } catch (error) {
        if (error instanceof RefusedError && error.refusal.status !== 503) return false
        throw error
      }
    },
    async verify(credentials) {
      try {
        return await principalFor(credentials)
      } catch (error) {
        if (error instanceof RefusedError) return { refusal: error.refusal }
        const description = `The token could not be judged: ${(error as Error).message}`
        return { refusal: { status: 503, description } }
      }
    },
  }
}

/** `Bearer TOKEN` or `DPoP TOKEN` (RFC 6750 section 2.1, RFC 9449 section 7.1). */
function readAuthorization(header: string | undefined): { scheme: 'Bearer' | 'DPoP'; token: string } {
  if (header === undefined || header.trim() === '')
    throw new RefusedError({ status: 401, description: 'No credentials were sent.' })
  const [, scheme, token] = /^([A-Za-z][A-Za-z0-9-]*) +(\S.*)$/.exec(header.trim()) ?? []
  const known = { bearer: 'Bearer', dpop: 'DPoP' }[scheme?.toLowerCase() ?? ''] as
    | 'Bearer'
    | 'DPoP'
    | undefined
  if (scheme !== undefined && known === undefined)
    throw new RefusedError({
      status: 401,
      description: `The scheme ${scheme.slice(0, 20)} is not accepted here.`,
    })
  if (known === undefined || token === undefined || !/^[A-Za-z0-9._~+/-]+=*$/.test(token))
    throw new RefusedError({
      status: 400,
      error: 'invalid_request',
      description: 'The Authorization header is malformed.',
    })
  if (token.length > maxTokenLength) throw invalidToken(`It is longer than ${maxTokenLength} characters.`)
  return { scheme: known, token }
}

/**
 * The key a token is bound to (`cnf`, RFC 7800), if any. A bound token counts with its scheme only, and only a key can be
 * checked here: a certificate (RFC 8705) would have to be seen by this process, which sits behind others.
 */
function keyBinding(claims: JsonObject, scheme: 'Bearer' | 'DPoP'): string | undefined {
  const { cnf } = claims
  if (cnf === undefined) {
    if (scheme === 'Bearer') return undefined
    throw invalidToken('The DPoP scheme needs a token that is bound to a key.')
  }
  const members = typeof cnf === 'object' && cnf !== null && !Array.isArray(cnf) ? (cnf as JsonObject) : {}
  const { jkt } = members
  if (typeof jkt !== 'string' || Object.keys(members).length !== 1)
    throw invalidToken(
      `It is bound by ${Object.keys(members).join(', ') || 'a malformed cnf'}, which cannot be checked here.`,
    )
  if (scheme === 'DPoP') return jkt
  throw new RefusedError({
    status: 401,
    error: 'invalid_token',
    scheme: 'DPoP',
    description: 'It is bound to a key, so it does not count as a plain Bearer token.',
  })
}
