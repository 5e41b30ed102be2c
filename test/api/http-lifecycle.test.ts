// How the HTTP door begins and ends: addresses, TLS, a graceful close.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type HttpServerOptions, startHttpServer } from '../../src/api/http/start-http-server.ts'
import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import { key } from './grpc-harness.ts'
import { type Identity, makeCertificate } from './make-certificate.ts'
import { scriptedAuthorizer } from './scripted-authorizer.ts'

const closing: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function open(script: Partial<Authorizer>, options: Partial<HttpServerOptions> = {}) {
  const server = await startHttpServer({
    authorizer: scriptedAuthorizer(script),
    address: { host: '127.0.0.1', port: 0 },
    presharedKeys: [{ key, role: 'read-write' }],
    log: () => {},
    ...options,
  })
  closing.push(() => server.close(0))
  return server
}

const post = (port: number, path: string, body: object) =>
  fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

const question = {
  resource: { objectType: 'document', objectId: 'a' },
  permission: 'view',
  subject: { object: { objectType: 'user', objectId: 'ann' } },
}

test('plain text that others can reach needs to be asked for, and a port in use is told', async () => {
  await expect(open({}, { address: { host: '0.0.0.0', port: 0 } })).rejects.toThrow(
    /insecure-plaintext-on-network/,
  )
  const { port } = await open({})
  await expect(open({}, { address: { host: '127.0.0.1', port } })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining('in use'),
  })
})

test('TLS, with certificates of clients when an authority is set', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'cardea-https-'))
  closing.push(() => rmSync(folder, { recursive: true }))
  const authority = makeCertificate('test authority')
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const identity = makeCertificate('server', authority)
  const tls = { cert: write('cert.pem', identity.cert), key: write('key.pem', identity.key) }
  const ask = (port: number, client?: Identity) =>
    new Promise<number>((resolve, reject) => {
      request(
        {
          port,
          host: '127.0.0.1',
          path: '/healthz',
          ca: authority.cert,
          cert: client?.cert,
          key: client?.key,
          agent: false,
        },
        (response) => {
          response.resume()
          resolve(response.statusCode!)
        },
      )
        .on('error', reject)
        .end()
    })
  const plain = await open({}, { tls, address: { host: '0.0.0.0', port: 0 } })
  expect(await ask(plain.port)).toBe(200)
  const mutual = await open({}, { tls: { ...tls, clientCa: write('ca.pem', authority.cert) } })
  await expect(ask(mutual.port)).rejects.toThrow()
  await expect(ask(mutual.port, makeCertificate('stranger', makeCertificate('another')))).rejects.toThrow()
  expect(await ask(mutual.port, makeCertificate('client', authority))).toBe(200)
})

test('a close finishes what is in flight, and ends Watch streams', async () => {
  let answer: (() => void) | undefined
  const server = await open({
    check: async () => {
      await new Promise<void>((resolve) => {
        answer = resolve
      })
      return { permissionship: 'has', missing: [], token: 't' }
    },
    watch: async function* (asked): AsyncGenerator<never> {
      await new Promise((_, reject) =>
        asked.signal!.addEventListener('abort', () => reject(asked.signal!.reason)),
      )
    } as Authorizer['watch'],
  })
  const inFlight = post(server.port, '/v1/permissions/check', question)
  const watch = await post(server.port, '/v1/watch', {})
  while (answer === undefined) await new Promise((resolve) => setTimeout(resolve, 2))
  const closed = server.close(5000)
  expect(JSON.parse(await watch.text())).toMatchObject({
    error: { code: 14, message: 'The service is shutting down.' },
  })
  answer()
  expect((await inFlight).status).toBe(200)
  await closed
  await expect(post(server.port, '/v1/permissions/check', question)).rejects.toThrow()
})

test('a close ends what does not finish in time', async () => {
  let aborted = false
  const server = await open({
    check: (_question, options) =>
      new Promise((_, reject) =>
        options!.signal!.addEventListener('abort', () => {
          aborted = true
          reject(options!.signal!.reason)
        }),
      ),
  })
  const inFlight = post(server.port, '/v1/permissions/check', question).then(
    ({ status }) => status,
    () => 'gone',
  )
  await new Promise((resolve) => setTimeout(resolve, 50))
  await server.close(50)
  expect(aborted).toBe(true)
  expect([503, 'gone']).toContain(await inFlight)
})

test('a caller who goes away ends the work', async () => {
  let aborted = false
  let asked = false
  const server = await open({
    check: (_question, options) =>
      new Promise((_, reject) => {
        asked = true
        options!.signal!.addEventListener('abort', () => {
          aborted = true
          reject(options!.signal!.reason)
        })
      }),
  })
  const controller = new AbortController()
  const call = fetch(`http://127.0.0.1:${server.port}/v1/permissions/check`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(question),
    signal: controller.signal,
  }).catch(() => {})
  while (!asked) await new Promise((resolve) => setTimeout(resolve, 2))
  controller.abort()
  await call
  while (!aborted) await new Promise((resolve) => setTimeout(resolve, 2))
})
