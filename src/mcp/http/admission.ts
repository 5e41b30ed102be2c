// Admission: every check a request passes before a handler may see it, on plain data, for any kind of HTTP server.

import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import type { JsonObject } from '../../model/context.ts'
import type { Principal } from '../principal.ts'
import type { Refusal } from '../tokens/refusal.ts'
import type { TokenVerifier, Verified } from '../tokens/token-verifier.ts'
import { challenge, insufficientScope } from './challenge.ts'
import { type BodyBytes, checkMessage, isJson, readMessage } from './message.ts'
import { corsHeaders, type OriginRules, preflightHeaders } from './origin.ts'
import type { ProtectedResourceMetadata } from './protected-resource-metadata.ts'
import { jsonReply, type Reply, rpcErrorReply } from './reply.ts'
import type { Sessions } from './sessions.ts'

/** A request as any HTTP server can tell it. */
export interface IncomingRequest {
  readonly method: string
  /** Path and query as sent. */
  readonly target: string
  /** All values of a header, by its lower-case name; empty if it was not sent. */
  header(name: string): readonly string[]
  /** Reads the body within its bounds; asked at most once, and only of admitted callers. */
  body(): Promise<BodyBytes>
  /** Where the connection comes from, if the adapter knows. */
  readonly remoteAddress?: string
  /** The body, if somebody in front has read and parsed it. */
  readonly parsedBody?: unknown
}

/** A request that may go on. */
export interface Admitted {
  readonly principal: Principal
  /** For the SDK: `token` is empty, `extra.cardeaPrincipal` is the principal. */
  readonly authInfo: AuthInfo
  /** The one message of a POST. */
  readonly message?: object
  /** The session of the request, which is the principal's. */
  readonly sessionId?: string
  /** Headers that mean nothing in the request's revision, and must mean nothing to a handler either. */
  readonly ignored: readonly string[]
  /** To be added to the answer. */
  readonly headers: { readonly [name: string]: string }
}

/** A request that ended here, for the operator's log and the audit trail. */
export interface RefusedRequest {
  readonly method: string
  readonly path: string
  readonly status: number
  readonly description: string
  /** Set when the token was good and something else was not. */
  readonly principal?: Principal
}

export interface AdmissionOptions {
  readonly resource: string
  /** Local path at which the server is reached; differs from the resource's path behind a rewriting proxy only. */
  readonly path: string
  readonly verifier: TokenVerifier
  readonly metadata: ProtectedResourceMetadata
  readonly origins: OriginRules
  readonly sessions: Sessions
  /** Scopes of the first challenge. */
  readonly scopes: readonly string[]
  /** All scopes that a message needs; a missing one is answered with a step-up challenge. */
  readonly requiredScopes: (message: object, principal: Principal) => readonly string[]
  /** What policies see as `request`. */
  readonly requestFacts: (request: IncomingRequest) => JsonObject
  readonly onRefused: (refused: RefusedRequest) => void
  readonly dpopAlgorithms: readonly string[]
}

/** Revisions from here on have no sessions, and their servers ignore the header (MCP 2026-07-28). */
const firstSessionlessRevision = '2026-07-28'

/** Checks one request. Answers {@link Admitted}, or the {@link Reply} to send instead. */
export async function admit(
  request: IncomingRequest,
  options: AdmissionOptions,
): Promise<{ admitted: Admitted; reply?: undefined } | { reply: Reply; admitted?: undefined }> {
  const [path = '', query] = splitTarget(request.target)
  const origin = request.header('origin')[0]
  const refuse = (reply: Reply, description: string, principal?: Principal) => {
    options.onRefused({ method: request.method, path, status: reply.status, description, principal })
    return { reply: { ...reply, headers: { ...corsHeaders(allowedOrigin), ...reply.headers } } }
  }
  let allowedOrigin: string | undefined

  const hosts = request.header('host')
  if (hosts.length > 1 || !options.origins.allowsHost(hosts[0]))
    return refuse(
      jsonReply(403, { error: 'forbidden_host' }),
      `Host ${JSON.stringify(hosts)} is not this server.`,
    )
  if (options.metadata.paths.includes(path)) return { reply: metadataReply(request.method, options.metadata) }
  if (path !== options.path)
    return refuse(jsonReply(404, { error: 'not_found' }), 'Nothing is served at this path.')
  if (request.header('origin').length > 1 || !options.origins.allowsOrigin(origin))
    return refuse(
      jsonReply(403, { error: 'forbidden_origin' }),
      `Origin ${JSON.stringify(origin)} is not allowed.`,
    )
  allowedOrigin = origin
  if (request.method === 'OPTIONS' && origin !== undefined)
    return { reply: { status: 204, headers: preflightHeaders(origin), body: '' } }
  if (!['POST', 'GET', 'DELETE'].includes(request.method))
    return refuse(
      jsonReply(405, { error: 'method_not_allowed' }, { allow: 'POST, GET, DELETE' }),
      'Method not allowed.',
    )

  const verified = await verify(request, query, options)
  if (verified.refusal) return refuse(refusalReply(verified.refusal, options), verified.refusal.description)
  const { principal } = verified

  const ignored = sessionless(request) ? ['mcp-session-id', 'last-event-id'] : []
  const sessionIds = ignored.length > 0 ? [] : request.header('mcp-session-id')
  const sessionId = sessionIds[0]
  if (sessionIds.length > 1 || (sessionId !== undefined && !/^[\x21-\x7e]+$/.test(sessionId)))
    return refuse(
      rpcErrorReply(400, -32600, 'Malformed Mcp-Session-Id.'),
      'Malformed Mcp-Session-Id.',
      principal,
    )
  if (sessionId !== undefined && !options.sessions.owns(sessionId, principal))
    return refuse(
      rpcErrorReply(404, -32001, 'Session not found'),
      "The session is unknown or another principal's.",
      principal,
    )

  const { dpopNonce } = verified
  const headers = {
    ...corsHeaders(allowedOrigin),
    ...(dpopNonce !== undefined && { 'dpop-nonce': dpopNonce }),
  }
  const admitted = {
    principal,
    authInfo: authInfoOf(principal, options.resource, options.requestFacts(request)),
    sessionId,
    ignored,
    headers,
  }
  if (request.method !== 'POST') return { admitted }
  if (!isJson(request.header('content-type')[0]))
    return refuse(
      rpcErrorReply(415, -32600, 'Content-Type must be application/json.'),
      'The body is no JSON.',
      principal,
    )
  const read =
    request.parsedBody === undefined ? readMessage(await request.body()) : checkMessage(request.parsedBody)
  if (read.reply) return refuse(read.reply, `The body was refused: ${read.reply.body}`, principal)
  const needed = options.requiredScopes(read.message, principal)
  const missing = needed.filter((scope) => !principal.scopes.has(scope))
  if (missing.length > 0) {
    const reply = jsonReply(
      403,
      { error: 'insufficient_scope', scope: needed.join(' ') },
      { 'www-authenticate': insufficientScope(options.metadata.url, needed) },
    )
    return refuse(reply, `The token lacks ${missing.join(' ')}.`, principal)
  }
  return { admitted: { ...admitted, message: read.message } }
}

function splitTarget(target: string): [path: string, query: string] {
  const mark = target.indexOf('?')
  return mark < 0 ? [target, ''] : [target.slice(0, mark), target.slice(mark + 1)]
}

/** Whether the request is of a revision without sessions. A date later than the last known one counts as such. */
function sessionless(request: IncomingRequest): boolean {
  const version = request.header('mcp-protocol-version')[0] ?? ''
  return /^\d{4}-\d{2}-\d{2}$/.test(version) && version >= firstSessionlessRevision
}

/** Credentials from the Authorization header only, and one of them (RFC 6750 section 2, MCP token requirements). */
async function verify(request: IncomingRequest, query: string, options: AdmissionOptions): Promise<Verified> {
  const malformed = (description: string) => ({
    refusal: { status: 400, error: 'invalid_request', description } as Refusal,
  })
  const authorization = request.header('authorization')
  const dpop = request.header('dpop')
  const inQuery = new URLSearchParams(query).has('access_token')
  if (authorization.length + (inQuery ? 1 : 0) > 1 || dpop.length > 1)
    return malformed('Two credentials were sent.')
  if (inQuery)
    return {
      refusal: { status: 401, description: 'A token came in the query; it counts as leaked.' } as Refusal,
    }
  return options.verifier.verify({
    authorization: authorization[0],
    dpop: dpop[0],
    method: request.method,
    url: options.resource,
  })
}

/** What a caller learns of a refusal: the code and a fixed text; the reason stays with the operator. */
function refusalReply(refusal: Refusal, options: AdmissionOptions): Reply {
  if (refusal.status === 503)
    return jsonReply(503, { error: 'temporarily_unavailable' }, { 'retry-after': '5' })
  if (refusal.status === 403) return jsonReply(403, { error: 'access_denied' })
  const header = challenge({
    scheme: refusal.scheme,
    resourceMetadata: options.metadata.url,
    scopes: options.scopes,
    error: refusal.error,
    algorithms: refusal.scheme === 'DPoP' ? options.dpopAlgorithms : undefined,
  })
  const nonce: Reply['headers'] = refusal.dpopNonce === undefined ? {} : { 'dpop-nonce': refusal.dpopNonce }
  return jsonReply(
    refusal.status,
    { error: refusal.error ?? 'unauthorized' },
    { 'www-authenticate': header, ...nonce },
  )
}

function metadataReply(method: string, metadata: ProtectedResourceMetadata): Reply {
  const open = { 'access-control-allow-origin': '*' }
  if (method === 'OPTIONS')
    return {
      status: 204,
      headers: { ...open, 'access-control-allow-methods': 'GET', 'access-control-allow-headers': '*' },
      body: '',
    }
  if (method !== 'GET' && method !== 'HEAD')
    return jsonReply(405, { error: 'method_not_allowed' }, { ...open, allow: 'GET' })
  return jsonReply(200, metadata.document, { ...open, 'cache-control': 'public, max-age=300' })
}

function authInfoOf(principal: Principal, resource: string, facts: JsonObject): AuthInfo {
  return {
    token: '',
    clientId: principal.clientId ?? '',
    scopes: [...principal.scopes],
    expiresAt: Math.floor(principal.expiresAtMs / 1000),
    resource: new URL(resource),
    extra: { cardeaPrincipal: principal, cardeaRequest: facts },
  }
}
