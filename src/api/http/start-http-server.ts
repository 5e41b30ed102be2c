// The HTTP door of the service: health so far.

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Authorizer } from '../../authorizer/authorizer.ts'
import { CardeaError } from '../../model/errors.ts'
import { type BindAddress, formatBindAddress, requireSafeAddress } from '../bind-address.ts'
import type { DoorOptions } from '../door.ts'
import type { TlsFiles } from '../tls-files.ts'

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
}

export interface HttpServer {
  readonly port: number
  /** Takes no new requests and lets the rest finish for at most `graceMs`. */
  close(graceMs: number): Promise<void>
}

/** Starts to listen. CONFIG_INVALID when the address is taken, or not safe without TLS. */
export async function startHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const { address, ready = () => true } = options
  requireSafeAddress(address, options)
  const server = createServer((request, response) => {
    const healthy = request.url === '/healthz' || (request.url === '/readyz' && ready())
    const known = request.url === '/healthz' || request.url === '/readyz'
    response.writeHead(healthy ? 200 : known ? 503 : 404, { 'content-type': 'text/plain' })
    response.end(healthy ? 'ok\n' : known ? 'not ready\n' : 'not found\n')
  })
  await new Promise<void>((resolve, reject) => {
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
  return {
    port: (server.address() as AddressInfo).port,
    close: async (graceMs) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      const timer = setTimeout(() => server.closeAllConnections(), graceMs)
      server.closeIdleConnections()
      await closed
      clearTimeout(timer)
    },
  }
}
