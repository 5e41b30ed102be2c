// The authorization code flow with PKCE by plain HTTP, playing the client and the browser, for the demo's tokens.

import { createHash, randomBytes } from 'node:crypto'
import { CardeaError } from '../../model/errors.ts'

export interface FlowRequest {
  readonly issuer: string
  readonly user: string
  readonly password: string
  /** Resource indicator (RFC 8707), sent with the authorization and the token request. */
  readonly resource: string
  readonly scope: string
}

/** Nothing listens here: the flow reads the code off the redirect instead of following it. */
const redirectUri = 'http://127.0.0.1/callback'
const maxRedirects = 10

/**
 * Registers a public client (RFC 7591), signs in, consents and exchanges the code (RFC 7636, RFC 9207 `iss` compared).
 * Answers the access token. Throws UNAUTHENTICATED with the server's error.
 */
export async function authorizationCodeFlow(request: FlowRequest): Promise<string> {
  const metadata = await readJson(await fetch(`${request.issuer}/.well-known/oauth-authorization-server`))
  const clientId = await register(String(metadata.registration_endpoint))
  const verifier = randomBytes(32).toString('base64url')
  const state = randomBytes(16).toString('base64url')
  const start = new URL(String(metadata.authorization_endpoint))
  start.search = new URLSearchParams({
    response_type: 'code',
    client_id: clientId,
    redirect_uri: redirectUri,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    state,
    scope: request.scope,
    resource: request.resource,
  }).toString()
  const answer = await new Browser().signIn(start, request)
  const error = answer.searchParams.get('error')
  if (error !== null) throw failed(`${error}: ${answer.searchParams.get('error_description') ?? ''}`)
  if (answer.searchParams.get('state') !== state) throw failed('state came back changed')
  if (answer.searchParams.get('iss') !== request.issuer) throw failed('iss names another issuer')
  const response = await fetch(String(metadata.token_endpoint), {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code: answer.searchParams.get('code') ?? '',
      code_verifier: verifier,
      resource: request.resource,
    }),
  })
  return String((await readJson(response)).access_token)
}

async function register(endpoint: string): Promise<string> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Cardea demo',
      application_type: 'native',
      redirect_uris: [redirectUri],
      token_endpoint_auth_method: 'none',
    }),
  })
  return String((await readJson(response)).client_id)
}

async function readJson(response: Response): Promise<{ readonly [name: string]: unknown }> {
  const json = (await response.json()) as { readonly [name: string]: unknown }
  if (!response.ok) throw failed(`${json.error}: ${json.error_description ?? ''}`)
  return json
}

function failed(why: string): CardeaError {
  return new CardeaError('UNAUTHENTICATED', `The sign-in at the authorization server failed (${why}).`)
}

/** As much of a browser as a login needs: cookies by path, redirects, one form at a time. */
class Browser {
  readonly #cookies = new Map<string, { path: string; value: string }>()

  /** Follows the flow until it leaves for the redirect URI, and answers that URL. */
  async signIn(start: URL, request: FlowRequest): Promise<URL> {
    let url = start
    let form: URLSearchParams | undefined
    for (let hop = 0; hop < maxRedirects; hop++) {
      const response = await this.#load(url, form)
      form = undefined
      const location = response.headers.get('location')
      if (location !== null) {
        const next = new URL(location, url)
        if (next.href.startsWith(redirectUri)) return next
        url = next
        continue
      }
      const html = await response.text()
      if (!response.ok) throw failed(`${url.pathname} answered ${response.status}`)
      if (html.includes('role="alert"')) throw failed('name or password was refused')
      form = html.includes('name="password"')
        ? new URLSearchParams({ login: request.user, password: request.password, step: 'login' })
        : new URLSearchParams({ step: 'allow' })
    }
    throw failed(`more than ${maxRedirects} steps`)
  }

  async #load(url: URL, form: URLSearchParams | undefined): Promise<Response> {
    const cookie = [...this.#cookies]
      .filter(([, { path }]) => url.pathname.startsWith(path))
      .map(([name, { value }]) => `${name.split(' ')[0]}=${value}`)
      .join('; ')
    const method = form === undefined ? 'GET' : 'POST'
    const response = await fetch(url, { method, body: form, redirect: 'manual', headers: { cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)!
      const path = /;\s*path=([^;]+)/i.exec(line)?.[1] ?? '/'
      if (value === '') this.#cookies.delete(`${name} ${path}`)
      else this.#cookies.set(`${name} ${path}`, { path, value: value! })
    }
    return response
  }
}
