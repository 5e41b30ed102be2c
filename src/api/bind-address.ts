// Addresses that a door may listen on.

import { CardeaError } from '../model/errors.ts'
import { isLoopbackHost } from '../wire/loopback.ts'

export interface BindAddress {
  readonly host: string
  readonly port: number
}

export function formatBindAddress({ host, port }: BindAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** CONFIG_INVALID for plain text on an address that others can reach, unless that was asked for in words. */
export function requireSafeAddress(
  address: BindAddress,
  options: { readonly tls?: object | undefined; readonly allowInsecure?: boolean | undefined },
): void {
  if (options.tls !== undefined || options.allowInsecure === true || isLoopbackHost(address.host)) return
  throw new CardeaError(
    'CONFIG_INVALID',
    `${formatBindAddress(address)} can be reached by others and would carry keys in plain text. ` +
      'Set --tls-cert and --tls-key, listen on 127.0.0.1, or say --insecure-plaintext-on-network.',
  )
}
