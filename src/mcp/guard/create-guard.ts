// The guard: one line around an MCP server, and nothing reaches it or leaves it that the policy does not allow.

import { randomUUID } from 'node:crypto'
import { lstatSync, realpathSync } from 'node:fs'
import type { AuditSink } from '../../audit/audit.ts'
import type { Authorizer } from '../../authorizer/authorizer.ts'
import type { JsonObject } from '../../model/context.ts'
import { CardeaError } from '../../model/errors.ts'
import { parseObjectAndRelation } from '../../model/relationship-text.ts'
import { narrowingOf } from '../policy/authorization-details.ts'
import { isJsonObject } from '../policy/json-object.ts'
import { loadPolicy } from '../policy/load-policy.ts'
import type { LoadedPolicy } from '../policy/loaded-policy.ts'
import type { Policy } from '../policy/policy.ts'
import type { Principal } from '../principal.ts'
import { heldToken } from '../tokens/held-token.ts'
import type { ExchangedToken, ExchangeTarget, TokenExchange } from '../tokens/token-exchange.ts'
import { checkGuardOptions } from './check-guard-options.ts'
import { checkNames } from './check-names.ts'
import { type ConnectionOptions, GuardedConnection } from './connection.ts'
import { Freshness } from './freshness.ts'
import type { GuardCore, GuardLog } from './guard-core.ts'
import { type HandlerFetch, listenFetch } from './listen-fetch.ts'
import { mayConnect } from './may-hear.ts'
import type { Transport } from './message.ts'
import { OverFetch, type OverFetchCount } from './over-fetch.ts'
import { StateSeal } from './request-state.ts'
import { SchemasInForce } from './schemas-in-force.ts'
import { Tasks } from './tasks.ts'
import { ToolPins } from './tool-pins.ts'

export interface GuardOptions {
  readonly authorizer: Authorizer
  /** Loaded already, or as written (YAML or JSON text, or the typed object). */
  readonly policy: LoadedPolicy | Policy | string
  /** Where every call is recorded. What cannot be recorded is denied. */
  readonly audit: AuditSink
  readonly log: GuardLog
  /** Milliseconds since the Unix epoch. Default: the system's clock. */
  readonly clock?: () => number
  /** SHA-256 of approved tool definitions, by tool name; besides those in the policy. */
  readonly approvedDefinitions?: { readonly [tool: string]: string }
  /** How long one bulk check may take before the call is denied, in milliseconds. Default 5000. */
  readonly checkTimeoutMs?: number
  /** Most questions per request to the service; more are split, at one revision. Default 10,000, the service's own limit. */
  readonly maxBulkChecks?: number
  /** Most requests of one connection at a time. Default 1000. */
  readonly maxInFlight?: number
  /**
   * 32 bytes with which request state and cursors of lists are sealed; processes that serve the same clients share it, and
   * keep it over a restart. Default: random, so that both end with the process.
   */
  readonly stateKey?: Uint8Array
  /**
   * Milliseconds between two notifications that a list has changed, per connection and kind; what happens in between is
   * told once, at the end. Default 1000.
   */
  readonly listChangedEveryMs?: number
  /** Whether proofs and reasons are asked for and recorded. Default true. */
  readonly explain?: boolean
  /** Where {@link Guard.tokenFor} gets its tokens; see `createTokenExchange`. */
  readonly tokenExchange?: TokenExchange
}

/** What a handler gets as its second argument: `extra` of SDK v1, `ctx` of v2. */
export interface HandlerExtra {
  readonly authInfo?: { readonly extra?: Record<string, unknown> } | undefined
  readonly http?: { readonly authInfo?: { readonly extra?: Record<string, unknown> } | undefined } | undefined
}

export interface Guard {
  /**
   * Puts the guard between the server and every transport it is connected to from now on. Registrations before and
   * after count alike. `options.principal` is who asks on transports that do not say so, such as stdio.
   * Throws CONFIG_INVALID when the server is connected already.
   */
  protect(server: ProtectableServer, options?: ConnectionOptions): void
  /**
   * The same for `createMcpHandler` of SDK v2, whose factory returns protected servers: looks at what the handler serves
   * beside them, `subscriptions/listen`. Without it nothing can be listened to.
   */
  protectHandler<Handler extends { fetch: HandlerFetch }>(handler: Handler): Handler
  /** The same for one transport, as a gateway uses it. */
  wrapTransport(transport: unknown, options?: ConnectionOptions): Transport
  /** Who is asking. Throws UNAUTHENTICATED outside of a guarded call. */
  principal(extra: HandlerExtra): Principal
  /** Whether the principal has `type:id#permission`, fully consistent. Conditional is no. */
  check(extra: HandlerExtra, question: string, context?: JsonObject): Promise<boolean>
  /** Ids of all resources of the type on which the principal has the permission. */
  lookup(extra: HandlerExtra, resourceType: string, permission: string): AsyncIterable<string>
  /**
   * A token of its own for a server behind this one, on behalf of whoever asks (RFC 8693): never the incoming token, which
   * goes to its own issuer and nowhere else. Cached per subject, actor, audience and scope.
   * Throws CONFIG_INVALID without `tokenExchange`, UNAUTHENTICATED for a principal that came with no token, and
   * what {@link TokenExchange.tokenFor} throws.
   */
  tokenFor(extra: HandlerExtra, target: ExchangeTarget): Promise<ExchangedToken>
  /**
   * Whether the policy's whole-call questions are HAS for this principal now; for streams that stay open, see `mayStay` of
   * `createHttpGuard`. Rejects when the service does not answer.
   */
  mayConnect(principal: Principal): Promise<boolean>
  /** Scopes that a message needs, for the HTTP side to answer 403 `insufficient_scope` before anything is dispatched. */
  requiredScopes(message: unknown): readonly string[]
  /** Replaces the policy. Calls that have begun end under the old one. Throws CONFIG_INVALID and keeps the old one. */
  usePolicy(policy: LoadedPolicy | Policy | string): void
  /** Hashes of the definitions approved so far, those trusted on first use among them. */
  approvedDefinitions(): { readonly [tool: string]: string }
  /** How much more the tools returned than their callers may see. */
  overFetch(): readonly OverFetchCount[]
}

/** An `McpServer` or `Server` of SDK v1 or v2. */
export interface ProtectableServer extends Connectable {
  readonly server?: Connectable
}

interface Connectable {
  connect(transport: never): Promise<void>
  readonly transport?: unknown
}

/** Makes a guard. Throws CONFIG_INVALID for an option that is missing, and when the policy has problems, with all of them. */
export function createGuard(options: GuardOptions): Guard {
  checkGuardOptions(options)
  const { authorizer, audit, log, clock = Date.now } = options
  let policy = loaded(options.policy)
  let listening = false
  const core: GuardCore = {
    authorizer,
    audit,
    log,
    clock,
    randomId: randomUUID,
    realPath,
    get policy() {
      return policy
    },
    pins: new ToolPins(options.approvedDefinitions ?? {}, log),
    tasks: new Tasks(),
    seal: new StateSeal(options.stateKey),
    overFetch: new OverFetch(),
    freshness: new Freshness(),
    schemas: new SchemasInForce(authorizer, audit, log),
    checkTimeoutMs: options.checkTimeoutMs ?? 5000,
    maxBulkChecks: options.maxBulkChecks ?? 10_000,
    maxInFlight: options.maxInFlight ?? 1000,
    listChangedEveryMs: options.listChangedEveryMs ?? 1000,
    explain: options.explain ?? true,
  }
  const wrapTransport = (transport: unknown, connection?: ConnectionOptions): Transport =>
    transport instanceof GuardedConnection
      ? transport
      : new GuardedConnection(transport as Transport, core, connection)
  const principal = (extra: HandlerExtra): Principal => {
    const stated = (extra.authInfo ?? extra.http?.authInfo)?.extra?.cardeaPrincipal
    if (stated === undefined)
      throw new CardeaError('UNAUTHENTICATED', 'This is no guarded call: nobody is asking.')
    return stated as Principal
  }
  void checkNames(authorizer, policy, log)
  return {
    wrapTransport,
    principal,
    protect(server, connection) {
      for (const one of server.server === undefined ? [server] : [server.server, server]) {
        if (one.transport !== undefined)
          throw new CardeaError(
            'CONFIG_INVALID',
            'The server is connected already; call guard.protect(server) before server.connect(transport).',
          )
        const connect = one.connect.bind(one) as (transport: Transport) => Promise<void>
        closeListening(one as never, () => listening)
        one.connect = ((transport: Transport) =>
          connect(wrapTransport(transport, connection))) as typeof one.connect
      }
    },
    protectHandler(handler) {
      listening = true
      return { ...handler, fetch: listenFetch(core, handler.fetch) }
    },
    async check(extra, question, context) {
      const { resource, relation } = parseObjectAndRelation(question)
      const asking = principal(extra)
      const { subjectRef: subject } = asking
      const consistency = { kind: 'fully_consistent' } as const
      if (narrowingOf(policy.authorizationDetails, asking)?.covers(resource, relation) === false) return false
      const answer = await authorizer.check(
        { resource, permission: relation, subject, context },
        { consistency },
      )
      return answer.permissionship === 'has'
    },
    async *lookup(extra, resourceType, permission) {
      const asking = principal(extra)
      const { subjectRef: subject } = asking
      const narrowing = narrowingOf(policy.authorizationDetails, asking)
      const consistency = { kind: 'fully_consistent' } as const
      const found = authorizer.lookupResources({ resourceType, permission, subject, consistency })
      for await (const { resourceId: id, permissionship } of found) {
        if (permissionship !== 'has') continue
        if (narrowing?.covers({ type: resourceType, id }, permission) !== false) yield id
      }
    },
    async tokenFor(extra, target) {
      const { tokenExchange } = options
      if (tokenExchange === undefined)
        throw new CardeaError(
          'CONFIG_INVALID',
          'The guard has no tokenExchange; pass createTokenExchange({ issuers }) to createGuard.',
        )
      const asking = principal(extra)
      const token = heldToken(asking)
      if (token === undefined)
        throw new CardeaError(
          'UNAUTHENTICATED',
          `${asking.subject} came without a token, so there is none to exchange for ${target.resource}.`,
        )
      return tokenExchange.tokenFor(asking, token, target)
    },
    mayConnect: (asking) => mayConnect(core, asking),
    requiredScopes: (message) => requiredScopes(policy, message),
    usePolicy(next) {
      policy = loaded(next)
      void checkNames(authorizer, policy, log)
    },
    approvedDefinitions: () => core.pins.approved(),
    overFetch: () => core.overFetch.report(),
  }
}

/**
 * SDK v2 serves subscriptions beside the instance and asks it only what it can do. Unless the handler is protected too,
 * the answer is: nothing that could be listened to.
 */
function closeListening(server: { getCapabilities?: () => JsonObject }, isListening: () => boolean): void {
  const original = server.getCapabilities?.bind(server)
  if (original === undefined) return
  server.getCapabilities = () => {
    const capabilities = original()
    if (isListening()) return capabilities
    const deaf = Object.entries(capabilities).map(([name, value]) => {
      if (!isJsonObject(value)) return [name, value] as const
      const { subscribe, listChanged, ...rest } = value
      return [name, rest] as const
    })
    return Object.fromEntries(deaf)
  }
}

function loaded(policy: GuardOptions['policy']): LoadedPolicy {
  return typeof policy === 'object' && 'source' in policy ? policy : loadPolicy(policy)
}

/** Scopes of the rule that a request falls under; none for what has no rule, which is denied anyway. */
function requiredScopes(policy: LoadedPolicy, message: unknown): readonly string[] {
  if (!isJsonObject(message) || !isJsonObject(message.params)) return []
  const { name, uri } = message.params
  if (message.method === 'tools/call' && typeof name === 'string') return policy.tools.get(name)?.scopes ?? []
  if (message.method === 'prompts/get' && typeof name === 'string')
    return policy.prompts.get(name)?.scopes ?? []
  const isRead = message.method === 'resources/read' || message.method === 'resources/subscribe'
  if (!isRead || typeof uri !== 'string') return []
  return policy.resources.find((rule) => rule.uri.match(uri) !== undefined)?.scopes ?? []
}

/** Follows links; undefined when nothing has this name; throws when something has, but leads nowhere. */
function realPath(path: string): string | undefined {
  try {
    return realpathSync.native(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) throw error
    return undefined
  }
}
