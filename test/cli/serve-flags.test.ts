// Flags of cardea serve that the service obeys: limits, AuthZEN, logging; from words, environment and file alike.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defaultServerLimits } from '../../src/api/server-limits.ts'
import { defaultLimits } from '../../src/authorizer/limits.ts'
import { connect } from '../../src/client/connect.ts'
import { parseObject, parseRelationship, parseSubject } from '../../src/model/relationship-text.ts'
import { cardea, emptyFolder, started } from './run-cardea.ts'

const key = 'a-key-for-this-test'

test('the help names a flag, a variable and the default of every limit', async () => {
  const help = (await cardea(['serve', '--help'], emptyFolder())).stdout.replace(/\s+/g, ' ')
  const names: Record<string, string> = { maxStalenessMs: 'max-staleness' }
  const { gcWindowMs: _, ...requests } = defaultLimits
  const limits = Object.entries({ ...defaultServerLimits, ...requests })
  expect(limits.length).toBeGreaterThan(20)
  for (const [limit, value] of limits) {
    const name = names[limit] ?? limit.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    const variable = `CARDEA_${name.replaceAll('-', '_').toUpperCase()}`
    const text = new RegExp(
      `--${name} <(bytes|ms|count)> [^<>]*\\(default: ${value}\\) \\(env: ${variable}\\)`,
    )
    expect(help, name).toMatch(text)
  }
})

test('docs/server.md tells every flag', async () => {
  const help = (await cardea(['serve', '--help'], emptyFolder())).stdout
  const text = readFileSync('docs/server.md', 'utf8')
  const flags = [...help.matchAll(/^ +(--[a-z][a-z-]*)/gm)].map(([, flag]) => flag!)
  expect(flags.length).toBeGreaterThan(30)
  expect(flags.filter((flag) => !text.includes(`\`${flag}`))).toEqual([])
})

describe('a service with limits from words, environment and file', () => {
  const folder = emptyFolder()
  let server: Awaited<ReturnType<typeof started>>
  let url: string
  let client: ReturnType<typeof connect>
  const post = (path: string, body: unknown) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  beforeAll(async () => {
    writeFileSync(
      join(folder, 'cardea.yaml'),
      [
        'datastore: memory',
        'grpc-addr: 127.0.0.1:0',
        'http-addr: 127.0.0.1:0',
        'max-message-bytes: 999999',
        'max-bulk-checks: 3',
        'slow-call-ms: 1',
        'public-url: https://authz.example.com/',
        'authzen-actions:',
        '  - GET=view',
        '  - tools/call=view',
      ].join('\n'),
    )
    const words = ['serve', '--config', 'cardea.yaml', '--max-message-bytes', '2000', '--log-ids']
    server = await started(words, folder, 'Cardea is serving', {
      CARDEA_PRESHARED_KEY: key,
      CARDEA_MAX_UPDATES_PER_WRITE: '2000',
    })
    const { grpcAddr, httpAddr } = JSON.parse(
      readFileSync(join(folder, '.cardea', 'connection.json'), 'utf8'),
    )
    url = `http://${httpAddr}`
    client = connect({ address: grpcAddr, presharedKey: key })
    await client.writeSchema(
      'definition user {}\ndefinition document {\n  relation viewer: user\n  permission view = viewer\n}',
    )
    await client.writeRelationships({
      updates: [{ operation: 'touch', relationship: parseRelationship('document:a#viewer@user:ann') }],
    })
  })
  afterAll(async () => {
    await client.close()
    expect(await server.stop()).toBe(0)
  })

  const question = {
    resource: parseObject('document:a'),
    permission: 'view',
    subject: parseSubject('user:ann'),
  }

  test('words win over the file, and errors name the setting', async () => {
    const schema = `definition user {}${' '.repeat(2000)}`
    await expect(client.writeSchema(schema)).rejects.toMatchObject({
      message: expect.stringContaining('max-message-bytes (2000)'),
    })
    const refused = await post('/v1/schema/write', { schema })
    expect(refused.status).toBe(413)
    expect(await refused.text()).toContain('max-message-bytes allows (2000)')
  })

  test('limits of requests, too', async () => {
    await expect(client.checkBulk(Array.from({ length: 4 }, () => question))).rejects.toMatchObject({
      code: 'TOO_MANY_CHECKS',
      message: expect.stringContaining('max-bulk-checks allows (3)'),
    })
    expect((await client.checkBulk([question])).answers[0]).toMatchObject({ permissionship: 'has' })
  })

  test('AuthZEN knows its URL and the names of actions', async () => {
    const metadata = await (await fetch(`${url}/.well-known/authzen-configuration`)).json()
    expect(metadata).toMatchObject({
      policy_decision_point: 'https://authz.example.com',
      access_evaluation_endpoint: 'https://authz.example.com/access/v1/evaluation',
    })
    for (const name of ['GET', 'tools/call', 'view']) {
      const answer = await post('/access/v1/evaluation', {
        subject: { type: 'user', id: 'ann' },
        action: { name },
        resource: { type: 'document', id: 'a' },
      })
      expect(await answer.json(), name).toEqual({ decision: true })
    }
  })

  test('both doors count into one /metrics, and the version is told', async () => {
    await client.check(question)
    const metrics = await (
      await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${key}` } })
    ).text()
    expect(metrics).toMatch(/cardea_calls_total\{door="grpc",method="[^"]*CheckPermission",code="OK"\} [1-9]/)
    expect(metrics).toMatch(
      /cardea_calls_total\{door="http",method="\/access\/v1\/evaluation",code="OK"\} [1-9]/,
    )
    const { info } = (await (await fetch(`${url}/openapi.json`)).json()) as { info: { version: string } }
    expect(info.version).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version)
  })

  test('slow calls are logged with ids', async () => {
    // The write of the schema takes longer than a millisecond; which checks do is the machine's affair.
    expect(server.output()).toMatch(/"method":"[^"]*WriteSchema".*"elapsedMs":\d+.*A call was slow/)
  })
})

describe('values that cannot be', () => {
  test.each([
    ['--max-read-limit', '0'],
    ['--max-message-bytes', '4MB'],
    ['--slow-call-ms', '-1'],
    ['--shutdown-grace', '5'],
    ['--public-url', 'authz.example.com'],
    ['--public-url', 'ftp://authz.example.com'],
    ['--public-url', 'https://authz.example.com/?tenant=1'],
    ['--public-url', 'https://me:secret@authz.example.com'],
    ['--authzen-actions', 'GET'],
    ['--authzen-actions', '=view'],
    ['--authzen-actions', 'GET=view,GET=edit'],
    ['--authzen-actions', 'GET=no such name'],
  ])('%s %s is refused by its name', async (flag, value) => {
    const { code, stderr } = await cardea(
      ['serve', '--datastore', 'memory', `${flag}=${value}`],
      emptyFolder(),
      {
        CARDEA_PRESHARED_KEY: key,
      },
    )
    expect(stderr).toContain(flag)
    expect(code).toBe(2)
  })
})
