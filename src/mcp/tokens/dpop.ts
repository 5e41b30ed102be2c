// DPoP (RFC 9449): a token that is bound to a key counts only with a fresh proof, made with that key for this very request.

import { calculateJwkThumbprint, compactVerify, decodeProtectedHeader, importJWK, type JWK } from 'jose'
import type { JsonObject } from '../../model/context.ts'
import { tokenDigest } from './access-token.ts'
import type { DpopNonces } from './dpop-nonces.ts'
import { RefusedError } from './refusal.ts'

/** Accepted `alg` of proofs. */
export const dpopAlgorithms: readonly string[] = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'RS256',
]

/** How far `iat` may lie from now, either way. */
const maxProofAgeMs = 5 * 60_000
/** Most proofs that are remembered against replay. Beyond it proofs are refused, since forgetting one would let it in again. */
const maxRemembered = 500_000
const maxProofLength = 8_192

/** The proof of one request, and what it must prove. */
export interface ProofToCheck {
  /** Value of the `DPoP` header. */
  readonly proof: string | undefined
  readonly method: string
  /** The request's URI; query and fragment do not matter. */
  readonly url: string
  /** The access token it comes with, for `ath`. */
  readonly token: string
  /** `cnf.jkt` of that token. */
  readonly thumbprint: string
}

/** Checks proofs and remembers them for as long as they could be used again. */
export class ProofChecker {
  readonly #clock: () => number
  /** Thumbprint and `jti`, with the instant after which the proof is too old anyway. Oldest first, or nearly so. */
  readonly #seen = new Map<string, number>()

  readonly #nonces: DpopNonces | undefined

  /** With `nonces`, a proof needs one of them. */
  constructor(clock: () => number, nonces?: DpopNonces) {
    this.#clock = clock
    this.#nonces = nonces
  }

  /**
   * Throws a 401 refusal with `invalid_dpop_proof` (RFC 9449 section 4.3), or with `use_dpop_nonce` and a nonce (section 9);
   * 503 when no more proofs can be remembered. Answers a nonce to send along when the one used will not last long.
   */
  async check(request: ProofToCheck): Promise<string | undefined> {
    const nowMs = this.#clock()
    if (request.proof === undefined || request.proof.length > maxProofLength)
      throw invalidProof('No DPoP proof came with a token that is bound to a key.')
    const { claims, jwk } = await readProof(request.proof)
    if ((await calculateJwkThumbprint(jwk)) !== request.thumbprint)
      throw invalidProof('The proof was made with another key than the token is bound to.')
    if (claims.htm !== request.method)
      throw invalidProof(`htm is ${JSON.stringify(claims.htm)}, not ${request.method}.`)
    if (typeof claims.htu !== 'string' || !sameTarget(claims.htu, request.url))
      throw invalidProof(`htu is ${JSON.stringify(claims.htu)}, not ${request.url}.`)
    if (claims.ath !== tokenDigest(request.token)) throw invalidProof('ath is of another token.')
    if (typeof claims.iat !== 'number' || Math.abs(nowMs - claims.iat * 1000) > maxProofAgeMs)
      throw invalidProof('iat is missing or too far from now.')
    if (typeof claims.jti !== 'string' || claims.jti === '' || claims.jti.length > 512)
      throw invalidProof('jti is missing or too long.')
    const nonce = this.#nonces?.judge(claims.nonce)
    if (nonce === 'bad')
      throw new RefusedError({
        status: 401,
        error: 'use_dpop_nonce',
        scheme: 'DPoP',
        dpopNonce: this.#nonces!.fresh(),
        description: 'The proof has no nonce of this server, or one that is too old.',
      })
    this.#useOnce(
      tokenDigest(`${request.thumbprint} ${claims.jti}`),
      claims.iat * 1000 + maxProofAgeMs,
      nowMs,
    )
    return nonce === 'old' ? this.#nonces!.fresh() : undefined
  }

  #useOnce(key: string, untilMs: number, nowMs: number): void {
    if ((this.#seen.get(key) ?? 0) >= nowMs) throw invalidProof('The proof was used before.')
    for (const [oldest, until] of this.#seen) {
      if (until >= nowMs) break
      this.#seen.delete(oldest)
    }
    if (this.#seen.size >= maxRemembered)
      throw new RefusedError({ status: 503, description: 'Too many DPoP proofs came within minutes.' })
    this.#seen.set(key, untilMs)
  }
}

async function readProof(proof: string): Promise<{ claims: JsonObject; jwk: JWK }> {
  try {
    const { typ, alg, jwk, crit } = decodeProtectedHeader(proof)
    if (typ !== 'dpop+jwt') throw new Error(`typ is ${JSON.stringify(typ)}`)
    if (typeof alg !== 'string' || !dpopAlgorithms.includes(alg))
      throw new Error(`alg is ${JSON.stringify(alg)}`)
    if (crit !== undefined) throw new Error('crit is set')
    if (typeof jwk !== 'object' || jwk === null || jwk.kty === 'oct' || 'd' in jwk || 'k' in jwk)
      throw new Error('jwk is missing or no public key')
    const { payload } = await compactVerify(proof, await importJWK(jwk, alg), { algorithms: [alg] })
    const claims: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload))
    if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) throw new Error('no claims')
    return { claims: claims as JsonObject, jwk }
  } catch (error) {
    throw invalidProof(`The proof cannot be read (${(error as Error).message}).`)
  }
}

/** Equal after RFC 3986 normalisation, without query and fragment (RFC 9449 section 4.3, step 9). */
function sameTarget(htu: string, url: string): boolean {
  if (!URL.canParse(htu)) return false
  const [one, other] = [new URL(htu), new URL(url)]
  return one.origin === other.origin && one.pathname === other.pathname
}

function invalidProof(description: string): RefusedError {
  return new RefusedError({ status: 401, error: 'invalid_dpop_proof', scheme: 'DPoP', description })
}
