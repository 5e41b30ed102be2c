// Server credentials: plain text, TLS, or TLS with client certificates; renewed when the files change.

import { experimental, ServerCredentials } from '@grpc/grpc-js'
import type { WatchedTls } from '../tls-files.ts'

type IdentityListener = (update: { certificate: Buffer; privateKey: Buffer }) => void
type AuthorityListener = (update: { caCertificate: Buffer }) => void

/** Credentials that follow the files from the first connection on. */
export function grpcCredentials(tls: WatchedTls | undefined): ServerCredentials {
  if (tls === undefined) return ServerCredentials.createInsecure()
  const identityListeners = new Set<IdentityListener>()
  const authorityListeners = new Set<AuthorityListener>()
  const identity = () => ({ certificate: tls.identity.cert, privateKey: tls.identity.key })
  const authority = () => ({ caCertificate: tls.identity.clientCa! })
  tls.onChange(() => {
    for (const listener of identityListeners) listener(identity())
    for (const listener of authorityListeners) listener(authority())
  })
  // Told a moment later: grpc-js adds the listener before it is ready to hear.
  const provider = {
    addIdentityCertificateListener(listener: IdentityListener) {
      identityListeners.add(listener)
      queueMicrotask(() => listener(identity()))
    },
    removeIdentityCertificateListener: (listener: IdentityListener) => identityListeners.delete(listener),
    addCaCertificateListener(listener: AuthorityListener) {
      authorityListeners.add(listener)
      queueMicrotask(() => listener(authority()))
    },
    removeCaCertificateListener: (listener: AuthorityListener) => authorityListeners.delete(listener),
  }
  const mutual = tls.identity.clientCa !== undefined
  // The identity comes first, whatever the parameters are called (grpc-js 1.14).
  return experimental.createCertificateProviderServerCredentials(provider, mutual ? provider : null, mutual)
}
