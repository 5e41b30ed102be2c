// Every path by which data leaves a server: the leak without the guard, its absence with it, and nothing lost for whoever may.

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { everyPathPolicy, everyPathSchema } from '../../../examples/every-path/policy.ts'
import { createEveryPathServer, type Effects } from '../../../examples/every-path/server-v1.ts'
import { attempt, listen, nobody, paths } from './paths.ts'
import { type Connected, connect, createWorld, type GuardWorld, principalOf, revoke, touch } from './world.ts'

const grants = (name: string) => [
  `note:open#reader@user:${name}`,
  `note:secret#owner@user:${name}`,
  `note:all#reader@user:${name}`,
]

let world: GuardWorld
let connected: Connected[] = []

beforeEach(async () => {
  world = await createWorld(
    everyPathPolicy,
    [...grants('alice'), 'note:open#reader@user:bob', 'note:all#reader@user:bob'],
    {
      schema: everyPathSchema,
    },
  )
})
afterEach(async () => {
  for (const one of connected) await one.close()
  connected = []
  await world.authorizer.close()
})

interface Visit extends Connected {
  readonly heard: string[]
  readonly effects: Effects
}

async function visit(name: string, guarded: boolean): Promise<Visit> {
  const effects: Effects = { calls: {}, erased: [] }
  const server = createEveryPathServer(effects)
  if (guarded) world.guard.protect(server)
  const heard: string[] = []
  const one = await connect(server, principalOf(name), (client) => listen(client, heard), {
    sampling: {},
    elicitation: {},
  })
  connected.push(one)
  return { ...one, heard, effects }
}

describe.each(Object.entries(paths))('%s', (_, path) => {
  test('leaks without the guard', async () => {
    const bob = await visit('bob', false)
    await attempt(bob.client, bob.heard, path)
    expect(bob.received.join('\n')).toContain(
      path.canary.replaceAll('"', '\\"').replace(/^\\"|\\"$/g, '') || path.canary,
    )
  })

  test('arrives byte for byte for whoever may see it', async () => {
    const plain = await visit('alice', false)
    const guarded = await visit('alice', true)
    const expected = JSON.stringify(await attempt(plain.client, plain.heard, path))
    expect(JSON.stringify(await attempt(guarded.client, guarded.heard, path))).toBe(expected)
    expect(expected).not.toContain('"error"')
  })

  test('never reaches whoever may not', async () => {
    const bob = await visit('bob', true)
    await attempt(bob.client, bob.heard, path)
    expect(bob.received.join('\n')).not.toContain(path.canary.replaceAll('"', ''))
  })

  test('ends with the grant, on the next request', async () => {
    await touch(world.authorizer, grants('carol'))
    const carol = await visit('carol', true)
    await attempt(carol.client, carol.heard, path)
    expect(carol.received.join('\n')).toContain(path.canary.replaceAll('"', ''))
    await revoke(world.authorizer, ['note:secret#owner@user:carol'])
    const before = carol.received.length
    await attempt(carol.client, carol.heard, path)
    expect(carol.received.slice(before).join('\n')).not.toContain(path.canary.replaceAll('"', ''))
  })
})

describe.each(Object.entries(nobody))('%s', (_, path) => {
  test('leaks without the guard', async () => {
    const alice = await visit('alice', false)
    const got = await attempt(alice.client, alice.heard, path)
    expect(alice.received.join('\n') + JSON.stringify(got)).toContain(path.canary.replaceAll('"', ''))
  })

  test('reaches nobody', async () => {
    const alice = await visit('alice', true)
    await attempt(alice.client, alice.heard, path)
    expect(alice.received.join('\n')).not.toContain(path.canary.replaceAll('"', ''))
  })
})
