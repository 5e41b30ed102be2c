// The TLS identity of the service: read from files, and read again when they change.

import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { CardeaError } from '../model/errors.ts'
import type { Log } from './door.ts'

/** Paths of PEM files. */
export interface TlsFiles {
  readonly cert: string
  readonly key: string
  /** Authority of client certificates; when set, clients must present one. */
  readonly clientCa?: string
}

export interface TlsIdentity {
  readonly cert: Buffer
  readonly key: Buffer
  readonly clientCa: Buffer | undefined
}

/** How often the files are looked at, in milliseconds. */
const intervalMs = 5000

/** Keeps the newest identity whose parts fit together. */
export class WatchedTls {
  #identity: TlsIdentity
  readonly #files: TlsFiles
  readonly #log: Log
  readonly #timer: NodeJS.Timeout
  readonly #listeners = new Set<(identity: TlsIdentity) => void>()

  /** CONFIG_INVALID when a file cannot be read or the key does not belong to the certificate. */
  constructor(files: TlsFiles, log: Log) {
    this.#files = files
    this.#log = log
    this.#identity = readIdentity(files)
    this.#timer = setInterval(() => this.reload(), intervalMs)
    this.#timer.unref()
  }

  get identity(): TlsIdentity {
    return this.#identity
  }

  /** Called with every later identity. */
  onChange(listener: (identity: TlsIdentity) => void): void {
    this.#listeners.add(listener)
  }

  /** Looks at the files now. What cannot be used is logged, and the old identity stays. */
  reload(): void {
    try {
      const identity = readIdentity(this.#files)
      if (same(identity, this.#identity)) return
      this.#identity = identity
      for (const listener of this.#listeners) listener(identity)
      this.#log('info', 'The TLS certificate was renewed.')
    } catch (error) {
      this.#log(
        'warn',
        `The TLS files changed and cannot be used; the old ones stay. ${(error as Error).message}`,
      )
    }
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}

function readIdentity(files: TlsFiles): TlsIdentity {
  try {
    const identity = {
      cert: readFileSync(files.cert),
      key: readFileSync(files.key),
      clientCa: files.clientCa === undefined ? undefined : readFileSync(files.clientCa),
    }
    createSecureContext({ ...identity, ca: identity.clientCa })
    return identity
  } catch (cause) {
    throw new CardeaError(
      'CONFIG_INVALID',
      `TLS cannot be set up: ${(cause as Error).message}`,
      {},
      { cause },
    )
  }
}

function same(a: TlsIdentity, b: TlsIdentity): boolean {
  const sameAuthority =
    a.clientCa === undefined || b.clientCa === undefined
      ? a.clientCa === b.clientCa
      : a.clientCa.equals(b.clientCa)
  return a.cert.equals(b.cert) && a.key.equals(b.key) && sameAuthority
}
