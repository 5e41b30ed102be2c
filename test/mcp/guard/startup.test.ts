// What an operator is told before the first user complains: names that schema or server do not have.

import { afterEach, expect, test, vi } from 'vitest'
import { documentsPolicy, documentsServer, readRule } from './documents.ts'
import { connect, createWorld, principalOf } from './world.ts'

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

async function start(policy: Parameters<typeof createWorld>[0]) {
  const world = await createWorld(policy, [])
  undo.push(() => world.authorizer.close())
  return { ...world, told: () => world.log.map(({ level, message }) => `${level} ${message}`).join('\n') }
}

test('types, permissions and parameters that the schema lacks are told at start, each with its place', async () => {
  const policy = `
trust_on_first_use: true
also: ["user:{subject.id}#act_is@{agent}"]
context: { ip: claims.ip, port: claims.port }
tools:
  read: { effect: read, arguments: [{ at: $.id, all: ["documnet:{value}#view"] }], result: whole }
  move: { unchecked: [to], arguments: [{ at: $.id, all: ["document:{value}#moove"] }], result: whole }
`
  const { told } = await start(policy)
  await vi.waitFor(() => expect(told()).toContain('moove'))
  expect(told()).toMatch(/warn .*tools\.read\.arguments\[0\].*no definition "documnet".*document/)
  expect(told()).toMatch(/tools\.move\.arguments\[0\].*document has no permission or relation "moove"/)
  expect(told()).toMatch(/also\[0\].*"act_is".*act_as/)
  expect(told()).toMatch(/context\.port.*no caveat has a parameter "port"/)
  expect(told()).not.toContain('context.ip')
})

test('a policy that fits is silent, and one that replaces it is looked at again', async () => {
  const world = await start(documentsPolicy)
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(world.told()).toBe('')
  world.guard.usePolicy({
    trust_on_first_use: true,
    tools: { read: { ...readRule, arguments: [{ at: '$.id', all: ['dokument:{value}#view'] }] } },
  })
  await vi.waitFor(() => expect(world.told()).toContain('"dokument"'))
})

test('a service that is down at start is told, and nothing else happens', async () => {
  const world = await start(documentsPolicy)
  await world.authorizer.close()
  world.guard.usePolicy(documentsPolicy)
  await vi.waitFor(() => expect(world.told()).toContain('could not be compared with the schema'))
})

test.each(['list', 'call'] as const)(
  'a rule for a tool that the server lacks is told once: by %s',
  async (by) => {
    const world = await start({
      ...documentsPolicy,
      tools: { ...documentsPolicy.tools, raed: readRule },
    })
    for (let turn = 0; turn < 2; turn++) {
      const { server } = documentsServer()
      world.guard.protect(server)
      const one = await connect(server, principalOf('alice'))
      undo.push(() => one.close())
      if (by === 'list') await one.client.listTools()
      else await one.client.callTool({ name: 'read', arguments: { id: 'a' } })
    }
    const lines = world.log.filter(({ message }) => message.includes('raed'))
    expect(lines).toMatchObject([{ level: 'warn', facts: { tool: 'raed' } }])
    expect(lines[0]!.message).toContain('did you mean "read"')
  },
)
