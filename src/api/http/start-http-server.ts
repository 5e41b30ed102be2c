// The HTTP door of the service: the API as JSON, AuthZEN, health, metrics.

import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import type { Authorizer } from '../../authorizer/authorizer.ts'
import { CardeaError } from '../../model/errors.ts'
import { type BindAddress, formatBindAddress, requireSafeAddress } from '../bind-address.ts'
import { Door, type DoorOptions } from '../door.ts'
import { type TlsFiles, type TlsIdentity, WatchedTls } from '../tls-files.ts'
import { httpApp } from './http-app.ts'

export interface HttpServerOptions extends DoorOptions {
  /** Stays open when the server closes. */
  readonly authorizer: Authorizer
  /** Port 0 picks a free one. */
  readonly address: BindAddress
  readonly tls?: TlsFiles | undefined
  /** Serve plain text on an address that others can reach. */
  readonly allowInsecure?: boolean | undefined
  /** What `/readyz` tells. Default: always. */
  readonly ready?: (() => boolean) | undefined
  /** `https://host` under which others reach this server, for AuthZEN's metadata. Default: the address it listens on. */
  readonly publicUrl?: string | undefined
  /** AuthZEN: permissions by the names that callers give to actions, such as `GET`. */
  readonly actions?: { readonly [action: string]: string } | undefined
  /** Shown in the OpenAPI document. */
  readonly version?: string | undefined
}

export interface HttpServer {
  readonly port: number
  /** Takes no new requests, ends Watch streams, lets the rest finish for at most `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** Starts to listen. CONFIG_INVALID when the address is taken, or not safe without TLS. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { address, tls, ready = () => true } = options
  requireSafeAddress(address, options)
  const door = new Door('http', options)
  const watched = tls === undefined ? undefined : new WatchedTls(tls, options.log)
  const server = watched === undefined ? createServer() : tlsServer(watched)
  try {
    await listen(server, address)
  } catch (error) {
    watched?.stop()
    throw error
  }
  const { port } = server.address() as AddressInfo
  const scheme = tls === undefined ? 'http' : 'https'
  const app = httpApp(door, {
    authorizer: options.authorizer,
    ready,
    version: options.version ?? '0',
    authzen: {
      publicUrl: options.publicUrl ?? `${scheme}://${formatBindAddress({ host: address.host, port })}`,
      actions: options.actions,
    },
  })
  server.on(
    'request',
    getRequestListener((request, bindings) => app.fetch(request, bindings as HttpBindings), {
      overrideGlobalObjects: false,
    }),
  )
  return {
    port,
    close(graceMs) {
      watched?.stop()
      return close(server, door, graceMs)
    },
  }
}

function tlsServer(watched: WatchedTls): TlsServer {
  const context = ({ cert, key, clientCa }: TlsIdentity) => ({ cert, key, ca: clientCa })
  const mutual = watched.identity.clientCa !== undefined
  const server = createTlsServer({
    ...context(watched.identity),
    requestCert: mutual,
    rejectUnauthorized: mutual,
  })
  watched.onChange((identity) => server.setSecureContext(context(identity)))
  return server
}

function listen(server: Server | TlsServer, address: BindAddress): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const problem =
        cause.code === 'EADDRINUSE'
          ? 'is in use by another process. Stop it, or choose another port.'
          : `cannot be listened on: ${cause.message}`
      reject(
        new CardeaError(
          'CONFIG_INVALID',
          `--http-addr ${formatBindAddress(address)} ${problem}`,
          {},
          { cause },
        ),
      )
    })
    server.listen(address.port, address.host, resolve)
  })
}

async function close(server: Server | TlsServer, door: Door, graceMs: number): Promise<void> {
  door.beginClosing()
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const timer = setTimeout(() => {
    door.abortAll()
    setImmediate(() => server.closeAllConnections())
  }, graceMs)
  await closed
  clearTimeout(timer)
}
