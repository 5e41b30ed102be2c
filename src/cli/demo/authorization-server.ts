// The demo's authorization server: a real oidc-provider on loopback with a login page for alice and bob.

import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import type { Configuration, Provider } from 'oidc-provider'
import { guardedFetch } from '../../mcp/tokens/outbound-fetch.ts'
import { authorizationCodeFlow } from './authorization-code-flow.ts'
import { consentPage, errorPage, loginPage } from './login-pages.ts'

/** People who can sign in. The password of each is `demo`. */
export type DemoUser = 'alice' | 'bob'

export interface AuthorizationServer {
  readonly issuer: string
  close(): Promise<void>
  /**
   * Signs `user` in by HTTP as a browser and a client would (registration, PKCE, login, consent, code exchange) and
   * answers the access token. `resource` defaults to the demo's, `scope` to everything it has.
   */
  tokenFor(user: DemoUser, options?: { readonly resource?: string; readonly scope?: string }): Promise<string>
}

export interface AuthorizationServerOptions {
  /** Default: a free port. */
  readonly port?: number
  /** The MCP server that tokens are for. */
  readonly resource: string
  /** A second resource, so that a token for someone else can be shown. */
  readonly otherResource: string
  /** Scopes that exist. Default: docs.read docs.write. */
  readonly scope?: string
}

const users: ReadonlySet<string> = new Set<DemoUser>(['alice', 'bob'])
const password = 'demo'
const tokenLifetimeSeconds = 3600

/** Starts the server on 127.0.0.1. Rejects with the system's error when the port is taken. */
export async function startAuthorizationServer(
  options: AuthorizationServerOptions,
): Promise<AuthorizationServer> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const scope = options.scope ?? 'docs.read docs.write'
  const configuration = await configure(options, scope)
  const provider = await withoutNotices(async () => {
    const oidc = await import('oidc-provider')
    const policy = oidc.interactionPolicy.base()
    // One browser plays alice and then bob, so every sign-in asks who it is.
    policy
      .get('login')!
      .checks.add(
        new oidc.interactionPolicy.Check(
          'ask_who',
          'every sign-in asks who it is',
          (ctx) => ctx.oidc.result?.login === undefined,
        ),
      )
    const made = new oidc.Provider(issuer, {
      ...configuration,
      interactions: { ...configuration.interactions, policy },
      features: {
        ...configuration.features,
        resourceIndicators: {
          ...configuration.features!.resourceIndicators,
          getResourceServerInfo: (_, resource) => {
            if (resource !== options.resource && resource !== options.otherResource)
              throw new oidc.errors.InvalidTarget()
            return {
              scope,
              audience: resource,
              accessTokenTTL: tokenLifetimeSeconds,
              accessTokenFormat: 'jwt',
              jwt: { sign: { alg: 'ES256' } },
            }
          },
        },
      },
    })
    made.callback()
    return made
  })
  const callback = provider.callback()
  server.on('request', (request, response) => {
    if (request.url === '/reg' && openToBrowsers(request, response)) return
    if (!request.url?.startsWith('/login/')) return void callback(request, response)
    interact(provider, request, response).catch(() => {
      sendPage(response, 400, errorPage('This sign-in has ended', 'Go back to your client and start again.'))
    })
  })
  return {
    issuer,
    tokenFor: (user, { resource = options.resource, scope: asked = scope } = {}) =>
      authorizationCodeFlow({ issuer, user, password, resource, scope: asked }),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function configure(options: AuthorizationServerOptions, scope: string): Promise<Configuration> {
  // Tokens are signed with ES256; clients that say nothing expect RS256 for ID tokens, so both keys are there.
  const keys = await Promise.all(['ES256', 'RS256'].map(signingKey))
  return {
    jwks: { keys: keys as never },
    cookies: { keys: [randomBytes(32).toString('base64url')] },
    scopes: ['openid', 'offline_access', ...scope.split(' ')],
    ttl: {
      AccessToken: tokenLifetimeSeconds,
      AuthorizationCode: 60,
      Grant: 86_400,
      IdToken: tokenLifetimeSeconds,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
    pkce: { required: () => true },
    responseTypes: ['code'],
    clientBasedCORS: () => true,
    rotateRefreshToken: true,
    issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
    findAccount: (_, id) => (users.has(id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined),
    interactions: { url: (_, interaction) => `/login/${interaction.uid}` },
    renderError: (ctx, out) => {
      ctx.type = 'html'
      ctx.body = errorPage(
        'The request was refused',
        [out.error, out.error_description].filter(Boolean).join(': '),
      )
    },
    fetch: guardedFetch('public') as never,
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      registration: { enabled: true },
      clientIdMetadataDocument: { enabled: true, ack: 'draft-02' },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        defaultResource: () => options.resource,
      },
    },
  }
}

async function signingKey(alg: string): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true })
  const jwk = { ...(await exportJWK(privateKey)), alg, use: 'sig' }
  return { ...jwk, kid: await calculateJwkThumbprint(jwk) }
}

/**
 * Clients that live in a browser page register from there, which the provider does not foresee. Answers whether the request
 * was a preflight and is done.
 */
function openToBrowsers(request: IncomingMessage, response: ServerResponse): boolean {
  response.setHeader('access-control-allow-origin', '*')
  if (request.method !== 'OPTIONS') return false
  response.setHeader('access-control-allow-methods', 'POST')
  response.setHeader('access-control-allow-headers', 'Content-Type, MCP-Protocol-Version')
  response.writeHead(204).end()
  return true
}

/** One step of a sign-in: shows the form of the pending prompt, or takes its answer. */
async function interact(
  provider: Provider,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const details = await provider.interactionDetails(request, response)
  const action = `/login/${details.uid}`
  const { params, session, prompt } = details
  if (request.method !== 'POST') {
    if (prompt.name === 'login') return sendPage(response, 200, loginPage(action))
    const client = await provider.Client.find(String(params.client_id))
    const consent = {
      client: client?.clientName ?? String(params.client_id),
      redirectHost: new URL(String(params.redirect_uri)).host,
      resource: [params.resource].flat().join(', ') || 'the demo server',
      scopes: String(params.scope ?? '')
        .split(' ')
        .filter(Boolean),
      user: session?.accountId ?? '',
    }
    return sendPage(response, 200, consentPage(action, consent))
  }
  const form = new URLSearchParams(await readForm(request))
  if (prompt.name === 'login') {
    const login = form.get('login') ?? ''
    if (!users.has(login) || form.get('password') !== password)
      return sendPage(response, 200, loginPage(action, 'That name and password do not go together.'))
    return provider.interactionFinished(request, response, { login: { accountId: login } })
  }
  if (form.get('step') !== 'allow') {
    const denied = { error: 'access_denied', error_description: 'The person said no.' }
    return provider.interactionFinished(request, response, denied, { mergeWithLastSubmission: false })
  }
  const known = details.grantId === undefined ? undefined : await provider.Grant.find(details.grantId)
  const grant =
    known ?? new provider.Grant({ accountId: session!.accountId, clientId: String(params.client_id) })
  const missing = prompt.details as {
    missingOIDCScope?: string[]
    missingResourceScopes?: { [resource: string]: string[] }
  }
  if (missing.missingOIDCScope) grant.addOIDCScope(missing.missingOIDCScope.join(' '))
  for (const [resource, scopes] of Object.entries(missing.missingResourceScopes ?? {}))
    grant.addResourceScope(resource, scopes.join(' '))
  const consent = { grantId: await grant.save() }
  return provider.interactionFinished(request, response, { consent }, { mergeWithLastSubmission: true })
}

async function readForm(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request) {
    text += chunk
    if (text.length > 10_000) throw new Error('The form is too long.')
  }
  return text
}

function sendPage(response: ServerResponse, status: number, html: string): void {
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    // No form-action: browsers apply it to the redirect back to the client as well.
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
  })
  response.end(html)
}

/** oidc-provider prints advice about production settings on load; none of it concerns a demo on loopback. */
async function withoutNotices<T>(work: () => Promise<T>): Promise<T> {
  const { warn, info } = console
  const quiet =
    (print: typeof console.warn) =>
    (...parts: unknown[]): void => {
      if (!/oidc-provider (WARNING|NOTICE)/.test(String(parts[0]))) print(...parts)
    }
  console.warn = quiet(warn)
  console.info = quiet(info)
  try {
    return await work()
  } finally {
    console.warn = warn
    console.info = info
  }
}
