// The gRPC door of the service.

import { Server, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js'
import type { Authorizer } from '../../authorizer/authorizer.ts'
import { CardeaError } from '../../model/errors.ts'
import { type BindAddress, formatBindAddress, requireSafeAddress } from '../bind-address.ts'
import { Door, type DoorOptions } from '../door.ts'
import type { Route } from '../methods/route.ts'
import { allRoutes } from '../methods/routes.ts'
import { type TlsFiles, WatchedTls } from '../tls-files.ts'
import { clientStreamHandler, serverStreamHandler } from './call-handlers.ts'
import { callInterceptor } from './call-interceptor.ts'
import { grpcCredentials } from './credentials.ts'
import { addHealth } from './health.ts'
import { addReflection } from './reflection.ts'
import { unaryAnswerer } from './unary-call.ts'

export interface GrpcServerOptions extends DoorOptions {
  /** Stays open when the server closes. */
  readonly authorizer: Authorizer
  /** Port 0 picks a free one. */
  readonly address: BindAddress
  readonly tls?: TlsFiles | undefined
  /** Serve plain text on an address that others can reach. */
  readonly allowInsecure?: boolean | undefined
  /** What health checks tell. Default: always. */
  readonly ready?: (() => boolean) | undefined
}

export interface GrpcServer {
  readonly port: number
  /** Takes no new calls, ends Watch streams, lets the rest finish for at most `graceMs`, then ends it. */
  close(graceMs: number): Promise<void>
}

/** Services that need no key, so that balancers and tools can ask before they have one. */
const publicServices = [
  'grpc.health.v1.Health',
  'grpc.reflection.v1.ServerReflection',
  'grpc.reflection.v1alpha.ServerReflection',
]

/** Starts to listen. CONFIG_INVALID when the address is taken, or not safe without TLS. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  const { authorizer, address, tls, ready = () => true } = options
  requireSafeAddress(address, options)
  const door = new Door('grpc', options)
  const watched = tls === undefined ? undefined : new WatchedTls(tls, options.log)
  const routes = allRoutes(authorizer)
  const unary = routes.filter(({ method }) => method.methodKind === 'unary')
  const server = new Server({
    'grpc.max_receive_message_length': door.limits.maxMessageBytes,
    'grpc.max_send_message_length': -1,
    // Nothing here tells what it would count of every call.
    'grpc.enable_channelz': 0,
    // A connection whose other end is gone is noticed after two minutes; an idle one may stay.
    'grpc.keepalive_time_ms': 100_000,
    'grpc.keepalive_timeout_ms': 20_000,
    interceptors: [
      callInterceptor(
        door,
        (path) => publicServices.some((service) => path.startsWith(`/${service}/`)),
        new Map(unary.map((route) => [route.path, unaryAnswerer(route)])),
      ),
    ],
  })
  addRoutes(server, door, routes)
  addReflection(server, routes)
  const health = addHealth(server, ready)
  const stop = () => {
    health.stop()
    watched?.stop()
  }
  try {
    const port = await bind(server, address, grpcCredentials(watched))
    return {
      port,
      close(graceMs) {
        stop()
        return close(server, door, graceMs)
      },
    }
  } catch (error) {
    stop()
    throw error
  }
}

function addRoutes(server: Server, door: Door, routes: readonly Route[]): void {
  const definition: Record<string, ServiceDefinition[string]> = {}
  const implementation: UntypedServiceImplementation = {}
  const bytes = (message: Buffer) => message
  for (const route of routes) {
    const { methodKind } = route.method
    definition[route.path] = {
      path: route.path,
      requestStream: methodKind === 'client_streaming',
      responseStream: methodKind === 'server_streaming',
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    }
    // Unary ones never come as far as a handler.
    if (methodKind === 'server_streaming') implementation[route.path] = serverStreamHandler(door, route)
    if (methodKind === 'client_streaming') implementation[route.path] = clientStreamHandler(door, route)
  }
  server.addService(definition, implementation)
}

function bind(
  server: Server,
  address: BindAddress,
  credentials: Parameters<Server['bindAsync']>[1],
): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(formatBindAddress(address), credentials, (error, port) => {
      if (error === null) return resolve(port)
      const taken = error.message.includes('EADDRINUSE')
      reject(
        new CardeaError(
          'CONFIG_INVALID',
          taken
            ? `--grpc-addr ${formatBindAddress(address)} is in use by another process. Stop it, or choose another port.`
            : `Cannot listen on --grpc-addr ${formatBindAddress(address)}: ${error.message}`,
          {},
          { cause: error },
        ),
      )
    })
  })
}

async function close(server: Server, door: Door, graceMs: number): Promise<void> {
  door.beginClosing()
  const finished = new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<'expired'>((resolve) => {
    timer = setTimeout(() => resolve('expired'), graceMs)
  })
  const outcome = await Promise.race([finished, expired])
  clearTimeout(timer)
  if (outcome !== 'expired') return
  door.abortAll()
  // Lets what was aborted answer before its connection goes.
  await new Promise((resolve) => setImmediate(resolve))
  server.forceShutdown()
  await finished
}
