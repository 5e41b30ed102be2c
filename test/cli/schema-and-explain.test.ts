// The schema commands and explain as a user meets them: files with their places, a plan, and what would grant.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cardea, emptyFolder, started } from './run-cardea.ts'

const schema = `definition user {}

definition group {
  relation member: user
}

definition document {
  relation viewer: user | group#member
  relation banned: user
  permission view = viewer - banned
}
`

const addresses = ['--grpc-addr', '127.0.0.1:0', '--http-addr', '127.0.0.1:0']
const key = { CARDEA_PRESHARED_KEY: 'a-key-for-this-test' }

describe('against a server', () => {
  const folder = emptyFolder()
  let server: Awaited<ReturnType<typeof started>>

  beforeAll(async () => {
    writeFileSync(join(folder, 'schema.zed'), schema)
    writeFileSync(
      join(folder, 'rows.txt'),
      '// who may see what\ndocument:plan#viewer@user:ann\n\n  document:plan#viewer@group:eng#member\ndocument:plan#viewer@user:eve\ndocument:plan#banned@user:eve\n',
    )
    const files = ['--schema', 'schema.zed', '--relationships', 'rows.txt']
    server = await started(
      ['serve', '--datastore', 'memory', ...addresses, ...files],
      folder,
      'Cardea is serving',
    )
  })
  afterAll(async () => {
    expect(await server.stop()).toBe(0)
  })

  test('explain names a relationship that would grant, and how far it looked', async () => {
    const { code, stdout } = await cardea(['explain', 'document:plan#view@user:bob'], folder)
    expect(stdout).toContain('document:plan#view@user:bob: no\n')
    expect(stdout).toContain(
      "writing it would grant (tried 1 of at most 100 relationships):\n  cardea relationship touch 'document:plan#viewer@user:bob'\n",
    )
    expect(code).toBe(1)
  })

  test('explain names a row that is in the way; check --explain does the same; --no-suggest does not', async () => {
    const line = "  cardea relationship delete 'document:plan#banned@user:eve'\n"
    const question = 'document:plan#view@user:eve'
    expect((await cardea(['explain', question], folder)).stdout).toContain(line)
    expect((await cardea(['check', question, '--explain'], folder)).stdout).toContain(line)
    expect((await cardea(['explain', question, '--no-suggest'], folder)).stdout).not.toContain('would grant')
    expect((await cardea(['check', question], folder)).stdout).toBe('no\n')
  })

  test('explain --json carries the suggestion as data', async () => {
    const { stdout } = await cardea(['explain', 'document:plan#view@user:bob', '--json'], folder)
    expect(JSON.parse(stdout).explanation.suggestion).toEqual({
      outcome: 'found',
      update: {
        operation: 'touch',
        relationship: {
          resource: { type: 'document', id: 'plan' },
          relation: 'viewer',
          subject: { type: 'user', id: 'bob', relation: '' },
        },
      },
      tried: 1,
      maxTried: 100,
    })
  })

  test('the HTTP door carries it for who asks', async () => {
    const [, address] = /"http":"([^"]+)"/.exec(server.output())!
    const { presharedKey } = JSON.parse(readFileSync(join(folder, '.cardea', 'connection.json'), 'utf8'))
    const question = {
      resource: { objectType: 'document', objectId: 'plan' },
      permission: 'view',
      subject: { object: { objectType: 'user', objectId: 'bob' } },
    }
    const explained = async (more: object) => {
      const response = await fetch(`http://${address}/cardea/v1/explain`, {
        method: 'POST',
        headers: { authorization: `Bearer ${presharedKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ consistency: { fullyConsistent: true }, question, ...more }),
      })
      expect(response.status).toBe(200)
      return ((await response.json()) as { explanation: { suggestion?: object } }).explanation
    }
    expect((await explained({ suggest: true })).suggestion).toMatchObject({
      outcome: 'OUTCOME_FOUND',
      update: {
        operation: 'OPERATION_TOUCH',
        relationship: { relation: 'viewer', subject: { object: { objectId: 'bob' } } },
      },
      tried: 1,
      maxTried: 100,
    })
    expect(await explained({})).not.toHaveProperty('suggestion')
  })

  test.each([
    ['document:plan#veiw@user:ann', 'no relation or permission "veiw". Did you mean `view`?'],
    ['documnet:plan#view@user:ann', 'no definition "documnet". Did you mean `document`?'],
    ['document:plan#view@usr:ann', 'no definition "usr". Did you mean `user`?'],
    ['document:plan#view@group:eng#members', 'no relation or permission "members". Did you mean `member`?'],
  ])('check %s names the nearest', async (question, advice) => {
    const { code, stderr } = await cardea(['check', question], folder)
    expect(stderr).toContain(advice)
    expect(code).toBe(2)
  })

  describe('schema plan', () => {
    const planned = async (text: string, ...words: string[]) => {
      writeFileSync(join(folder, 'next.zed'), text)
      return cardea(['schema', 'plan', 'next.zed', ...words], folder)
    }

    test('the same schema: nothing changes', async () => {
      const { code, stdout } = await planned(schema)
      expect(stdout).toMatch(
        /^no change\nthe write would succeed\n0 of [1-9]\d* compared answers would change\n$/,
      )
      expect(code).toBe(0)
    })

    test('a relation with rows cannot go: the row is named, exit code 1, nothing is written', async () => {
      const { code, stdout } = await planned(
        schema.replace('  relation banned: user\n', '').replace(' - banned', ''),
      )
      expect(stdout).toContain('relation removed: document#banned\n')
      expect(stdout).toContain('permission expr changed: document#view\n')
      expect(stdout).toMatch(/^blocked: .*\n/m)
      expect(stdout).toContain('document:plan#banned@user:eve')
      expect(stdout).toContain('the write would be refused (1)\n')
      expect(code).toBe(1)
      expect((await cardea(['schema', 'read'], folder)).stdout).toBe(schema)
    })

    test('answers that would change, of given and of sampled checks', async () => {
      const open = schema.replace('viewer - banned', 'viewer')
      const given = 'document:plan#view@user:eve'
      const one = await planned(
        open,
        '--check',
        given,
        '--check',
        'document:plan#view@user:ann',
        '--sample',
        '0',
      )
      expect(one.stdout).toContain(`answer: ${given}: no becomes yes\n`)
      expect(one.stdout).toContain('the write would succeed\n1 of 2 compared answers would change\n')
      expect(one.code).toBe(0)

      const sampled = await planned(open, '--fail-on-change')
      expect(sampled.stdout).toContain(`answer: ${given}: no becomes yes\n`)
      expect(sampled.code).toBe(1)

      writeFileSync(
        join(folder, 'checks.txt'),
        `// who was banned\n${given}\n\ndocument:plan#view@user:bob\n`,
      )
      const listed = await planned(open, '--checks', 'checks.txt', '--sample', '0', '--json')
      expect(JSON.parse(listed.stdout)).toMatchObject({
        blocked: [],
        changed: [{ question: { permission: 'view' }, before: 'no', after: 'has' }],
        asked: 2,
      })
    })

    test('bad input is told with its place', async () => {
      writeFileSync(join(folder, 'checks.txt'), 'document:plan#view@user:eve\n  document:plan\n')
      const checks = await planned(schema, '--checks', 'checks.txt')
      expect(checks.stderr).toContain('checks.txt:2:3: Expected document:readme#view@user:ann')
      expect(checks.code).toBe(2)
      const broken = await planned(schema.replace('viewer - banned', 'viewer - bannd'))
      expect(broken.stderr).toContain('next.zed:10:30: error: ')
      expect(broken.stderr).toContain('Did you mean `banned`?')
      expect(broken.code).toBe(1)
      expect((await planned(schema, '--sample', 'many')).code).toBe(2)
      expect((await cardea(['schema', 'plan', 'nowhere.zed'], folder)).code).toBe(2)
    })
  })

  test('schema write names the file and the place of an error, and takes imports along', async () => {
    writeFileSync(
      join(folder, 'broken.zed'),
      'definition user {}\n\ndefinition document {\n  relation viewer: usr\n}\n',
    )
    const broken = await cardea(['schema', 'write', 'broken.zed'], folder)
    expect(broken.stderr).toMatch(
      /^broken\.zed:4:20: error: There is no definition `usr`\. Did you mean `user`\?/,
    )
    expect(broken.code).toBe(1)

    writeFileSync(
      join(folder, 'people.zed'),
      'definition user {}\n\ndefinition group {\n  relation member: user\n}\n',
    )
    const rest = schema.slice(schema.indexOf('definition document'))
    writeFileSync(join(folder, 'whole.zed'), `use import\n\nimport "people.zed"\n\n${rest}`)
    expect((await cardea(['schema', 'write', 'whole.zed'], folder)).code).toBe(0)
    expect((await cardea(['schema', 'read'], folder)).stdout).toContain('definition group')
    expect((await cardea(['schema', 'write', 'schema.zed'], folder)).code).toBe(0)
  })
})

describe('files of serve', () => {
  const serve = (folder: string, ...words: string[]) =>
    cardea(['serve', '--datastore', 'sqlite:./cardea.db', ...addresses, ...words], folder, key)

  test.each([
    ['document:plan#viewer@user:ann\n  document:plan#viewer\n', 'rows.txt:2:3: '],
    [
      '\ndocument:plan#veiwer@user:ann\n',
      'rows.txt:2:1: Definition "document" has no relation "veiwer". Did you mean `viewer`?',
    ],
    [
      'document:plan#viewer@grup:eng#member\n',
      'rows.txt:1:1: The schema has no definition "grup". Did you mean `group`?',
    ],
    [
      'document:plan#banned@group:eng#member\n',
      'rows.txt:1:1: document:plan#banned@group:eng#member: document#banned does not allow group#member',
    ],
    ['document:plan#view@user:ann\n', 'rows.txt:1:1: document#view is a permission'],
    [
      'document:plan#viewer@user:ann\n\ndocument:plan#viewer@user:ann\n',
      'rows.txt:3:1: document:plan#viewer@user:ann stands at rows.txt:1:1 already',
    ],
  ])('%j is refused with its place, and nothing is written', async (rows, advice) => {
    const folder = emptyFolder()
    writeFileSync(join(folder, 'schema.zed'), schema)
    writeFileSync(join(folder, 'rows.txt'), rows)
    const { code, stderr } = await serve(folder, '--schema', 'schema.zed', '--relationships', 'rows.txt')
    expect(stderr).toContain(advice)
    expect(code).toBe(2)
  })

  test('a schema error is told with the file, the line and the column', async () => {
    const folder = emptyFolder()
    writeFileSync(join(folder, 'schema.zed'), schema.replace('group#member', 'grop#member'))
    const { code, stderr } = await serve(folder, '--schema', 'schema.zed')
    expect(stderr).toContain('schema.zed:8:27: error: There is no definition `grop`. Did you mean `group`?')
    expect(code).toBe(1)
  })
})
