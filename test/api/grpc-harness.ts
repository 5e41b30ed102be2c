// A gRPC door on a free port, and clients for it.

import { v1 } from '@authzed/authzed-node'
import { credentials, Metadata, makeClientConstructor, type ServiceError } from '@grpc/grpc-js'
import {
  type GrpcServer,
  type GrpcServerOptions,
  startGrpcServer,
} from '../../src/api/grpc/start-grpc-server.ts'
import type { CardeaError } from '../../src/model/errors.ts'
import { decodeStatus, errorFromStatus } from '../../src/wire/status.ts'

export const key = 'a-key-for-tests'
export const readOnlyKey = 'a-read-only-key'

export interface LogLine {
  readonly level: string
  readonly message: string
  readonly facts: Record<string, unknown>
}

export interface TestDoor extends GrpcServer {
  readonly address: string
  readonly log: LogLine[]
}

export async function openDoor(
  options: Pick<GrpcServerOptions, 'authorizer'> & Partial<GrpcServerOptions>,
): Promise<TestDoor> {
  const log: LogLine[] = []
  const server = await startGrpcServer({
    address: { host: '127.0.0.1', port: 0 },
    presharedKeys: [
      { key, role: 'read-write' },
      { key: readOnlyKey, role: 'read-only' },
    ],
    log: (level, message, facts = {}) => log.push({ level, message, facts }),
    ...options,
  })
  return { ...server, log, address: `127.0.0.1:${server.port}` }
}

/** An unmodified authzed-node client. */
export function authzedClient(address: string, token = key) {
  return v1.NewClient(token, address, v1.ClientSecurity.INSECURE_PLAINTEXT_CREDENTIALS)
}

/** Sends raw bytes to any path. */
export function rawClient(address: string, channelCredentials = credentials.createInsecure(), options = {}) {
  const Client = makeClientConstructor({}, 'raw')
  const client = new Client(address, channelCredentials, options)
  const same = (bytes: Buffer) => bytes
  return {
    close: () => client.close(),
    unary: (path: string, bytes: Buffer, metadata = bearer(), callOptions = {}) =>
      new Promise<{ bytes: Buffer; trailers: Metadata }>((resolve, reject) => {
        let trailers = new Metadata()
        client
          .makeUnaryRequest(path, same, same, bytes, metadata, callOptions, (error, response) => {
            // The status event comes after the response.
            if (error) reject(error)
            else setImmediate(() => resolve({ bytes: response!, trailers }))
          })
          .on('status', (status) => {
            trailers = status.metadata
          })
      }),
    stream: (path: string, bytes: Buffer, metadata = bearer(), callOptions = {}) =>
      client.makeServerStreamRequest(path, same, same, bytes, metadata, callOptions),
    upload: (path: string, done: (error: ServiceError | null, bytes?: Buffer) => void, metadata = bearer()) =>
      client.makeClientStreamRequest(path, same, same, metadata, {}, done),
  }
}

export function bearer(token = key, more: Record<string, string> = {}): Metadata {
  const metadata = new Metadata()
  metadata.set('authorization', `Bearer ${token}`)
  for (const [name, value] of Object.entries(more)) metadata.set(name, value)
  return metadata
}

/** The failure of a call: its gRPC code, its text, and the error that the details carry. */
export async function failureOf(
  call: Promise<unknown>,
): Promise<{ code: number; details: string; metadata: Metadata; error: CardeaError | undefined }> {
  const thrown = await call.then(
    (value) => {
      throw new Error(`expected a failure, got ${String(value)}`)
    },
    (error: ServiceError) => error,
  )
  if (!('metadata' in thrown)) throw thrown
  const [details] = thrown.metadata.get('grpc-status-details-bin')
  return {
    code: thrown.code,
    details: thrown.details,
    metadata: thrown.metadata,
    error: details === undefined ? undefined : errorFromStatus(decodeStatus(details as Buffer)),
  }
}
