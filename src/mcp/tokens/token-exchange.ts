// Token exchange (RFC 8693): a token of its own for every server behind this one; the incoming token goes to its issuer only.

import { createHash } from 'node:crypto'
import { decodeJwt } from 'jose'
import { canonicalJson } from '../../audit/canonical-json.ts'
import { CardeaError } from '../../model/errors.ts'
import type { Principal } from '../principal.ts'
import { looksLikeJwt } from './access-token.ts'
import { clientSecretBasic } from './client-authentication.ts'
import type { IssuerConfig } from './issuer-config.ts'
import { IssuerEndpoints } from './issuer-endpoints.ts'
import { type Issuer, loadIssuers } from './issuers.ts'
import { fetchJson, guardedFetch, type OutboundFetch } from './outbound-fetch.ts'
import { sameResource } from './resource-uri.ts'

/** For whom the new token is. */
export interface ExchangeTarget {
  /** URI of the server that is to be called (RFC 8707); the new token's audience must be it. */
  readonly resource: string
  /** Logical name, for issuers that know their services by name. A JWT's audience may then be this. */
  readonly audience?: string
  /** Scopes to ask for. Default: what the issuer gives. */
  readonly scopes?: readonly string[]
}

export interface ExchangedToken {
  readonly accessToken: string
  /** Milliseconds since the Unix epoch; never after the incoming token's. */
  readonly expiresAtMs: number
}

export interface TokenExchange {
  /**
   * A token for `target` on behalf of the principal, from the cache or by exchange of the token the principal came with.
   * Throws PERMISSION_DENIED when the issuer refuses, UNAVAILABLE when it does not answer or answers with something that
   * must not be used, UNAUTHENTICATED when the principal's own token has expired.
   */
  tokenFor(principal: Principal, incomingToken: string, target: ExchangeTarget): Promise<ExchangedToken>
}

export interface TokenExchangeOptions {
  /** Those with `token_exchange` set can be used. */
  readonly issuers: readonly IssuerConfig[]
  readonly fetch?: OutboundFetch
  /** Milliseconds since the Unix epoch. Default: the system's clock. */
  readonly clock?: () => number
  /** A token that says who acts here (RFC 8693 section 2.1), if the issuer wants one besides the client's credentials. */
  readonly actorToken?: (principal: Principal) => Promise<string | undefined>
}

const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'
const jwtType = 'urn:ietf:params:oauth:token-type:jwt'
/** A cached token is given out only while it has this much life left. */
const minLifeLeftMs = 30_000
const maxRemembered = 10_000
/** Claims that differ between two tokens that say the same. */
const perTokenClaims: ReadonlySet<string> = new Set(['iat', 'exp', 'nbf', 'jti', 'auth_time', 'active'])

/** Makes the exchange client. Throws CONFIG_INVALID when the issuers break a rule. */
export function createTokenExchange(options: TokenExchangeOptions): TokenExchange {
  const clock = options.clock ?? Date.now
  const issuers = new Map(
    loadIssuers(options.issuers).map((issuer) => {
      const fetch = options.fetch ?? guardedFetch(issuer.network)
      return [issuer.issuer, { issuer, fetch, endpoints: new IssuerEndpoints(issuer, fetch, clock) }]
    }),
  )
  const remembered = new Map<string, Promise<ExchangedToken>>()

  return {
    async tokenFor(principal, incomingToken, target) {
      const nowMs = clock()
      if (principal.expiresAtMs <= nowMs)
        throw new CardeaError(
          'UNAUTHENTICATED',
          'The token of this call has expired, so it cannot be exchanged.',
        )
      const from = issuers.get(principal.issuer)
      if (!from?.issuer.tokenExchange)
        throw new CardeaError(
          'CONFIG_INVALID',
          `The issuer ${principal.issuer} has no token_exchange set, so no token for ${target.resource} can be had.`,
        )
      const key = cacheKey(principal, target)
      for (let known = remembered.get(key); known; known = remembered.get(key)) {
        const token = await known.catch(() => undefined)
        if (token && token.expiresAtMs - minLifeLeftMs > clock()) return endingWith(principal, token)
        if (remembered.get(key) === known) remembered.delete(key)
      }
      // Nothing is awaited since the last look, so whoever comes now finds this exchange instead of beginning another.
      const pending = exchange(from, incomingToken, options.actorToken?.(principal), target, nowMs)
      for (const oldest of remembered.keys()) {
        if (remembered.size < maxRemembered) break
        remembered.delete(oldest)
      }
      remembered.set(key, pending)
      return endingWith(principal, await pending)
    },
  }
}

/** A token made from another must not outlive it, or revoking the first would not end the second. */
function endingWith(principal: Principal, token: ExchangedToken): ExchangedToken {
  return { ...token, expiresAtMs: Math.min(token.expiresAtMs, principal.expiresAtMs) }
}

/**
 * Who asks, through whom, for what; and everything else the incoming token says, since a token with fewer scopes or a
 * narrower task must not be served with what a wider one was given.
 */
function cacheKey(principal: Principal, target: ExchangeTarget): string {
  const said = Object.fromEntries(
    Object.entries(principal.claims).filter(([name]) => !perTokenClaims.has(name)),
  )
  const key = [
    principal.issuer,
    principal.kind,
    principal.subject,
    principal.clientId,
    principal.actors,
    said,
    target,
  ]
  return createHash('sha256').update(canonicalJson(key)).digest('base64url')
}

async function exchange(
  from: { issuer: Issuer; fetch: OutboundFetch; endpoints: IssuerEndpoints },
  subjectToken: string,
  actor: Promise<string | undefined> | undefined,
  target: ExchangeTarget,
  nowMs: number,
): Promise<ExchangedToken> {
  const { issuer, fetch, endpoints } = from
  const { client_id, client_secret } = issuer.tokenExchange!
  const actorToken = await actor
  const { tokenEndpoint } = await endpoints.metadata().catch((cause) => {
    throw new CardeaError(
      'UNAVAILABLE',
      `No token for ${target.resource}: ${(cause as Error).message}`,
      {},
      { cause },
    )
  })
  if (tokenEndpoint === undefined) throw unusable(target, `${issuer.issuer} has no token_endpoint`)
  const form = new URLSearchParams({
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subjectToken,
    subject_token_type: accessTokenType,
    requested_token_type: accessTokenType,
    resource: target.resource,
  })
  if (target.audience !== undefined) form.set('audience', target.audience)
  if (target.scopes !== undefined) form.set('scope', target.scopes.join(' '))
  if (actorToken !== undefined) {
    form.set('actor_token', actorToken)
    form.set('actor_token_type', accessTokenType)
  }
  try {
    const { json } = await fetchJson(fetch, issuer.network, tokenEndpoint, {
      method: 'POST',
      headers: {
        authorization: clientSecretBasic(client_id, client_secret),
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: form.toString(),
    })
    return readAnswer(json, subjectToken, target, nowMs)
  } catch (error) {
    const { facts } = CardeaError.from(error)
    if (facts.status !== '400' && facts.status !== '401' && facts.status !== '403') throw error
    throw new CardeaError(
      'PERMISSION_DENIED',
      `${issuer.issuer} gives no token for ${target.resource} (${facts.error ?? facts.status}).`,
      { issuer: issuer.issuer, resource: target.resource, ...(facts.error ? { error: facts.error } : {}) },
      { cause: error },
    )
  }
}

/** Section 2.2.1, and two things that must not happen: the same token back, or one for somebody else. */
function readAnswer(
  json: { readonly [name: string]: unknown },
  subjectToken: string,
  target: ExchangeTarget,
  nowMs: number,
): ExchangedToken {
  const {
    access_token: accessToken,
    issued_token_type: type,
    token_type: scheme,
    expires_in: lifeSeconds,
  } = json
  if (typeof accessToken !== 'string' || accessToken === '')
    throw unusable(target, 'the answer holds no access_token')
  if (accessToken === subjectToken) throw unusable(target, 'the incoming token came back')
  if (type !== accessTokenType && type !== jwtType)
    throw unusable(target, `issued_token_type is ${JSON.stringify(type)}`)
  if (typeof scheme !== 'string' || scheme.toLowerCase() !== 'bearer')
    throw unusable(target, `token_type is ${JSON.stringify(scheme)}, and only Bearer can be used`)
  if (typeof lifeSeconds !== 'number' || !(lifeSeconds > 0)) throw unusable(target, 'expires_in is missing')
  if (looksLikeJwt(accessToken)) {
    const audiences = [decodeJwt(accessToken).aud ?? []].flat()
    const fits = audiences.some((one) => sameResource(one, target.resource) || one === target.audience)
    if (!fits || audiences.length > 1)
      throw unusable(
        target,
        `its audience is ${JSON.stringify(audiences)}, so others could be called with it`,
      )
  }
  return { accessToken, expiresAtMs: nowMs + lifeSeconds * 1000 }
}

function unusable(target: ExchangeTarget, why: string): CardeaError {
  return new CardeaError(
    'UNAVAILABLE',
    `The exchanged token for ${target.resource} cannot be used: ${why}.`,
    {
      resource: target.resource,
    },
  )
}
