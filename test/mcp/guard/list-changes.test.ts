// Changes of lists: how often and when something happens behind what a principal cannot see is not told on the side.

import { afterEach, describe, expect, test, vi } from 'vitest'
import { everyPathPolicy, everyPathSchema } from '../../../examples/every-path/policy.ts'
import { createEveryPathServer } from '../../../examples/every-path/server-v1.ts'
import { createEveryPathHandler } from '../../../examples/every-path/server-v2.ts'
import { ListChanges } from '../../../src/mcp/guard/list-changes.ts'
import type { HandlerFetch } from '../../../src/mcp/guard/listen-fetch.ts'
import type { Principal } from '../../../src/mcp/principal.ts'
import { modernRequest } from './modern.ts'
import { connect, createWorld, principalOf } from './world.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

const prompts = 'notifications/prompts/list_changed'
const resources = 'notifications/resources/list_changed'
const later = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('by the clock', () => {
  test('at each full interval, each kind once; nothing when nothing happened, nothing after the end', () => {
    vi.useFakeTimers({ now: 10_300 })
    undo.push(() => vi.useRealTimers())
    const told: [number, string][] = []
    const changes = new ListChanges(1000, Date.now, ({ method }) => told.push([Date.now(), method]))
    for (let turn = 0; turn < 50; turn++) {
      changes.changed({ method: prompts })
      changes.changed({ method: resources })
      vi.advanceTimersByTime(10)
    }
    expect(told).toEqual([])
    vi.advanceTimersByTime(10_000)
    expect(told).toEqual([
      [11_000, prompts],
      [11_000, resources],
    ])
    changes.changed({ method: prompts })
    vi.advanceTimersByTime(1000)
    expect(told.slice(2)).toEqual([[21_000, prompts]])
    changes.changed({ method: prompts })
    changes.end()
    changes.changed({ method: resources })
    vi.advanceTimersByTime(5000)
    expect(told).toHaveLength(3)
    expect(vi.getTimerCount()).toBe(0)
  })
})

interface Listener {
  /** How often this was heard. */
  count(method: string): number
  burst(): Promise<void> | void
}

async function listenV1(
  guarded: boolean,
  principal: Principal,
  everyMs: number,
  clock = Date.now,
): Promise<Listener> {
  const world = await createWorld(everyPathPolicy, [], {
    schema: everyPathSchema,
    listChangedEveryMs: everyMs,
    clock,
  })
  undo.push(() => world.authorizer.close())
  const server = createEveryPathServer()
  if (guarded) world.guard.protect(server)
  const { received, close } = await connect(server, principal)
  undo.push(close)
  return {
    count: (method) => received.filter((one) => one.includes(method)).length,
    burst() {
      for (let turn = 0; turn < 20; turn++) {
        server.sendPromptListChanged()
        server.sendResourceListChanged()
      }
    },
  }
}

async function listenV2(
  guarded: boolean,
  principal: Principal,
  everyMs: number,
  clock = Date.now,
): Promise<Listener> {
  const { slow: _, ...tools } = everyPathPolicy.tools!
  const world = await createWorld({ ...everyPathPolicy, tools }, [], {
    schema: everyPathSchema,
    listChangedEveryMs: everyMs,
    clock,
  })
  undo.push(() => world.authorizer.close())
  const handler = createEveryPathHandler(
    guarded ? (server) => world.guard.protect(server as never) : undefined,
  )
  undo.push(() => handler.close())
  const plain = handler as unknown as { fetch: HandlerFetch }
  const { fetch } = guarded ? world.guard.protectHandler(plain) : plain
  const notifications = { promptsListChanged: true, resourcesListChanged: true }
  const { headers, body } = modernRequest('subscriptions/listen', { notifications })
  const response = await fetch(new Request('http://127.0.0.1/mcp', { method: 'POST', headers, body }), {
    authInfo: { token: '', clientId: 'app', scopes: [], extra: { cardeaPrincipal: principal } },
  })
  const reader = response.body!.getReader()
  undo.push(() => reader.cancel())
  let heard = ''
  void (async () => {
    for (let part = await reader.read(); !part.done; part = await reader.read())
      heard += new TextDecoder().decode(part.value)
  })().catch(() => {})
  await vi.waitFor(() => expect(heard).toContain('subscriptions/acknowledged'))
  return {
    count: (method) => heard.split(`"method":"${method}"`).length - 1,
    burst() {
      for (let turn = 0; turn < 20; turn++) {
        handler.notify.promptsChanged()
        handler.notify.resourcesChanged()
      }
    },
  }
}

describe.each([
  ['v1', listenV1],
  ['v2', listenV2],
] as const)('SDK %s', (_, listen) => {
  test('without the guard every single change is told', async () => {
    const bob = await listen(false, principalOf('bob'), 1000)
    await bob.burst()
    await vi.waitFor(() => expect([bob.count(prompts), bob.count(resources)]).toEqual([20, 20]))
  })

  test('a burst is told once per kind and interval, and the next one again', async () => {
    const bob = await listen(true, principalOf('bob'), 600)
    for (const times of [1, 2]) {
      // From the beginning of an interval, so that the burst lies in one.
      await later(600 - (Date.now() % 600) + 5)
      await bob.burst()
      await vi.waitFor(() => expect([bob.count(prompts), bob.count(resources)]).toEqual([times, times]))
    }
    await later(700)
    expect([bob.count(prompts), bob.count(resources)]).toEqual([2, 2])
  })

  test('what waits when the token ends is not told', async () => {
    for (const isExpired of [false, true]) {
      let nowMs = Date.now()
      const bob = await listen(true, principalOf('bob', { expiresAtMs: nowMs + 60_000 }), 200, () => nowMs)
      await bob.burst()
      if (isExpired) nowMs += 60_000
      await later(500)
      const expected = isExpired ? 0 : 1
      expect([bob.count(prompts), bob.count(resources)]).toEqual([expected, expected])
    }
  })
})
