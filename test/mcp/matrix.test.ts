// The matrix, over real HTTP with real tokens: every path by which data leaves, on both SDKs, for who may, who may not, and who no
// longer may; and the same server without the guard, where every path leaks.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EveryPathWorld, startEveryPath } from '../../examples/every-path/start-every-path.ts'
import { modernNobody, modernPaths, modernRequest } from './guard/modern.ts'
import { attempt, nobody, type Path, paths } from './guard/paths.ts'
import { type Visitor, visitOverHttp } from './guard/visitor.ts'
import { MemoryAudit } from './guard/world.ts'

const secretGrant = 'note:secret#owner@user:alice'
const plain = (canary: string) => canary.replaceAll('"', '')

/** Older revisions on SDK v2 have no sessions, and so nothing that needs the server to speak first. */
const needsSession = /task|subscribe|sampling|updates|log of|status|elicitation/

interface Pair {
  readonly bare: EveryPathWorld
  readonly guarded: EveryPathWorld
  readonly audit: MemoryAudit
}

async function startPair(sdk: 'v1' | 'v2'): Promise<Pair> {
  const audit = new MemoryAudit()
  const bare = await startEveryPath({ sdk, guarded: false, audit: new MemoryAudit(), warn: () => {} })
  const guarded = await startEveryPath({ sdk, guarded: true, audit, warn: () => {} })
  return { bare, guarded, audit }
}

describe.each(['v1', 'v2'] as const)('SDK %s, revisions with a handshake', (sdk) => {
  let pair: Pair
  let visitors: { bareAlice: Visitor; bareBob: Visitor; alice: Visitor; bob: Visitor }
  const fits = ([name]: [string, Path]) => sdk === 'v1' || !needsSession.test(name)

  beforeAll(async () => {
    pair = await startPair(sdk)
    const visit = ({ url, users }: EveryPathWorld, name: 'alice' | 'bob') =>
      visitOverHttp(url, users[name].token, sdk === 'v1')
    visitors = {
      bareAlice: await visit(pair.bare, 'alice'),
      bareBob: await visit(pair.bare, 'bob'),
      alice: await visit(pair.guarded, 'alice'),
      bob: await visit(pair.guarded, 'bob'),
    }
  })
  afterAll(async () => {
    for (const { client } of Object.values(visitors)) await client.close()
    await pair.bare.close()
    await pair.guarded.close()
  })

  /** Walks the path; gives what the client made of it, and every byte that came meanwhile. */
  async function walk(visitor: Visitor, path: Path): Promise<{ got: string; bytes: string }> {
    visitor.heard.length = 0
    const from = visitor.bytes.length
    const got = JSON.stringify(await attempt(visitor.client, visitor.heard, path))
    await new Promise((resolve) => setTimeout(resolve, 10))
    return { got, bytes: visitor.bytes.slice(from).join('\n') }
  }

  test.each(Object.entries(paths).filter(fits))('%s', async (_, path) => {
    const canary = plain(path.canary)
    expect((await walk(visitors.bareBob, path)).bytes, 'leaks without the guard').toContain(canary)
    const unguarded = await walk(visitors.bareAlice, path)
    const allowed = await walk(visitors.alice, path)
    expect(allowed.bytes).toContain(canary)
    expect(allowed.got, 'arrives byte for byte').toBe(unguarded.got)
    expect((await walk(visitors.bob, path)).bytes, 'never reaches bob').not.toContain(canary)
    await pair.guarded.change('delete', secretGrant)
    try {
      expect((await walk(visitors.alice, path)).bytes, 'ends with the grant').not.toContain(canary)
    } finally {
      await pair.guarded.change('touch', secretGrant)
    }
    expect((await walk(visitors.alice, path)).bytes, 'comes back with it').toContain(canary)
  })

  test.each(Object.entries(nobody).filter(fits))('%s', async (_, path) => {
    const canary = plain(path.canary)
    const leak = await walk(visitors.bareAlice, path)
    const handshake = visitors.bareAlice.bytes.join('\n')
    expect(leak.bytes + leak.got + handshake, 'leaks without the guard').toContain(canary)
    expect((await walk(visitors.alice, path)).bytes + visitors.alice.bytes.join('\n')).not.toContain(canary)
  })

  test('one record per call, each of whom it was', () => {
    const calls = pair.audit.events.filter(
      ({ method, phase }) => method === 'tools/call' && phase === 'outcome',
    )
    expect(calls.length).toBeGreaterThan(20)
    expect(new Set(calls.map(({ callId }) => callId)).size).toBe(calls.length)
    expect(new Set(calls.map(({ principal }) => principal?.subject))).toEqual(new Set(['alice', 'bob']))
  })
})

describe('SDK v2, revision 2026-07-28', () => {
  let pair: Pair
  beforeAll(async () => {
    pair = await startPair('v2')
  })
  afterAll(async () => {
    await pair.bare.close()
    await pair.guarded.close()
  })

  async function ask(
    { url, users }: EveryPathWorld,
    name: 'alice' | 'bob',
    method: string,
    params?: Record<string, unknown>,
  ): Promise<string> {
    const { headers, body } = modernRequest(method, params)
    const authorization = `Bearer ${users[name].token}`
    const response = await fetch(url, { method: 'POST', headers: { ...headers, authorization }, body })
    return `${response.status} ${JSON.stringify([...response.headers])} ${await response.text()}`
  }

  test.each(Object.entries(modernPaths))('%s', async (_, { canary, method, params }) => {
    const { bare, guarded } = pair
    expect(await ask(bare, 'bob', method, params), 'leaks without the guard').toContain(canary)
    expect(await ask(guarded, 'alice', method, params)).toContain(canary)
    expect(await ask(guarded, 'bob', method, params)).not.toContain(canary)
    await guarded.change('delete', secretGrant)
    try {
      expect(await ask(guarded, 'alice', method, params), 'ends with the grant').not.toContain(canary)
    } finally {
      await guarded.change('touch', secretGrant)
    }
    expect(await ask(guarded, 'alice', method, params)).toContain(canary)
  })

  test.each([...modernNobody])('%s: %s', async (method, canary, params) => {
    expect(await ask(pair.bare, 'alice', method, params), 'leaks without the guard').toContain(canary)
    expect(await ask(pair.guarded, 'alice', method, params)).not.toContain(canary)
  })
})
