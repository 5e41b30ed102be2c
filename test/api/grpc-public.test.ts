// What the gRPC door offers without a key (health, reflection), and TLS.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { credentials, Metadata, makeClientConstructor, Server, status } from '@grpc/grpc-js'
import { service as healthService } from 'grpc-health-check'
import { afterEach, describe, expect, test } from 'vitest'
import { grpcCredentials } from '../../src/api/grpc/credentials.ts'
import { WatchedTls } from '../../src/api/tls-files.ts'
import { bearer, failureOf, openDoor, rawClient } from './grpc-harness.ts'
import { type Identity, makeCertificate } from './make-certificate.ts'
import { scriptedAuthorizer } from './scripted-authorizer.ts'

const closing: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const authorizer = scriptedAuthorizer({
  readSchema: async () => ({ text: 'definition user {}', token: 't' }),
})
const readSchemaPath = '/authzed.api.v1.SchemaService/ReadSchema'

async function open(options: Partial<Parameters<typeof openDoor>[0]> = {}) {
  const door = await openDoor({ authorizer, ...options })
  closing.push(() => door.close(0))
  return door
}

function makeClient(definition: object, address: string) {
  const Client = makeClientConstructor(definition as never, 'any')
  const client = new Client(address, credentials.createInsecure())
  closing.push(() => client.close())
  return client
}

describe('health', () => {
  const check = (client: ReturnType<typeof makeClient>, service: string) =>
    new Promise<{ status: string }>((resolve, reject) => {
      const call = client.check as unknown as (
        request: object,
        reply: (e: Error | null, r: never) => void,
      ) => void
      call.call(client, { service }, (error, response) => (error ? reject(error) : resolve(response)))
    })

  test('follows readiness, for the names that clients ask about, without a key', async () => {
    let ready = false
    const door = await open({ ready: () => ready })
    const client = makeClient(healthService, door.address)
    for (const name of [
      '',
      'authzed.api.v1.PermissionsService',
      'authzed.api.v1.WatchService',
      'authzed.api.v1.SchemaService',
    ])
      expect(await check(client, name)).toEqual({ status: 'NOT_SERVING' })
    ready = true
    while ((await check(client, '')).status !== 'SERVING')
      await new Promise((resolve) => setTimeout(resolve, 20))
    expect((await failureOf(check(client, 'no.Service'))).code).toBe(status.NOT_FOUND)
  })
})

describe('reflection', () => {
  const same = (bytes: Buffer) => bytes
  const ask = (address: string, version: string, request: Buffer) =>
    new Promise<string>((resolve, reject) => {
      const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`
      const stream = makeClient({}, address).makeBidiStreamRequest(path, same, same, new Metadata(), {})
      stream.on('data', (bytes: Buffer) => resolve(bytes.toString('latin1'))).on('error', reject)
      stream.write(request)
      stream.end()
    })

  test.each(['v1', 'v1alpha'])('%s names the services and describes them', async (version) => {
    const { address } = await open()
    const list = await ask(address, version, Buffer.from([0x3a, 1, 0x2a]))
    for (const name of ['PermissionsService', 'SchemaService', 'WatchService', 'ExperimentalService'])
      expect(list).toContain(`authzed.api.v1.${name}`)
    expect(list).toContain('cardea.v1.ExplainService')
    const symbol = 'authzed.api.v1.PermissionsService'
    const described = await ask(
      address,
      version,
      Buffer.from(`\x22${String.fromCharCode(symbol.length)}${symbol}`),
    )
    expect(described).toContain('CheckPermissionRequest')
    expect(described).toContain('google/protobuf/struct.proto')
  })
})

describe('TLS', () => {
  const authority = makeCertificate('test authority')
  const folder = () => {
    const path = mkdtempSync(join(tmpdir(), 'cardea-tls-'))
    closing.push(() => rmSync(path, { recursive: true }))
    return path
  }
  const files = (path: string, identity: Identity) => {
    const tls = { cert: join(path, 'cert.pem'), key: join(path, 'key.pem') }
    writeFileSync(tls.cert, identity.cert)
    writeFileSync(tls.key, identity.key)
    return tls
  }
  const ask = async (address: string, client?: Identity) => {
    const secure = credentials.createSsl(
      Buffer.from(authority.cert),
      client ? Buffer.from(client.key) : null,
      client ? Buffer.from(client.cert) : null,
    )
    const raw = rawClient(address, secure, { 'grpc.ssl_target_name_override': 'localhost' })
    closing.push(() => raw.close())
    return raw.unary(readSchemaPath, Buffer.alloc(0), bearer(), { deadline: Date.now() + 5000 })
  }

  test('serves, also on an address that others can reach', async () => {
    const tls = files(folder(), makeCertificate('server', authority))
    const door = await open({ tls, address: { host: '0.0.0.0', port: 0 } })
    expect((await ask(`127.0.0.1:${door.port}`)).bytes.toString()).toContain('definition user {}')
    const plain = rawClient(`127.0.0.1:${door.port}`)
    closing.push(() => plain.close())
    const refused = await failureOf(plain.unary(readSchemaPath, Buffer.alloc(0)))
    expect(refused.code).toBe(status.UNAVAILABLE)
  })

  test('with an authority for clients, a client without a certificate is refused', async () => {
    const path = folder()
    const clientCa = join(path, 'ca.pem')
    writeFileSync(clientCa, authority.cert)
    const door = await open({ tls: { ...files(path, makeCertificate('server', authority)), clientCa } })
    expect((await failureOf(ask(door.address))).code).toBe(status.UNAVAILABLE)
    const stranger = makeCertificate('stranger', makeCertificate('another authority'))
    expect((await failureOf(ask(door.address, stranger))).code).toBe(status.UNAVAILABLE)
    expect((await ask(door.address, makeCertificate('client', authority))).bytes.length).toBeGreaterThan(0)
  })

  test('a renewed certificate is taken over; files that cannot be used are not', () => {
    const path = folder()
    const first = makeCertificate('first', authority)
    const second = makeCertificate('second', authority)
    const log: string[] = []
    const tls = new WatchedTls(files(path, first), (_level, message) => log.push(message))
    closing.push(() => tls.stop())
    const seen: string[] = []
    tls.onChange((identity) => seen.push(identity.cert.toString()))
    writeFileSync(join(path, 'cert.pem'), second.cert)
    tls.reload()
    expect(seen).toEqual([])
    expect(log).toEqual([expect.stringContaining('the old ones stay')])
    writeFileSync(join(path, 'key.pem'), second.key)
    tls.reload()
    tls.reload()
    expect(seen).toEqual([second.cert])
  })

  test('connections after a renewal see the new certificate', async () => {
    const path = folder()
    const tls = new WatchedTls(files(path, makeCertificate('first', authority)), () => {})
    closing.push(() => tls.stop())
    const server = new Server()
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync('127.0.0.1:0', grpcCredentials(tls), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    )
    closing.push(() => server.forceShutdown())
    const presented = () =>
      new Promise<string | string[]>((resolve, reject) => {
        const socket = connect({ port, host: '127.0.0.1', ca: authority.cert, ALPNProtocols: ['h2'] }, () => {
          resolve(socket.getPeerCertificate().subject.CN ?? [])
          socket.destroy()
        }).on('error', reject)
      })
    expect(await presented()).toBe('first')
    files(path, makeCertificate('second', authority))
    tls.reload()
    expect(await presented()).toBe('second')
  })

  test('files that do not fit together are refused at the start', async () => {
    const path = folder()
    const tls = files(path, makeCertificate('server', authority))
    writeFileSync(tls.key, makeCertificate('other', authority).key)
    await expect(openDoor({ authorizer, tls })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    await expect(
      openDoor({ authorizer, tls: { ...tls, cert: join(path, 'none.pem') } }),
    ).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
  })
})
