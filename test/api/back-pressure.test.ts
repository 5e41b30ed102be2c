// Readers who take their time: what is found for them and not yet taken is bounded, at every door.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GrpcServer, startGrpcServer } from '../../src/api/grpc/start-grpc-server.ts'
import { type HttpServer, startHttpServer } from '../../src/api/http/start-http-server.ts'
import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import { createAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { connect } from '../../src/client/connect.ts'
import { parseSubject } from '../../src/model/relationship-text.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import { decode, encode } from '../../src/wire/message-codec.ts'
import { PermissionsService } from '../../src/wire/messages.ts'
import { key, rawClient } from './grpc-harness.ts'

const rowCount = 30_000
/** What sockets, HTTP/2 windows and one page of an export hold: some MiB, whatever the stream's length. */
const maxUnread = 12_000

const produced = { count: 0 }
let authorizer: Authorizer
let grpc: GrpcServer
let http: HttpServer
let client: Authorizer

/** The same answers, counted as they leave the authorizer. */
async function* counted<Item>(items: AsyncIterable<Item>): AsyncGenerator<Item> {
  for await (const item of items) {
    produced.count += 1
    yield item
  }
}

beforeAll(async () => {
  authorizer = await createAuthorizer({ store: memoryStore() })
  await authorizer.writeSchema(
    'definition user {}\ndefinition document {\n  relation viewer: user\n  permission view = viewer\n}',
  )
  const viewer = { relation: 'viewer', subject: { type: 'user', id: 'ann', relation: '' } }
  async function* rows() {
    for (let at = 0; at < rowCount; at += 1000)
      yield Array.from({ length: 1000 }, (_, n) => ({
        resource: { type: 'document', id: `a-document-with-a-long-name-${at + n}` },
        ...viewer,
      }))
  }
  await authorizer.importRelationships(rows())
  const shared = {
    address: { host: '127.0.0.1', port: 0 },
    presharedKeys: [{ key, role: 'read-write' as const }],
    log: () => {},
    authorizer: {
      ...authorizer,
      lookupResources: (request) => counted(authorizer.lookupResources(request)),
      readRelationships: (request) => counted(authorizer.readRelationships(request)),
      exportRelationships: (request) => counted(authorizer.exportRelationships(request)),
    } satisfies Authorizer,
  }
  grpc = await startGrpcServer(shared)
  http = await startHttpServer(shared)
  client = connect({ address: `127.0.0.1:${grpc.port}`, presharedKey: key })
})
afterAll(async () => {
  await client.close()
  await Promise.all([grpc.close(0), http.close(0)])
  await authorizer.close()
})

/** The number produced, once it has stopped growing. */
async function settled(): Promise<number> {
  for (let before = -1; before !== produced.count; ) {
    before = produced.count
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
  return produced.count
}

const streams: Record<string, () => AsyncIterable<unknown>> = {
  'LookupResources over gRPC': () =>
    client.lookupResources({
      resourceType: 'document',
      permission: 'view',
      subject: parseSubject('user:ann'),
    }),
  'ReadRelationships over gRPC': () => client.readRelationships({ filter: { resourceType: 'document' } }),
  'ExportBulkRelationships over gRPC': async function* () {
    const { input, output } = PermissionsService.method.exportBulkRelationships
    const raw = rawClient(`127.0.0.1:${grpc.port}`)
    const path = '/authzed.api.v1.PermissionsService/ExportBulkRelationships'
    const pages = raw.stream(path, Buffer.from(encode(input, { optionalLimit: 100 })))
    for await (const page of pages) yield* decode(output, page as Buffer).relationships
    raw.close()
  },
  'ReadRelationships over HTTP': async function* () {
    const response = await fetch(`http://127.0.0.1:${http.port}/v1/relationships/read`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ relationshipFilter: { resourceType: 'document' } }),
    })
    let rest = ''
    for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split('\n')
      rest = lines.pop()!
      yield* lines
    }
  },
}

describe('a reader that stops after the first result', () => {
  test.each(Object.keys(streams))(
    '%s',
    async (name) => {
      produced.count = 0
      const results = streams[name]!()[Symbol.asyncIterator]()
      expect((await results.next()).done).toBe(false)
      const unread = (await settled()) - 1
      console.info(`${name}: ${unread} of ${rowCount} waited unread`)
      expect(unread).toBeLessThan(maxUnread)
      // It costs nobody anything: the rest comes as soon as it is asked for.
      let received = 1
      for (let next = await results.next(); next.done !== true; next = await results.next()) received += 1
      expect(received).toBe(rowCount)
      expect(produced.count).toBe(rowCount)
    },
    60_000,
  )
})
