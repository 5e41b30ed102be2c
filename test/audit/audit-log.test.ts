// The log on a real disk: chained, durable, one writer, closed when it cannot be written, and intact over crashes.

import { execFileSync, spawn } from 'node:child_process'
import fs from 'node:fs'
import {
  appendFile,
  type FileHandle,
  mkdir,
  mkdtemp,
  open,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, vi } from 'vitest'
import { canonicalJson } from '../../src/audit/canonical-json.ts'
import { generateCheckpointKey } from '../../src/audit/checkpoint.ts'
import { createAuditLog } from '../../src/audit/create-audit-log.ts'
import { emptyChain, encodeEntry, entryOf, hashHolds, parseLine } from '../../src/audit/entry.ts'
import { readAuditLog } from '../../src/audit/read-audit-log.ts'
import { segmentsOf } from '../../src/audit/segments.ts'
import { verifyAuditLog } from '../../src/audit/verify-audit-log.ts'
import { parseSubject } from '../../src/model/relationship-text.ts'
import { decision, event, temporaryLog } from './events.ts'

async function entries(path: string) {
  const read = []
  for await (const entry of readAuditLog(path)) read.push(entry)
  return read
}

test('each event is one chained line of canonical JSON, readable by its owner alone', async () => {
  const path = await temporaryLog()
  const log = await createAuditLog({ path })
  await log.append(event({ phase: 'intent' }))
  await log.append(event())
  await log.close()
  const lines = (await readFile(path, 'utf8')).trimEnd().split('\n')
  expect(lines).toHaveLength(2)
  for (const line of lines) expect(line).toBe(canonicalJson(JSON.parse(line)))
  const [first, second] = lines.map((line) => JSON.parse(line))
  expect(first.prev).toBe('0'.repeat(64))
  expect(second.prev).toBe(first.hash)
  expect(first.seq).toBe(1)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await verifyAuditLog({ path })).toMatchObject({
    ok: true,
    entries: 2,
    head: { seq: 2, hash: second.hash },
  })
})

test('a line is canonical and gives back what was appended, whatever is set', () => {
  const decisions = [
    decision('document:a', 'has'),
    decision('document:b', 'no'),
    decision('document:c', 'conditional', { missing: ['ip', 'day'] }),
    decision('document:d', 'error', { proof: undefined }),
    decision('document:"quoted"'.replaceAll('"', '='), 'has', { at: 'result $["ä\\u0000"]' }),
    decision('folder:a', 'no', { reason: { kind: 'no_path' }, permission: 'edit' }),
    ...Array.from({ length: 40 }, (_, index) =>
      decision(`document:${index}`, 'has', {
        subject: parseSubject(index % 2 === 0 ? 'user:alice' : 'group:"eng"#member'.replaceAll('"', '=')),
        proof: [`document:${index}#parent@folder:f`, 'folder:f#viewer@group:eng#member[quoted:{"a":"\\"}]'],
        absences: ['document:a#banned@user:alice'],
      }),
    ),
  ]
  const { line } = encodeEntry(emptyChain, { kind: 'event', body: event({ decisions }) })
  expect(line).toBe(`${canonicalJson(JSON.parse(line))}\n`)
  const written = parseLine(line)!
  expect(hashHolds(written)).toBe(true)
  expect(entryOf(written)).toMatchObject({ body: { decisions: JSON.parse(JSON.stringify(decisions)) } })
  expect(written.body.relationships).toEqual(['folder:f#viewer@group:eng#member[quoted:{"a":"\\"}]'])
  expect(written.body.answers).toHaveLength(6)
})

test('what looks alike and is not is kept apart', () => {
  const subject = parseSubject('user:alice')
  const plain = (index: number, changes: Parameters<typeof decision>[2] = {}) =>
    decision(`document:${index}`, 'no', { subject, reason: { kind: 'no_path' }, ...changes })
  const proof = (index: number, last: string) => [
    `document:${index}#parent@folder:f`,
    'folder:f#viewer@group:eng#member',
    `group:eng#member@user:${last}`,
  ]
  const decisions = [
    ...Array.from({ length: 16 }, (_, index) => plain(index)),
    // Each in a run of its own, beside others in which nothing is to be escaped.
    ...Array.from({ length: 16 }, (_, index) => plain(index, { at: `result $["a${index}"]` })),
    ...Array.from({ length: 16 }, (_, index) => plain(index, { at: 'result $.a\\' })),
    ...Array.from({ length: 16 }, (_, index) =>
      decision(`document:${index}`, 'has', {
        absences: undefined,
        proof: [`document:${index}#viewer@user:a[c:{"a":"ä"}]`],
      }),
    ),
    ...Array.from({ length: 16 }, (_, index) =>
      plain(index, { reason: { kind: index % 2 ? 'no_path' : 'odd' } }),
    ),
    ...Array.from({ length: 16 }, (_, index) =>
      decision(`document:${index}`, 'has', {
        absences: undefined,
        proof: proof(index, index % 3 ? 'alice' : 'bob'),
      }),
    ),
    decision('document:a', 'has', { absences: undefined, proof: [] }),
  ]
  const { line } = encodeEntry(emptyChain, { kind: 'event', body: event({ decisions }) })
  expect(line).toBe(`${canonicalJson(JSON.parse(line))}\n`)
  const { body } = entryOf(parseLine(line)!)
  expect((body as { decisions: unknown }).decisions).toEqual(JSON.parse(JSON.stringify(decisions)))
})

test('what many decisions rest on stands once in a line', () => {
  const shared = Array.from({ length: 5 }, (_, index) => `folder:${index}#parent@folder:${index + 1}`)
  const decisions = Array.from({ length: 1000 }, (_, index) =>
    decision(`document:${index}`, 'has', { proof: [`document:${index}#parent@folder:0`, ...shared] }),
  )
  const { line } = encodeEntry(emptyChain, { kind: 'event', body: event({ decisions }) })
  for (const relationship of shared) expect(line.split(relationship)).toHaveLength(2)
  expect(line.split('"alice"').length).toBeLessThan(10)
})

test('the chain goes on over restarts and over full segments', async () => {
  const path = await temporaryLog()
  for (let run = 0; run < 3; run++) {
    const log = await createAuditLog({ path, maxSegmentBytes: 3000 })
    await Promise.all(Array.from({ length: 10 }, () => log.append(event())))
    for (let index = 0; index < 5; index++) await log.append(event())
    await log.close()
  }
  expect((await segmentsOf(path)).length).toBeGreaterThan(5)
  expect((await segmentsOf(path)).at(-1)).toBe(path)
  expect(await verifyAuditLog({ path })).toMatchObject({ ok: true, entries: 45, head: { seq: 45 } })
  expect((await entries(path)).map(({ seq }) => seq)).toEqual(
    Array.from({ length: 45 }, (_, index) => index + 1),
  )
})

test('many appends at once share writes and syncs, in order', async () => {
  const path = await temporaryLog()
  const log = await createAuditLog({ path })
  const sync = vi.spyOn(await fileHandle(), 'datasync')
  const ids = Array.from({ length: 2000 }, (_, index) => `c${index}`)
  await Promise.all(ids.map((callId) => log.append(event({ callId, phase: 'intent' }))))
  expect(sync.mock.calls.length).toBeGreaterThan(0)
  expect(sync.mock.calls.length).toBeLessThan(20)
  sync.mockRestore()
  await log.close()
  expect((await entries(path)).map((entry) => (entry.body as { callId: string }).callId)).toEqual(ids)
})

test('an intent waits for the disk, an outcome does not, and reaches it within a second', async () => {
  const path = await temporaryLog()
  const log = await createAuditLog({ path })
  const sync = vi.spyOn(await fileHandle(), 'datasync')
  let synced = 0
  sync.mockImplementation(async function (this: FileHandle) {
    await this.sync()
    await new Promise((resolve) => setTimeout(resolve, 20))
    synced++
  })
  await log.append(event({ phase: 'intent' }))
  expect(synced).toBe(1)
  await log.append(event())
  expect(synced).toBe(1)
  await expect.poll(() => synced, { timeout: 10_000 }).toBe(2)
  await log.close()
  const strict = await createAuditLog({ path, durable: 'all' })
  const before = synced
  await strict.append(event())
  expect(synced).toBe(before + 1)
  await strict.close()
  sync.mockRestore()
})

test('an unfinished last line is cut off at the next start, and the log says so', async () => {
  const path = await temporaryLog()
  const log = await createAuditLog({ path })
  await log.append(event())
  await log.append(event())
  await log.close()
  const { size } = await stat(path)
  await truncate(path, size - 30)
  expect((await verifyAuditLog({ path })).problems).toMatchObject([{ kind: 'torn', line: 2 }])
  const again = await createAuditLog({ path })
  await again.append(event())
  await again.close()
  const [first, note, last] = await entries(path)
  expect([first!.kind, note!.kind, last!.kind]).toEqual(['event', 'note', 'event'])
  expect((note!.body as { note: string }).note).toMatch(/unfinished last line of \d+ bytes/)
  expect(await verifyAuditLog({ path })).toMatchObject({ ok: true, entries: 3 })
})

test('a log whose last entry is damaged is not continued', async () => {
  const path = await temporaryLog()
  const log = await createAuditLog({ path })
  await log.append(event())
  await log.close()
  const text = await readFile(path, 'utf8')
  await writeFile(path, text.replace('"alice"', '"mallo"'))
  await expect(createAuditLog({ path })).rejects.toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringMatching(/line 1/),
  })
  expect(await readFile(path, 'utf8')).toContain('mallo')
})

test('a second writer is refused, and the first one goes on', async () => {
  const path = await temporaryLog()
  const [one, two] = [await createAuditLog({ path }), await createAuditLog({ path })]
  await one.append(event())
  await expect(two.append(event())).rejects.toThrow(/one writer/)
  await expect(two.append(event())).rejects.toThrow(/one writer/)
  await one.append(event())
  await Promise.allSettled([one.close(), two.close()])
  expect(await verifyAuditLog({ path })).toMatchObject({ ok: true, entries: 2 })
})

test('two writers at the very same moment never both get an acknowledgement', async () => {
  for (let round = 0; round < 20; round++) {
    const path = await temporaryLog()
    const logs = [await createAuditLog({ path }), await createAuditLog({ path })]
    const outcomes = await Promise.allSettled(logs.map((log) => log.append(event())))
    expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1)
    await Promise.allSettled(logs.map((log) => log.close()))
  }
})

test('a log that was moved away or appended to by somebody else is not written on', async () => {
  for (const tamper of [
    (path: string) => rename(path, `${path}.old`),
    (path: string) => appendFile(path, 'x'),
    (path: string) => truncate(path, 10),
  ]) {
    const path = await temporaryLog()
    const log = await createAuditLog({ path })
    await log.append(event())
    await tamper(path)
    await expect(log.append(event())).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await expect(log.append(event())).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await log.close().catch(() => {})
  }
})

test('where nothing can be written, nothing is acknowledged', async () => {
  await expect(createAuditLog({ path: '/proc/cardea/audit.jsonl' })).rejects.toMatchObject({
    code: 'STORE_FAILED',
  })
  const path = await temporaryLog()
  const log = await createAuditLog({ path })
  await log.close()
  await expect(log.append(event())).rejects.toMatchObject({ code: 'STORE_FAILED' })
})

test('a full disk: refused while it lasts, and then the log goes on without a gap', async () => {
  const path = await temporaryLog()
  const log = await createAuditLog({ path })
  await log.append(event())
  const { writeSync } = fs
  const full = vi.spyOn(fs, 'writeSync').mockImplementation(((fd: number, text: string) => {
    writeSync(fd, text.slice(0, 100)) // some of it still fits
    throw new Error('ENOSPC: no space left on device')
  }) as never)
  syncBuiltinESMExports()
  await expect(log.append(event())).rejects.toMatchObject({
    code: 'STORE_FAILED',
    message: expect.stringMatching(/ENOSPC/),
  })
  await expect(log.append(event())).rejects.toThrow(/ENOSPC/)
  full.mockRestore()
  syncBuiltinESMExports()
  await log.append(event())
  await log.close()
  expect(await verifyAuditLog({ path })).toMatchObject({ ok: true, entries: 2 })
})

test('after a sync that failed nothing is acknowledged any more', async () => {
  const path = await temporaryLog()
  const log = await createAuditLog({ path })
  const broken = vi.spyOn(await fileHandle(), 'datasync').mockRejectedValue(new Error('EIO'))
  await expect(log.append(event({ phase: 'intent' }))).rejects.toThrow(/EIO/)
  broken.mockRestore()
  await expect(log.append(event())).rejects.toMatchObject({ code: 'STORE_FAILED' })
  await log.close().catch(() => {})
})

test('killed at any moment, the log keeps every acknowledged entry and goes on', {
  timeout: 120_000,
}, async () => {
  const compiled = await compile()
  const path = await temporaryLog()
  let acknowledged = 0
  for (let round = 0; round < 3; round++) {
    const child = spawn(process.execPath, [join(compiled, 'appender.mjs'), path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const gone = new Promise((resolve) => child.on('close', resolve))
    let output = ''
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (chunk) => {
        output += chunk
        if (output.length > 200 + round * 150) resolve()
      })
      child.on('close', () => resolve())
    })
    child.kill('SIGKILL')
    await gone
    acknowledged += output.split('\n').length - 1
    const log = await createAuditLog({ path })
    await log.close()
    const verified = await verifyAuditLog({ path })
    expect(verified).toMatchObject({ ok: true })
    const events = (await entries(path)).filter(({ kind }) => kind === 'event').length
    expect(events).toBeGreaterThanOrEqual(acknowledged)
    acknowledged = events
  }
  expect(acknowledged).toBeGreaterThan(30)
  await rm(compiled, { recursive: true })
})

/** Compiles the log for a process of its own, which runs no TypeScript. */
async function compile(): Promise<string> {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const cache = join(root, 'node_modules', '.cache')
  await mkdir(cache, { recursive: true })
  const out = await mkdtemp(join(cache, 'audit-test-'))
  const flags =
    '--ignoreConfig --target es2023 --module nodenext --rewriteRelativeImportExtensions --skipLibCheck --types node'
  const entry = join(root, 'src', 'audit', 'create-audit-log.ts')
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  execFileSync(process.execPath, [
    compiler,
    ...flags.split(' '),
    '--rootDir',
    join(root, 'src'),
    '--outDir',
    out,
    entry,
  ])
  await writeFile(join(out, 'package.json'), '{"type":"module"}')
  await writeFile(
    join(out, 'appender.mjs'),
    `import { createAuditLog } from './audit/create-audit-log.js'
const log = await createAuditLog({ path: process.argv[2], maxSegmentBytes: 20_000 })
const event = ${JSON.stringify(event({ phase: 'intent' }))}
for (;;) await Promise.all(Array.from({ length: 3 }, () => log.append(event).then(() => process.stdout.write('ok\\n'))))
`,
  )
  return out
}

/** The class of open files, which Node keeps to itself. */
async function fileHandle(): Promise<FileHandle> {
  const handle = await open('/dev/null')
  await handle.close()
  return Object.getPrototypeOf(handle) as FileHandle
}

test('checkpoints are signed by count, by time and at the end', async () => {
  const path = await temporaryLog()
  const { privateKey, publicKey } = await generateCheckpointKey()
  const second = `${path}.second`
  const log = await createAuditLog({
    path,
    checkpoints: { key: privateKey, path: second, everyRecords: 10, everyMs: 50 },
  })
  for (let index = 0; index < 25; index++) await log.append(event())
  const bySize = (await readFile(second, 'utf8')).trimEnd().split('\n').length
  expect(bySize).toBeGreaterThanOrEqual(2)
  await expect
    .poll(async () => (await readFile(second, 'utf8')).trimEnd().split('\n').length, { timeout: 10_000 })
    .toBeGreaterThan(bySize)
  await log.append(event())
  await log.close()
  const verified = await verifyAuditLog({ path, checkpointPath: second, publicKeys: [publicKey] })
  expect(verified).toMatchObject({ ok: true, signedUpTo: 26 })
  const { publicKey: other } = await generateCheckpointKey()
  const wrong = await verifyAuditLog({ path, checkpointPath: second, publicKeys: [other] })
  expect(wrong.problems.every(({ kind }) => kind === 'checkpoint')).toBe(true)
  expect(wrong.ok).toBe(false)
})

test('a second place that cannot be written stops the log, and it goes on when it can', async () => {
  const path = await temporaryLog()
  const { privateKey, publicKey } = await generateCheckpointKey()
  const second = `${path}.second`
  const checkpointPath = join(second, 'checkpoints')
  const log = await createAuditLog({
    path,
    checkpoints: { key: privateKey, path: checkpointPath, everyRecords: 2 },
  })
  await log.append(event())
  await expect(log.append(event())).rejects.toThrow(/checkpoint/)
  await expect(log.append(event())).rejects.toThrow(/checkpoint/)
  await mkdir(second)
  await log.append(event())
  await log.close()
  const verified = await verifyAuditLog({ path, checkpointPath, publicKeys: [publicKey] })
  expect(verified).toMatchObject({ ok: true, entries: 4, signedUpTo: 4 })
})
