// Results: what a rule covers and a relationship grants leaves; nothing else does.

import { describe, expect, test } from 'vitest'
import type { ToolRule } from '../../../src/mcp/policy/policy.ts'
import type { JsonObject, JsonValue } from '../../../src/model/context.ts'
import { filtered } from './planning.ts'

const search: ToolRule = {
  effect: 'read',
  unchecked: ['query'],
  result: [{ items: '$.results[*]', all: ['document:{item.id}#view'] }, { set: { '$.total': 'count' } }],
  text: 'mirror',
}
const results: JsonValue[] = [
  { id: 'a', title: 'A' },
  { id: 'b', title: 'B' },
]

function mirrored(structuredContent: JsonObject, indent?: number): JsonObject {
  return {
    content: [{ type: 'text', text: JSON.stringify(structuredContent, null, indent) }],
    structuredContent,
  }
}

describe('items', () => {
  test('denied items go from both copies, and the count follows', () => {
    const outcome = filtered(search, mirrored({ total: 2, results }), ['document:a#view'])
    expect(outcome.asks).toEqual(['document:a#view', 'document:b#view'])
    expect(outcome).toMatchObject(mirrored({ total: 1, results: [results[0]!] }))
    expect(JSON.stringify(outcome.content)).not.toContain('B')
  })

  test.each([0, 2])('what is granted arrives byte for byte (indent %d)', (indent) => {
    const result = mirrored({ total: 2, results }, indent)
    const { content, structuredContent } = filtered(search, result, ['document:a#view', 'document:b#view'])
    expect(JSON.stringify({ content, structuredContent })).toBe(JSON.stringify(result))
  })

  test('the style of the text stays when items go', () => {
    const outcome = filtered(search, mirrored({ results }, 2), ['document:b#view'])
    expect(outcome.content).toEqual(mirrored({ results: [results[1]!] }, 2).content)
  })

  test('nothing left looks like nothing found', () => {
    const none = filtered(search, mirrored({ total: 0, results: [] }), [])
    expect(filtered(search, mirrored({ total: 2, results }), [])).toMatchObject({
      ...none,
      asks: expect.anything(),
    })
    expect(none.structuredContent).toEqual({ total: 0, results: [] })
  })

  test('what no rule covers is removed', () => {
    const outcome = filtered(
      search,
      {
        content: [
          { type: 'text', text: 'CANARY-text' },
          { type: 'image', data: 'Q0FOQVJZ', mimeType: 'image/png' },
          { type: 'audio', data: 'Q0FOQVJZ', mimeType: 'audio/wav' },
          { type: 'resource_link', uri: 'file:///CANARY', name: 'CANARY' },
          { type: 'resource', resource: { uri: 'file:///CANARY', text: 'CANARY' } },
          { type: 'hologram', text: 'CANARY' },
        ],
        structuredContent: { results, facets: { CANARY: 2 }, next: 'CANARY', results2: ['CANARY'] },
        _meta: { x: 'CANARY' },
        extra: 'CANARY',
      },
      ['document:a#view'],
    )
    expect(JSON.stringify([outcome.content, outcome.structuredContent])).not.toContain('CANARY')
    expect(outcome.structuredContent).toEqual({ results: [results[0]!] })
  })

  test('an item without a usable id is removed', () => {
    const odd: JsonValue[] = [
      { id: null },
      { id: 1.5 },
      {},
      'text',
      ['a'],
      null,
      { id: '' },
      { id: { id: 'a' } },
    ]
    const outcome = filtered(search, { structuredContent: { results: odd }, content: [] }, [
      'document:a#view',
    ])
    expect(outcome.structuredContent).toEqual({ results: [] })
    expect(outcome.refused).toHaveLength(odd.length)
  })

  test('an item under two rules needs both; a denied parent takes its subtree', () => {
    const rule: ToolRule = {
      result: [
        { items: '$.groups[*]', all: ['group:{item.id}#view'] },
        { items: '$.groups[*].docs[*]', all: ['document:{item}#view'] },
      ],
    }
    const groups = [
      { id: 'g', docs: ['a', 'b'] },
      { id: 'h', docs: ['a'] },
    ]
    const outcome = filtered(rule, { content: [], structuredContent: { groups } }, [
      'group:g#view',
      'document:a#view',
    ])
    expect(outcome.structuredContent).toEqual({ groups: [{ id: 'g', docs: ['a'] }] })
  })

  test('names that are data do not stay behind their items', () => {
    const rule: ToolRule = { result: [{ items: '$.by_team.*.docs[*]', all: ['document:{item}#view'] }] }
    const structuredContent = { by_team: { secret_team: { docs: ['b'] }, open: { docs: ['a'] } } }
    expect(filtered(rule, { content: [], structuredContent }, ['document:a#view']).structuredContent).toEqual(
      {
        by_team: { open: { docs: ['a'] } },
      },
    )
  })

  test('relations need both ends', () => {
    const rule: ToolRule = {
      result: [
        { items: '$.entities[*]', all: ['entity:{item.name}#view'] },
        { items: '$.relations[*]', all: ['entity:{item.from}#view', 'entity:{item.to}#view'] },
      ],
      text: 'mirror',
    }
    const graph = {
      entities: [{ name: 'a' }, { name: 'b' }],
      relations: [
        { from: 'a', to: 'b' },
        { from: 'a', to: 'a' },
      ],
    }
    expect(filtered(rule, mirrored(graph), ['entity:a#view']).structuredContent).toEqual({
      entities: [{ name: 'a' }],
      relations: [{ from: 'a', to: 'a' }],
    })
  })

  test('the first case that applies wins; none denies', () => {
    const rule: ToolRule = {
      result: [
        {
          items: '$.items[*]',
          match: { '$.url': 'https://x/(?<owner>[^/]+)/(?<repo>[^/]+)' },
          cases: [
            { when: '$.pull', all: ['pull:{match.owner|lower}/{match.repo|lower}/{item.number}#view'] },
            { when: '$.issue', all: ['issue:{match.owner|lower}/{match.repo|lower}/{item.number}#view'] },
          ],
        },
      ],
    }
    const items: JsonValue[] = [
      { url: 'https://x/Ann/R', number: 1, pull: {} },
      { url: 'https://x/Ann/R', number: 2, issue: true },
      { url: 'https://x/Ann/R', number: 3 },
      { url: 'https://x/Ann/R/extra', number: 4, issue: true },
    ]
    const outcome = filtered(rule, { content: [], structuredContent: { items } }, ['issue:ann/r/2#view'])
    expect(outcome.asks).toEqual(['pull:ann/r/1#view', 'issue:ann/r/2#view'])
    expect(outcome.structuredContent).toEqual({ items: [items[1]] })
  })

  test('redaction shows what it says and nothing more', () => {
    const rule: ToolRule = {
      result: [
        {
          items: '$.items[*]',
          all: ['document:{item.id}#view'],
          denied: { redact: ['body'], keep: ['id'] },
          discloses: 'existence',
        },
      ],
    }
    const items = [{ id: 'a', body: 'x', more: 'y' }, { id: 'b', body: 'CANARY', more: 'CANARY' }, 'CANARY']
    const outcome = filtered(rule, { content: [], structuredContent: { items } }, ['document:a#view'])
    expect(outcome.structuredContent).toEqual({ items: [items[0], { id: 'b', body: null }] })
  })

  test('denied: fail denies the whole result', () => {
    const rule: ToolRule = {
      result: [
        { items: '$.items[*]', all: ['document:{item}#view'], denied: 'fail', discloses: 'existence' },
      ],
    }
    const result = { content: [], structuredContent: { items: ['a', 'b'] } }
    expect(filtered(rule, result, ['document:a#view']).denied).toBeDefined()
    expect(filtered(rule, result, ['document:a#view', 'document:b#view']).structuredContent).toEqual(
      result.structuredContent,
    )
  })

  test('set: remove, null, and fields that are said to name nothing', () => {
    const rule: ToolRule = {
      result: [
        { items: '$.items[*]', all: ['document:{item}#view'] },
        { unchecked: ['$.complete'] },
        { set: { '$.total': { count: '$.items[*]' }, '$.next': null, '$.facets': 'remove' } },
      ],
    }
    const structuredContent = { facets: {}, next: 'x', items: ['a', 'b'], total: 9, complete: true, other: 1 }
    const outcome = filtered(rule, { content: [], structuredContent }, ['document:b#view'])
    expect(JSON.stringify(outcome.structuredContent)).toBe(
      '{"next":null,"items":["b"],"total":1,"complete":true}',
    )
  })

  test('a field that is absent is not made up', () => {
    expect(filtered(search, mirrored({ results: [] }), []).structuredContent).toEqual({ results: [] })
  })

  test('__proto__ is a member like any other', () => {
    const structuredContent = JSON.parse(
      '{"results":[{"id":"a","__proto__":{"id":"b"}}],"__proto__":{"CANARY":1}}',
    )
    const outcome = filtered(search, { content: [], structuredContent }, ['document:a#view'])
    expect(JSON.stringify(outcome.structuredContent)).toBe('{"results":[{"id":"a","__proto__":{"id":"b"}}]}')
  })
})

describe('whole and fixed', () => {
  test('whole passes everything but _meta', () => {
    const content: JsonValue[] = [{ type: 'image', data: 'x', mimeType: 'image/png' }, { type: 'hologram' }]
    const rule: ToolRule = { result: 'whole', public: true }
    expect(filtered(rule, { content, structuredContent: { a: 1 }, _meta: { b: 1 } }, [])).toMatchObject({
      content,
      structuredContent: { a: 1 },
    })
  })

  test('fixed sends nothing of the server', () => {
    const rule: ToolRule = { result: { fixed: 'deleted' }, public: true }
    const outcome = filtered(
      rule,
      { content: [{ type: 'text', text: 'CANARY' }], structuredContent: { a: 'CANARY' } },
      [],
    )
    expect(outcome).toEqual({ asks: [], refused: [], content: [{ type: 'text', text: 'deleted' }] })
  })

  test('fixed structure brings its own text', () => {
    const rule: ToolRule = { result: { fixed: { content: 'moved' }, text: 'moved' }, public: true }
    expect(filtered(rule, { content: [] }, [])).toMatchObject({
      content: [{ type: 'text', text: 'moved' }],
      structuredContent: { content: 'moved' },
    })
  })

  test('a result that is no list of blocks is denied', () => {
    const rule: ToolRule = { result: 'whole', public: true }
    expect(filtered(rule, { content: 'CANARY' }, []).denied).toBeDefined()
    expect(filtered(rule, { content: ['CANARY'] }, []).denied).toBeDefined()
  })
})

describe('lines', () => {
  const list: ToolRule = {
    result: [
      {
        lines: '\\[(DIR|FILE)\\] (?<name>.+)',
        all: ['file:{+args.path}/{match.name}#read'],
        unmatched: 'fail',
      },
    ],
  }
  const args = { path: '/srv' }
  const ask = (name: string) => `file:/srv/${name}#read`

  test('denied lines go, and the copy in the structure follows', () => {
    const text = '[DIR] a\n[FILE] b\n[FILE] c'
    const outcome = filtered(
      list,
      { content: [{ type: 'text', text }], structuredContent: { content: text } },
      [ask('a'), ask('c')],
      { args },
    )
    expect(outcome.content).toEqual([{ type: 'text', text: '[DIR] a\n[FILE] c' }])
    expect(outcome.structuredContent).toEqual({ content: '[DIR] a\n[FILE] c' })
  })

  test('a structure that is no copy is removed', () => {
    const outcome = filtered(
      list,
      { content: [{ type: 'text', text: '[DIR] a' }], structuredContent: { content: 'CANARY' } },
      [ask('a')],
      { args },
    )
    expect(outcome.structuredContent).toBeUndefined()
  })

  test('a name with a slash cannot climb out of its folder', () => {
    const outcome = filtered(list, { content: [{ type: 'text', text: '[FILE] ../etc/x' }] }, [], { args })
    expect(outcome.asks).toEqual(['file:/srv/=2E=2E=2Fetc=2Fx#read'])
  })

  test('a name with a newline cannot forge a line', () => {
    const text = '[FILE] a\nCANARY of a second line'
    expect(filtered(list, { content: [{ type: 'text', text }] }, [ask('a')], { args }).denied).toBeDefined()
    const lenient: ToolRule = {
      result: [{ lines: '\\[FILE\\] (?<name>.+)', all: ['file:{match.name}#read'] }],
    }
    expect(filtered(lenient, { content: [{ type: 'text', text }] }, ['file:a#read']).content).toEqual([
      { type: 'text', text: '[FILE] a' },
    ])
  })

  test('other line ends are part of the name', () => {
    const outcome = filtered(
      list,
      { content: [{ type: 'text', text: '[FILE] a\r\n[FILE] b\u2028[FILE] c' }] },
      [ask('a'), ask('b'), ask('c')],
      { args },
    )
    expect(outcome.content).toEqual([{ type: 'text', text: '' }])
  })

  test('a case may depend on a group of the line', () => {
    const rule: ToolRule = {
      result: [
        {
          lines: '(?:(?<dir>D)|F) (?<name>.+)',
          cases: [
            { when: 'match.dir', all: ['folder:{match.name}#list'] },
            { all: ['file:{match.name}#read'] },
          ],
        },
      ],
    }
    expect(filtered(rule, { content: [{ type: 'text', text: 'D a\nF b' }] }, []).asks).toEqual([
      'folder:a#list',
      'file:b#read',
    ])
  })

  test('a final newline stays while lines do', () => {
    const rule: ToolRule = { result: [{ lines: '(?<name>.+)', all: ['file:{match.name}#read'] }] }
    const of = (text: string, grants: string[]) =>
      filtered(rule, { content: [{ type: 'text', text }] }, grants).content
    expect(of('a\nb\n', ['file:a#read'])).toEqual([{ type: 'text', text: 'a\n' }])
    expect(of('a\nb\n', [])).toEqual(of('', []))
  })
})

describe('JSON in text', () => {
  const tree: ToolRule = {
    result: [
      {
        json: 'text',
        items: '$[*]',
        children: 'children',
        let: { path: '{+parent.path}/{item.name}' },
        root: { path: '{+args.path}' },
        all: ['file:{+path}#read'],
      },
    ],
  }
  const entries = [
    { name: 'hr', children: [{ name: 'pay.md' }, { name: 'faq.md' }] },
    { name: 'open', children: [{ name: 'deep', children: [{ name: 'x' }] }] },
  ]
  const run = (grants: string[], text = JSON.stringify(entries, null, 2)) =>
    filtered(tree, { content: [{ type: 'text', text }], structuredContent: { content: text } }, grants, {
      args: { path: '/srv' },
    })

  test('children are items with their parent, and fall with it', () => {
    const outcome = run([
      'file:/srv/hr#read',
      'file:/srv/hr/faq=2Emd#read',
      'file:/srv/open/deep#read',
      'file:/srv/open/deep/x#read',
    ])
    const left = JSON.stringify([{ name: 'hr', children: [{ name: 'faq.md' }] }], null, 2)
    expect(outcome.content).toEqual([{ type: 'text', text: left }])
    expect(outcome.structuredContent).toEqual({ content: left })
    expect(outcome.asks).toContain('file:/srv/open/deep/x#read')
  })

  test('children that are no list deny their parent', () => {
    const text = JSON.stringify([{ name: 'hr', children: { CANARY: 1 } }])
    expect(run(['file:/srv/hr#read'], text).content).toEqual([{ type: 'text', text: '[]' }])
  })

  test('text that is no JSON denies the result', () => {
    expect(run([], 'CANARY').denied).toBeDefined()
  })

  test('a key that stands twice does not smuggle its first value', () => {
    const rule: ToolRule = {
      result: [{ json: 'text', items: '$.results[*]', all: ['document:{item.id}#view'] }],
    }
    const text = '{"results": [{"id": "CANARY", "id": "a"}]}'
    const outcome = filtered(rule, { content: [{ type: 'text', text }] }, ['document:a#view'])
    expect(outcome.content).toEqual([{ type: 'text', text: '{"results":[{"id":"a"}]}' }])
  })

  test('text in another style stays as it is when nothing falls', () => {
    const rule: ToolRule = {
      result: [{ json: 'text', items: '$.results[*]', all: ['document:{item.id}#view'] }],
    }
    const text = '{"results": [{"id": "a", "t": "x \\" y"}]}'
    expect(filtered(rule, { content: [{ type: 'text', text }] }, ['document:a#view']).content).toEqual([
      { type: 'text', text },
    ])
  })

  test('a deep tree does not overflow the plan', () => {
    let deep: object = { name: 'x' }
    for (let depth = 0; depth < 2000; depth++) deep = { name: 'd', children: [deep] }
    expect(run([], JSON.stringify([deep])).content).toEqual([{ type: 'text', text: '[]' }])
  })
})

describe('blocks with a URI', () => {
  const rest = {
    root: '/srv',
    symlinks: 'trusted',
    resources: [{ uri: 'file:///{+path}', as: 'path', all: ['file:{+path}#read'] }],
  } as const
  const rule: ToolRule = { result: [{ items: '$.results[*]', all: ['document:{item.id}#view'] }] }
  const link = (path: string) => ({ type: 'resource_link', uri: `file:///${path}`, name: path })

  test('links and embedded resources are checked as resources are', () => {
    const content = [
      link('srv/a'),
      link('srv/CANARY'),
      { type: 'resource', resource: { uri: 'file:///srv/b', text: 'b' } },
      { type: 'resource', resource: { uri: 'file:///srv/CANARY', text: 'CANARY' } },
      { type: 'resource_link', uri: 'other://a', name: 'CANARY' },
    ]
    const outcome = filtered(rule, { content }, ['file:/srv/a#read', 'file:/srv/b#read'], rest)
    expect(outcome.content).toEqual([content[0], content[2]])
  })
})
