// The service: a datastore, an authorizer on it, and its doors, started and stopped together.

import { createCallMetrics } from '../api/call-metrics.ts'
import { measureDatastore } from '../api/datastore-metrics.ts'
import { type GrpcServer, startGrpcServer } from '../api/grpc/start-grpc-server.ts'
import { type HttpServer, startHttpServer } from '../api/http/start-http-server.ts'
import type { ServerLimits } from '../api/server-limits.ts'
import type { LocalAuthorizer } from '../authorizer/create-authorizer.ts'
import { createAuthorizer } from '../authorizer/create-authorizer.ts'
import type { AuthorizerLimits } from '../authorizer/limits.ts'
import type { Store } from '../store/store.ts'
import { measureGarbage } from './garbage-metrics.ts'
import type { ServerAddress } from './server-address.ts'

export interface PresharedKey {
  readonly key: string
  readonly role: 'read-write' | 'read-only'
}

export interface ServiceOptions {
  readonly store: Store
  readonly grpcAddress: ServerAddress
  readonly httpAddress: ServerAddress
  readonly presharedKeys: readonly PresharedKey[]
  readonly tls?: { readonly cert: string; readonly key: string; readonly clientCa?: string }
  /** Said in words on the command line: plain text on an address that others can reach. */
  readonly allowInsecure?: boolean
  readonly limits?: Partial<AuthorizerLimits>
  readonly serverLimits?: Partial<ServerLimits>
  /** Whether slow calls are logged with the ids that they are about. */
  readonly logIds?: boolean
  /** Shown in the OpenAPI document. */
  readonly version?: string
  /** Number of this process when several share the work; a label of its metrics. */
  readonly worker?: number | undefined
  /** For AuthZEN; see `HttpServerOptions`. */
  readonly publicUrl?: string | undefined
  readonly actions?: { readonly [action: string]: string } | undefined
  /** Pause between two collections of what is older than the limit `gcWindowMs`, in milliseconds. */
  readonly gcIntervalMs?: number
  readonly log: (level: 'info' | 'warn' | 'error', message: string, facts?: Record<string, unknown>) => void
  readonly onProgress?: (done: number, total: number) => void
}

export interface Service {
  readonly authorizer: LocalAuthorizer
  readonly grpc: GrpcServer
  readonly http: HttpServer
  /** Stops accepting, finishes what is in flight for at most `graceMs`, closes the datastore. */
  close(graceMs: number): Promise<void>
}

/** Starts everything or, when one part fails, nothing. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { store, log, limits, onProgress } = options
  const undo: (() => Promise<unknown>)[] = [() => store.close()]
  try {
    const metrics = createCallMetrics()
    if (options.worker !== undefined) metrics.registry.setDefaultLabels({ worker: String(options.worker) })
    const garbage = measureGarbage(metrics.registry)
    const authorizer = await createAuthorizer({
      store,
      garbage: {
        ...(options.gcIntervalMs === undefined ? {} : { intervalMs: options.gcIntervalMs }),
        onRun: garbage.onRun,
        onFailure: (error) => {
          garbage.onFailure(error)
          log('warn', `Garbage collection failed and will be tried again: ${error.message}`)
        },
      },
      ...(limits === undefined ? {} : { limits }),
      ...(onProgress === undefined ? {} : { onProgress }),
      onRebuild: (error) => log('warn', `The datastore is being loaded again: ${error.message}`),
    })
    undo[0] = () => authorizer.close()
    measureDatastore(metrics.registry, authorizer)
    const shared = {
      authorizer,
      metrics,
      ready: () => authorizer.ready,
      stalenessMs: () => authorizer.stalenessMs,
      presharedKeys: options.presharedKeys,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      allowInsecure: options.allowInsecure === true,
      limits: options.serverLimits,
      logIds: options.logIds,
      log,
    }
    const grpc = await startGrpcServer({ ...shared, address: options.grpcAddress })
    undo.push(() => grpc.close(0))
    const { httpAddress, version, publicUrl, actions } = options
    const http = await startHttpServer({ ...shared, address: httpAddress, version, publicUrl, actions })
    return {
      authorizer,
      grpc,
      http,
      close: async (graceMs) => {
        await Promise.all([grpc.close(graceMs), http.close(graceMs)])
        await authorizer.close()
      },
    }
  } catch (error) {
    for (const stop of undo.reverse()) await stop()
    throw error
  }
}
