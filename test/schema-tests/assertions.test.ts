// Validation files: what can be wrong with them, with the place; assertions that hold and that do not.

import { describe, expect, it } from 'vitest'
import { failuresOf, run } from './run.ts'

const schema = `schema: |-
  caveat office_hours(zone string) {
    zone == "utc"
  }
  definition user {}
  definition doc {
    relation viewer: user | user:* | user with office_hours | team#member
    relation banned: user
    permission view = viewer - banned
  }
  definition team {
    relation member: user
  }
`
const relationships = `relationships: |-
  // who may read
  doc:a1#viewer@user:ann
  doc:a1#viewer@user:bob[office_hours]

  doc:a1#viewer@user:cy[office_hours:{"zone":"utc"}]
  doc:pub#viewer@user:*
  doc:pub#banned@user:eve
  doc:t1#viewer@team:ops#member
  team:ops#member@user:olga
`
const header = schema + relationships
const lineOf = (text: string, part: string) => text.slice(0, text.indexOf(part)).split('\n').length

describe('assertions', () => {
  it('hold', async () => {
    const report = await run(`${header}
assertions:
  assertTrue:
    - "doc:a1#view@user:ann"
    - 'doc:a1#view@user:bob with {"zone": "utc"}'
    - "doc:a1#view@user:cy"
    - 'doc:a1#view@user:cy   with   {"zone": "cet"}'
    - doc:t1#view@user:olga
    - doc:t1#view@team:ops#member
    - doc:t1#viewer@team:ops#member
  assertCaveated:
    - "doc:a1#view@user:bob"
    - 'doc:a1#view@user:bob with {}'
  assertFalse:
    - 'doc:a1#view@user:bob with {"zone": "cet"}'
    - "doc:pub#view@user:eve"
    - "doc:none#view@user:ann"
`)
    expect(report.failures).toEqual([])
    expect(report).toMatchObject({
      passed: true,
      warnings: [],
      relationshipCount: 7,
      assertionCount: 12,
      expectedRelationCount: 0,
    })
  })

  it('fail with what is and why, in the order of the file', async () => {
    const assertions = `assertions:
  assertTrue:
    - "doc:a1#view@user:zoe"
    - "doc:a1#view@user:ann"
    - 'doc:a1#view@user:bob'
    - 'doc:a1#view@user:bob with {"zone": "cet"}'
    - doc:pub#view@user:eve
  assertFalse:
    - "doc:t1#view@user:olga"
  assertCaveated:
    - "doc:a1#view@user:ann"
`
    const text = header + assertions
    const line = lineOf(text, 'assertTrue')
    const failures = await failuresOf(text)
    expect(failures.map((failure) => failure.replace(/(at doc:pub#view) <- .*/, '$1'))).toEqual([
      `tests/case.yaml:${line + 1}:8 assertion doc:a1#view@user:zoe: expected true, but it is false
- true
+ false
  no path: nothing leads from doc:a1#view to the subject`,
      `tests/case.yaml:${line + 3}:8 assertion doc:a1#view@user:bob: expected true, but it is caveated
- true
+ caveated (missing context: zone)
  context is missing at doc:a1#viewer <- doc:a1#viewer@user:bob[office_hours]`,
      `tests/case.yaml:${line + 4}:8 assertion doc:a1#view@user:bob with {"zone": "cet"}: expected true, but it is false
- true
+ false
  the condition at doc:a1#viewer is false <- doc:a1#viewer@user:bob[office_hours]`,
      `tests/case.yaml:${line + 5}:7 assertion doc:pub#view@user:eve: expected true, but it is false
- true
+ false
  blocked by the exclusion at doc:pub#view`,
      `tests/case.yaml:${line + 7}:8 assertion doc:t1#view@user:olga: expected false, but it is true
- false
+ true
  granted by doc:t1#viewer@team:ops#member
  granted by team:ops#member@user:olga`,
      `tests/case.yaml:${line + 9}:8 assertion doc:a1#view@user:ann: expected caveated, but it is true
- caveated
+ true
  granted by doc:a1#viewer@user:ann`,
    ])
  })

  it('that cannot be asked are failures, in every list', async () => {
    const bad = [
      [
        '"doc:a1#view@user:bob[office_hours]"',
        /An assertion carries no caveat and no expiration; give context as in/,
      ],
      ['"doc:a1#view"', /Expected resource#relation@subject, found no @/],
      ['\'doc:a1#view@user:bob with {"zone": }\'', /The context is not JSON/],
      ['doc:a1#nope@user:ann', /expected (true|false|caveated), but .*nope/],
      ['nope:a1#view@user:ann', /expected (true|false|caveated), but .*nope/],
      ['doc:a1#view@user:*', /expected (true|false|caveated), but .*wildcard/i],
      ['\'doc:a1#view@user:bob with {"zone": 1}\'', /zone must be string, found 1/],
      ['[doc:a1#view@user:ann]', /must be a list of texts; put quotes around this one/],
      [
        'doc:a1#view@user:bob with {"zone": "utc"}',
        /not YAML: .*\(texts with `: ` or `{` in them need quotes\)/,
      ],
    ] as const
    for (const list of ['assertTrue', 'assertFalse', 'assertCaveated']) {
      for (const [assertion, message] of bad) {
        const text = `${header}assertions:\n  ${list}:\n    - ${assertion}\n`
        const report = await run(text)
        expect([assertion, report.failures.length, report.passed]).toEqual([assertion, 1, false])
        expect(report.failures[0]!.message).toMatch(message)
        expect(report.failures[0]!.line).toBe(lineOf(text, `- ${assertion}`))
      }
    }
  })

  it('see relationships that have not expired, and only these', async () => {
    const text = (instant: string) => `schema: |-
  use expiration
  definition user {}
  definition doc {
    relation viewer: user with expiration
  }
relationships: doc:a1#viewer@user:ann[expiration:${instant}]
assertions:
  assertTrue: [doc:a1#viewer@user:ann]
`
    expect(await failuresOf(text('2031-06-30T12:00:00.001Z'))).toEqual([])
    expect(await failuresOf(text('2031-06-30T12:00:00Z'))).toHaveLength(1)
  })
})

describe('what can be wrong with a file, with line and column', () => {
  const wrong: readonly (readonly [name: string, text: string, ...failures: string[]])[] = [
    [
      'nothing in it',
      '',
      'tests/case.yaml:1:1 file There is no schema: give `schema` (its text) or `schemaFile` (a path).',
    ],
    ['a list', '- a\n', 'tests/case.yaml:1:1 file The file must be a mapping.'],
    [
      'two schemas',
      'schema: definition user {}\nschemaFile: a.zed\n',
      'tests/case.yaml:2:1 file Give either `schema` or `schemaFile`, not both.',
    ],
    ['a schema that is no text', 'schema:\n  a: b\n', 'tests/case.yaml:2:3 file `schema` must be text.'],
    [
      'a schema file that is missing',
      'schemaFile: ../other.zed\n',
      'tests/case.yaml:1:13 file There is no file other.zed.',
    ],
    [
      'a legacy key',
      `schema: definition user {}\nvalidation_tuples: ''\nnamespace_configs: []\n`,
      'tests/case.yaml:2:1 file `validation_tuples` is no longer read; use `relationships`.',
      'tests/case.yaml:3:1 file `namespace_configs` is no longer read; use `schema`.',
    ],
    [
      'relationships as a list',
      'schema: definition user {}\nrelationships: [a]\n',
      'tests/case.yaml:2:16 file `relationships` must be text.',
    ],
    [
      'assertions as a list',
      'schema: definition user {}\nassertions: [a]\n',
      'tests/case.yaml:2:13 file `assertions` must be a mapping.',
    ],
    [
      'assertTrue as text',
      'schema: definition user {}\nassertions:\n  assertTrue: a\n',
      'tests/case.yaml:3:15 file `assertTrue` must be a list.',
    ],
  ]
  it.each(wrong)('%s', async (_name, text, ...failures) => {
    expect(await failuresOf(text)).toEqual(failures)
  })

  it('broken YAML', async () => {
    const [failure, ...others] = await failuresOf('schema: definition user {}\nrelationships: "open\n')
    expect(others).toEqual([])
    expect(failure).toMatch(/^tests\/case\.yaml:3:1 file This is not YAML: Missing closing "quote/)
    expect((await failuresOf('schema: a\nschema: b\n'))[0]).toMatch(
      /^tests\/case\.yaml:2:1 file This is not YAML: Map keys must be unique/,
    )
  })

  it('a schema inside the file: its problems are placed in the file', async () => {
    const text = `# a comment\nschema: |-\n\n  definition user {}\n  definition doc {\n    relation viewer: usr\n    permission view = viewer - banned\n  }\n`
    expect(await failuresOf(text)).toEqual([
      expect.stringMatching(/^tests\/case\.yaml:6:22 schema .*usr.*\n.*relation viewer: usr\n.*\^\^\^$/),
      expect.stringMatching(/^tests\/case\.yaml:7:32 schema .*banned.*\n/),
    ])
  })

  it('a schema in another file: its problems are placed there', async () => {
    const files = { 'tests/sub/doc.zed': 'definition doc {\n\trelation viewer: usr\n}\n' }
    expect(await failuresOf('schemaFile: sub/doc.zed\n', files)).toEqual([
      expect.stringMatching(/^tests\/sub\/doc\.zed:2:19 schema /),
    ])
  })

  it('imports: read beside the schema file, problems placed in the imported one', async () => {
    const files = {
      'tests/sub/doc.zed':
        'use import\nimport "parts/user.zed"\ndefinition doc {\n\trelation viewer: user\n}\n',
      'tests/sub/parts/user.zed': 'definition user {}\n',
    }
    const text = `schemaFile: sub/doc.zed
relationships: doc:a1#viewer@user:ann
assertions: { assertTrue: [doc:a1#viewer@user:ann] }
validation: { "doc:a1#viewer": ["[user:ann] is <doc:a1#viewer>"] }
`
    expect(await failuresOf(text, files)).toEqual([])
    const broken = { ...files, 'tests/sub/parts/user.zed': 'definition user {\n  relation r: x\n}\n' }
    expect((await failuresOf(text, broken))[0]).toMatch(/^tests\/sub\/parts\/user\.zed:2:\d+ schema /)
    const missing = { 'tests/sub/doc.zed': files['tests/sub/doc.zed'] }
    expect((await failuresOf(text, missing))[0]).toMatch(/^tests\/sub\/doc\.zed:2:8 schema There is no file/)
  })

  it('relationships: malformed, repeated, or not of the schema', async () => {
    const text = `${schema}relationships: |-
  doc:a1#viewer@user:ann
  // doc:a1#nonsense
    doc:a1#viewer
  doc:a1#viewer@user:ann[office_hours]
  doc:a1#view@user:ann
  doc:a1#owner@user:ann
  doc:a1#banned@user:*
  doc:a1#viewer@user:bob[office_hours:{"zone":1}]
  doc:a1#viewer@user:bob[office_hours:{"tz":"utc"}]
`
    const line = lineOf(text, 'relationships')
    expect(await failuresOf(text)).toEqual([
      expect.stringContaining(
        `case.yaml:${line + 3}:5 relationship Expected resource#relation@subject, found no @`,
      ),
      `tests/case.yaml:${line + 4}:3 relationship doc:a1#viewer@user:ann is already written in line ${line + 1}.`,
      expect.stringMatching(new RegExp(`case.yaml:${line + 5}:3 relationship doc#view is a permission`)),
      expect.stringMatching(new RegExp(`case.yaml:${line + 6}:3 relationship .*no relation "owner"`)),
      expect.stringMatching(new RegExp(`case.yaml:${line + 7}:3 relationship .*does not allow user:\\*`)),
      expect.stringMatching(
        new RegExp(`case.yaml:${line + 8}:3 relationship .*zone must be string, found 1`),
      ),
      expect.stringContaining(
        `case.yaml:${line + 9}:3 relationship doc:a1#viewer@user:bob is already written in line ${line + 8}`,
      ),
    ])
  })

  it('asks nothing when anything is wrong before', async () => {
    const text = `${schema}relationships: doc:a1#viewer\nassertions: { assertTrue: [doc:a1#view@user:ann] }\n`
    expect(await failuresOf(text)).toHaveLength(1)
  })

  it('warns of keys that mean nothing, and of what the linter finds', async () => {
    const report = await run(`schema: |-
  definition user {}
  definition doc {
    relation viewer: user
    permission view = viewer + viewer
  }
relationship: doc:a1#viewer@user:ann
assertions:
  assertTure: []
`)
    expect(report.passed).toBe(true)
    expect(report.warnings.map(({ line, column, message }) => `${line}:${column} ${message}`)).toEqual([
      expect.stringMatching(/^5:32 .*duplicate-operand/),
      '7:1 `relationship` means nothing here; known are `schema`, `schemaFile`, `relationships`, `assertions`, `validation`.',
      '9:3 `assertTure` asserts nothing; known are `assertTrue`, `assertCaveated`, `assertFalse`.',
    ])
  })
})

describe('YAML in its other forms', () => {
  it('reads quoted, folded and aliased values', async () => {
    const report = await run(`schema: "definition user {}\\ndefinition doc {\\nrelation viewer: user\\n}"
relationships: >-
  doc:a1#viewer@user:ann
assertions:
  assertTrue: &list ['doc:a1#viewer@user:ann']
  assertFalse: *list
`)
    expect(report.failures.map(({ line, message }) => [line, message])).toEqual([
      [5, 'doc:a1#viewer@user:ann: expected false, but it is true'],
    ])
  })

  it('reads Windows line ends and tabs in relationships', async () => {
    const text = `${header}assertions:\n  assertTrue:\n    - doc:a1#view@user:ann\n    - doc:a1#view@user:nobody\n`
    const failures = (await run(text.replaceAll('\n', '\r\n'))).failures
    expect(failures.map(({ line }) => line)).toEqual([lineOf(text, 'user:nobody')])
  })

  it('shows the place of a file that is named otherwise', async () => {
    const report = await run('x: 1\n', {}, 'deep/er/file.yml')
    expect(report.file).toBe('deep/er/file.yml')
    expect(report.failures[0]!.file).toBe('deep/er/file.yml')
  })
})
