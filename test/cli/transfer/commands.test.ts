// The commands around data, as a user runs them: processes that share one SQLite file, a watch over a restart of its
// server, backups under writes, keys and epochs.

import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../../store/support.ts'
import { cardea, emptyFolder, entry, started } from '../run-cardea.ts'

let folder: string
const running: { stop(): Promise<unknown> }[] = []
beforeEach(() => {
  folder = emptyFolder()
  writeFileSync(
    join(folder, 'schema.zed'),
    'definition user {}\ndefinition doc {\n  relation viewer: user\n  permission view = viewer\n}\n',
  )
})
afterEach(async () => {
  for (const process of running.splice(0)) await process.stop()
  rmSync(folder, { recursive: true, force: true })
})

const serve = async (...more: string[]) => {
  const words = [
    'serve',
    '--schema',
    'schema.zed',
    '--grpc-addr',
    '127.0.0.1:0',
    '--http-addr',
    '127.0.0.1:0',
    ...more,
  ]
  const server = await started(words, folder, 'Cardea is serving')
  running.push(server)
  return server
}
const run = (...words: string[]) => cardea(words, folder)
const ok = async (...words: string[]) => {
  const outcome = await run(...words)
  expect(outcome).toMatchObject({ code: 0, stderr: '' })
  return outcome.stdout
}

test('two servers and a command work on one file, and each sees what the others write', async () => {
  const first = await serve()
  const connection = join(folder, '.cardea', 'connection.json')
  const { grpcAddr, presharedKey } = JSON.parse(readFileSync(connection, 'utf8'))
  const second = await serve()
  const address = /"grpc":"([^"]+)"/.exec(second.output())![1]!
  expect(address).not.toBe(grpcAddr)
  const at = (where: string) => ['--grpc-addr', where, '--preshared-key', presharedKey]

  writeFileSync(join(folder, 'rows.txt'), 'doc:a#viewer@user:ann\ndoc:a#viewer@user:bob\n')
  expect(await ok('relationship', 'import', 'rows.txt', '--datastore', 'sqlite:./cardea.db')).toContain(
    'Imported 2',
  )
  for (const where of [grpcAddr, address]) {
    expect((await run('check', 'doc:a#view@user:ann', ...at(where))).code).toBe(0)
    expect((await run('check', 'doc:a#view@user:eve', ...at(where))).code).toBe(1)
  }
  await ok('relationship', 'touch', 'doc:a#viewer@user:eve', ...at(grpcAddr))
  expect((await run('check', 'doc:a#view@user:eve', ...at(address))).code).toBe(0)
  await ok('relationship', 'delete', 'doc:a#viewer@user:eve', ...at(address))
  expect((await run('check', 'doc:a#view@user:eve', ...at(grpcAddr))).code).toBe(1)

  expect(await ok('relationship', 'export', 'all.yaml', ...at(address))).toContain('Exported 2')
  expect(readFileSync(join(folder, 'all.yaml'), 'utf8')).toMatch(
    /schema: \|\n {2}definition user[\s\S]*relationships: \|\n {2}doc:a#/,
  )
  expect(await ok('relationship', 'export', '-', '--relationships-only', ...at(grpcAddr))).toBe(
    'doc:a#viewer@user:ann\ndoc:a#viewer@user:bob\n',
  )
  const refused = await run('relationship', 'import', 'all.yaml', ...at(address))
  expect(refused.code).toBe(2)
  expect(refused.stderr).toContain('--existing touch')
  expect(
    await ok('relationship', 'import', 'all.yaml', '--existing', 'touch', '--json', ...at(address)),
  ).toContain('"relationships":2')
  expect(first.child.exitCode).toBeNull()
})

test('a watch tells each change once and in order, over a restart of the server, and goes on from a token', async () => {
  const port = 20_000 + (process.pid % 20_000)
  const words = ['--grpc-addr', `127.0.0.1:${port}`]
  let server = await serve(...words)
  const token = (await ok('relationship', 'touch', 'doc:a#viewer@user:u0')).trim()
  const watching = await watchFrom(['--after', token])
  for (let n = 1; n <= 3; n += 1) await ok('relationship', 'touch', `doc:a#viewer@user:u${n}`)
  await until(() => watching.lines().length === 3)
  running.splice(running.indexOf(server), 1)
  await server.stop()
  server = await serve(...words)
  await ok('relationship', 'delete', 'doc:a#viewer@user:u1')
  await until(() => watching.lines().length === 4, 20_000)
  const changes = watching.lines().map((line) => line.split('\t')[0])
  expect(changes).toEqual([
    'touch doc:a#viewer@user:u1',
    'touch doc:a#viewer@user:u2',
    'touch doc:a#viewer@user:u3',
    'delete doc:a#viewer@user:u1',
  ])
  const second = watching.lines()[1]!.split('\t')[1]!
  const later = await watchFrom(['--after', second, '--json', 'doc:a'])
  await until(() => later.lines().length === 2)
  expect(later.lines().map((line) => JSON.parse(line).changes[0].operation)).toEqual(['touch', 'delete'])
})

/** A watch without the environment's key: the connection file has it. */
async function watchFrom(words: string[]) {
  const child = spawn(process.execPath, [entry, 'relationship', 'watch', ...words], { cwd: folder })
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  running.push({
    stop: () =>
      new Promise((done) => {
        child.on('exit', done)
        child.kill('SIGINT')
      }),
  })
  return { lines: () => text.split('\n').slice(0, -1) }
}

test('backup while writes run, restore, copy; keys and epochs', async () => {
  await serve()
  let writes = 0
  let over = false
  const writing = (async () => {
    for (; !over; writes += 1) await ok('relationship', 'create', `doc:a#viewer@user:u${writes}`)
  })()
  await until(() => writes > 0)
  const before = writes
  expect(await ok('datastore', 'backup', 'backup.db')).toContain('holds revision')
  over = true
  await writing
  expect(await ok('datastore', 'restore', 'backup.db', '--datastore', 'sqlite:restored.db')).toContain(
    'new epoch',
  )
  await ok('datastore', 'copy', '--from', 'sqlite:restored.db', '--to', 'sqlite:copied.db')
  const rows = await ok(
    'relationship',
    'export',
    '-',
    '--relationships-only',
    '--datastore',
    'sqlite:copied.db',
  )
  const count = rows.trimEnd().split('\n').length
  expect(count).toBeGreaterThanOrEqual(before)
  expect(count).toBeLessThanOrEqual(writes)
  const again = await run('datastore', 'backup', 'backup.db')
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('exists already') })

  const on = ['--datastore', 'sqlite:restored.db']
  const [signing] = (await ok('datastore', 'keys', 'list', ...on)).split(' ')
  const added = (await ok('datastore', 'keys', 'add', ...on)).split('\n')[1]!.split(' ')[0]!
  expect(await ok('datastore', 'keys', 'promote', added, ...on)).toBe(
    `${added} signs and verifies\n${signing} verifies\n`,
  )
  expect(await ok('datastore', 'keys', 'remove', signing!, ...on)).toBe(`${added} signs and verifies\n`)
  expect(await run('datastore', 'keys', 'remove', signing!, ...on)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('keys list'),
  })
  expect(await ok('datastore', 'new-epoch', ...on)).toContain('has begun')
  expect(JSON.parse(await ok('datastore', 'keys', 'list', '--json', ...on))).toEqual({
    keys: [{ fingerprint: added, signs: true }],
  })
})

test('an import that is interrupted says how to go on, and does', async () => {
  await serve()
  const rows = Array.from({ length: 60_000 }, (_, at) => `doc:d${at % 100}#viewer@user:u${at}`)
  writeFileSync(join(folder, 'rows.txt'), rows.join('\n'))
  const child = spawn(process.execPath, [entry, 'relationship', 'import', 'rows.txt'], { cwd: folder })
  let stderr = ''
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const code = new Promise((done) => child.on('exit', done))
  await until(() => existsSync(join(folder, 'rows.txt.import-state')) || child.exitCode !== null, 60_000)
  child.kill('SIGINT')
  // On a machine that is fast enough it was over already.
  if ((await code) !== 0) expect(stderr).toMatch(/Interrupted after line \d+ .* Run the same command again/)
  const finished = await run('relationship', 'import', 'rows.txt', '--existing', 'fail')
  if (stderr !== '')
    expect(finished).toMatchObject({ code: 0, stdout: expect.stringContaining('before the interruption') })
  await ok('relationship', 'export', 'all.txt', '--relationships-only')
  const all = readFileSync(join(folder, 'all.txt'), 'utf8')
  expect(all.trimEnd().split('\n').sort()).toEqual([...rows].sort())
})

test('mistakes are answered with the line or the flag, and exit code 2', async () => {
  writeFileSync(join(folder, 'rows.txt'), 'doc:a#viewer@user:ann\ndoc:b\n')
  writeFileSync(join(folder, 'good.txt'), 'doc:a#viewer@user:ann\n')
  const checked = ['relationship', 'import', 'rows.txt', '--datastore', 'sqlite:./new.db']
  expect(await run(...checked)).toMatchObject({ code: 2, stderr: expect.stringContaining('rows.txt:2: ') })
  expect(await run(...checked, '--check')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('rows.txt:2: '),
  })
  for (const [words, problem] of [
    [['relationship', 'import', 'rows.txt', '--existing', 'perhaps'], 'touch'],
    [['relationship', 'import', 'none.txt', '--datastore', 'sqlite:./new.db'], 'none.txt cannot be read'],
    [['relationship', 'import', 'rows.txt', '--datastore', 'memory'], 'gone when the import ends'],
    [['relationship', 'export', 'x', '--datastore', 'sqlite:./typo.db'], 'There is no datastore ./typo.db'],
    [['relationship', 'import', 'good.txt', '--check', '--datastore', 'sqlite:./typo.db'], 'There is no'],
    [['datastore', 'copy', '--from', 'sqlite:./typo.db', '--to', 'sqlite:./to.db'], 'There is no'],
    [['datastore', 'backup', 'x.db', '--datastore', 'postgres://localhost/x'], 'pg_dump'],
    [['serve', '--gc-window', '24'], '90s, 5m or 24h'],
  ] as const) {
    const outcome = await cardea(words, folder)
    expect([outcome.code, outcome.stderr]).toEqual([2, expect.stringContaining(problem)])
  }
})
