// The policy of the every-path server: each path by which data leaves has a rule, and each rule asks about a note.

import type { Policy } from '../../src/mcp/policy/policy.ts'

const named = [{ at: '$.id', all: ['note:{value}#view'] }]

export const everyPathPolicy: Policy = {
  trust_on_first_use: true,
  tools: {
    search: {
      effect: 'read',
      unchecked: ['query'],
      result: [{ items: '$.results[*]', all: ['note:{item.id}#view'] }, { set: { '$.total': 'count' } }],
      text: 'mirror',
    },
    list: {
      effect: 'read',
      unchecked: [],
      result: [{ lines: '(?<id>[a-z]+): .*', all: ['note:{match.id}#view'] }],
    },
    read: { effect: 'read', arguments: named, result: 'whole' },
    links: { effect: 'read', unchecked: [], result: [{ items: '$.none[*]', all: ['note:{item}#view'] }] },
    work: { effect: 'read', arguments: named, result: 'whole', progress: 'message', logs: 'pass' },
    ask: { effect: 'read', arguments: named, result: 'whole', asks: ['sampling', 'elicitation'] },
    fail: { effect: 'read', arguments: named, result: 'whole' },
    slow: { effect: 'read', arguments: named, result: 'whole', tasks: true },
    erase: { arguments: [{ at: '$.id', all: ['note:{value}#erase'] }], result: { fixed: 'erased' } },
  },
  resources: [{ uri: 'note://{id}', all: ['note:{id}#view'] }],
  prompts: { summary: { arguments: named, result: 'whole' } },
  completions: [
    { prompt: 'summary', argument: 'id', all: ['note:{value}#view'] },
    { resource: 'note://{id}', argument: 'id', all: ['note:{value}#view'] },
  ],
}

export const everyPathSchema = `
definition user {}

definition note {
	relation reader: user
	relation owner: user
	permission view = reader + owner
	permission erase = owner
}
`
