// Bad input on the command line: a clear error that names the place and the cure, the right exit code, nothing changed.

import { existsSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cardea, emptyFolder, started } from './run-cardea.ts'

const key = 'a-key-for-this-test'

describe('cardea serve', () => {
  const serve = (words: readonly string[], folder = emptyFolder()) =>
    cardea(['serve', '--grpc-addr', '127.0.0.1:0', '--http-addr', '127.0.0.1:0', ...words], folder, {
      CARDEA_PRESHARED_KEY: key,
    })

  test('an unknown flag is refused with the nearest one', async () => {
    const { code, stderr } = await serve(['--datastor', 'memory'])
    expect(code).toBe(2)
    expect(stderr).toContain('--datastore')
  })

  test('an unknown key of the configuration file is refused with line, column and the nearest one', async () => {
    const folder = emptyFolder()
    writeFileSync(join(folder, 'cardea.yaml'), 'datastore: memory\ngrpc-adr: 127.0.0.1:0\n')
    const { code, stderr } = await serve(['--config', 'cardea.yaml'], folder)
    expect(code).toBe(2)
    expect(stderr).toContain('cardea.yaml:2:1')
    expect(stderr).toContain('"grpc-addr"')
  })

  test('a missing configuration file is refused', async () => {
    const { code, stderr } = await serve(['--config', 'nowhere.yaml'])
    expect(code).toBe(2)
    expect(stderr).toContain('nowhere.yaml')
  })

  test('a datastore of an unknown kind is refused without repeating it', async () => {
    const { code, stderr } = await serve(['--datastore', 'mysql://root:hunter2@db/x'])
    expect(code).toBe(2)
    expect(stderr).not.toContain('hunter2')
  })

  test('one of certificate and key alone is refused', async () => {
    const { code, stderr } = await serve(['--datastore', 'memory', '--tls-cert', 'cert.pem'])
    expect(code).toBe(2)
    expect(stderr).toContain('--tls-key')
  })

  test('an address that others can reach is refused without TLS', async () => {
    const { code, stderr } = await cardea(
      ['serve', '--datastore', 'memory', '--grpc-addr', '0.0.0.0:0', '--http-addr', '127.0.0.1:0'],
      emptyFolder(),
      { CARDEA_PRESHARED_KEY: key },
    )
    expect(code).toBe(2)
    expect(stderr).toContain('--insecure-plaintext-on-network')
  })

  test('a port in use is named', async () => {
    const blocker = createServer()
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
    const { port } = blocker.address() as AddressInfo
    const { code, stderr } = await cardea(
      ['serve', '--datastore', 'memory', '--grpc-addr', `127.0.0.1:${port}`, '--http-addr', '127.0.0.1:0'],
      emptyFolder(),
      { CARDEA_PRESHARED_KEY: key },
    )
    blocker.close()
    expect(code).toBe(2)
    expect(stderr).toContain(`127.0.0.1:${port} is in use`)
  })

  test('a schema with errors stops the start, with the place of each', async () => {
    const folder = emptyFolder()
    writeFileSync(
      join(folder, 'broken.zed'),
      'definition user {}\ndefinition doc {\n  relation viewer: nobody\n  permission view = viewr\n}\n',
    )
    const { code, stderr } = await serve(['--datastore', 'sqlite:./x.db', '--schema', 'broken.zed'], folder)
    expect(code).not.toBe(0)
    expect(stderr).toContain(':3:')
    expect(stderr).toContain(':4:')
    expect(stderr).toContain('^')
  })

  test('a directory that does not exist is named', async () => {
    const { code, stderr } = await serve(['--datastore', 'sqlite:./no/such/folder/x.db'])
    expect(code).not.toBe(0)
    expect(stderr).toContain('no/such/folder')
  })

  test('a key that is too short is refused', async () => {
    const { code, stderr } = await cardea(['serve', '--datastore', 'memory'], emptyFolder(), {
      CARDEA_PRESHARED_KEY: 'short',
    })
    expect(code).toBe(2)
    expect(stderr).toContain('8 characters')
  })
})

describe('commands against a server', () => {
  const folder = emptyFolder()
  let server: Awaited<ReturnType<typeof started>>
  beforeAll(async () => {
    server = await started(
      [
        'serve',
        '--datastore',
        'sqlite:./cardea.db',
        '--grpc-addr',
        '127.0.0.1:0',
        '--http-addr',
        '127.0.0.1:0',
      ],
      folder,
      'Cardea is serving',
    )
    writeFileSync(
      join(folder, 'good.zed'),
      'definition user {}\n\ndefinition document {\n  relation viewer: user\n  permission view = viewer\n}\n',
    )
    expect((await cardea(['schema', 'write', 'good.zed'], folder)).code).toBe(0)
    expect((await cardea(['relationship', 'create', 'document:a#viewer@user:ann'], folder)).code).toBe(0)
  })
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
    expect(existsSync(join(folder, '.cardea', 'connection.json'))).toBe(false)
  })

  const rows = async () => (await cardea(['relationship', 'read', 'document'], folder)).stdout.trim()

  test.each([
    [['check', 'document:a#view'], 2, 'Expected document:readme#view@user:ann'],
    [['check', 'document:a b#view@user:ann'], 2, 'object id'],
    [['check', 'document:a#nothing@user:ann'], 2, 'no relation or permission "nothing"'],
    [['check', 'folder:a#view@user:ann'], 2, 'no definition "folder"'],
    [['check', 'document:a#view@user:*'], 2, 'wildcard'],
    [['relationship', 'touch', 'document:b#viewer@user:bob', 'document:b#viewer@group:x'], 1, '"group"'],
    [
      ['relationship', 'create', 'document:b#viewer@user:bob', 'document:a#viewer@user:ann'],
      1,
      'document:a#viewer@user:ann',
    ],
    [['relationship', 'touch', 'document:b#view@user:bob'], 1, 'is a permission'],
    [['relationship', 'touch', 'document:b#viewer@user:bob', 'document:b#viewer@user:bob'], 1, 'two updates'],
    [['check', 'document:a#view@user:ann', '--at-exactly', 'garbage!'], 2, 'ZedToken'],
    [['check', 'document:a#view@user:ann', '--context', '[1]'], 2, 'JSON object'],
    [['chekc', 'document:a#view@user:ann'], 2, 'check'],
  ])('%s', async (words, expectedCode, expectedText) => {
    const before = await rows()
    const { code, stderr } = await cardea(words as string[], folder)
    expect(stderr).toContain(expectedText)
    expect(code).toBe(expectedCode)
    expect(await rows()).toBe(before)
  })

  test('a schema that data stands in the way of is refused with the row', async () => {
    writeFileSync(join(folder, 'smaller.zed'), 'definition user {}\n\ndefinition document {}\n')
    const { code, stderr } = await cardea(['schema', 'write', 'smaller.zed'], folder)
    expect(code).toBe(1)
    expect(stderr).toContain('document:a#viewer@user:ann')
    expect((await cardea(['schema', 'read'], folder)).stdout).toContain('relation viewer')
  })

  test('a wrong key is refused', async () => {
    const { code, stderr } = await cardea(['check', 'document:a#view@user:ann'], folder, {
      CARDEA_PRESHARED_KEY: 'not-the-right-key',
    })
    expect(code).toBe(2)
    expect(stderr).toMatch(/key/i)
  })

  test('no server to be found is said so', async () => {
    const { code, stderr } = await cardea(['check', 'document:a#view@user:ann'], emptyFolder(), {
      CARDEA_PRESHARED_KEY: key,
      CARDEA_GRPC_ADDR: '127.0.0.1:1',
    })
    expect(code).toBe(2)
    expect(stderr).toContain('cannot be reached')
  })
})
