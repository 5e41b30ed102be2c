// The connection file: how a server started in this folder tells the commands run in it where it listens.

import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** What `.cardea/connection.json` holds. Mode 0600, since it has a key. */
export interface Connection {
  readonly pid: number
  readonly grpcAddr: string
  readonly httpAddr?: string
  readonly presharedKey: string
  /** PEM file with the certificate authority of a TLS server. */
  readonly tlsCa?: string
  /** Set by the demo: what `cardea demo token` needs. */
  readonly demo?: { readonly issuer: string; readonly mcpUrl: string }
}

const file = (folder: string) => join(folder, '.cardea', 'connection.json')

/**
 * Writes the file. False when the folder cannot be written, or another server that still runs has written it: then
 * commands need the flags.
 */
export function writeConnection(folder: string, connection: Connection): boolean {
  const known = readConnection(folder)
  if (known !== undefined && known.pid !== connection.pid && isRunning(known.pid)) return false
  try {
    mkdirSync(dirname(file(folder)), { recursive: true, mode: 0o700 })
    // The folder holds keys: it keeps itself out of version control.
    writeFileSync(join(dirname(file(folder)), '.gitignore'), '*\n')
    writeFileSync(file(folder), `${JSON.stringify(connection, null, 2)}\n`, { mode: 0o600 })
    chmodSync(file(folder), 0o600)
    return true
  } catch {
    return false
  }
}

/** The connection of the newest server started in `folder`, if it left one. */
export function readConnection(folder: string): Connection | undefined {
  try {
    return JSON.parse(readFileSync(file(folder), 'utf8')) as Connection
  } catch {
    return undefined
  }
}

/** Removes the file if it still is the one this process wrote. */
export function removeConnection(folder: string, pid: number): void {
  if (readConnection(folder)?.pid === pid) rmSync(file(folder), { force: true })
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
