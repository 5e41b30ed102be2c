// Opaque tokens: the issuer is asked what they say (RFC 7662), and its answer is reused for a moment only.

import type { JsonObject } from '../../model/context.ts'
import { type PinnedIssuer, tokenDigest } from './access-token.ts'
import { clientSecretBasic } from './client-authentication.ts'
import { fetchJson, type OutboundFetch } from './outbound-fetch.ts'
import { invalidToken, RefusedError } from './refusal.ts'

/** Most answers that are remembered. */
const maxRemembered = 10_000
/** Most questions to the issuer at one time; a flood of made-up tokens must not become one at the issuer. */
const maxAsked = 100

/** Asks one issuer about opaque tokens. */
export class Introspector {
  readonly #pinned: PinnedIssuer
  readonly #fetch: OutboundFetch
  readonly #clock: () => number
  /** By the token's SHA-256, so that no token stays in memory for it. */
  readonly #remembered = new Map<string, { readonly claims: JsonObject; readonly untilMs: number }>()
  readonly #pending = new Map<string, Promise<JsonObject>>()

  constructor(pinned: PinnedIssuer, fetch: OutboundFetch, clock: () => number) {
    this.#pinned = pinned
    this.#fetch = fetch
    this.#clock = clock
  }

  /**
   * The claims of an active token, with `iss` filled in; they are not judged yet. Throws {@link RefusedError}: 401 when it is
   * not active, 503 when the issuer does not answer or too many questions are open.
   */
  async claims(token: string): Promise<{ claims: JsonObject; pinned: PinnedIssuer }> {
    const digest = tokenDigest(token)
    const known = this.#remembered.get(digest)
    if (known && known.untilMs > this.#clock()) return { claims: known.claims, pinned: this.#pinned }
    this.#remembered.delete(digest)
    let asked = this.#pending.get(digest)
    if (!asked) {
      if (this.#pending.size >= maxAsked)
        throw new RefusedError({ status: 503, description: 'Too many opaque tokens are being asked about.' })
      asked = this.#ask(token, digest).finally(() => this.#pending.delete(digest))
      this.#pending.set(digest, asked)
    }
    return { claims: await asked, pinned: this.#pinned }
  }

  async #ask(token: string, digest: string): Promise<JsonObject> {
    const { issuer, endpoints } = this.#pinned
    const { client_id, client_secret, cacheMs } = issuer.introspection!
    const { introspectionEndpoint } = await endpoints.metadata()
    if (introspectionEndpoint === undefined)
      throw this.#unavailable(`${issuer.issuer} has no introspection_endpoint.`)
    let answer: JsonObject
    try {
      const { json } = await fetchJson(this.#fetch, issuer.network, introspectionEndpoint, {
        method: 'POST',
        headers: {
          authorization: clientSecretBasic(client_id, client_secret),
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new URLSearchParams({ token, token_type_hint: 'access_token' }).toString(),
      })
      answer = json as JsonObject
    } catch (error) {
      throw this.#unavailable((error as Error).message)
    }
    if (answer.active !== true) throw invalidToken('The issuer says that it is not active.')
    const claims = { iss: issuer.issuer, ...answer }
    const expiresAtMs = typeof answer.exp === 'number' ? answer.exp * 1000 : 0
    const untilMs = Math.min(this.#clock() + cacheMs, expiresAtMs)
    if (cacheMs > 0) this.#remember(digest, { claims, untilMs })
    return claims
  }

  #remember(digest: string, entry: { claims: JsonObject; untilMs: number }): void {
    for (const oldest of this.#remembered.keys()) {
      if (this.#remembered.size < maxRemembered) break
      this.#remembered.delete(oldest)
    }
    this.#remembered.set(digest, entry)
  }

  #unavailable(why: string): RefusedError {
    return new RefusedError({ status: 503, description: `The token could not be introspected: ${why}` })
  }
}
