// An issuer's endpoints and keys: discovered from the pinned issuer, cached, refreshed with a cool-down.

import {
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
  type JWTVerifyGetKey,
} from 'jose'
import type { Issuer } from './issuers.ts'
import { checkOutboundUrl, fetchJson, type OutboundFetch } from './outbound-fetch.ts'
import { invalidToken, RefusedError } from './refusal.ts'

/** What is read from the issuer's metadata (RFC 8414 section 2). */
export interface IssuerMetadata {
  readonly issuer: string
  readonly jwksUri?: string
  readonly introspectionEndpoint?: string
  readonly tokenEndpoint?: string
}

interface Loaded {
  readonly metadata: IssuerMetadata
  readonly keySet?: ReturnType<typeof createLocalJWKSet>
  /** Changes whenever the keys were read again and differ. */
  readonly generation: number
  readonly keysText: string
  readonly loadedAtMs: number
}

/** After this age metadata and keys are read again in the background. */
const refreshAfterMs = 10 * 60_000
/** After this age they no longer count: an issuer that has been gone for so long may have revoked a key. */
const maxAgeMs = 60 * 60_000
/** Least time between two reads that unknown key ids cause, so that a flood of them costs one request. */
const unknownKeyCoolDownMs = 30_000
/** Least time between two attempts while the issuer does not answer. */
const failureCoolDownMs = 5_000

/** Metadata and verification keys of one pinned issuer. */
export class IssuerEndpoints {
  readonly #issuer: Issuer
  readonly #fetch: OutboundFetch
  readonly #clock: () => number
  #loaded: Loaded | undefined
  #pending: Promise<Loaded> | undefined
  #attemptedAtMs = Number.NEGATIVE_INFINITY
  #failure = ''

  /** `clock` answers milliseconds since the Unix epoch. Nothing is fetched before the first question. */
  constructor(issuer: Issuer, fetch: OutboundFetch, clock: () => number) {
    this.#issuer = issuer
    this.#fetch = fetch
    this.#clock = clock
  }

  /** Throws a 503 refusal while the issuer cannot be read. */
  async metadata(): Promise<IssuerMetadata> {
    return (await this.#current()).metadata
  }

  /**
   * The key that a token's header names, and the generation of the key set it is from. An unknown `kid` reads the keys
   * once more, at most every 30 s. Throws {@link RefusedError}.
   */
  async key(
    header: JWSHeaderParameters,
    token: FlattenedJWSInput,
  ): Promise<{ key: Awaited<ReturnType<JWTVerifyGetKey>>; generation: number }> {
    let loaded = await this.#current()
    for (;;) {
      if (!loaded.keySet)
        throw invalidToken(`${this.#issuer.issuer} publishes no jwks_uri, so no JWT of it can count.`)
      try {
        return { key: await loaded.keySet(header, token), generation: loaded.generation }
      } catch (error) {
        const unknown = error instanceof errors.JWKSNoMatchingKey
        const waiting = this.#clock() - this.#attemptedAtMs < unknownKeyCoolDownMs
        if (!unknown || (waiting && !this.#pending))
          throw invalidToken(
            `No key of ${this.#issuer.issuer} fits the token's kid and alg (${(error as Error).message}).`,
          )
        const before = loaded
        loaded = await this.#refresh()
        if (loaded === before)
          throw invalidToken(`No key of ${this.#issuer.issuer} fits the token's kid and alg.`)
      }
    }
  }

  /** The generation of the keys in use; a signature checked under another one must be checked again. */
  async generation(): Promise<number> {
    return (await this.#current()).generation
  }

  async #current(): Promise<Loaded> {
    const loaded = this.#loaded
    const ageMs = loaded ? this.#clock() - loaded.loadedAtMs : Number.POSITIVE_INFINITY
    if (loaded && ageMs < refreshAfterMs) return loaded
    if (loaded && ageMs < maxAgeMs) {
      if (this.#clock() - this.#attemptedAtMs >= unknownKeyCoolDownMs) this.#refresh().catch(() => {})
      return loaded
    }
    if (!this.#pending && this.#clock() - this.#attemptedAtMs < failureCoolDownMs)
      throw unreachable(this.#failure)
    return this.#refresh()
  }

  #refresh(): Promise<Loaded> {
    this.#pending ??= this.#load().finally(() => {
      this.#pending = undefined
    })
    return this.#pending
  }

  async #load(): Promise<Loaded> {
    this.#attemptedAtMs = this.#clock()
    try {
      const metadata = await discover(this.#issuer, this.#fetch)
      const { keySet, keysText } = await this.#readKeys(metadata)
      const previous = this.#loaded
      const generation = (previous?.generation ?? 0) + (previous?.keysText === keysText ? 0 : 1)
      this.#loaded = { metadata, keySet, keysText, generation, loadedAtMs: this.#clock() }
      return this.#loaded
    } catch (error) {
      this.#failure = (error as Error).message
      throw unreachable(this.#failure)
    }
  }

  async #readKeys(metadata: IssuerMetadata): Promise<Pick<Loaded, 'keySet' | 'keysText'>> {
    if (metadata.jwksUri === undefined) return { keysText: '' }
    const { json } = await fetchJson(this.#fetch, this.#issuer.network, metadata.jwksUri)
    const keys = Array.isArray(json.keys) ? json.keys : []
    return { keySet: createLocalJWKSet({ keys }), keysText: JSON.stringify(keys) }
  }
}

function unreachable(why: string): RefusedError {
  return new RefusedError({ status: 503, description: `The issuer could not be asked: ${why}` })
}

/**
 * Where an issuer's metadata may lie, in the order to ask: RFC 8414 section 3.1, then OpenID Connect Discovery with the
 * path inserted and appended.
 */
export function metadataUrls(issuer: string): readonly string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  const inserted = ['oauth-authorization-server', 'openid-configuration'].map(
    (name) => `${origin}/.well-known/${name}${path}`,
  )
  return path === '' ? inserted : [...inserted, `${origin}${path}/.well-known/openid-configuration`]
}

async function discover(issuer: Issuer, fetch: OutboundFetch): Promise<IssuerMetadata> {
  const failures: string[] = []
  for (const url of metadataUrls(issuer.issuer)) {
    let json: { readonly [key: string]: unknown }
    try {
      json = (await fetchJson(fetch, issuer.network, url)).json
    } catch (error) {
      failures.push((error as Error).message)
      continue
    }
    // RFC 8414 section 3.3: identical, else the document must not be used; and no other place is tried then.
    if (json.issuer !== issuer.issuer)
      throw new Error(
        `${url} says issuer ${JSON.stringify(json.issuer)}, the policy says ${JSON.stringify(issuer.issuer)}.`,
      )
    const endpoint = (name: string): string | undefined => {
      const value = json[name]
      if (value === undefined) return undefined
      if (typeof value !== 'string') throw new Error(`${url} has a malformed ${name}.`)
      return checkOutboundUrl(value, issuer.network).href
    }
    return {
      issuer: issuer.issuer,
      jwksUri: endpoint('jwks_uri'),
      introspectionEndpoint: endpoint('introspection_endpoint'),
      tokenEndpoint: endpoint('token_endpoint'),
    }
  }
  throw new Error(failures.join(' '))
}
