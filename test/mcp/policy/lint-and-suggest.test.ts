// Lint tells what deserves a second look; suggestions are a draft that counts for nothing until it is read.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { lintPolicy } from '../../../src/mcp/policy/lint-policy.ts'
import { checkPolicy } from '../../../src/mcp/policy/load-policy.ts'
import { formatProblem } from '../../../src/mcp/policy/problem.ts'
import { suggestPolicy } from '../../../src/mcp/policy/suggest-policy.ts'
import type { ToolDefinition } from '../../../src/mcp/policy/tool-definition.ts'
import { compileSchema } from '../../../src/schema/compile-schema.ts'

const nowMs = Date.parse('2027-01-01T00:00:00Z')
const read = (name: string) =>
  readFileSync(new URL(`../../../schema/policies/${name}`, import.meta.url), 'utf8')

function warningsOf(source: string, tools?: readonly ToolDefinition[]): string {
  const { problems, warnings } = lintPolicy(source, { nowMs, tools })
  expect(problems).toEqual([])
  return warnings.map((warning) => formatProblem(warning)).join('\n')
}

describe('lint', () => {
  test.each([
    ['trust_on_first_use: true', /^policy:1:1 trust_on_first_use: /],
    ['observe: { until: 2026-12-01 }', /has ended/],
    ['observe: { until: 2027-12-01 }', /show what is denied/],
    ['max_staleness: 5s', /may serve for this long/],
    ['root: /srv\nsymlinks: trusted', /policy:2:1 symlinks/],
    ['logging: pass', /say what the server likes/],
    ['tools:\n  t: { public: true, result: whole }', /may have this tool write/],
    ['tools:\n  t: { effect: read, public: true, unchecked: [q], result: whole }', /gives its whole result/],
    [
      'tools:\n  t: { effect: read, also: ["tool:t#call"], result: whole }',
      /after whole-call questions alone/,
    ],
    ['tools:\n  t: { result: [{ items: $.a, all: ["doc:{item}#view"] }] }', /after the write is done/],
    [
      'tools:\n  t: { effect: read, result: [{ items: $.a, all: ["doc:{item}#view"] }] }',
      /all text of the result is removed/,
    ],
    ['resources: [{ uri: "a:b", public: true }]', /may read this/],
  ])('%s', (source, warning) => {
    expect(warningsOf(source)).toMatch(warning)
  })

  test('against the tools', () => {
    const tools = [
      { name: 't', inputSchema: {}, annotations: { destructiveHint: true } },
      { name: 'u', inputSchema: {} },
    ]
    const warnings = warningsOf('tools:\n  t: { effect: read, public: true, result: whole }', tools)
    expect(warnings).toMatch(/the server itself says that this tool changes something/)
    expect(warnings).toMatch(/"u" has no rule/)
  })

  test('problems come instead of warnings', () => {
    expect(lintPolicy('trust_on_first_use: true\ntolls: {}', { nowMs })).toMatchObject({
      problems: [{ line: 2 }],
      warnings: [],
    })
  })

  test('the ready policies have nothing to look at but what they say themselves', () => {
    for (const name of ['server-filesystem.yaml', 'server-memory.yaml'])
      expect(
        warningsOf(read(name))
          .split('\n')
          .filter((line) => !/trust_on_first_use|after the write|may read this/.test(line))
          .filter(Boolean),
      ).toEqual([])
  })
})

describe('suggest', () => {
  const tools: ToolDefinition[] = [
    {
      name: 'search_documents',
      inputSchema: { type: 'object', properties: { query: { type: 'string' } } },
      outputSchema: {
        type: 'object',
        properties: {
          documents: { type: 'array', items: { type: 'object', properties: { id: {}, title: {} } } },
          total: { type: 'integer' },
        },
      },
    },
    {
      name: 'read_document',
      inputSchema: { type: 'object', properties: { document_id: {}, limit: {} }, required: ['document_id'] },
    },
    { name: 'get time', inputSchema: {} },
    {
      name: 'move',
      inputSchema: {
        type: 'object',
        properties: { source: {}, tags: { type: 'array' } },
        required: ['source'],
      },
    },
  ]
  const { schema } = compileSchema(
    'definition user {}\ndefinition document {\n  relation owner: user\n  permission edit = owner\n  permission view = edit\n}\ndefinition file {\n  relation owner: user\n  permission read = owner\n}',
  )

  test('a draft is not in force', () => {
    const draft = suggestPolicy(tools, { schema })
    expect(checkPolicy(draft).problems).toBeDefined()
    expect(draft.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual(['tools:'])
  })

  test('approved, it loads against schema and tools', () => {
    const draft = suggestPolicy(tools, { schema })
      .replace(/^#(?= {2})/gm, '')
      .replace(/^#$/gm, '')
    const { policy, problems } = checkPolicy(`root: /srv\nsymlinks: trusted\n${draft}`, { schema, tools })
    expect(problems).toBeUndefined()
    const search = policy!.tools.get('search_documents')!
    expect(search.result).toMatchObject({
      kind: 'rules',
      mirror: true,
      structure: { items: [{ all: [{ text: 'document:{item.id}#view' }] }], sets: [{}] },
    })
    expect(policy!.tools.get('read_document')!.arguments[0]!.all[0]!.text).toBe('document:{value}#view')
    expect(policy!.tools.get('move')!.arguments[0]).toMatchObject({
      as: 'path',
      all: [{ text: 'file:{+value}#read' }],
    })
    expect(policy!.tools.get('get time')!.public).toBe(true)
  })

  test('a sample serves where there is no output schema', () => {
    const sample = { content: [], structuredContent: { issues: [{ number: 1, title: 'x' }], total_count: 1 } }
    const draft = suggestPolicy([{ name: 'search_issues', inputSchema: {} }], {
      samples: { search_issues: sample },
    })
    expect(draft).toContain('{ items: "$.issues[*]", all: ["TYPE:{item.number}#PERMISSION"] }')
    expect(draft).toContain('{ set: { $.total_count: count } }')
  })

  test('a sample whose structure is JSON in a text gives rules for that text', () => {
    const text = JSON.stringify({ issues: [{ number: 1 }], total_count: 1 })
    const draft = suggestPolicy([{ name: 'search_issues', inputSchema: {} }], {
      samples: { search_issues: { content: [{ type: 'text', text }] } },
    })
    expect(draft).toContain('{ json: text, items: "$.issues[*]", all: ["TYPE:{item.number}#PERMISSION"] }')
    expect(draft).toContain('{ json: text, set: { $.total_count: count } }')
    expect(draft).not.toContain('mirror')
    const approved = draft
      .replace(/^#(?= {2})/gm, '')
      .replaceAll('TYPE', 'issue')
      .replaceAll('PERMISSION', 'view')
    expect(checkPolicy(approved).problems).toBeUndefined()
  })
})
