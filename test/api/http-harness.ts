// A whole service on free ports: the real authorizer on a store, and both doors.

import { type HttpServerOptions, startHttpServer } from '../../src/api/http/start-http-server.ts'
import { createAuthorizer, type LocalAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import type { AuthorizerLimits } from '../../src/authorizer/limits.ts'
import { parseRelationship } from '../../src/model/relationship-text.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import type { Store } from '../../src/store/store.ts'
import { key, type LogLine, openDoor, readOnlyKey, type TestDoor } from './grpc-harness.ts'

export interface TestService {
  readonly authorizer: LocalAuthorizer
  readonly grpc: TestDoor
  readonly url: string
  readonly log: LogLine[]
  /** Sends JSON; the body may also be text as it is. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
  close(): Promise<void>
}

export async function openService(
  options: {
    readonly store?: Store
    readonly schema?: string
    readonly relationships?: readonly string[]
    readonly limits?: Partial<AuthorizerLimits>
    readonly http?: Partial<HttpServerOptions>
  } = {},
): Promise<TestService> {
  const authorizer = await createAuthorizer({
    store: options.store ?? memoryStore(),
    ...(options.limits && { limits: options.limits }),
  })
  if (options.schema !== undefined) await authorizer.writeSchema(options.schema)
  if (options.relationships !== undefined) {
    await authorizer.writeRelationships({
      updates: options.relationships.map((text) => ({
        operation: 'touch',
        relationship: parseRelationship(text),
      })),
    })
  }
  const grpc = await openDoor({ authorizer })
  const log: LogLine[] = []
  const http = await startHttpServer({
    authorizer,
    address: { host: '127.0.0.1', port: 0 },
    presharedKeys: [
      { key, role: 'read-write' },
      { key: readOnlyKey, role: 'read-only' },
    ],
    log: (level, message, facts = {}) => log.push({ level, message, facts }),
    ...options.http,
  })
  const url = `http://127.0.0.1:${http.port}`
  return {
    authorizer,
    grpc,
    url,
    log,
    post: (path, body, headers = {}) =>
      fetch(`${url}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    async close() {
      await Promise.all([grpc.close(0), http.close(0)])
      await authorizer.close()
    },
  }
}
