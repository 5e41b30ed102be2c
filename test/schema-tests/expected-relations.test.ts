// Expected relations: who is found, how they are marked, where they are written, and what a difference looks like.

import { describe, expect, it } from 'vitest'
import { formatSubjectEntry, parseSubjectEntry } from '../../src/schema-tests/subject-entry.ts'
import { errorOf } from '../caveats/caveat-of.ts'
import { failuresOf, run } from './run.ts'

const indent = (lines: readonly string[], by: string) => lines.map((line) => `${by}${line}`).join('\n')

/** A validation file with a schema, relationships and the expected entries of one permission. */
function fileOf(
  schema: string,
  relationships: readonly string[],
  permission: string,
  entries: readonly string[],
): string {
  return `schema: |-
${indent(schema.split('\n'), '  ')}
relationships: |-
${indent(relationships, '  ')}
validation:
  ${permission}:
${indent(
  entries.map((entry) => `- ${JSON.stringify(entry)}`),
  '    ',
)}
`
}

const documents = `caveat office_hours(zone string) { zone == "utc" }
caveat always() { true }
definition user {}
definition bot {}
definition team {
  relation member: user | team#member | user with office_hours
  relation lead: user
}
definition folder {
  relation parent: folder | folder with office_hours
  relation viewer: user | team#member
  permission view = viewer + parent->view
}
definition doc {
  relation folder: folder | folder with office_hours
  relation viewer: user | user:* | bot:* | team#member | user with office_hours | user:* with office_hours | team#member with office_hours
  relation editor: user | user with office_hours | user:*
  relation banned: user | user:* | user with office_hours | user:* with office_hours
  permission edit = editor
  permission view = viewer + edit + folder->view
  permission allowed = viewer - banned
  permission both = viewer & editor
  permission open_everywhere = folder.all(view)
  permission mixed = viewer + (editor - banned)
}`.replace('caveat always() { true }\n', '')

/** Name, relationships, permission, expected entries. */
type Case = readonly [string, readonly string[], string, readonly string[]]

const cases: readonly Case[] = [
  ['nobody', ['doc:b1#viewer@user:ann'], 'doc:a1#view', []],
  [
    'direct, through a permission, and both',
    ['doc:a1#viewer@user:ann', 'doc:a1#editor@user:ann', 'doc:a1#editor@user:bob', 'doc:b1#viewer@user:cy'],
    'doc:a1#view',
    ['[user:ann] is <doc:a1#editor>/<doc:a1#viewer>', '[user:bob] is <doc:a1#editor>'],
  ],
  [
    'a relation is asked for',
    ['doc:a1#viewer@user:ann', 'doc:a1#editor@user:bob'],
    'doc:a1#viewer',
    ['[user:ann] is <doc:a1#viewer>'],
  ],
  [
    'usersets, nested, with their members',
    [
      'doc:a1#viewer@team:ops#member',
      'team:ops#member@team:core#member',
      'team:core#member@user:olga',
      'team:ops#member@user:pia',
      'team:ops#lead@user:lea',
    ],
    'doc:a1#view',
    [
      '[team:ops#member] is <doc:a1#viewer>',
      '[team:core#member] is <team:ops#member>',
      '[user:olga] is <team:core#member>',
      '[user:pia] is <team:ops#member>',
    ],
  ],
  [
    'groups that contain one another',
    [
      'doc:a1#viewer@team:ops#member',
      'team:ops#member@team:core#member',
      'team:core#member@team:ops#member',
      'team:core#member@user:olga',
    ],
    'doc:a1#view',
    [
      '[team:ops#member] is <doc:a1#viewer>/<team:core#member>',
      '[team:core#member] is <team:ops#member>',
      '[user:olga] is <team:core#member>',
    ],
  ],
  [
    'arrows over several objects',
    [
      'doc:a1#folder@folder:f1',
      'folder:f1#parent@folder:f2',
      'folder:f2#viewer@user:ann',
      'folder:f1#viewer@user:ann',
      'folder:f2#viewer@team:ops#member',
      'team:ops#member@user:pia',
    ],
    'doc:a1#view',
    [
      '[user:ann] is <folder:f1#viewer>/<folder:f2#viewer>',
      '[team:ops#member] is <folder:f2#viewer>',
      '[user:pia] is <team:ops#member>',
    ],
  ],
  [
    'a caveat marks, whatever context is stored',
    [
      'doc:a1#viewer@user:ann[office_hours:{"zone":"utc"}]',
      'doc:a1#viewer@user:bob[office_hours:{"zone":"cet"}]',
      'doc:a1#viewer@user:cy[office_hours]',
      'doc:a1#editor@user:cy',
    ],
    'doc:a1#view',
    [
      '[user:ann[...]] is <doc:a1#viewer>',
      '[user:bob[...]] is <doc:a1#viewer>',
      '[user:cy] is <doc:a1#editor>/<doc:a1#viewer>',
    ],
  ],
  [
    'a caveat on the way marks as well',
    [
      'doc:a1#folder@folder:f1[office_hours]',
      'folder:f1#viewer@user:ann',
      'doc:a1#viewer@team:ops#member[office_hours]',
      'team:ops#member@user:pia',
    ],
    'doc:a1#view',
    [
      '[user:ann[...]] is <folder:f1#viewer>',
      '[team:ops#member[...]] is <doc:a1#viewer>',
      '[user:pia[...]] is <team:ops#member>',
    ],
  ],
  [
    'exclusions take out, or mark',
    [
      'doc:a1#viewer@user:ann',
      'doc:a1#viewer@user:bob',
      'doc:a1#viewer@user:cy',
      'doc:a1#banned@user:bob',
      'doc:a1#banned@user:cy[office_hours]',
    ],
    'doc:a1#allowed',
    ['[user:ann] is <doc:a1#viewer>', '[user:cy[...]] is <doc:a1#viewer>'],
  ],
  [
    'an exclusion takes out the relation that it blocks, not the others',
    ['doc:a1#viewer@user:ann', 'doc:a1#editor@user:ann', 'doc:a1#banned@user:ann', 'doc:a1#editor@user:bob'],
    'doc:a1#mixed',
    ['[user:ann] is <doc:a1#viewer>', '[user:bob] is <doc:a1#editor>'],
  ],
  [
    'intersections need both',
    [
      'doc:a1#viewer@user:ann',
      'doc:a1#editor@user:ann',
      'doc:a1#viewer@user:bob',
      'doc:a1#editor@user:cy[office_hours]',
      'doc:a1#viewer@user:cy',
    ],
    'doc:a1#both',
    ['[user:ann] is <doc:a1#editor>/<doc:a1#viewer>', '[user:cy[...]] is <doc:a1#editor>/<doc:a1#viewer>'],
  ],
  [
    'a wildcard, alone and beside somebody written by name',
    ['doc:a1#viewer@user:*', 'doc:a1#viewer@bot:*', 'doc:a1#editor@user:ann'],
    'doc:a1#view',
    ['[user:*] is <doc:a1#viewer>', '[bot:*] is <doc:a1#viewer>', '[user:ann] is <doc:a1#editor>'],
  ],
  [
    'a wildcard with exclusions, for certain and depending on caveats',
    ['doc:a1#viewer@user:*', 'doc:a1#banned@user:eve', 'doc:a1#banned@user:tom[office_hours]'],
    'doc:a1#allowed',
    ['[user:* - {user:eve, user:tom[...]}] is <doc:a1#viewer>'],
  ],
  [
    'a wildcard under a caveat',
    ['doc:a1#viewer@user:*[office_hours]', 'doc:a1#banned@user:eve'],
    'doc:a1#allowed',
    ['[user:*[...] - {user:eve}] is <doc:a1#viewer>'],
  ],
  [
    'a wildcard meets names in an intersection',
    ['doc:a1#viewer@user:*', 'doc:a1#editor@user:ann'],
    'doc:a1#both',
    ['[user:ann] is <doc:a1#editor>'],
  ],
  [
    // The wildcard grants without the caveat, as a check tells.
    'a wildcard covers somebody who is written under a caveat',
    ['doc:a1#viewer@user:*', 'doc:a1#editor@user:ann[office_hours]'],
    'doc:a1#view',
    ['[user:*] is <doc:a1#viewer>', '[user:ann] is <doc:a1#editor>'],
  ],
  [
    'everybody is taken out',
    ['doc:a1#viewer@user:*', 'doc:a1#viewer@user:ann', 'doc:a1#banned@user:*'],
    'doc:a1#allowed',
    [],
  ],
  [
    'what holds for all objects of an arrow',
    [
      'doc:a1#folder@folder:f1',
      'doc:a1#folder@folder:f2',
      'folder:f1#viewer@user:ann',
      'folder:f2#viewer@user:ann',
      'folder:f1#viewer@user:bob',
    ],
    'doc:a1#open_everywhere',
    ['[user:ann] is <folder:f1#viewer>/<folder:f2#viewer>'],
  ],
]

describe('subjects that are found', () => {
  it.each(cases)('%s', async (_name, relationships, permission, entries) => {
    expect(await failuresOf(fileOf(documents, relationships, permission, entries))).toEqual([])
    // The order of rows and entries does not matter.
    const reversed = fileOf(documents, relationships.toReversed(), permission, entries.toReversed())
    expect(await failuresOf(reversed)).toEqual([])
    // Every entry is needed.
    for (const [at] of entries.entries()) {
      const fewer = await run(fileOf(documents, relationships, permission, entries.toSpliced(at, 1)))
      expect(fewer.failures).toHaveLength(1)
      expect(fewer.failures[0]!.differences.map(({ kind }) => kind)).toEqual(['extra-subject'])
    }
  })

  it('an object that is its own subject', async () => {
    const schema = `use self
definition user {
  relation manager: user
  permission act_as = self + manager
}`
    const entries = ['[user:ann] is <user:ann#act_as>', '[user:bob] is <user:ann#manager>']
    expect(
      await failuresOf(fileOf(schema, ['user:ann#manager@user:bob'], 'user:ann#act_as', entries)),
    ).toEqual([])
  })

  it('a userset is not a member of itself here, though a check says so', async () => {
    const rows = ['doc:a1#viewer@team:ops#member', 'team:ops#member@user:olga']
    expect(
      await failuresOf(fileOf(documents, rows, 'team:ops#member', ['[user:olga] is <team:ops#member>'])),
    ).toEqual([])
  })

  it('relations on which a relationship has expired do not count', async () => {
    const schema = `use expiration
definition user {}
definition doc {
  relation viewer: user:* | user with expiration
  relation editor: user
  permission view = viewer + editor
}`
    const rows = [
      'doc:a1#viewer@user:*',
      'doc:a1#viewer@user:ann[expiration:2031-06-30T12:00:00Z]',
      'doc:a1#editor@user:ann',
    ]
    const entries = ['[user:*] is <doc:a1#viewer>', '[user:ann] is <doc:a1#editor>']
    expect(await failuresOf(fileOf(schema, rows, 'doc:a1#view', entries))).toEqual([])
  })

  it('only relationships that live', async () => {
    const schema = `use expiration
definition user {}
definition doc {
  relation viewer: user with expiration | user
}`
    const rows = [
      'doc:a1#viewer@user:ann[expiration:2031-06-30T12:00:00Z]',
      'doc:a1#viewer@user:bob[expiration:2031-06-30T12:00:01Z]',
    ]
    expect(
      await failuresOf(fileOf(schema, rows, 'doc:a1#viewer', ['[user:bob] is <doc:a1#viewer>'])),
    ).toEqual([])
  })
})

describe('differences', () => {
  const rows = [
    'doc:a1#viewer@bot:*',
    'doc:a1#editor@user:ann[office_hours]',
    'doc:a1#editor@user:bob',
    'doc:a1#editor@user:cy',
    'doc:a1#banned@user:eve',
  ]

  it('are shown as one diff, each with its kind and place', async () => {
    const text = fileOf(documents, rows, 'doc:a1#view', [
      '[bot:* - {bot:eve}] is <doc:a1#viewer>',
      '[user:ann] is <doc:a1#editor>',
      '[user:bob] is <doc:a1#editor>/<doc:a1#viewer>',
      '[user:zoe] is <doc:a1#viewer>',
      '[user:zoe] is <doc:a1#viewer>',
    ])
    const report = await run(text)
    expect(report.failures).toHaveLength(1)
    const [{ line, column, message, detail, differences }] = report.failures as [(typeof report.failures)[0]]
    expect(text.split('\n')[line - 1]!.slice(column - 1)).toBe('doc:a1#view:')
    expect(message).toBe('doc:a1#view: the subjects found differ from those expected')
    expect(detail).toEqual([
      '- [bot:* - {bot:eve}] is <doc:a1#viewer>',
      '+ [bot:*] is <doc:a1#viewer>',
      '- [user:ann] is <doc:a1#editor>',
      '+ [user:ann[...]] is <doc:a1#editor>',
      '- [user:bob] is <doc:a1#editor>/<doc:a1#viewer>',
      '+ [user:bob] is <doc:a1#editor>',
      '+ [user:cy] is <doc:a1#editor>',
      '- [user:zoe] is <doc:a1#viewer>',
    ])
    expect(differences.map((each) => [each.kind, each.subject, each.line - line, each.column])).toEqual([
      ['repeated-subject', 'user:zoe', 5, 8],
      ['different-exclusions', 'bot:*', 1, 8],
      ['caveat-mismatch', 'user:ann', 2, 8],
      ['different-relations', 'user:bob', 3, 8],
      ['extra-subject', 'user:cy', 0, 3],
      ['missing-subject', 'user:zoe', 4, 8],
    ])
  })

  it('show what agrees between them, and are the same every time', async () => {
    const text = fileOf(documents, rows, 'doc:a1#edit', ['[user:cy] is <doc:a1#editor>'])
    const first = await run(text)
    expect(first.failures[0]!.detail).toEqual([
      '+ [user:ann[...]] is <doc:a1#editor>',
      '+ [user:bob] is <doc:a1#editor>',
      '  [user:cy] is <doc:a1#editor>',
    ])
    for (let times = 0; times < 3; times++) expect(await run(text)).toEqual(first)
    const shuffled = await run(
      fileOf(documents, rows.toReversed(), 'doc:a1#edit', ['[user:cy] is <doc:a1#editor>']),
    )
    expect(shuffled.failures).toEqual(first.failures)
  })

  it('of a permission that does not exist', async () => {
    expect(await failuresOf(fileOf(documents, rows, 'doc:a1#nope', []))).toEqual([
      expect.stringMatching(/^tests\/case\.yaml:\d+:3 expected-relations .*nope/),
    ])
    expect(await failuresOf(fileOf(documents, rows, 'doc:a1', []))).toEqual([
      expect.stringMatching(/^tests\/case\.yaml:\d+:3 expected-relations Expected type:id#relation/),
    ])
  })
})

describe('entries', () => {
  it.each([
    ['[user:ann] is <doc:a1#viewer>', undefined],
    ['[user:ann[...]] is <doc:a1#viewer>', undefined],
    [
      '[team:ops#member] is <doc:a1#viewer>/<doc:a1#editor>',
      '[team:ops#member] is <doc:a1#editor>/<doc:a1#viewer>',
    ],
    ['[user:*] is <doc:a1#viewer>', undefined],
    [
      '[user:* - {user:tom[...],  user:eve}] is <doc:a1#viewer>',
      '[user:* - {user:eve, user:tom[...]}] is <doc:a1#viewer>',
    ],
    ['[user:*[...] - {user:eve}] is <doc:a1#viewer>', undefined],
    [
      '  [ user:ann ] which is on <doc:a1#viewer>, and on <doc:a1#editor>',
      '[user:ann] is <doc:a1#editor>/<doc:a1#viewer>',
    ],
    ['[user:ann#...] is <doc:a1#viewer>', '[user:ann] is <doc:a1#viewer>'],
  ])('%s', (text, printed) => {
    expect(formatSubjectEntry(parseSubjectEntry(text))).toBe(printed ?? text)
  })

  it.each([
    ['user:ann is <doc:a1#viewer>', /Expected \[subject\]/],
    ['[user:ann]', /Expected the relations/],
    ['[user:ann] is doc:a1#viewer', /Expected the relations/],
    ['[user:ann] is <doc:a1>', /Expected type:id#relation/],
    ['[ann] is <doc:a1#viewer>', /Expected type:id/],
    ['[user:ann - {user:eve}] is <doc:a1#viewer>', /Only a wildcard/],
    ['[user:* - {}] is <doc:a1#viewer>', /Expected type:id/],
    ['[user:* - {user:eve] is <doc:a1#viewer>', /Malformed/],
    ['', /Expected \[subject\]/],
  ])('refuses %s', (text, message) => {
    const error = errorOf(() => parseSubjectEntry(text))
    expect(error.code).toBe('INVALID_ARGUMENT')
    expect(error.message).toMatch(message)
  })
})
