// An import whose sender goes away in the middle is not an import.

import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { formatRelationship } from '../../src/model/relationship-text.ts'
import { encode } from '../../src/wire/message-codec.ts'
import { PermissionsService } from '../../src/wire/messages.ts'
import { key, rawClient } from './grpc-harness.ts'
import { openService, type TestService } from './http-harness.ts'

const schema = `definition user {}

definition document {
  relation viewer: user
}`

let service: TestService
beforeAll(async () => {
  service = await openService({ schema })
})
afterAll(() => service.close())

const { importBulkRelationships } = PermissionsService.method
const message = (id: string) => ({
  relationships: [
    {
      resource: { objectType: 'document', objectId: id },
      relation: 'viewer',
      subject: { object: { objectType: 'user', objectId: 'ann' } },
    },
  ],
})
const bytes = (id: string) => encode(importBulkRelationships.input, message(id))
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function stored(): Promise<string[]> {
  const rows: string[] = []
  for await (const { relationship } of service.authorizer.readRelationships({
    filter: { resourceType: 'document' },
    consistency: { kind: 'fully_consistent' },
  }))
    rows.push(formatRelationship(relationship))
  return rows
}

describe('over gRPC', () => {
  const path = '/authzed.api.v1.PermissionsService/ImportBulkRelationships'

  test.each(Array.from({ length: 40 }, (_, at) => at))(
    'a cancelled upload leaves nothing behind (%d)',
    async (round) => {
      const client = rawClient(service.grpc.address)
      await new Promise<void>((resolve) => {
        const upload = client.upload(path, () => resolve())
        upload.write(bytes(`cancelled${round}`))
        setTimeout(() => upload.cancel(), (round % 8) * 10)
      })
      await pause(20)
      expect(await stored()).toEqual([])
      client.close()
    },
  )

  test('a connection that is lost leaves nothing behind', async () => {
    const client = rawClient(service.grpc.address)
    const upload = client.upload(path, () => {})
    upload.write(bytes('lost'))
    await pause(100)
    client.close()
    upload.cancel()
    await pause(100)
    expect(await stored()).toEqual([])
  })

  test('a whole upload is stored', async () => {
    const client = rawClient(service.grpc.address)
    await new Promise<void>((resolve, reject) => {
      const upload = client.upload(path, (error) => (error ? reject(error) : resolve()))
      upload.write(bytes('whole'))
      upload.end()
    })
    expect(await stored()).toEqual(['document:whole#viewer@user:ann'])
    await service.authorizer.deleteRelationships({ filter: { resourceType: 'document' } })
    client.close()
  })
})

describe('over HTTP', () => {
  const send = (headers: string, body: string) =>
    new Promise<void>((resolve) => {
      const { port, hostname } = new URL(service.url)
      const socket = connect(Number(port), hostname, () => {
        socket.write(
          `POST /v1/relationships/importbulk HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\n${headers}\r\n\r\n${body}`,
        )
        setTimeout(() => {
          socket.destroy()
          resolve()
        }, 50)
      })
      socket.on('error', () => {})
    })
  const line = `${JSON.stringify(message('http'))}\n`

  test('a body that is shorter than announced leaves nothing behind', async () => {
    await send(`Content-Length: ${line.length + 100}`, line)
    await pause(50)
    expect(await stored()).toEqual([])
  })

  test('chunks without their end leave nothing behind', async () => {
    await send('Transfer-Encoding: chunked', `${line.length.toString(16)}\r\n${line}\r\n`)
    await pause(50)
    expect(await stored()).toEqual([])
  })

  test('a whole body is stored', async () => {
    expect((await service.post('/v1/relationships/importbulk', line)).status).toBe(200)
    expect(await stored()).toEqual(['document:http#viewer@user:ann'])
  })
})
