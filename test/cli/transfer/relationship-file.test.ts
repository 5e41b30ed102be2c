// Relationship files: what is read from them, from the beginning and from a mark, and how errors name the line.

import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import {
  documentHead,
  type FileMark,
  type OpenBytes,
  RelationshipFileReader,
} from '../../../src/cli/transfer/relationship-file.ts'
import { formatRelationship } from '../../../src/model/relationship-text.ts'

/** A file in pieces of `size` bytes. */
function bytesOf(text: string, size = 7): OpenBytes {
  const bytes = Buffer.from(text)
  return async function* (offsetBytes, endBytes = bytes.length) {
    for (let at = offsetBytes; at < endBytes; at += size)
      yield bytes.subarray(at, Math.min(endBytes, at + size))
  }
}

async function read(text: string, mark?: FileMark, size?: number) {
  const reader = new RelationshipFileReader('rows.txt', bytesOf(text, size))
  if (mark !== undefined && !(await reader.resumeAt(mark))) return undefined
  const found: string[] = []
  const marks: { mark: FileMark; rows: number }[] = []
  let schema: string | undefined
  for await (const part of reader.parts()) {
    if (part.kind === 'schema') schema = part.text
    else {
      found.push(...part.rows.map(({ relationship, line }) => `${line} ${formatRelationship(relationship)}`))
      marks.push({ mark: part.mark(), rows: found.length })
    }
  }
  return { found, schema, marks }
}

const document = `# a comment
---
schema: |-
  definition user {}

  definition doc {
    relation viewer: user
  }
relationships: |

  // a comment
  doc:a#viewer@user:ann
    doc:b#viewer@user:bob
assertions:
  assertTrue:
    - doc:a#viewer@user:ann
`

describe('reads', () => {
  test('lines alone, with comments, empty lines, Windows line ends and a byte order mark', async () => {
    const text =
      '\uFEFF// first\r\ndoc:a#viewer@user:ann\r\n\r\n  doc:b#viewer@group:eng#member\r\ndoc:c#viewer@user:*'
    expect(await read(text)).toMatchObject({
      schema: undefined,
      found: ['2 doc:a#viewer@user:ann', '4 doc:b#viewer@group:eng#member', '5 doc:c#viewer@user:*'],
    })
  })

  test('a document with its schema, whatever the pieces that it comes in', async () => {
    for (const size of [1, 3, 64, 10_000]) {
      expect(await read(document, undefined, size)).toMatchObject({
        schema: 'definition user {}\n\ndefinition doc {\n  relation viewer: user\n}',
        found: ['12 doc:a#viewer@user:ann', '13 doc:b#viewer@user:bob'],
      })
    }
  })

  test('a type that begins like a key', async () => {
    expect(await read('schema:a#viewer@user:ann\nrelationships:b#viewer@user:ann')).toMatchObject({
      found: ['1 schema:a#viewer@user:ann', '2 relationships:b#viewer@user:ann'],
    })
  })

  test('from every mark exactly what comes behind it', async () => {
    for (const text of [
      document,
      'doc:a#viewer@user:ann\n// x\ndoc:b#viewer@user:bob\ndoc:c#viewer@user:cid\n',
    ]) {
      const whole = (await read(text))!
      expect(whole.marks.length).toBeGreaterThan(1)
      for (const { mark, rows } of whole.marks) {
        expect((await read(text, mark))!.found).toEqual(whole.found.slice(rows))
        const other = text.replace('ann', 'eve')
        expect(await read(other, mark)).toBeUndefined()
        expect(await read(text.slice(0, mark.offsetBytes - 1), mark)).toBeUndefined()
      }
    }
  })
})

test.each([
  'definition user {}',
  'definition user {}\n',
  'definition user {}\n\n\n',
  '\n\n  definition user {}\n\tdefinition doc {}\n',
  '// a: comment # with signs\n\ndefinition user {}\n',
  '',
])('a schema comes out of a document as it went in, for YAML readers too: %j', async (schema) => {
  const text = `${documentHead(schema, ['one', 'two'])}  doc:a#viewer@user:ann\n`
  expect(await read(text)).toMatchObject({
    schema: schema === '' ? undefined : schema,
    found: [expect.stringContaining('doc:a#viewer@user:ann')],
  })
  expect(parse(text)).toEqual({ schema, relationships: 'doc:a#viewer@user:ann\n' })
})

test.each([
  ['doc:a#viewer@user:ann\ndoc:b', 'rows.txt:2: ', 'one relationship per line'],
  ['doc:a#viewer@user:ann\nschema: |\n', 'rows.txt:2: ', 'one relationship per line'],
  ['relationships: |\n  doc:a#viewer@user:ann\n  oops\n', 'rows.txt:3: ', 'one relationship per line'],
  [
    'relationships: |\n  doc:a#viewer@user:ann\nschema: |\n  definition user {}\n',
    'rows.txt:3: ',
    'move it up',
  ],
  ['schema: "definition user {}"\n', 'rows.txt:1: ', 'schema: |'],
  ['schema: >\n  definition user {}\n', 'rows.txt:1: ', 'schema: |'],
  ['relationships:\n  - doc:a#viewer@user:ann\n', 'rows.txt:1: ', 'relationships: |'],
  ['relationship: |\n  doc:a#viewer@user:ann\n', 'rows.txt:1: ', 'unknown key "relationship"'],
  ['schemaFile: a.zed\n', 'rows.txt:1: ', 'write the text of the schema'],
  ['schema: |\n    definition user {}\n  definition doc {}\n', 'rows.txt:3: ', 'indented by 4 spaces'],
  [
    'schema: |\n  definition user {}\ndoc:a#viewer@user:ann\n',
    'rows.txt:3: ',
    'expected schema: or relationships:',
  ],
  [`doc:a#viewer@user:ann\n${'x'.repeat(1_100_000)}`, 'rows.txt:2: ', 'is this a text file?'],
])('says where %j is wrong, and what to write', async (text, where, cure) => {
  const failed = await read(text, undefined, 100_000).catch((error) => error)
  expect(failed).toMatchObject({ code: 'CONFIG_INVALID' })
  expect(failed.message).toContain(where)
  expect(failed.message).toContain(cure)
})
