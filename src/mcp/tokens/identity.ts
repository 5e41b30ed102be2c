// Identity: verified claims become a principal, or the token is refused because nobody said who it stands for.

import type { JsonObject } from '../../model/context.ts'
import type { Principal } from '../principal.ts'
import { fillIdentityTemplate } from './identity-template.ts'
import type { ClaimsCondition, Issuer } from './issuers.ts'
import { invalidToken, RefusedError } from './refusal.ts'

/** Longest `act` chain (RFC 8693 section 4.1) that is read. */
export const maxActorDepth = 4

/**
 * The principal of verified claims. A token is a user's or a service's when exactly that condition holds;
 * there is no default. Throws {@link RefusedError}: 401 for malformed claims, 403 when the token is valid but
 * stands for nobody here.
 */
export function principalOf(claims: JsonObject, issuer: Issuer): Principal {
  const subject = claims.sub
  if (typeof subject !== 'string' || subject === '') throw invalidToken('sub is missing or no string.')
  const actors = actorsOf(claims)
  const { kind, template } = kindOf(claims, issuer)
  const subjectRef = fillIdentityTemplate(template, claims)
  if (!subjectRef)
    throw nobody(`the claims of ${template.text} are not all there, or the id would be too long`)
  const clientId = claims.client_id ?? claims.azp
  return {
    issuer: issuer.issuer,
    subject,
    kind,
    subjectRef,
    agentRef: firstOf(issuer.agents, (agent) => fillIdentityTemplate(agent, claims)),
    clientId: typeof clientId === 'string' ? clientId : undefined,
    actors,
    scopes: scopesOf(claims),
    claims,
    expiresAtMs: (claims.exp as number) * 1000,
  }
}

function kindOf(claims: JsonObject, issuer: Issuer) {
  const reasons: string[] = []
  const holds = (name: string, when: ClaimsCondition | undefined): boolean => {
    const outcome = when?.(claims) ?? false
    if (typeof outcome === 'string') reasons.push(`${name}: ${outcome}`)
    return outcome === true
  }
  const isUser = holds('user_when', issuer.user?.when)
  const isService = holds('service_when', issuer.service?.when)
  if (isUser && isService) throw nobody('user_when and service_when both hold')
  if (isUser) return { kind: 'user', template: issuer.user!.template } as const
  if (isService) return { kind: 'service', template: issuer.service!.template } as const
  throw nobody(['neither user_when nor service_when holds', ...reasons].join('; '))
}

/** 403 without `insufficient_scope`: asking the issuer for another token of the same kind would not help. */
function nobody(reason: string): RefusedError {
  return new RefusedError({
    status: 403,
    description: `The token is valid but stands for nobody here: ${reason}.`,
  })
}

/** The `act` chain, outermost first. Nested actors are history; only the outermost may decide (RFC 8693 4.1). */
function actorsOf(claims: JsonObject): Principal['actors'] {
  const actors: { issuer?: string; subject: string }[] = []
  let act = claims.act
  while (act !== undefined) {
    if (actors.length === maxActorDepth) throw invalidToken(`act is deeper than ${maxActorDepth}.`)
    if (typeof act !== 'object' || act === null || Array.isArray(act)) throw invalidToken('act is no object.')
    const { sub, iss, act: next } = act as JsonObject
    if (typeof sub !== 'string' || sub === '') throw invalidToken('act.sub is missing or no string.')
    if (iss !== undefined && typeof iss !== 'string') throw invalidToken('act.iss is no string.')
    actors.push(iss === undefined ? { subject: sub } : { issuer: iss, subject: sub })
    act = next
  }
  return actors
}

/** `scope` is one space-separated string (RFC 9068 section 2.2.3.1); anything else grants nothing. */
function scopesOf(claims: JsonObject): ReadonlySet<string> {
  const scope = claims.scope
  return new Set(typeof scope === 'string' ? scope.split(' ').filter((name) => name !== '') : [])
}

function firstOf<T, R>(list: readonly T[], map: (item: T) => R | undefined): R | undefined {
  for (const item of list) {
    const result = map(item)
    if (result !== undefined) return result
  }
  return undefined
}
