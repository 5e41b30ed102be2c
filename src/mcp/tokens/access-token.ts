// JWT access tokens (RFC 9068): header and signature, with the key from the pinned issuer and from nowhere else.

import { createHash } from 'node:crypto'
import { compactVerify, decodeProtectedHeader } from 'jose'
import type { JsonObject } from '../../model/context.ts'
import type { IssuerEndpoints } from './issuer-endpoints.ts'
import type { Issuer } from './issuers.ts'
import { invalidToken, RefusedError } from './refusal.ts'

/** A pinned issuer and its endpoints. */
export interface PinnedIssuer {
  readonly issuer: Issuer
  readonly endpoints: IssuerEndpoints
}

/** `typ` values of things that are signed by issuers and are no access tokens are simply not in this list. */
const accessTokenTypes: ReadonlySet<string> = new Set(['at+jwt', 'application/at+jwt'])

/** Most tokens whose signature is remembered. */
const maxRemembered = 10_000

/** Whether `token` has the outer form of a signed JWT; anything else is opaque. */
export function looksLikeJwt(token: string): boolean {
  return /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*$/.test(token) && token.startsWith('ey')
}

/** The SHA-256 of a token, base64url: what may be kept of it. */
export function tokenDigest(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/** Verifies signatures, and remembers the good ones for as long as the issuer's keys stay the same. */
export class AccessTokenVerifier {
  readonly #issuers: ReadonlyMap<string, PinnedIssuer>
  readonly #remembered = new Map<string, { claims: JsonObject; pinned: PinnedIssuer; generation: number }>()

  constructor(issuers: readonly PinnedIssuer[]) {
    this.#issuers = new Map(issuers.map((pinned) => [pinned.issuer.issuer, pinned]))
  }

  /** The claims of a token whose signature holds. They are not judged yet. Throws {@link RefusedError}. */
  async verify(token: string): Promise<{ claims: JsonObject; pinned: PinnedIssuer }> {
    const digest = tokenDigest(token)
    const known = this.#remembered.get(digest)
    if (known && known.generation === (await known.pinned.endpoints.generation())) return known
    this.#remembered.delete(digest)

    const header = readHeader(token)
    const unverified = readPayload(Buffer.from(token.split('.')[1]!, 'base64url'))
    const pinned = typeof unverified.iss === 'string' ? this.#issuers.get(unverified.iss) : undefined
    if (!pinned)
      throw invalidToken(`iss is ${JSON.stringify(unverified.iss)}, which is no issuer of the policy.`)
    checkHeader(header, pinned.issuer)

    let generation = 0
    try {
      const { payload } = await compactVerify(
        token,
        async (protectedHeader, input) => {
          const found = await pinned.endpoints.key(protectedHeader, input)
          generation = found.generation
          return found.key
        },
        { algorithms: [...pinned.issuer.algorithms] },
      )
      const claims = readPayload(payload)
      this.#remember(digest, { claims, pinned, generation })
      return { claims, pinned }
    } catch (error) {
      if (error instanceof RefusedError) throw error
      throw invalidToken(`Its signature does not hold (${(error as Error).message}).`)
    }
  }

  #remember(digest: string, entry: { claims: JsonObject; pinned: PinnedIssuer; generation: number }): void {
    if (this.#remembered.size >= maxRemembered) {
      // A Map iterates in insertion order, so the first key is the oldest.
      for (const oldest of this.#remembered.keys()) {
        this.#remembered.delete(oldest)
        break
      }
    }
    this.#remembered.set(digest, entry)
  }
}

function readHeader(token: string): { readonly [name: string]: unknown } {
  try {
    return { ...decodeProtectedHeader(token) }
  } catch {
    throw invalidToken('Its header cannot be read.')
  }
}

function readPayload(bytes: Uint8Array): JsonObject {
  try {
    const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) return claims as JsonObject
  } catch {
    // Falls through to the refusal below.
  }
  throw invalidToken('Its payload is no JSON object.')
}

/**
 * `jku`, `x5u`, `x5c` and `jwk` are never looked at: the key is chosen by `kid` and `alg` among the issuer's own, so a
 * header that brings its own key changes nothing. Extensions that would change the meaning (`crit`, `b64`) are refused.
 */
function checkHeader(header: { readonly [name: string]: unknown }, issuer: Issuer): void {
  if (typeof header.alg !== 'string' || !issuer.algorithms.includes(header.alg))
    throw invalidToken(`alg ${JSON.stringify(header.alg)} is not allowed for ${issuer.issuer}.`)
  if (header.crit !== undefined || header.b64 !== undefined)
    throw invalidToken('It uses header extensions (crit, b64).')
  const typ = typeof header.typ === 'string' ? header.typ.toLowerCase() : header.typ
  if (typeof typ === 'string' && accessTokenTypes.has(typ)) return
  if (issuer.typ === 'any' && (typ === undefined || typ === 'jwt')) return
  throw invalidToken(
    `typ is ${JSON.stringify(header.typ)}, expected at+jwt (RFC 9068)${issuer.typ === 'at+jwt' ? '; typ: any at the issuer accepts a missing one' : ''}.`,
  )
}
