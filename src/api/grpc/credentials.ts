// Server credentials: plain text, TLS, or TLS with client certificates; renewed when the files change.

import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { experimental, ServerCredentials } from '@grpc/grpc-js'
import { CardeaError } from '../../model/errors.ts'
import type { TlsFiles } from '../tls-files.ts'

/** How often the files are looked at, in milliseconds. */
const refreshIntervalMs = 10_000

/** CONFIG_INVALID when a file cannot be read or the key does not belong to the certificate. */
export function grpcCredentials(tls: TlsFiles | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure()
  requireUsable(tls)
  const identity = new experimental.FileWatcherCertificateProvider({
    certificateFile: tls.cert,
    privateKeyFile: tls.key,
    refreshIntervalMs,
  })
  const authority =
    tls.clientCa === undefined
      ? null
      : new experimental.FileWatcherCertificateProvider({
          caCertificateFile: tls.clientCa,
          refreshIntervalMs,
        })
  // The identity comes first, whatever the parameters are called (grpc-js 1.14).
  return experimental.createCertificateProviderServerCredentials(identity, authority, authority !== null)
}

function requireUsable(tls: TlsFiles): void {
  try {
    createSecureContext({
      cert: readFileSync(tls.cert),
      key: readFileSync(tls.key),
      ...(tls.clientCa !== undefined && { ca: readFileSync(tls.clientCa) }),
    })
  } catch (cause) {
    throw new CardeaError(
      'CONFIG_INVALID',
      `TLS cannot be set up: ${(cause as Error).message}`,
      {},
      { cause },
    )
  }
}
