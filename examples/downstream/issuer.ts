// The example's authorization server: a real oidc-provider that exchanges tokens (RFC 8693) and says who acts.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  calculateJwkThumbprint,
  createLocalJWKSet,
  exportJWK,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  jwtVerify,
} from 'jose'
import { type KoaContextWithOIDC, Provider, type ResourceServer } from 'oidc-provider'

export interface ExchangeIssuer {
  readonly issuer: string
  /** Parameters of each exchange that was asked for, without the tokens. */
  readonly exchanges: { readonly [name: string]: string }[]
  /** A person's token for the MCP server, obtained through the client `agent`. */
  tokenFor(user: string): Promise<string>
  close(): Promise<void>
}

export interface ExchangeIssuerOptions {
  /** The MCP server; only tokens for it may be exchanged, and only by it. */
  readonly resource: string
  /** The server behind it. */
  readonly api: string
  /** The MCP server's own credentials. */
  readonly client: { readonly client_id: string; readonly client_secret: string }
}

const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const parameters = ['subject_token', 'subject_token_type', 'requested_token_type', 'resource', 'scope']

/** What the provider's types keep to themselves. */
interface Issuing {
  readonly AccessToken: new (fields: object) => { resourceServer: unknown; save(): Promise<string> }
  readonly ResourceServer: new (id: string, info: ResourceServer) => unknown
}

/** Starts it on a free loopback port. */
export async function startExchangeIssuer(options: ExchangeIssuerOptions): Promise<ExchangeIssuer> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const keys = await Promise.all(['ES256', 'RS256'].map(signingKey))
  const known = createLocalJWKSet({ keys: keys.map(({ publicJwk }) => publicJwk) })
  /** Who acts, by the token that is being made. */
  const actors = new WeakMap<object, object>()
  const info = (resource: string): ResourceServer => ({
    scope: 'orders.read',
    audience: resource,
    accessTokenTTL: 300,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'ES256' } },
  })
  const provider = new Provider(issuer, {
    jwks: { keys: keys.map(({ privateJwk }) => privateJwk) as never },
    cookies: { keys: ['example'] },
    clients: [
      { client_id: 'agent', redirect_uris: ['https://agent.example/cb'], token_endpoint_auth_method: 'none' },
      { ...options.client, grant_types: [grant], response_types: [], redirect_uris: [] },
    ],
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: { enabled: true, getResourceServerInfo: (_, resource) => info(resource) },
    },
    extraTokenClaims: (_, token) => {
      const act = actors.get(token)
      return act && { act }
    },
  })
  const { AccessToken, ResourceServer } = provider as unknown as Issuing
  const exchanges: { [name: string]: string }[] = []

  provider.registerGrantType(
    grant,
    (async (context: KoaContextWithOIDC) => {
      const { params, client } = context.oidc as unknown as {
        params: { [name: string]: string | undefined }
        client: object
      }
      const { subject_token: subjectToken, ...asked } = params
      exchanges.push(
        Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined)) as never,
      )
      const refuse = (error: string) => {
        context.status = 400
        context.body = { error }
      }
      if (params.resource !== options.api) return refuse('invalid_target')
      const subject = await jwtVerify(subjectToken ?? '', known, {
        issuer,
        audience: options.resource,
      }).catch(() => undefined)
      if (subject === undefined) return refuse('invalid_request')
      const { payload } = subject
      const token = new AccessToken({ accountId: payload.sub, client, gty: grant, scope: 'orders.read' })
      token.resourceServer = new ResourceServer(options.api, info(options.api))
      actors.set(token, actorOf(payload))
      context.body = {
        access_token: await token.save(),
        issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
        token_type: 'Bearer',
        expires_in: 300,
      }
    }) as never,
    parameters,
  )
  server.on('request', provider.callback())
  return {
    issuer,
    exchanges,
    async tokenFor(user) {
      const client = await provider.Client.find('agent')
      const token = new AccessToken({
        accountId: user,
        client,
        gty: 'authorization_code',
        scope: 'orders.read',
      })
      token.resourceServer = new ResourceServer(options.resource, info(options.resource))
      return token.save()
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The agent stays the actor: the one the incoming token names, or else the client that it was issued to. */
function actorOf({ act, client_id }: JWTPayload): object {
  return typeof act === 'object' && act !== null ? act : { sub: client_id }
}

async function signingKey(alg: string): Promise<{ readonly privateJwk: JWK; readonly publicJwk: JWK }> {
  const pair = await generateKeyPair(alg, { extractable: true })
  const [privateJwk, publicJwk] = await Promise.all([exportJWK(pair.privateKey), exportJWK(pair.publicKey)])
  const about = { alg, use: 'sig', kid: await calculateJwkThumbprint(publicJwk) }
  return { privateJwk: { ...privateJwk, ...about }, publicJwk: { ...publicJwk, ...about } }
}
