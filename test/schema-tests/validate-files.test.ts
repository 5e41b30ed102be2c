// Several files at once: the printed text, the exit code, schema files on their own.

import { expect, it } from 'vitest'
import { validateFiles } from '../../src/schema-tests/validate-files.ts'
import { nowMs } from './run.ts'

const files: { readonly [path: string]: string } = {
  'good.yaml': `schemaFile: doc.zed
relationships: |-
  doc:a1#viewer@user:ann
assertions:
  assertTrue:
    - doc:a1#view@user:ann
validation:
  doc:a1#view:
    - "[user:ann] is <doc:a1#viewer>"
`,
  'bad.yaml': `schemaFile: doc.zed
relationships: |-
  doc:a1#viewer@user:ann
assertions:
  assertFalse:
    - doc:a1#view@user:ann
validation:
  doc:a1#view:
    - "[user:bob] is <doc:a1#viewer>"
`,
  'doc.zed': 'definition user {}\ndefinition doc {\n\trelation viewer: user\n\tpermission view = viewer\n}\n',
  'broken.zed': 'definition doc {\n\trelation viewer: user\n}\n',
  'warned.zed':
    'definition user {}\ndefinition doc {\n\trelation viewer: user\n\tpermission view = viewer + viewer\n}\n',
  'escape.yaml': 'schema: definition user {}\nrelationships: "\\e[31mred"\n',
}
const validate = (paths: readonly string[], failOnWarnings = false) =>
  validateFiles(paths, { readFile: (path) => files[path], nowMs, failOnWarnings })

it('says what passed', async () => {
  expect(await validate(['good.yaml', 'doc.zed'])).toMatchObject({
    exitCode: 0,
    text: `good.yaml: passed (1 relationship, 1 assertion, 1 expected relation)
doc.zed: passed
2 files passed
`,
  })
})

it('says what failed, where, with a diff', async () => {
  const { text, exitCode, reports } = await validate(['bad.yaml', 'good.yaml', 'missing.yaml', 'broken.zed'])
  expect(exitCode).toBe(1)
  expect(reports.map(({ file, passed }) => [file, passed])).toEqual([
    ['bad.yaml', false],
    ['good.yaml', true],
    ['missing.yaml', false],
    ['broken.zed', false],
  ])
  expect(
    text.replace(/(broken\.zed:2:19: error:) .*/, '$1 …'),
  ).toBe(`bad.yaml:6:7: error: doc:a1#view@user:ann: expected false, but it is true
    - false
    + true
      granted by doc:a1#viewer@user:ann
bad.yaml:8:3: error: doc:a1#view: the subjects found differ from those expected
    + [user:ann] is <doc:a1#viewer>
    - [user:bob] is <doc:a1#viewer>
    bad.yaml:8:3: extra-subject user:ann
    bad.yaml:9:8: missing-subject user:bob
bad.yaml: failed with 2 failures (1 relationship, 1 assertion, 1 expected relation)
good.yaml: passed (1 relationship, 1 assertion, 1 expected relation)
missing.yaml:1:1: error: The file cannot be read.
missing.yaml: failed with 1 failure (0 relationships, 0 assertions, 0 expected relations)
broken.zed:2:19: error: …
    2 |     relation viewer: user
      |                      ^^^^
broken.zed: failed with 1 failure
3 of 4 files failed
`)
})

it('fails on warnings when asked to', async () => {
  const lenient = await validate(['warned.zed'])
  expect(lenient.exitCode).toBe(0)
  expect(lenient.text).toMatch(/^warned\.zed:4:29: warning: .*\(duplicate-operand\)\n/)
  const strict = await validate(['warned.zed', 'doc.zed'], true)
  expect(strict.exitCode).toBe(1)
  expect(strict.text).toMatch(/1 of 2 files failed\n$/)
})

it('does not let a file write to the terminal', async () => {
  const { text } = await validate(['escape.yaml'])
  expect(text).toContain('escape.yaml:2:17: error:')
  expect(text).not.toContain('\u001b')
})
