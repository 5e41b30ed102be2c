// cardea policy lint and suggest, as a person runs them: files, standard input, and a real server over stdio.

import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { cardea, emptyFolder } from './run-cardea.ts'

const memoryServer = [
  process.execPath,
  resolve('node_modules/@modelcontextprotocol/server-memory/dist/index.js'),
]
const policies = resolve('schema/policies')

function folderWith(files: { readonly [name: string]: string }): string {
  const folder = emptyFolder()
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

const tools = JSON.stringify({
  tools: [
    {
      name: 'search_documents',
      inputSchema: { type: 'object', properties: { query: { type: 'string' } } },
      outputSchema: {
        type: 'object',
        properties: { documents: { type: 'array', items: { type: 'object', properties: { id: {} } } } },
      },
    },
    { name: 'issues', inputSchema: { type: 'object' } },
  ],
})
const schema =
  'definition user {}\ndefinition document {\n  relation viewer: user\n  permission view = viewer\n}\n'

test('lint: problems with place and cure end with 1, warnings with 0 unless --strict', async () => {
  const folder = folderWith({
    'bad.yaml': 'trust_on_first_use: true\ntolls: {}\n',
    'worrying.yaml': 'trust_on_first_use: true\ntools:\n  t: { effect: read, public: true, result: whole }\n',
  })
  const bad = await cardea(['policy', 'lint', 'bad.yaml'], folder)
  expect(bad.code).toBe(1)
  expect(bad.stdout).toMatch(/problem: bad\.yaml:2:1 .*tools/)
  const worrying = await cardea(['policy', 'lint', 'worrying.yaml'], folder)
  expect(worrying).toMatchObject({ code: 0, stdout: expect.stringMatching(/warning: worrying.yaml:1:1 /) })
  expect((await cardea(['policy', 'lint', 'worrying.yaml', '--strict'], folder)).code).toBe(1)
  const json = JSON.parse((await cardea(['policy', 'lint', 'bad.yaml', '--json'], folder)).stdout)
  expect(json).toMatchObject({ problems: [{ line: 2, column: 1 }], warnings: [] })
})

test('lint: against the schema and the tools', async () => {
  const rule = (check: string, unchecked: string) =>
    `tools:\n  search_documents:\n    effect: read\n    unchecked: [${unchecked}]\n    result: [{ items: "$.documents[*]", all: ["${check}"] }]\n    text: mirror\n`
  const folder = folderWith({
    'good.yaml': rule('document:{item.id}#view', 'query'),
    'type.yaml': rule('documnet:{item.id}#view', 'query'),
    'argument.yaml': rule('document:{item.id}#view', 'qurey'),
    's.zed': schema,
    'tools.json': tools,
  })
  const lint = (file: string) =>
    cardea(['policy', 'lint', file, '--schema', 's.zed', '--tools', 'tools.json'], folder)
  expect(await lint('good.yaml')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('"issues" has no rule'),
  })
  expect(await lint('type.yaml')).toMatchObject({ code: 1, stdout: expect.stringContaining('"document"') })
  expect(await lint('argument.yaml')).toMatchObject({ code: 1, stdout: expect.stringContaining('"query"') })
})

test('lint: the ready policy of a real server fits what that server says of its tools', async () => {
  const words = ['policy', 'lint', join(policies, 'server-memory.yaml'), '--', ...memoryServer]
  const { code, stdout } = await cardea(words, emptyFolder())
  expect(stdout).not.toContain('has no rule')
  expect(stdout).toMatch(/loads; \d+ warnings?\. Not compared: types/)
  expect(code).toBe(0)
})

test('suggest: nothing is in force until a person takes the marks away, and then it loads', async () => {
  const samples = JSON.stringify({
    issues: { content: [{ type: 'text', text: '{"documents":[{"id":"a"}],"total":1}' }] },
  })
  const folder = folderWith({ 'tools.json': tools, 's.zed': schema, 'samples.json': samples })
  const { code, stdout } = await cardea(
    ['policy', 'suggest', '--tools', 'tools.json', '--schema', 's.zed', '--samples', 'samples.json'],
    folder,
  )
  expect(code).toBe(0)
  expect(stdout).toContain('#      - { items: "$.documents[*]", all: ["document:{item.id}#view"] }')
  expect(stdout).toContain('#      - { json: text, items: "$.documents[*]"')
  writeFileSync(join(folder, 'draft.yaml'), stdout)
  const inForce = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  expect(inForce).toEqual(['tools:'])
  expect((await cardea(['policy', 'lint', 'draft.yaml'], folder)).code).toBe(1)
  const approved = stdout.replace(/^#(?= {2})/gm, '').replace(/^#$/gm, '')
  writeFileSync(join(folder, 'approved.yaml'), approved)
  const lint = ['policy', 'lint', 'approved.yaml', '--schema', 's.zed', '--tools', 'tools.json']
  expect(await cardea(lint, folder)).toMatchObject({ code: 0 })
})

test('suggest: from a real server over stdio, which is ended afterwards', async () => {
  const { code, stdout } = await cardea(['policy', 'suggest', '--', ...memoryServer], emptyFolder())
  expect(code).toBe(0)
  expect(stdout).toContain('#  create_entities:')
  expect(stdout.match(/definition: [0-9a-f]{64}/g)!.length).toBeGreaterThan(5)
})

test.each([
  [['suggest'], /--tools FILE/],
  [['suggest', '--tools', 'nowhere.json'], /nowhere\.json cannot be read/],
  [['suggest', '--tools', 'no-json.json'], /no-json\.json is no JSON/],
  [['suggest', '--tools', 'no-tools.json'], /must be the answer to tools\/list/],
  [['suggest', '--tools', 'tools.json', '--samples', 'no-tools.json'], /no tool "x"/],
  [['suggest', '--tools', 'tools.json', '--', 'true'], /Name the tools once/],
  [['lint', 'nowhere.yaml'], /nowhere\.yaml cannot be read/],
])('bad input: %j', async (words, message) => {
  const folder = folderWith({ 'no-json.json': '{', 'no-tools.json': '{"x": 1}', 'tools.json': tools })
  const { code, stdout, stderr } = await cardea(['policy', ...words], folder)
  expect(stderr).toMatch(message)
  expect(stdout).toBe('')
  expect(code).toBe(2)
})

test('a server that does not start is an error, not an empty draft', async () => {
  const { code, stdout, stderr } = await cardea(['policy', 'suggest', '--', 'false'], emptyFolder())
  expect(code).toBe(1)
  expect(stdout).toBe('')
  expect(stderr).toContain('did not say which tools it has')
})
