// What all doors of the service share: who may pass, how many at once, what is logged and counted, and how it ends.

import { CardeaError } from '../model/errors.ts'
import { GrpcCode } from '../wire/grpc-code.ts'
import type { Status } from '../wire/messages.ts'
import { isSecret, statusFromError } from '../wire/status.ts'
import { Admission, type CallClass } from './admission.ts'
import { trailerNames } from './call.ts'
import { type CallMetrics, createCallMetrics, type DoorName, type MethodCounts } from './call-metrics.ts'
import { OpenCall } from './open-call.ts'
import { OpenCalls } from './open-calls.ts'
import { type Caller, type PresharedKey, PresharedKeys } from './preshared-keys.ts'
import { requestIdOf } from './request-id.ts'
import { defaultServerLimits, type ServerLimits } from './server-limits.ts'
import { slowCallFacts } from './slow-call.ts'

export type Log = (level: 'info' | 'warn' | 'error', message: string, facts?: Record<string, unknown>) => void

export interface DoorOptions {
  readonly presharedKeys: readonly PresharedKey[]
  readonly limits?: Partial<ServerLimits> | undefined
  readonly log: Log
  /** Whether the log of slow calls may name objects. Default: types alone. */
  readonly logIds?: boolean | undefined
  /** How long the datastore has not been heard from, in milliseconds; beyond a second or two, answers say so. */
  readonly stalenessMs?: (() => number) | undefined
  /** Counted into; default: one of its own. */
  readonly metrics?: CallMetrics | undefined
}

/** What a door lets callers do. */
export interface DoorRoute {
  /** For people. */
  readonly name: string
  /** For logs and counters. */
  readonly path: string
  /** Whether a read-only key is enough. */
  readonly readOnly: boolean
  readonly kind: CallClass
}

/** What a caller sent along, whatever the transport. */
export interface CallHeaders {
  readonly requestId?: string | undefined
  readonly wantsTrace?: boolean
  readonly deadlineMs?: number | undefined
}

/** Heads are confirmed several times a second: only an outage is older. */
const toldStalenessMs = 2000

const codeNames = Object.fromEntries(Object.entries(GrpcCode).map(([name, code]) => [code, name]))

/** One door's share of the state. */
export class Door {
  readonly limits: ServerLimits
  readonly metrics: CallMetrics
  readonly #name: DoorName
  readonly #keys: PresharedKeys
  readonly #admission: Admission
  readonly #log: Log
  readonly #logIds: boolean
  readonly #stalenessMs: () => number
  readonly #open = new OpenCalls()
  readonly #counts = new Map<string, MethodCounts>()
  #closing = false

  constructor(name: DoorName, options: DoorOptions) {
    this.#name = name
    this.#keys = new PresharedKeys(options.presharedKeys)
    this.limits = { ...defaultServerLimits, ...options.limits }
    this.#admission = new Admission(this.limits)
    this.#log = options.log
    this.#logIds = options.logIds === true
    this.#stalenessMs = options.stalenessMs ?? (() => 0)
    this.metrics = options.metrics ?? createCallMetrics()
  }

  /** Who the bearer of a key is; UNAUTHENTICATED or PERMISSION_DENIED. */
  authenticate(authorization: string | undefined): Caller {
    return this.#keys.authenticate(authorization)
  }

  /**
   * Lets an authenticated call in; {@link leave} must follow. PERMISSION_DENIED for a write with a read-only key,
   * OVERLOADED when too much is in progress, UNAVAILABLE during shutdown.
   */
  enter(route: DoorRoute, caller: Caller, headers: CallHeaders): OpenCall {
    if (this.#closing) throw shuttingDown()
    if (!route.readOnly && caller.role === 'read-only') {
      throw new CardeaError(
        'PERMISSION_DENIED',
        `${route.name} changes something, and the preshared key may only read.`,
      )
    }
    this.#admission.enter(caller, route.kind)
    const requestId = requestIdOf(headers.requestId)
    const open = new OpenCall(route, caller, requestId, headers, performance.now())
    const stalenessMs = this.#stalenessMs()
    if (stalenessMs >= toldStalenessMs && Number.isFinite(stalenessMs))
      open.trailers[trailerNames.stalenessMs] = String(Math.round(stalenessMs))
    this.#open.add(open)
    this.metrics.open(this.#name, 1)
    return open
  }

  /** The call is over, with a gRPC status code. */
  leave(open: OpenCall, code: number): void {
    if (!this.#open.delete(open)) return
    const { route, caller, startedAtMs } = open
    this.#admission.leave(caller, route.kind)
    this.metrics.open(this.#name, -1)
    const elapsedMs = performance.now() - startedAtMs
    const codeName = codeNames[code] ?? String(code)
    this.#countsOf(route.path).finished(codeName, elapsedMs / 1000)
    if (elapsedMs > this.limits.slowCallMs && route.kind !== 'watch') {
      this.#log('warn', 'A call was slow.', {
        method: route.path,
        requestId: open.requestId,
        key: caller.name,
        elapsedMs: Math.round(elapsedMs),
        code: codeName,
        ...slowCallFacts(open.asked ?? [], open.cost, this.#logIds),
      })
    }
  }

  #countsOf(method: string): MethodCounts {
    let counts = this.#counts.get(method)
    if (counts === undefined) {
      counts = this.metrics.of(this.#name, method)
      this.#counts.set(method, counts)
    }
    return counts
  }

  /** The status for whatever was thrown. What callers must not see goes to the log instead. */
  refuse(thrown: unknown, open?: OpenCall): Status {
    const reason = open?.signal.reason
    const error = reason instanceof CardeaError ? reason : CardeaError.from(thrown)
    if (isSecret(error.code)) {
      this.#log('error', 'A call failed inside.', {
        method: open?.route.path,
        requestId: open?.requestId,
        error: describe(error),
      })
    }
    return statusFromError(error)
  }

  /** Ends Watch streams and refuses new calls; what else is in progress goes on. */
  beginClosing(): void {
    this.#closing = true
    this.#open.forEach((open) => {
      if (open.route.kind === 'watch') open.abort(shuttingDown())
    })
  }

  /** Ends everything. */
  abortAll(): void {
    this.#open.forEach((open) => {
      open.abort(shuttingDown())
    })
  }
}

function shuttingDown(): CardeaError {
  return new CardeaError('UNAVAILABLE', 'The service is shutting down.')
}

/** The error with its causes, for the log. */
function describe(error: CardeaError): unknown {
  const { cause } = error
  const inner = cause instanceof Error ? (cause.stack ?? cause.message) : cause
  return { code: error.code, message: error.message, ...(inner !== undefined && { cause: inner }) }
}
