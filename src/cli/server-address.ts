// Addresses of servers: `host:port`, IPv6 in brackets.

import { CardeaError } from '../model/errors.ts'

export interface ServerAddress {
  readonly host: string
  readonly port: number
}

/** Reads `host:port` or `[v6]:port`; CONFIG_INVALID names the flag. Port 0 picks a free one. */
export function parseServerAddress(text: string, flag: string): ServerAddress {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port > 65_535) {
    throw new CardeaError(
      'CONFIG_INVALID',
      `${flag} ${JSON.stringify(text)} is not host:port, such as 127.0.0.1:50051 or [::1]:50051.`,
    )
  }
  return { host: match[1] ?? match[2]!, port }
}

export function formatServerAddress({ host, port }: ServerAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
