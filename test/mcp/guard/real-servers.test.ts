// The ready policies in front of the servers they are written for: real processes, real files.

import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { InMemoryTransport } from '@modelcontextprotocol/sdk/inMemory.js'
import { afterEach, describe, expect, test } from 'vitest'
import { bridge } from '../../../src/mcp/guard/bridge.ts'
import type { Transport } from '../../../src/mcp/guard/message.ts'
import { checkPolicy } from '../../../src/mcp/policy/load-policy.ts'
import type { ToolDefinition } from '../../../src/mcp/policy/tool-definition.ts'
import { encodeId } from '../../../src/model/encode-id.ts'
import { compileSchema } from '../../../src/schema/compile-schema.ts'
import { createWorld, type GuardWorld, principalOf, touch } from './world.ts'

const read = (name: string) =>
  readFileSync(new URL(`../../../schema/policies/${name}`, import.meta.url), 'utf8')
const program = (name: string) =>
  join(
    createRequire(import.meta.url).resolve(`@modelcontextprotocol/${name}/package.json`),
    '../dist/index.js',
  )

const undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one()
})

function folder(): string {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'cardea-real-')))
  undo.push(() => rmSync(path, { recursive: true }))
  return path
}

interface Upstream {
  readonly args: readonly string[]
  readonly env?: Record<string, string>
}

/** A client of `name`, through the guard, to a process of its own. */
async function visit(
  world: GuardWorld,
  name: string,
  { args, env }: Upstream,
): Promise<{ client: Client; received: string[] }> {
  const [clientSide, doorSide] = InMemoryTransport.createLinkedPair()
  const upstream = new StdioClientTransport({
    command: process.execPath,
    args: [...args],
    env,
    stderr: 'ignore',
  })
  const guarded = world.guard.wrapTransport(doorSide, { principal: () => principalOf(name) })
  await bridge(guarded, upstream as unknown as Transport)
  const client = new Client({ name: 'test', version: '1' }, { capabilities: { roots: {} } })
  const received: string[] = []
  await client.connect(clientSide)
  const onmessage = clientSide.onmessage!
  clientSide.onmessage = (message, extra) => {
    received.push(JSON.stringify(message))
    onmessage(message, extra)
  }
  undo.push(() => client.close())
  return { client, received }
}

const text = (result: unknown) =>
  (result as { content: { text: string }[] }).content.map((block) => block.text).join('\n')

describe('server-filesystem', () => {
  async function start() {
    const root = folder()
    for (const name of ['open', 'hr', 'hr/deep']) mkdirSync(join(root, name))
    writeFileSync(join(root, 'open/faq.md'), 'open faq')
    writeFileSync(join(root, 'open/private.md'), 'CANARY private')
    writeFileSync(join(root, 'hr/pay.md'), 'CANARY pay')
    writeFileSync(join(root, 'hr/deep/x.md'), 'CANARY deep')
    symlinkSync(join(root, 'hr/pay.md'), join(root, 'open/link.md'))
    symlinkSync('/etc/hostname', join(root, 'open/out.md'))
    const id = (path: string) => encodeId(path === '' ? root : `${root}/${path}`, true)
    const relationships = [
      `folder:${id('')}#viewer@user:alice`,
      ...['open', 'hr'].map((name) => `folder:${id(name)}#parent@folder:${id('')}`),
      `folder:${id('hr/deep')}#parent@folder:${id('hr')}`,
      ...['open/faq.md', 'open/private.md'].map((name) => `file:${id(name)}#parent@folder:${id('open')}`),
      `file:${id('hr/pay.md')}#parent@folder:${id('hr')}`,
      `file:${id('hr/deep/x.md')}#parent@folder:${id('hr/deep')}`,
      // bob sees the open folder's list and one file of it
      `folder:${id('open')}#viewer@user:bob`,
      `folder:${id('open')}#editor@user:carol`,
    ].filter((one) => !one.includes('private'))
    const policy = read('server-filesystem.yaml').replace('root: /srv/files', `root: ${root}`)
    const world = await createWorld(policy, relationships, { schema: read('server-filesystem.zed') })
    undo.push(() => world.authorizer.close())
    const upstream = { args: [program('server-filesystem'), root] }
    return { world, root, id, upstream }
  }

  test('each sees the files that are theirs', async () => {
    const { world, root, upstream } = await start()
    const alice = await visit(world, 'alice', upstream)
    const bob = await visit(world, 'bob', upstream)
    const call = async ({ client }: typeof bob, name: string, args: object) =>
      text(await client.callTool({ name, arguments: { ...args } }))

    expect((await bob.client.listTools()).tools.map(({ name }) => name)).not.toContain(
      'list_directory_with_sizes',
    )
    expect(await call(bob, 'read_text_file', { path: `${root}/open/faq.md` })).toBe('open faq')
    for (const path of [
      `${root}/hr/pay.md`,
      `${root}/open/private.md`,
      `${root}/open/../hr/pay.md`,
      `${root}/open/link.md`,
      `${root}/open/out.md`,
      '/etc/hostname',
      `${root}/nothing`,
      '~/x',
      `${root}/open/%66aq.md`,
    ])
      expect(await call(bob, 'read_text_file', { path }), path).toBe('Not found.')
    expect(await call(bob, 'read_text_file', { path: `${root}/open/./../open//faq.md` })).toBe('open faq')
    expect(
      await call(bob, 'read_multiple_files', { paths: [`${root}/hr/pay.md`, `${root}/open/faq.md`] }),
    ).toBe(`${root}/open/faq.md:\nopen faq\n`)
    expect((await call(bob, 'list_directory', { path: `${root}/open` })).split('\n')).toEqual([
      '[FILE] faq.md',
    ])
    expect(await call(bob, 'list_directory', { path: root })).toBe('Not found.')
    expect((await call(alice, 'list_directory', { path: root })).split('\n').sort()).toEqual([
      '[DIR] hr',
      '[DIR] open',
    ])
    expect(await call(bob, 'search_files', { path: `${root}/open`, pattern: '**/*' })).toBe(
      `${root}/open/faq.md`,
    )
    expect(JSON.parse(await call(alice, 'directory_tree', { path: root }))).toEqual([
      {
        name: 'hr',
        type: 'directory',
        children: [
          { name: 'deep', type: 'directory', children: [{ name: 'x.md', type: 'file' }] },
          { name: 'pay.md', type: 'file' },
        ],
      },
      { name: 'open', type: 'directory', children: [{ name: 'faq.md', type: 'file' }] },
    ])
    expect(JSON.parse(await call(bob, 'directory_tree', { path: `${root}/open` }))).toEqual([
      { name: 'faq.md', type: 'file' },
    ])
    expect(bob.received.join()).not.toContain('CANARY')
    expect(bob.received.join()).not.toMatch(/private|pay/)
  })

  test('writes need their folder, and what is new belongs to it', async () => {
    const { world, root, upstream } = await start()
    const bob = await visit(world, 'bob', upstream)
    const carol = await visit(world, 'carol', upstream)
    const call = async ({ client }: typeof bob, name: string, args: object) =>
      text(await client.callTool({ name, arguments: { ...args } }))
    const path = `${root}/open/new.md`
    expect(await call(bob, 'write_file', { path, content: 'x' })).toBe('Not found.')
    expect(await call(carol, 'write_file', { path, content: 'by carol' })).toBe('written')
    expect(await call(bob, 'read_text_file', { path })).toBe('by carol')
    expect(await call(carol, 'move_file', { source: path, destination: `${root}/hr/new.md` })).toBe(
      'Not found.',
    )
    expect(await call(carol, 'move_file', { source: path, destination: `${root}/open/moved.md` })).toBe(
      'moved',
    )
    expect(await call(bob, 'read_text_file', { path: `${root}/open/moved.md` })).toBe('by carol')
    expect(await call(bob, 'read_text_file', { path })).toBe('Not found.')
    expect(await call(carol, 'write_file', { path: `${root}/open/out.md`, content: 'x' })).toBe('Not found.')
    expect(
      await call(carol, 'edit_file', {
        path: `${root}/hr/pay.md`,
        edits: [{ oldText: 'CANARY', newText: '' }],
      }),
    ).toBe('Not found.')
    expect(readFileSync(join(root, 'hr/pay.md'), 'utf8')).toBe('CANARY pay')
  })

  test('the policy fits the tools and the model', async () => {
    const { world, upstream } = await start()
    const { client } = await visit(world, 'alice', upstream)
    const { tools } = await client.listTools()
    const { schema } = compileSchema(read('server-filesystem.zed'))
    expect(
      checkPolicy(read('server-filesystem.yaml'), { schema, tools: tools as unknown as ToolDefinition[] })
        .problems,
    ).toBeUndefined()
    expect(tools).toHaveLength(12)
  })
})

describe('server-memory', () => {
  async function start(relationships: readonly string[]) {
    const world = await createWorld(read('server-memory.yaml'), relationships, {
      schema: read('server-memory.zed'),
    })
    undo.push(() => world.authorizer.close())
    const file = join(folder(), 'memory.jsonl')
    const lines = [
      { type: 'entity', name: 'Project X', entityType: 'project', observations: ['CANARY secret budget'] },
      { type: 'entity', name: 'Lunch', entityType: 'topic', observations: ['pizza'] },
      { type: 'relation', from: 'Lunch', to: 'Project X', relationType: 'CANARY discussed in' },
    ]
    writeFileSync(file, lines.map((line) => JSON.stringify(line)).join('\n'))
    return { world, upstream: { args: [program('server-memory')], env: { MEMORY_FILE_PATH: file } } }
  }
  const lunch = `entity:Lunch#viewer@user:bob`
  const projectX = `entity:${encodeId('Project X')}`

  test('entities by owner, relations by both ends, in every tool and in the resource', async () => {
    const { world, upstream } = await start([
      lunch,
      'entity:Lunch#owner@user:alice',
      `${projectX}#owner@user:alice`,
    ])
    const alice = await visit(world, 'alice', upstream)
    const bob = await visit(world, 'bob', upstream)
    const structure = async ({ client }: typeof bob, name: string, args: object = {}) => {
      const result = await client.callTool({ name, arguments: { ...args } })
      return { copy: JSON.parse(text(result)), structure: result.structuredContent }
    }
    const seen = {
      entities: [{ name: 'Lunch', entityType: 'topic', observations: ['pizza'] }],
      relations: [],
    }
    expect(await structure(bob, 'read_graph')).toEqual({ copy: seen, structure: seen })
    expect(await structure(bob, 'search_nodes', { query: 'CANARY' })).toMatchObject({
      structure: { entities: [], relations: [] },
    })
    expect((await structure(bob, 'open_nodes', { names: ['Project X', 'Lunch'] })).structure).toEqual(seen)
    expect(text(await bob.client.callTool({ name: 'open_nodes', arguments: { names: ['Project X'] } }))).toBe(
      'Not found.',
    )
    const resource = async ({ client }: typeof bob) =>
      JSON.parse(
        ((await client.readResource({ uri: 'memory://knowledge-graph' })).contents[0] as { text: string })
          .text,
      )
    expect(await resource(bob)).toEqual(seen)
    expect(bob.received.join()).not.toMatch(/CANARY|Project/)
    expect((await resource(alice)).entities).toHaveLength(2)
    expect((await structure(alice, 'read_graph')).structure).toMatchObject({
      relations: [{ from: 'Lunch', to: 'Project X' }],
    })
  })

  test('what is created is its creator’s; a taken name stays with its owner; what is deleted leaves nothing', async () => {
    const { world, upstream } = await start([`${projectX}#owner@user:alice`, 'graph:main#creator@user:bob'])
    const bob = await visit(world, 'bob', upstream)
    const call = (name: string, args: object) => bob.client.callTool({ name, arguments: { ...args } })
    const entity = (name: string) => ({ name, entityType: 't', observations: [] })
    expect(
      (await call('create_entities', { entities: [entity('Mine'), entity('Project X')] })).structuredContent,
    ).toEqual({ entities: [entity('Mine')] })
    expect(
      text(await call('add_observations', { observations: [{ entityName: 'Mine', contents: ['a'] }] })),
    ).toContain('"a"')
    expect(
      text(
        await call('add_observations', {
          observations: [
            { entityName: 'Mine', contents: ['b'] },
            { entityName: 'Project X', contents: ['b'] },
          ],
        }),
      ),
    ).toBe('Not found.')
    expect(text(await call('delete_entities', { entityNames: ['Project X'] }))).toBe('Not found.')
    expect((await call('delete_entities', { entityNames: ['Mine'] })).structuredContent).toMatchObject({
      success: true,
    })
    await touch(world.authorizer, ['graph:main#creator@user:carol'])
    const carol = await visit(world, 'carol', upstream)
    expect(
      (await carol.client.callTool({ name: 'create_entities', arguments: { entities: [entity('Mine')] } }))
        .structuredContent,
    ).toEqual({ entities: [entity('Mine')] })
    expect((await call('read_graph', {})).structuredContent).toEqual({ entities: [], relations: [] })
  })
})
