// The HTTP side of the guard: metadata, challenges and admission around an MCP endpoint, in one object.

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JsonObject } from '../../model/context.ts'
import { requireOption } from '../../model/require-option.ts'
import type { Principal } from '../principal.ts'
import { dpopAlgorithms } from '../tokens/dpop.ts'
import type { TokenVerifier } from '../tokens/token-verifier.ts'
import type { AdmissionOptions, IncomingRequest, RefusedRequest } from './admission.ts'
import { type FetchNext, fetchHandler } from './fetch-handler.ts'
import { type HandlerOptions, type NodeNext, nodeHandler } from './node-handler.ts'
import { OpenStreams } from './open-streams.ts'
import { originRules } from './origin.ts'
import {
  type MetadataOptions,
  type ProtectedResourceMetadata,
  protectedResourceMetadata,
} from './protected-resource-metadata.ts'
import { Sessions } from './sessions.ts'

export interface HttpGuardOptions extends Omit<MetadataOptions, 'scopesSupported' | 'dpopSigningAlgorithms'> {
  readonly verifier: TokenVerifier
  /** The least a client needs for basic use: `scopes_supported`, and `scope` of the first challenge. */
  readonly scopes?: readonly string[]
  /** All scopes one message needs. A missing one is answered 403 `insufficient_scope` before any handler runs. */
  readonly requiredScopes?: (message: object, principal: Principal) => readonly string[]
  /** Local path of the endpoint. Default: the resource's path. */
  readonly path?: string
  /** Host values besides the resource's own, say those a proxy in front sends. */
  readonly hosts?: readonly string[]
  /** Origins of browser pages that may call. Default: the resource's own. */
  readonly origins?: readonly string[]
  /** Longest message, in bytes. Default 4 MiB. */
  readonly maxBodyBytes?: number
  /** Longest time a message may take to arrive, in milliseconds. Default 30 s. */
  readonly bodyTimeoutMs?: number
  /**
   * What becomes of Last-Event-ID. `off` (default): it is dropped, since event stores know streams but not whose they are,
   * and the SDK's standalone stream has the same name in every session. `own session`: it is passed on for sessions
   * of the caller; only for hosts with one event store per session. Stored messages are not filtered again.
   */
  readonly replay?: 'off' | 'own session'
  /**
   * Whether somebody may keep an answer open: `(principal) => guard.mayConnect(principal)`. Asked every `stayCheckMs`
   * for answers that are open for longer, besides whether the token is still good. No, or no answer, ends them.
   */
  readonly mayStay?: (principal: Principal) => Promise<boolean>
  /** Milliseconds between those questions. Default 1000. */
  readonly stayCheckMs?: number
  /**
   * What policies see as `request`, such as `request.ip`. Default: `ip`, the address the connection comes from, where
   * the adapter knows it. Behind a proxy, read the header that the proxy sets, and only if it does.
   */
  readonly requestFacts?: (request: IncomingRequest) => JsonObject
  /** Told of every request that ended at the door; for the operator's log and the audit trail. */
  readonly onRefused?: (refused: RefusedRequest) => void
  /** Told of what a handler throws; its caller gets a bare 500. */
  readonly onError?: (error: unknown) => void
  /** Milliseconds since the Unix epoch. Default: the system's clock. */
  readonly clock?: () => number
}

export interface HttpGuard {
  readonly metadata: ProtectedResourceMetadata
  /**
   * A node:http listener (or Express handler) in front of `next`, which gets admitted requests only: `request.auth` set,
   * the raw token gone, the message parsed. It serves the metadata documents too.
   */
  handler(next: NodeNext): (request: IncomingMessage, response: ServerResponse) => Promise<void>
  /**
   * The same for servers that speak the web's Request and Response: `next` is what the SDK's fetch handlers are, with the
   * request scrubbed and its message parsed.
   */
  fetchHandler(next: FetchNext): (request: Request) => Promise<Response>
  /** Ends the open streams of the principals that `concerns` picks. */
  closeStreams(concerns: (principal: Principal) => boolean): void
}

/** Headers with credentials; no handler needs them. */
const secretHeaders: readonly string[] = ['authorization', 'dpop']

/** An IPv4 address in its own form, also where the socket speaks both kinds. */
function addressOf({ remoteAddress }: IncomingRequest): JsonObject {
  return remoteAddress === undefined ? {} : { ip: remoteAddress.replace(/^::ffff:(?=\d+\.)/, '') }
}

function checkOptions(options: HttpGuardOptions): void {
  const {
    resource,
    authorizationServers,
    verifier,
  }: { readonly [Option in keyof HttpGuardOptions]?: unknown } = options ?? {}
  const need = (given: boolean, missing: string, cure: string) =>
    requireOption(given, 'createHttpGuard', missing, cure)
  need(
    typeof resource === 'string',
    'a resource',
    "write { resource: 'https://mcp.example.com/mcp', ... }, the URI that tokens name as their audience",
  )
  need(
    Array.isArray(authorizationServers),
    'authorizationServers',
    "write { authorizationServers: ['https://idp.example.com'], ... }, the issuers whose tokens are accepted",
  )
  need(
    typeof (verifier as TokenVerifier | undefined)?.verify === 'function',
    'a verifier',
    'write { verifier: createTokenVerifier({ resource, issuers }), ... }',
  )
}

/** Makes the HTTP side of a guarded server. Throws CONFIG_INVALID. */
export function createHttpGuard(options: HttpGuardOptions): HttpGuard {
  checkOptions(options)
  const scopes = options.scopes ?? []
  const metadata = protectedResourceMetadata({
    ...options,
    scopesSupported: scopes.length > 0 ? scopes : undefined,
    dpopSigningAlgorithms: dpopAlgorithms,
  })
  const { verifier, mayStay, onRefused = () => {} } = options
  const streams = new OpenStreams({
    everyMs: options.stayCheckMs ?? 1000,
    mayStay: async (principal) =>
      ((await verifier.isStillGood?.(principal)) ?? true) && ((await mayStay?.(principal)) ?? true),
    onCut: (principal, reason) =>
      onRefused({ method: 'stream', path: '', status: 200, description: `Ended: ${reason}.`, principal }),
  })
  const admission: AdmissionOptions = {
    resource: options.resource,
    path: options.path ?? new URL(options.resource).pathname,
    verifier,
    metadata,
    origins: originRules(options.resource, options.hosts, options.origins),
    sessions: new Sessions(),
    scopes,
    requiredScopes: options.requiredScopes ?? (() => []),
    requestFacts: options.requestFacts ?? addressOf,
    onRefused,
    dpopAlgorithms,
  }
  const handling: HandlerOptions = {
    admission,
    streams,
    maxBodyBytes: options.maxBodyBytes ?? 4 * 1024 * 1024,
    bodyTimeoutMs: options.bodyTimeoutMs ?? 30_000,
    clock: options.clock ?? Date.now,
    onError: options.onError ?? (() => {}),
    withheld: options.replay === 'own session' ? secretHeaders : [...secretHeaders, 'last-event-id'],
  }
  return {
    metadata,
    handler: (next) => nodeHandler(next, handling),
    fetchHandler: (next) => fetchHandler(next, handling),
    closeStreams: (concerns) => streams.close(concerns),
  }
}
