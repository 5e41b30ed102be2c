// Runs the service: from the values of the flags to a server that stops on a signal.

import { readFileSync } from 'node:fs'
import pino from 'pino'
import { requireSafeAddress } from '../api/bind-address.ts'
import type { Authorizer } from '../authorizer/authorizer.ts'
import { CardeaError } from '../model/errors.ts'
import { compileSchema } from '../schema/compile-schema.ts'
import { parseActions, parsePublicUrl } from './authzen-flags.ts'
import { removeConnection, writeConnection } from './connection-file.ts'
import { openDatastore } from './datastore-url.ts'
import { durationMs, environmentName, wholeNumber } from './flags.ts'
import { requireFreePort } from './free-port.ts'
import { limitsOf } from './limit-flags.ts'
import { generatedKey, parseKeys } from './preshared-keys.ts'
import { loadProgress } from './print/load-progress.ts'
import { parseRelationshipLines, type RelationshipLine, requireFitting } from './relationship-lines.ts'
import { runWorkers, tellServing, workerRole } from './run-workers.ts'
import { readSchemaFile } from './schema-file.ts'
import { formatServerAddress, parseServerAddress } from './server-address.ts'
import { type PresharedKey, startService } from './service.ts'

/** Values of the flags of `cardea serve`; those of limits besides, which `limit-flags.ts` reads. */
export interface ServeOptions {
  readonly grpcAddr: string
  readonly httpAddr: string
  readonly presharedKey?: string
  readonly readOnlyPresharedKey?: string
  readonly datastore: string
  readonly workers: string
  readonly schema?: string
  readonly relationships?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly tlsClientCa?: string
  readonly insecurePlaintextOnNetwork?: boolean
  readonly publicUrl?: string
  readonly authzenActions?: string
  readonly gcWindow: string
  readonly gcInterval: string
  readonly shutdownGrace: string
  readonly logLevel: string
  readonly logIds?: boolean
}

function presharedKeys(options: ServeOptions, warn: (message: string) => void): PresharedKey[] {
  const keys: PresharedKey[] = []
  if (options.presharedKey !== undefined) {
    keys.push(
      ...parseKeys(options.presharedKey, '--preshared-key').map((key) => ({
        key,
        role: 'read-write' as const,
      })),
    )
    if (process.argv.some((word) => word.startsWith('--preshared-key'))) {
      warn(
        `A key on the command line can be read by every user of this machine; set ${environmentName('--preshared-key')} instead.`,
      )
    }
  }
  if (options.readOnlyPresharedKey !== undefined) {
    keys.push(
      ...parseKeys(options.readOnlyPresharedKey, '--read-only-preshared-key').map((key) => ({
        key,
        role: 'read-only' as const,
      })),
    )
  }
  if (options.presharedKey === undefined) {
    const { key, path, created } = generatedKey(process.cwd())
    warn(`No --preshared-key was given; ${created ? 'made one in' : 'using the one in'} ${path}.`)
    keys.unshift({ key, role: 'read-write' })
  }
  return keys
}

function readText(path: string, flagName: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new CardeaError(
      'CONFIG_INVALID',
      `${flagName} ${path} cannot be read: ${(cause as Error).message}`,
      {},
      { cause },
    )
  }
}

function tlsOf(options: ServeOptions) {
  const { tlsCert, tlsKey, tlsClientCa } = options
  if ((tlsCert === undefined) !== (tlsKey === undefined)) {
    throw new CardeaError(
      'CONFIG_INVALID',
      `TLS needs both --tls-cert and --tls-key; ${tlsCert === undefined ? '--tls-cert' : '--tls-key'} is missing.`,
    )
  }
  if (tlsCert === undefined || tlsKey === undefined) {
    if (tlsClientCa !== undefined)
      throw new CardeaError('CONFIG_INVALID', '--tls-client-ca needs --tls-cert and --tls-key.')
    return undefined
  }
  for (const [flagName, path] of Object.entries({ '--tls-cert': tlsCert, '--tls-key': tlsKey }))
    readText(path, flagName)
  return { cert: tlsCert, key: tlsKey, ...(tlsClientCa === undefined ? {} : { clientCa: tlsClientCa }) }
}

/** Starts to serve; resolves once it does. CONFIG_INVALID for values that cannot be. */
export async function runServe(options: ServeOptions, version: string): Promise<void> {
  const levels = ['debug', 'info', 'warn', 'error']
  if (!levels.includes(options.logLevel)) {
    throw new CardeaError(
      'CONFIG_INVALID',
      `--log-level ${JSON.stringify(options.logLevel)} is none of ${levels.join(', ')}.`,
    )
  }
  const worker = workerRole()
  const logger = pino(
    { level: options.logLevel, base: worker === undefined ? null : { worker: worker.number } },
    pino.destination(2),
  )
  const log = (level: 'info' | 'warn' | 'error', message: string, facts: Record<string, unknown> = {}) =>
    logger[level](facts, message)
  const keys = presharedKeys(options, (message) => {
    if (worker === undefined) log('warn', message)
  })
  const tls = tlsOf(options)
  const schema = options.schema === undefined ? undefined : readSchemaFile(options.schema)
  const lines =
    options.relationships === undefined
      ? []
      : parseRelationshipLines(readText(options.relationships, '--relationships'), options.relationships)
  if (schema !== undefined) requireFitting(lines, schema.schema)
  const { server: serverLimits, requests } = limitsOf(options)
  const limits = { ...requests, gcWindowMs: durationMs(options.gcWindow, '--gc-window') }
  const gcIntervalMs = durationMs(options.gcInterval, '--gc-interval')
  const shutdownGraceMs = durationMs(options.shutdownGrace, '--shutdown-grace')
  const publicUrl = options.publicUrl === undefined ? undefined : parsePublicUrl(options.publicUrl)
  const actions = options.authzenActions === undefined ? undefined : parseActions(options.authzenActions)

  const grpcAddress = parseServerAddress(options.grpcAddr, '--grpc-addr')
  const httpAddress = parseServerAddress(options.httpAddr, '--http-addr')
  for (const [address, name] of [
    [grpcAddress, '--grpc-addr'],
    [httpAddress, '--http-addr'],
  ] as const) {
    requireSafeAddress(address, { tls, allowInsecure: options.insecurePlaintextOnNetwork === true })
    if (worker === undefined) await requireFreePort(address, name)
  }
  const workers = wholeNumber(options.workers, '--workers')
  if (workers > 1 && options.datastore === 'memory') {
    throw new CardeaError(
      'CONFIG_INVALID',
      '--workers needs a datastore that processes can share; --datastore memory belongs to one process.',
    )
  }
  const folder = process.cwd()
  const announce = (grpcAddr: string, httpAddr: string) => {
    const found = writeConnection(folder, {
      pid: process.pid,
      grpcAddr,
      httpAddr,
      presharedKey: keys[0]!.key,
      ...(tls === undefined ? {} : { tlsCa: tls.cert }),
    })
    if (!found)
      log(
        'warn',
        `Commands in this folder reach another server that runs here (or the folder cannot be written). To reach this one: --grpc-addr ${grpcAddr} and --preshared-key.`,
      )
    log('info', 'Cardea is serving.', {
      grpc: grpcAddr,
      http: httpAddr,
      datastore: options.datastore.split(':')[0],
      tls: tls !== undefined,
      ...(workers === 1 ? {} : { workers }),
    })
  }
  const retire = (signal: string) => {
    log('info', `${signal}: finishing what is in flight.`)
    removeConnection(folder, process.pid)
  }
  if (workers > 1 && worker === undefined) {
    return runWorkers({
      count: workers,
      log,
      onServing: ({ grpcAddr, httpAddr }) => announce(grpcAddr, httpAddr),
      onStop: retire,
    })
  }
  const progress = loadProgress(process.stderr)
  const service = await startService({
    store: await openDatastore(options.datastore, limits),
    grpcAddress,
    httpAddress,
    presharedKeys: keys,
    ...(tls === undefined ? {} : { tls }),
    allowInsecure: options.insecurePlaintextOnNetwork === true,
    limits,
    serverLimits,
    logIds: options.logIds === true,
    version,
    worker: worker?.number,
    publicUrl,
    actions,
    gcIntervalMs,
    log,
    onProgress: progress.update,
  })
  progress.stop()
  try {
    if (worker === undefined || worker.isFirst) {
      if (schema !== undefined) await service.authorizer.writeSchema(schema.text)
      await touchAll(service.authorizer, lines)
    }
  } catch (error) {
    await service.close(0)
    throw error
  }
  const grpcAddr = formatServerAddress({ host: grpcAddress.host, port: service.grpc.port })
  const httpAddr = formatServerAddress({ host: httpAddress.host, port: service.http.port })
  if (worker === undefined) announce(grpcAddr, httpAddr)
  else tellServing({ grpcAddr, httpAddr })

  let stopping = false
  const stop = async (signal: string) => {
    if (stopping) return
    stopping = true
    if (worker === undefined) retire(signal)
    await service.close(shutdownGraceMs)
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop(signal))
}

/** Touches in batches that fit one write each, once all of them are known to fit the schema in force. */
async function touchAll(authorizer: Authorizer, lines: readonly RelationshipLine[]): Promise<void> {
  if (lines.length === 0) return
  const { schema } = compileSchema((await authorizer.readSchema()).text)
  if (schema !== undefined) requireFitting(lines, schema)
  for (let at = 0; at < lines.length; at += 1000) {
    const updates = lines.slice(at, at + 1000).map(({ update }) => update)
    await authorizer.writeRelationships({ updates })
  }
}
