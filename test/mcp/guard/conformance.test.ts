// The official conformance suite gives the same score with the guard, under a graph that allows everything, as without it.

import { execFile } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { expect, test } from 'vitest'
import {
  allowAll,
  conformancePolicy,
  conformanceSchema,
  createConformanceServer,
} from './conformance/conformance-server.ts'
import { createWorld, principalOf } from './world.ts'

/** The suite needs a newer Node than Cardea does, so both are installed apart: npm run conformance:install. */
const folder = fileURLToPath(new URL('./conformance/node_modules', import.meta.url))
const node = join(folder, 'node/bin/node')
const suite = join(folder, '@modelcontextprotocol/conformance/dist/index.js')
const isInstalled = existsSync(node) && existsSync(suite)
/** Set by npm run conformance, where being skipped would be no answer. */
const isRequired = process.env.CARDEA_CONFORMANCE !== undefined

/** Checks by scenario, such as `✓ ping: 1 passed, 0 failed`, and the number of audit records. */
async function score(guarded: boolean): Promise<{ lines: string[]; records: number }> {
  const world = await createWorld(conformancePolicy, allowAll, { schema: conformanceSchema })
  const http = createServer()
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const host = `127.0.0.1:${(http.address() as AddressInfo).port}`
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const begin = async () => {
    const server = createConformanceServer()
    if (guarded) world.guard.protect(server)
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
      enableDnsRebindingProtection: true,
      allowedHosts: [host],
    })
    await server.connect(transport)
    return transport
  }
  // The suite cannot send tokens, so every request is alice's.
  const auth = { token: '', clientId: '', scopes: [], extra: { cardeaPrincipal: principalOf('alice') } }
  http.on('request', async (request, response) => {
    const id = request.headers['mcp-session-id']
    const transport = typeof id === 'string' ? sessions.get(id) : await begin()
    if (transport === undefined) response.writeHead(404).end()
    else await transport.handleRequest(Object.assign(request, { auth }), response)
  })
  const out = mkdtempSync(join(tmpdir(), 'cardea-conformance-'))
  try {
    const output = await new Promise<string>((resolve) => {
      execFile(node, [suite, 'server', '--url', `http://${host}/mcp`, '-o', out], (_error, stdout) =>
        resolve(stdout),
      )
    })
    const lines = output.split('\n').filter((line) => /\d+ passed, \d+ failed/.test(line))
    return { lines, records: world.audit.events.length }
  } finally {
    rmSync(out, { recursive: true })
    for (const transport of sessions.values()) await transport.close()
    http.closeAllConnections()
    await new Promise((resolve) => http.close(resolve))
    await world.authorizer.close()
  }
}

test('the same score of the official suite, with every check through the whole pipeline', {
  timeout: 300_000,
}, async ({ skip }) => {
  skip(
    !isInstalled && !isRequired,
    'the official suite is not installed: npm run conformance:install, then npm run conformance',
  )
  const plain = await score(false)
  const guarded = await score(true)
  expect(plain.lines.at(-1)).toMatch(/^Total: \d+ passed, 0 failed$/)
  expect(plain.lines.length).toBeGreaterThan(30)
  expect(guarded.lines).toEqual(plain.lines)
  expect(plain.records).toBe(0)
  expect(guarded.records).toBeGreaterThan(20)
  console.info(
    `${plain.lines.length - 1} scenarios. Without the guard: ${plain.lines.at(-1)}. With it: ${guarded.lines.at(-1)}, ${guarded.records} audit records.`,
  )
})
