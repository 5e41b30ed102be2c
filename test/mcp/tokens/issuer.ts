// A real authorization server (oidc-provider) on loopback for tests, with its private keys at hand so that tests can sign what it never would.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose'
import type { Configuration, KoaContextWithOIDC, Provider } from 'oidc-provider'

export interface TestIssuer {
  readonly issuer: string
  readonly provider: Provider
  /** Paths of the requests that came in, in order. */
  readonly requests: string[]
  /** A user's access token as the provider itself makes it. */
  userToken(
    user: string,
    options?: { scope?: string; resource?: string; client?: string; jkt?: string },
  ): Promise<string>
  /** A client's own token, by the client credentials grant over HTTP. */
  serviceToken(options?: { resource?: string }): Promise<string>
  /** Good claims of alice's token, to spoil one at a time. */
  claims(changes?: { [name: string]: unknown }): JWTPayload
  /** Signs with the issuer's own ES256 key unless `key` is given; the header is at+jwt unless changed. */
  sign(
    claims: JWTPayload,
    header?: { [name: string]: unknown },
    key?: CryptoKey | Uint8Array,
  ): Promise<string>
  readonly publicJwk: JWK
  close(): Promise<void>
}

export interface TestIssuerOptions {
  readonly resource: string
  readonly opaque?: boolean
  /** Path below the origin at which the issuer lives, such as `/tenant`. */
  readonly configure?: (configuration: Configuration) => void
}

async function privateJwk(alg: string): Promise<{ jwk: JWK; privateKey: CryptoKey }> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), alg, use: 'sig' }
  return { jwk: { ...jwk, kid: await calculateJwkThumbprint(jwk) }, privateKey }
}

/** The provider prints advice about production settings when it loads; the tests' output stays clean. */
async function makeProvider(issuer: string, configuration: Configuration): Promise<Provider> {
  const { warn, info } = console
  console.warn = () => {}
  console.info = () => {}
  try {
    const oidc = await import('oidc-provider')
    return new oidc.Provider(issuer, configuration)
  } finally {
    console.warn = warn
    console.info = info
  }
}

export async function startIssuer(options: TestIssuerOptions): Promise<TestIssuer> {
  const [es, rs] = await Promise.all([privateJwk('ES256'), privateJwk('RS256')])
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const resourceServer = (resource: string) => ({
    scope: 'docs.read docs.write',
    audience: resource,
    accessTokenTTL: 300,
    accessTokenFormat: options.opaque ? ('opaque' as const) : ('jwt' as const),
    ...(options.opaque ? {} : { jwt: { sign: { alg: 'ES256' as const } } }),
  })
  const configuration: Configuration = {
    jwks: { keys: [es.jwk, rs.jwk] as never },
    cookies: { keys: ['test'] },
    ttl: { AccessToken: 300, ClientCredentials: 300 },
    clients: [
      {
        client_id: 'robot',
        client_secret: 'robot-secret',
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      },
      { client_id: 'app', redirect_uris: ['https://app.example/cb'], token_endpoint_auth_method: 'none' },
    ],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx: KoaContextWithOIDC, resource: string) => resourceServer(resource),
      },
    },
  }
  options.configure?.(configuration)
  const provider = await makeProvider(issuer, configuration)
  const requests: string[] = []
  const callback = provider.callback()
  server.on('request', (request, response) => {
    requests.push(request.url ?? '')
    callback(request, response)
  })
  return {
    issuer,
    provider,
    requests,
    publicJwk: { kty: es.jwk.kty, crv: es.jwk.crv, x: es.jwk.x, y: es.jwk.y, kid: es.jwk.kid, alg: 'ES256' },
    async userToken(user, { scope = 'docs.read', resource = options.resource, client = 'app', jkt } = {}) {
      const token = new provider.AccessToken({
        accountId: user,
        client: (await provider.Client.find(client))!,
        gty: 'authorization_code',
        scope,
      } as never)
      const details = token as unknown as { resourceServer: unknown; jkt?: string }
      details.resourceServer = new (
        provider as unknown as { ResourceServer: new (...args: unknown[]) => unknown }
      ).ResourceServer(resource, resourceServer(resource))
      if (jkt !== undefined) details.jkt = jkt
      return token.save()
    },
    async serviceToken({ resource = options.resource } = {}) {
      const response = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from('robot:robot-secret').toString('base64')}` },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope: 'docs.read' }),
      })
      return ((await response.json()) as { access_token: string }).access_token
    },
    claims(changes = {}) {
      const now = Math.floor(Date.now() / 1000)
      const claims = {
        iss: issuer,
        sub: 'alice',
        aud: options.resource,
        client_id: 'app',
        jti: 'jti-1',
        scope: 'docs.read',
        iat: now,
        exp: now + 300,
        ...changes,
      }
      return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
    },
    sign(claims, header = {}, key = es.privateKey) {
      return new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: es.jwk.kid, ...header })
        .sign(key)
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
