// Claims: what a verified or introspected token must say before it counts for this resource.

import type { JsonObject } from '../../model/context.ts'
import type { Issuer } from './issuers.ts'
import { invalidToken } from './refusal.ts'
import { sameResource } from './resource-uri.ts'

/** Claims that only an ID token, a logout token or another security event token carries. */
const foreignClaims = ['nonce', 'at_hash', 'c_hash', 's_hash', 'events'] as const

/**
 * Checks audience, times and kind of a token's claims (RFC 9068 section 4, RFC 8707 section 2, RFC 7519 section 4.1).
 * `source` is `introspection` for an RFC 7662 answer, which may leave `iss` and `iat` out. Throws a 401 refusal.
 */
export function checkClaims(
  claims: JsonObject,
  issuer: Issuer,
  resource: string,
  nowMs: number,
  source: 'jwt' | 'introspection',
): void {
  if (claims.iss !== issuer.issuer && !(source === 'introspection' && claims.iss === undefined))
    throw invalidToken(`iss is ${JSON.stringify(claims.iss)}, expected ${issuer.issuer}.`)
  checkAudience(claims.aud, issuer, resource)
  for (const name of foreignClaims) {
    if (Object.hasOwn(claims, name)) throw invalidToken(`It has ${name}, so it is no access token.`)
  }
  const required = issuer.typ === 'at+jwt' && source === 'jwt' ? ['sub', 'client_id', 'jti'] : ['sub']
  for (const name of required) {
    if (typeof claims[name] !== 'string' || claims[name] === '')
      throw invalidToken(`${name} is missing or no string (RFC 9068 section 2.2).`)
  }
  checkTimes(claims, issuer, nowMs, source)
}

function checkAudience(aud: JsonObject[string] | undefined, issuer: Issuer, resource: string): void {
  const audiences = typeof aud === 'string' ? [aud] : aud
  if (!Array.isArray(audiences) || !audiences.every((one) => typeof one === 'string'))
    throw invalidToken('aud is missing or malformed.')
  const others = audiences.filter((one) => !sameResource(one, resource))
  if (others.length === audiences.length)
    throw invalidToken(
      `aud is ${JSON.stringify(aud)}, expected ${resource}. Was the token asked for with resource=${resource}?`,
    )
  if (others.length > 0 && issuer.otherAudiences === 'refuse')
    throw invalidToken(
      `aud also names ${JSON.stringify(others)}; whoever serves those could use the token here (other_audiences: allow accepts it).`,
    )
}

function checkTimes(
  claims: JsonObject,
  issuer: Issuer,
  nowMs: number,
  source: 'jwt' | 'introspection',
): void {
  const { clockLeewayMs, maxTokenAgeMs } = issuer
  const expMs = instant(claims, 'exp')
  const nbfMs = instant(claims, 'nbf')
  const iatMs = instant(claims, 'iat')
  if (expMs === undefined) throw invalidToken('exp is missing.')
  // No leeway here: streams and results are cut at this very instant too, and one end must not differ from the other.
  if (expMs <= nowMs) throw invalidToken(`It expired at ${iso(expMs)}.`)
  if (nbfMs !== undefined && nbfMs - clockLeewayMs > nowMs)
    throw invalidToken(`It is not valid before ${iso(nbfMs)}.`)
  if (iatMs === undefined && source === 'jwt') throw invalidToken('iat is missing.')
  if (iatMs !== undefined && iatMs - clockLeewayMs > nowMs)
    throw invalidToken(`It was issued in the future, at ${iso(iatMs)}.`)
  const lifeMs = expMs - (iatMs ?? nowMs)
  if (lifeMs > maxTokenAgeMs)
    throw invalidToken(`It lives ${lifeMs / 1000} s, max_token_age is ${maxTokenAgeMs / 1000} s.`)
}

/** A NumericDate in milliseconds; undefined when the claim is not there. */
function instant(claims: JsonObject, name: string): number | undefined {
  const value = claims[name]
  if (value === undefined) return undefined
  if (typeof value !== 'number' || !Number.isFinite(value) || Math.abs(value) > 8.64e12)
    throw invalidToken(`${name} is no date.`)
  return value * 1000
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
