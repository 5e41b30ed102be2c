// A policy loads whole or not at all; every slip is told with its place and cure.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { checkPolicy, loadPolicy } from '../../../src/mcp/policy/load-policy.ts'
import type { Policy } from '../../../src/mcp/policy/policy.ts'
import { formatProblem } from '../../../src/mcp/policy/problem.ts'
import type { ToolDefinition } from '../../../src/mcp/policy/tool-definition.ts'
import type { Caveat, Definition, Schema } from '../../../src/model/schema.ts'

const example = readFileSync(new URL('./example-policy.yaml', import.meta.url), 'utf8')

function problemsOf(source: string | Policy, options = {}): string[] {
  return checkPolicy(source, options).problems?.map((problem) => formatProblem(problem)) ?? []
}

/** One tool `t` with these lines as its body. */
function tool(body: string, rest = ''): string {
  const indented = body
    .trim()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')
  return `${rest}tools:\n  t:\n${indented}\n`
}

test('the example of the format loads', () => {
  const policy = loadPolicy(example)
  expect([...policy.tools.keys()]).toHaveLength(11)
  expect(policy.tools.get('delete_document')?.effect).toBe('write')
  expect(policy.tools.get('search_issues')?.result).toMatchObject({ kind: 'rules', mirror: true })
})

test('the typed twin loads to the same', () => {
  const typed: Policy = {
    tools: {
      read_document: {
        effect: 'read',
        arguments: [{ at: '$.id', all: ['document:{value}#view'] }],
        result: 'whole',
      },
    },
  }
  const text = tool(
    'effect: read\narguments: [{ at: $.id, all: ["document:{value}#view"] }]\nresult: whole',
  ).replace('  t:', '  read_document:')
  expect(JSON.stringify(loadPolicy(typed))).toBe(JSON.stringify(loadPolicy(text)))
})

test('a policy in JSON text loads', () => {
  const text = JSON.stringify({ tools: { now: { effect: 'read', result: 'whole', public: true } } })
  expect(loadPolicy(text).tools.get('now')?.public).toBe(true)
})

const arg = 'arguments: [{ at: $.id, all: ["document:{value}#view"] }]'
const cases: readonly (readonly [name: string, text: string, problem: RegExp])[] = [
  [
    'unknown key',
    tool('efect: read\nresult: whole\npublic: true'),
    /^policy:3:5 tools\.t\.efect: .*did you mean "effect"\?$/,
  ],
  ['unknown top key', 'rout: /srv\n', /^policy:1:1 rout: .*did you mean "root"\?$/],
  [
    'unknown key in a rule',
    tool(`${arg}\nresult: [{ items: $.a, all: ["a23:{item}#view"], dened: drop }]`),
    /4:\d+ tools\.t\.result\[0\]\.dened: .*"denied"/,
  ],
  [
    'no result',
    tool('effect: read\npublic: true'),
    /tools\.t\.result: result is missing; it must be "whole" or/,
  ],
  ['wrong result', tool('result: 3'), /must be "whole" or an object or a list/],
  ['wrong effect', tool('effect: reed\nresult: whole'), /must be "read" or "write"/],
  ['broken YAML', 'tools: [', /^policy:1:\d+/],
  ['a key twice', 'tools: {}\ntools: {}', /^policy:2:1 .*unique/],
  [
    'public by silence',
    tool('unchecked: [query]\nresult: whole'),
    /nothing is asked before or after this tool.*public: true/,
  ],
  [
    'asked only about an optional argument',
    tool('arguments: [{ at: $.folder, optional: true, all: ["folder:{value}#view"] }]\nresult: whole'),
    /or only about an optional argument/,
  ],
  ['public and checked', tool(`public: true\n${arg}\nresult: whole`), /public means that nothing is asked/],
  [
    'bare variable',
    tool('arguments: [{ at: $.id, all: ["document:{id}#view"] }]\nresult: whole'),
    /id is unknown here; variables begin with one of .*value/,
  ],
  [
    'item in an argument',
    tool('arguments: [{ at: $.id, all: ["document:{item.id}#view"] }]\nresult: whole'),
    /item is unknown here/,
  ],
  [
    'root without member',
    tool('arguments: [{ at: $.id, all: ["document:{args}#view"] }]\nresult: whole'),
    /say which member of args/,
  ],
  [
    'unknown filter',
    tool('arguments: [{ at: $.id, all: ["document:{value|upper}#view"] }]\nresult: whole'),
    /\|upper is unknown/,
  ],
  [
    'two variables without a slash',
    tool('arguments: [{ at: $.id, all: ["document:{value}-{args.b}#view"] }]\nresult: whole'),
    /put a \/ between them/,
  ],
  [
    'two wide variables',
    tool('arguments: [{ at: $.id, all: ["document:{+value}/{+args.b}#view"] }]\nresult: whole'),
    /only one may keep its slashes/,
  ],
  [
    'literal outside the alphabet',
    tool('arguments: [{ at: $.id, all: ["document:a.b/{value}#view"] }]\nresult: whole'),
    /"a\.b\/" cannot stand in an id/,
  ],
  [
    'wildcard id',
    tool('arguments: [{ at: $.id, all: ["document:*#view"] }]\nresult: whole'),
    /"\*" cannot stand in an id/,
  ],
  [
    'no permission',
    tool('arguments: [{ at: $.id, all: ["document:{value}"] }]\nresult: whole'),
    /is no check; write type:id#permission/,
  ],
  [
    'bad type',
    tool('arguments: [{ at: $.id, all: ["D:{value}#view"] }]\nresult: whole'),
    /must begin with a type and a colon/,
  ],
  ['no demand', tool('arguments: [{ at: $.id }]\nresult: whole'), /nothing is asked here/],
  [
    'all and cases',
    tool(
      'arguments: [{ at: $.id, all: ["document:{value}#view"], cases: [{ all: ["document:{value}#view"] }] }]\nresult: whole',
    ),
    /exclude each other/,
  ],
  [
    'broken JSONPath',
    tool('arguments: [{ at: "$.a[", all: ["document:{value}#view"] }]\nresult: whole'),
    /3:\d+ .*is no JSONPath/,
  ],
  [
    'path without $',
    tool('arguments: [{ at: id, all: ["document:{value}#view"] }]\nresult: whole'),
    /begins with \$/,
  ],
  [
    'broken expression',
    tool(`${arg}\nresult: [{ lines: "(?=x)", all: ["document:{match.a}#view"] }]`),
    /no RE2 expression/,
  ],
  [
    'path without root',
    tool('arguments: [{ at: $.p, as: path, all: ["file:{+value}#read"] }]\nresult: whole'),
    /needs root: \/folder/,
  ],
  ['root without symlinks', tool(`${arg}\nresult: whole`, 'root: /srv\n'), /say symlinks: resolved/],
  [
    'relative root',
    tool(`${arg}\nresult: whole`, 'root: docs\nsymlinks: trusted\n'),
    /absolute folder below \//,
  ],
  [
    'the root folder',
    tool(`${arg}\nresult: whole`, 'root: /\nsymlinks: trusted\n'),
    /absolute folder below \//,
  ],
  [
    'fail without disclosure',
    tool(`${arg}\nresult: [{ items: $.a, all: ["document:{item}#view"], denied: fail }]`),
    /discloses: existence/,
  ],
  [
    'redact without keep',
    tool(
      `${arg}\nresult: [{ items: $.a, all: ["document:{item}#view"], denied: { redact: [b] }, discloses: existence }]`,
    ),
    /keep is missing/,
  ],
  [
    'disclosure of nothing',
    tool(`${arg}\nresult: [{ items: $.a, all: ["document:{item}#view"], discloses: existence }]`),
    /remove discloses/,
  ],
  [
    'count of what',
    tool(
      `${arg}\nresult: [{ items: $.a, all: ["document:{item}#view"] }, { items: $.b, all: ["document:{item}#view"] }, { set: { $.n: count } }]`,
    ),
    /exactly one items rule/,
  ],
  [
    'set of many',
    tool(`${arg}\nresult: [{ items: $.a, all: ["document:{item}#view"] }, { set: { "$.a[*]": null } }]`),
    /set one field each/,
  ],
  ['mirror of whole', tool(`${arg}\nresult: whole\ntext: mirror`), /text: mirror needs result rules/],
  [
    'text three ways',
    tool(
      `${arg}\nresult: [{ items: $.a, all: ["document:{item}#view"] }, { json: text, unchecked: [$.b] }]\ntext: mirror`,
    ),
    /choose one/,
  ],
  [
    'root without children',
    tool(`${arg}\nresult: [{ items: $.a, root: { x: "{args.id}" }, all: ["document:{item}#view"] }]`),
    /needs children/,
  ],
  [
    'checked and unchecked',
    tool('unchecked: [$.id]\narguments: [{ at: $.id, all: ["document:{value}#view"] }]\nresult: whole'),
    /is checked by arguments/,
  ],
  ['everything unchecked', tool(`unchecked: [$]\n${arg}\nresult: whole`), /\$ would be all of them/],
  [
    'drop a single value',
    tool('arguments: [{ at: $.id, denied: drop, all: ["document:{value}#view"] }]\nresult: whole'),
    /drop takes single values out of a list/,
  ],
  [
    'refill of a write',
    tool(`${arg}\nresult: whole\nrefill: { cursor: $.c, next: $.n, items: $.i, want: 5, max_calls: 3 }`),
    /effect: read and repeatable: true/,
  ],
  [
    'name that hides a root',
    tool('arguments: [{ at: $.id, let: { args: "{value}" }, all: ["document:{args}#view"] }]\nresult: whole'),
    /name of a root/,
  ],
  ['untrusted context', `context: { amount: args.amount }\n`, /untrusted: true/],
  ['trusted called untrusted', `context: { ip: { from: request.ip, untrusted: true } }\n`, /is trusted/],
  ['unknown context', `context: { ip: env.IP }\n`, /is no source/],
  ['bad duration', 'max_staleness: soon\n', /^policy:1:16 max_staleness: "soon" is no duration/],
  [
    'observe a write',
    tool(`${arg}\nresult: whole`, 'observe: { until: 2027-01-31, tools: [t] }\n'),
    /relaxes effect: read tools only/,
  ],
  [
    'observe the unknown',
    tool(`${arg}\nresult: whole`, 'observe: { until: 2027-01-31, tools: [x] }\n'),
    /no rule for the tool "x"/,
  ],
  ['impossible date', 'observe: { until: 2027-13-31 }\n', /is no date/],
  ['after says nothing', tool(`${arg}\nresult: whole\nafter: [{ each: $.a }]`), /either create/],
  [
    'uri without scheme',
    'resources: [{ uri: "/{+p}", all: ["file:{+p}#read"] }]\n',
    /must begin with a scheme/,
  ],
  [
    'uri with neighbours',
    'resources: [{ uri: "a:{b}{c}", all: ["file:{b}#read"] }]\n',
    /put text between them/,
  ],
  [
    'uri twice',
    'resources: [{ uri: "a:{b}", all: ["file:{b}#read"] }, { uri: "a:{b}", all: ["file:{b}#read"] }]\n',
    /this one is unused/,
  ],
  ['resource without checks', 'resources: [{ uri: "a:{b}" }]\n', /nothing is asked here/],
  [
    'two issuers without {issuer}',
    'issuers: [{ issuer: "https://a.example", name: one, user_when: "true", subject: "user:{claims.sub}" }, { issuer: "https://b.example", name: two, user_when: "true", subject: "user:{claims.sub}" }]\n',
    /issuers\[\d\]\.subject/,
  ],
]

test.each(cases)('%s', (_, text, problem) => {
  const problems = problemsOf(text)
  expect(problems.join('\n')).toMatch(problem)
  expect(() => loadPolicy(text)).toThrow(problem)
})

test('all problems come in one go', () => {
  const text = tool(
    'arguments: [{ at: "$[", all: ["D:{x}#view"] }, { at: $.b, all: ["document:{c}#view"] }]\nresult: whole',
    'root: a\n',
  )
  expect(problemsOf(text).length).toBeGreaterThanOrEqual(4)
})

const relation = { comments: [], types: [] }
function definition(
  name: string,
  relations: readonly string[],
  permissions: readonly string[],
): [string, Definition] {
  return [
    name,
    {
      name,
      comments: [],
      relations: new Map(relations.map((one) => [one, { ...relation, name: one }])),
      permissions: new Map(
        permissions.map((one) => [one, { name: one, comments: [], expression: { kind: 'nil' } }]),
      ),
      members: [...relations, ...permissions],
    },
  ]
}
const caveat: Caveat = {
  name: 'from_office',
  comments: [],
  parameters: new Map([['ip', { name: 'ipaddress', arguments: [] }]]),
  expression: 'true',
}
const schema: Schema = {
  definitions: new Map([definition('user', [], ['act_as']), definition('document', ['owner'], ['view'])]),
  caveats: new Map([[caveat.name, caveat]]),
  uses: new Set(),
  text: '',
}

describe('against the schema', () => {
  test.each([
    [tool('arguments: [{ at: $.id, all: ["document:{value}#vew"] }]\nresult: whole'), /did you mean "view"/],
    [
      tool('arguments: [{ at: $.id, all: ["documnt:{value}#view"] }]\nresult: whole'),
      /did you mean "document"/,
    ],
    [
      tool('arguments: [{ at: $.id, all: ["document:{value}#view@grop:x#member"] }]\nresult: whole'),
      /no definition "grop"/,
    ],
    ['context: { ipp: request.ip }\n', /did you mean "ip"/],
    [
      tool(`${arg}\nresult: whole\nafter: [{ each: $.id, create: "document:{item}#view@{subject}" }]`),
      /no relation "view"/,
    ],
    ['also: ["user:{subject.id}#act_ass@{agent}"]\n', /did you mean "act_as"/],
    [
      'authorization_details: { d: { covers: ["documnt:{detail.id}"], actions: { read: [view] } } }\n',
      /authorization_details.d.covers.*did you mean "document"/,
    ],
    [
      'authorization_details: { d: { covers: [document], actions: { read: [vew] } } }\n',
      /authorization_details.d.actions.read.*did you mean "view"/,
    ],
  ])('%s', (text, problem) => {
    expect(problemsOf(text, { schema }).join('\n')).toMatch(problem)
    expect(problemsOf(text)).toEqual([])
  })
})

describe('against the tools', () => {
  const definitions: ToolDefinition[] = [
    {
      name: 't',
      inputSchema: { type: 'object', properties: { id: {}, limit: {} } },
      outputSchema: { type: 'object', properties: { results: {}, total: {} } },
    },
  ]
  const body = 'unchecked: [limit]\narguments: [{ at: $.id, all: ["document:{value}#view"] }]\n'
  test('a rule that fits', () => {
    const text = tool(
      `${body}result: [{ items: "$.results[*]", all: ["document:{item}#view"] }, { set: { $.total: count } }]`,
    )
    expect(problemsOf(text, { tools: definitions })).toEqual([])
  })
  test.each([
    [tool(`${arg}\nresult: whole`), /argument "limit" is neither checked nor listed/],
    [
      tool(`${body.replace('limit', 'limt, limit')}result: whole`),
      /no argument "limt"; did you mean "limit"/,
    ],
    [
      tool(`${body}result: [{ items: "$.result[*]", all: ["document:{item}#view"] }]`),
      /no field "result"; did you mean "results"/,
    ],
    [tool(`${body}result: { fixed: "x" }`), /fixed must be an object/],
    [
      tool(`${body}result: whole`).replace('  t:', '  tt:'),
      /no such tool, so the rule is unused; did you mean "t"/,
    ],
  ])('%s', (text, problem) => {
    expect(problemsOf(text, { tools: definitions }).join('\n')).toMatch(problem)
  })
})
