// Cursors over real HTTP: they show nothing of what is hidden, and lead nobody on but whom they were given to.

import { afterEach, describe, expect, test } from 'vitest'
import { everyPathSchema } from '../../../examples/every-path/policy.ts'
import type { GuardOptions } from '../../../src/mcp/guard/create-guard.ts'
import { type PagedServer, pagedPolicy, startPagedServer } from './paged-server.ts'
import { createWorld, type GuardWorld } from './world.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

type Sdk = 'v1' | 'v2'

async function serve(sdk: Sdk, options: Partial<GuardOptions> = {}): Promise<GuardWorld & PagedServer> {
  const grants = ['open', 'secret', 'last'].map((id) => `note:${id}#owner@user:alice`)
  const all = [...grants, 'note:open#reader@user:bob', 'note:last#reader@user:bob']
  const world = await createWorld(pagedPolicy, all, { schema: everyPathSchema, ...options })
  undo.push(() => world.authorizer.close())
  return { ...world, ...(await started(sdk, world)) }
}

async function started(sdk: Sdk, world?: GuardWorld): Promise<PagedServer> {
  const served = await startPagedServer(sdk, world?.guard)
  undo.push(() => served.close())
  return served
}

const common = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list']
const cases: [Sdk, string][] = [
  ...[...common, 'tasks/list'].map((method): [Sdk, string] => ['v1', method]),
  ...common.map((method): [Sdk, string] => ['v2', method]),
]
const refused = { code: -32602, message: 'Invalid params' }
const key = new Uint8Array(32).fill(7)

describe.each(cases)('SDK %s, %s', (sdk, method) => {
  test('without the guard, a cursor names what is hidden and leads anybody on', async () => {
    const served = await started(sdk)
    const first = await served.list('alice', method)
    const second = await served.list('bob', method, first.result!.nextCursor)
    expect(second.bytes).toContain('after CANARY-secret')
  })

  test('all pages are reached, empty ones too, and no cursor shows anything', async () => {
    const served = await serve(sdk)
    const pages: string[] = []
    let cursor: string | undefined
    do {
      const page = await served.list('bob', method, cursor)
      pages.push(page.bytes)
      cursor = page.result!.nextCursor
    } while (cursor !== undefined)
    expect(pages).toHaveLength(3)
    const names = pages.map((page) => /"name":"(open|secret|last)"/.exec(page)?.[1])
    expect(names).toEqual(
      method === 'tasks/list' ? [undefined, undefined, undefined] : ['open', undefined, 'last'],
    )
    expect(pages.join('')).not.toContain('CANARY')
    expect(served.asked.join()).toContain('after CANARY-secret')
  })

  test('another principal is told what is told of a cursor that nobody was given, and the server hears nothing', async () => {
    const served = await serve(sdk)
    const { nextCursor } = (await served.list('alice', method)).result!
    const before = served.asked.length
    const tampered = `${nextCursor!.slice(0, -4)}AAAA`
    const answers = []
    for (const cursor of [nextCursor, tampered, 'after CANARY-open', 'x', 7, null])
      answers.push((await served.list('bob', method, cursor)).error)
    expect(answers).toEqual(answers.map(() => refused))
    expect(served.asked).toHaveLength(before)
    expect(served.audit.events.at(-1)).toMatchObject({ method, outcome: 'denied' })
    expect((await served.list('alice', method, nextCursor)).result).toBeDefined()
    expect((await served.list('alice', method, tampered)).error).toEqual(refused)
  })

  test('with a key that is configured the same holds after a restart; with none, cursors end with the process', async () => {
    for (const stateKey of [key, undefined]) {
      const { nextCursor } = (await (await serve(sdk, { stateKey })).list('alice', method)).result!
      const restarted = await serve(sdk, { stateKey })
      expect((await restarted.list('bob', method, nextCursor)).error).toEqual(refused)
      const own = await restarted.list('alice', method, nextCursor)
      if (stateKey) expect(restarted.asked).toEqual([`${method} after CANARY-open`])
      else expect(own.error).toEqual(refused)
    }
  })
})

describe.each(['v1', 'v2'] as const)('SDK %s', (sdk) => {
  test('a cursor of one list is unknown to the others', async () => {
    const served = await serve(sdk)
    const { nextCursor } = (await served.list('alice', 'resources/list')).result!
    for (const method of common.filter((one) => one !== 'resources/list'))
      expect((await served.list('alice', method, nextCursor)).error).toEqual(refused)
  })

  test('a day later it is unknown', async () => {
    let nowMs = Date.now()
    const served = await serve(sdk, { clock: () => nowMs })
    const { nextCursor } = (await served.list('alice', 'tools/list')).result!
    nowMs += 23 * 3_600_000
    expect((await served.list('alice', 'tools/list', nextCursor)).error).toBeUndefined()
    nowMs += 3_600_000
    expect((await served.list('alice', 'tools/list', nextCursor)).error).toEqual(refused)
  })
})
