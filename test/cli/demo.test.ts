// The demo as a newcomer runs it: what it shows, what it writes down, and that each line it prints works.

import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cardea, emptyFolder, shell, started } from './run-cardea.ts'

describe('cardea demo --once', () => {
  test('tells the story, every part of which holds, and exits 0', async () => {
    const { code, stdout, stderr } = await cardea(['demo', '--once'], emptyFolder())
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(stdout).not.toContain('DID NOT HOLD')
    const row = (id: string) => stdout.split('\n').find((line) => line.includes(`│ ${id} `))!
    expect(row('search-design')).toMatch(/sees it +│ · /)
    expect(row('pipeline')).toMatch(/· +│ sees it /)
    expect(row('travel-policy')).toMatch(/sees it +│ sees it/)
    expect(row('acquisition-plan')).toMatch(/· +│ · /)
    const [denied, missing] = stdout
      .match(/^ +read_document .*$/gm)!
      .map((line) => line.replace(/read_document \S+/, ''))
    expect(denied!.trim()).toBe(missing!.trim())
    expect(stdout).toContain('calls that reached the handler: 0; the file is still there')
    expect(stdout.match(/^ +HTTP 401$/gm)).toHaveLength(2)
    expect(stdout).toContain('proof (removing any one of these ends the access):')
    expect(stdout).toContain('reason: blocked by exclusion at document:hiring-bar#view')
    const auditLog = /audit log: (\S+)/.exec(stdout)![1]!
    const records = readFileSync(auditLog, 'utf8').trim().split('\n')
    expect(records.length).toBeGreaterThanOrEqual(10)
    for (const record of records) expect(record).not.toMatch(/eyJ[A-Za-z0-9_-]{10,}/)
  })
})

describe('cardea demo, left running', () => {
  const folder = emptyFolder()
  const out = join(folder, 'facts.json')
  let running: Awaited<ReturnType<typeof started>>
  beforeAll(async () => {
    running = await started(['demo', '--out', out], folder, 'Ctrl-C ends it.')
  })
  afterAll(async () => {
    await running.stop()
  })

  test('--out writes what scripts need, for its owner only', () => {
    expect(statSync(out).mode & 0o777).toBe(0o600)
    const facts = JSON.parse(readFileSync(out, 'utf8'))
    expect(Object.keys(facts).sort()).toEqual(
      ['auditLog', 'grpcAddr', 'httpAddr', 'issuer', 'mcpUrl', 'presharedKey', 'users'].sort(),
    )
    expect(existsSync(facts.auditLog)).toBe(true)
    expect(facts.users.alice.token).toMatch(/^eyJ/)
    expect(facts.users.bob.token).toMatch(/^eyJ/)
  })

  test('each line that it prints works as printed', async () => {
    const lines = running
      .output()
      .split('\n')
      .map((line) => line.trim())
    const commands = lines.filter((line) => line.startsWith('npx cardea'))
    expect(commands.length).toBeGreaterThanOrEqual(6)
    const outputs: Record<string, string> = {}
    for (const command of commands) {
      const { code, stdout, stderr } = await shell(command, folder)
      expect(stderr, command).toBe('')
      const denied = command.includes('payroll-run')
      expect(code, command).toBe(denied ? 1 : 0)
      outputs[command] = stdout
    }
    const find = (part: string) => outputs[commands.find((command) => command.includes(part))!]!
    expect(find('search-design')).toContain('proof')
    expect(find('payroll-run')).toContain('no path')
    expect(find('relationship read')).toContain('group:platform#member@user:alice')
    expect(find('demo token')).toMatch(/^eyJ/)
  })

  test('a revocation from the command line takes effect on the next call of a token that stays the same', async () => {
    const { mcpUrl } = JSON.parse(readFileSync(out, 'utf8'))
    const token = (await cardea(['demo', 'token', 'alice'], folder)).stdout.trim()
    const client = new Client({ name: 'test', version: '1' })
    const requestInit = { headers: { Authorization: `Bearer ${token}` } }
    await client.connect(new StreamableHTTPClientTransport(new URL(mcpUrl), { requestInit }))
    const search = async () => {
      const { structuredContent } = await client.callTool({
        name: 'search_documents',
        arguments: { query: 'plan' },
      })
      return (structuredContent as { total: number }).total
    }
    const before = await search()
    expect((await cardea(['relationship', 'delete', 'group:platform#member@user:alice'], folder)).code).toBe(
      0,
    )
    const after = await search()
    expect((await cardea(['relationship', 'touch', 'group:platform#member@user:alice'], folder)).code).toBe(0)
    expect(after).toBeLessThan(before)
    expect(await search()).toBe(before)
    await client.close()
  })
})
