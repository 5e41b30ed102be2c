// What an attacker can do to the file, what a checkpoint adds, and what redaction leaves: each is found and named.

import { readFile, rm, writeFile } from 'node:fs/promises'
import type { JWK } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { canonicalJson } from '../../src/audit/canonical-json.ts'
import { generateCheckpointKey, signCheckpoint } from '../../src/audit/checkpoint.ts'
import { createAuditLog } from '../../src/audit/create-audit-log.ts'
import { emptyChain, encodeEntry, entryOf, parseLine } from '../../src/audit/entry.ts'
import { findExposures } from '../../src/audit/read-audit-log.ts'
import { segmentsOf } from '../../src/audit/segments.ts'
import { type LogProblemKind, verifyAuditLog } from '../../src/audit/verify-audit-log.ts'
import { parseObject, parseSubject } from '../../src/model/relationship-text.ts'
import { decision, event, temporaryLog } from './events.ts'

let keys: { privateKey: JWK; publicKey: JWK }
beforeAll(async () => {
  keys = await generateCheckpointKey()
})

/** A log of ten entries with a checkpoint of the eighth. */
async function tenEntries(): Promise<string> {
  const path = await temporaryLog()
  const log = await createAuditLog({
    path,
    checkpoints: { key: keys.privateKey, everyRecords: 8, everyMs: 3_600_000 },
  })
  for (let index = 1; index <= 10; index++) await log.append(event({ callId: `call-${index}` }))
  // Not closed, so that nothing is signed after the eighth; everything is on disk.
  return path
}

async function lines(path: string): Promise<string[]> {
  return (await readFile(path, 'utf8')).trimEnd().split('\n')
}

async function kinds(path: string, publicKeys?: JWK[]): Promise<LogProblemKind[]> {
  const { ok, problems } = await verifyAuditLog({ path, publicKeys })
  expect(ok).toBe(problems.length === 0)
  return problems.map(({ kind }) => kind)
}

/** Builds the chain anew with its own hashes, as somebody with the program and the file could. */
function rebuild(bodies: readonly string[]): string {
  let head = emptyChain
  let text = ''
  for (const line of bodies) {
    const encoded = encodeEntry(head, entryOf(parseLine(line)!))
    text += encoded.line
    head = encoded.head
  }
  return text
}

describe('an untouched log', () => {
  test('has no problems, and says up to where it is signed', async () => {
    const path = await tenEntries()
    expect(await verifyAuditLog({ path, publicKeys: [keys.publicKey] })).toMatchObject({
      ok: true,
      entries: 10,
      firstSeq: 1,
      head: { seq: 10 },
      signedUpTo: 8,
      checkpoints: 1,
    })
    expect((await verifyAuditLog({ path })).signedUpTo).toBeUndefined()
  })

  test('an empty or missing log is no problem, unless something was signed', async () => {
    const path = await temporaryLog()
    expect(await verifyAuditLog({ path })).toMatchObject({ ok: true, entries: 0, files: 0 })
    await writeFile(
      `${path}.checkpoints`,
      `${await signCheckpoint({ seq: 3, hash: 'x', at: 'now' }, keys.privateKey)}\n`,
    )
    expect(await kinds(path, [keys.publicKey])).toEqual(['truncated'])
    await expect(createAuditLog({ path, checkpoints: { key: keys.privateKey } })).rejects.toThrow(
      /its end was removed/,
    )
  })
})

describe('tampering', () => {
  const tampering: [string, (lines: string[]) => string[], LogProblemKind[]][] = [
    ['a changed name', (all) => all.with(3, all[3]!.replace('"alice"', '"mallory"')), ['changed']],
    [
      'a changed verdict',
      (all) => all.with(3, all[3]!.replace('"verdict":"no"', '"verdict":"has"')),
      ['changed'],
    ],
    ['a changed time', (all) => all.with(3, all[3]!.replace('10:00:00', '09:00:00')), ['changed']],
    ['a dropped decision', (all) => all.with(3, drop(all[3]!)), ['changed']],
    ['two decisions swapped', (all) => all.with(3, swap(all[3]!)), ['changed']],
    ['an added field', (all) => all.with(3, all[3]!.replace('{"at"', '{"aa":1,"at"')), ['changed']],
    ['a removed entry', (all) => all.toSpliced(4, 1), ['removed']],
    ['three removed entries', (all) => all.toSpliced(4, 3), ['removed']],
    ['the first entries removed', (all) => all.slice(2), ['removed']],
    ['two entries swapped', (all) => all.with(3, all[4]!).with(4, all[3]!), ['reordered']],
    ['an entry moved to the end', (all) => [...all.toSpliced(3, 1), all[3]!], ['reordered']],
    ['an entry doubled', (all) => all.toSpliced(5, 0, all[2]!), ['inserted']],
    ['a line of something else', (all) => all.toSpliced(5, 0, '{"note":"hello"}'), ['changed']],
    ['an entry replaced by another good one', (all) => all.with(4, forge(all, 4)), ['changed']],
    [
      'an entry replaced by another good one, and the next made to follow it',
      (all) => {
        const forged = forge(all, 4)
        return all.with(4, forged).with(5, follow(all[5]!, forged))
      },
      ['changed'],
    ],
    ['the last line cut', (all) => all.with(9, all[9]!.slice(0, 50)), ['torn']],
  ]

  function drop(line: string): string {
    const entry = JSON.parse(line)
    entry.body.decisions.pop()
    return JSON.stringify(entry)
  }
  function swap(line: string): string {
    const entry = JSON.parse(line)
    entry.body.decisions.reverse()
    return JSON.stringify(entry)
  }
  function forge(all: string[], index: number): string {
    const before = parseLine(all[index - 1]!)!
    return encodeEntry(before, { kind: 'event', body: event({ callId: 'forged' }) }).line.trimEnd()
  }

  function follow(line: string, before: string): string {
    return line.replace(JSON.parse(line).prev, JSON.parse(before).hash)
  }

  test.each(tampering)('%s', async (name, tamper, expected) => {
    const path = await tenEntries()
    const after = tamper(await lines(path))
    await writeFile(path, after.join('\n') + (name === 'the last line cut' ? '' : '\n'))
    expect(await kinds(path)).toEqual(expected)
  })

  test('a place is named', async () => {
    const path = await tenEntries()
    await writeFile(path, `${(await lines(path)).toSpliced(4, 1).join('\n')}\n`)
    expect((await verifyAuditLog({ path })).problems).toEqual([
      { kind: 'removed', file: path, line: 5, seq: 6, detail: 'Entry 5 is missing before this one.' },
    ])
  })
})

describe('what only a checkpoint finds', () => {
  test('a history that was rewritten with good hashes', async () => {
    const path = await tenEntries()
    const changed = (await lines(path)).map((line) => line.replaceAll('"alice"', '"mallory"'))
    await writeFile(path, rebuild(changed))
    expect(await kinds(path)).toEqual([])
    expect(await kinds(path, [keys.publicKey])).toEqual(['rewritten'])
  })

  test('an end that was removed, and a log that would be continued behind it', async () => {
    const path = await tenEntries()
    await writeFile(path, `${(await lines(path)).slice(0, 6).join('\n')}\n`)
    expect(await kinds(path)).toEqual([])
    expect(await kinds(path, [keys.publicKey])).toEqual(['truncated'])
    await expect(createAuditLog({ path, checkpoints: { key: keys.privateKey } })).rejects.toThrow(
      /its end was removed/,
    )
  })

  test('what comes after the last checkpoint is not covered, and is not said to be', async () => {
    const path = await tenEntries()
    await writeFile(path, `${(await lines(path)).slice(0, 9).join('\n')}\n`)
    expect(await verifyAuditLog({ path, publicKeys: [keys.publicKey] })).toMatchObject({
      ok: true,
      signedUpTo: 8,
      head: { seq: 9 },
    })
  })

  test('checkpoints of another key, of another type, or changed', async () => {
    const path = await tenEntries()
    const file = `${path}.checkpoints`
    const [good] = await lines(file)
    const other = await generateCheckpointKey()
    const foreign = await signCheckpoint({ seq: 8, hash: 'x', at: 'now' }, other.privateKey)
    await writeFile(file, `${good}\n${foreign}\n${good!.slice(0, -4)}AAAA\nnonsense\n`)
    expect(await kinds(path, [keys.publicKey])).toEqual(['checkpoint', 'checkpoint', 'checkpoint'])
  })

  test('two logs signed under one name', async () => {
    const path = await tenEntries()
    const file = `${path}.checkpoints`
    const second = await signCheckpoint({ seq: 8, hash: 'f'.repeat(64), at: 'now' }, keys.privateKey)
    await writeFile(file, `${await readFile(file, 'utf8')}${second}\n`)
    expect(await kinds(path, [keys.publicKey])).toContain('rewritten')
  })

  test('removed segments, unless retention is said', async () => {
    const path = await temporaryLog()
    const log = await createAuditLog({ path, maxSegmentBytes: 2000, checkpoints: { key: keys.privateKey } })
    for (let index = 0; index < 10; index++) await log.append(event())
    await log.close()
    const [first, second] = await segmentsOf(path)
    await rm(first!)
    expect(await kinds(path, [keys.publicKey])).toEqual(['removed'])
    expect(await verifyAuditLog({ path, publicKeys: [keys.publicKey], mayStartLate: true })).toMatchObject({
      ok: true,
    })
    const { length } = await lines(second!)
    await rm(second!)
    expect(length).toBeGreaterThan(0)
  })
})

describe('redaction', () => {
  test('the value is gone from the disk, chain and checkpoints still hold, and the log says what was done', async () => {
    const path = await temporaryLog()
    const log = await createAuditLog({ path, checkpoints: { key: keys.privateKey, everyRecords: 1 } })
    for (let index = 0; index < 4; index++)
      await log.append(
        event({
          decisions: [decision('document:a', 'has'), decision('document:salary-of-bob', 'has')],
          detail: `d${index}`,
        }),
      )
    await log.redact(2, ['principal', 'decisions/1'], 'erasure request 17')
    await log.append(event())
    await log.close()
    const verified = await verifyAuditLog({ path, publicKeys: [keys.publicKey] })
    expect(verified).toMatchObject({ ok: true, entries: 6, signedUpTo: 6, redactedFields: 2 })
    const [file] = await segmentsOf(path)
    const [first, second] = await lines(file!)
    expect(first).toContain('salary-of-bob')
    expect(second).not.toContain('salary-of-bob')
    expect(second).not.toContain('alice@')
    expect(second).toContain('document')
    expect(JSON.parse(second!).body.principal).toEqual({ redacted: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect((await lines(path))[0]).toContain('erasure request 17')
  })

  /** Fifty decisions, of which some are blanked. Gives the file that holds them. */
  async function blankedRun(fields: readonly string[], ...more: (readonly string[])[]) {
    const path = await temporaryLog()
    const log = await createAuditLog({ path, checkpoints: { key: keys.privateKey, everyRecords: 1 } })
    const decisions = Array.from({ length: 50 }, (_, index) => decision(`document:secret-${index}-`, 'has'))
    await log.append(event({ decisions }))
    const { salts } = JSON.parse((await lines(path))[0]!) as { salts: string }
    for (const some of [fields, ...more]) await log.redact(1, some, 'test')
    const [file] = await segmentsOf(path)
    return { path, log, file: file!, salts }
  }

  test('single decisions go, those beside them stay and are still vouched for', async () => {
    const { path, log, file, salts } = await blankedRun(['decisions/3'], ['decisions/5', 'decisions/49'])
    await log.close()
    const text = await readFile(file, 'utf8')
    // With the salt of its run a decision could be guessed by trying: only the two runs between keep theirs.
    const kept = JSON.parse(text).salts as string
    const runs = (packed: string) => packed.slice(24 * 4, 24 * 8).match(/.{24}/g)!
    expect(runs(kept).map((salt, index) => salt === runs(salts)[index])).toEqual([false, true, true, false])
    for (const gone of [3, 5, 49]) expect(text).not.toContain(`secret-${gone}-`)
    for (const kept of [0, 2, 4, 6, 16, 48]) expect(text).toContain(`secret-${kept}-`)
    expect(await verifyAuditLog({ path, publicKeys: [keys.publicKey] })).toMatchObject({
      ok: true,
      redactedFields: 3,
    })
    const { exposures, unknown } = await findExposures({ path, resource: parseObject('document:secret-4-') })
    expect(exposures).toHaveLength(1)
    expect(unknown).toEqual([1])
  })

  test.each<[string, (text: string) => string, LogProblemKind[]]>([
    [
      'a decision beside a blanked one is changed',
      (text) => text.replace('secret-4-', 'public-4-'),
      ['changed'],
    ],
    ['one in another run is changed', (text) => text.replace('secret-20-', 'public-20-'), ['changed']],
    [
      'another one is blanked in secret',
      (text) => {
        const line = JSON.parse(text)
        line.body.decisions[4] = line.body.decisions[3]
        return `${canonicalJson(line)}\n`
      },
      ['redacted', 'changed'],
    ],
    [
      'blanked ones are doubled',
      (text) => {
        const line = JSON.parse(text)
        line.body.decisions.push(line.body.decisions[49])
        return `${canonicalJson(line)}\n`
      },
      ['redacted', 'changed'],
    ],
    [
      'blanked ones are removed',
      (text) => {
        const line = JSON.parse(text)
        line.body.decisions.pop()
        return `${canonicalJson(line)}\n`
      },
      ['changed'],
    ],
  ])('%s: that is found, and nothing more is blanked', async (_, tamper, expected) => {
    const { path, log, file } = await blankedRun(['decisions/3', 'decisions/48', 'decisions/49'])
    await writeFile(file, tamper(await readFile(file, 'utf8')))
    await expect(log.redact(1, ['decisions/7'], 'test')).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await log.close()
    expect(await kinds(path, [keys.publicKey])).toEqual(expected)
  })

  test('who was asked about, and what proofs share, can go by themselves', async () => {
    const path = await temporaryLog()
    const log = await createAuditLog({ path })
    const proof = ['document:a#parent@folder:f', 'folder:f#viewer@user:alice']
    const both = [decision('document:a', 'has', { proof }), decision('document:b', 'has', { proof })]
    await log.append(event({ decisions: both }))
    await log.append(event({ decisions: both }))
    await log.redact(1, ['relationships'], 'test')
    await log.redact(2, ['answers', 'principal'], 'test')
    await log.close()
    expect(await kinds(path)).toEqual([])
    const { exposures, unknown } = await findExposures({ path, resource: parseObject('document:a') })
    expect(exposures).toMatchObject([{ seq: 1, proof: [] }])
    expect(unknown).toEqual([2])
  })

  test('the same value twice leaves two different hashes, so that nobody can guess it', async () => {
    const path = await temporaryLog()
    const log = await createAuditLog({ path })
    await log.append(event())
    await log.append(event())
    const salts = JSON.parse((await lines(path))[0]!).salts as string
    const saltOfPrincipal = salts.slice(24 * 10, 24 * 11) // the eleventh leaf by name
    await log.redact(1, ['principal'], 'test')
    await log.redact(2, ['principal'], 'test')
    await log.close()
    const [file] = await segmentsOf(path)
    const [one, two] = (await lines(file!)).map((line) => JSON.parse(line).body.principal.redacted)
    expect(one).not.toBe(two)
    // With its salt a value could be guessed by trying.
    expect(salts).toContain(saltOfPrincipal)
    expect(await readFile(file!, 'utf8')).not.toContain(saltOfPrincipal)
    expect(await kinds(path)).toEqual([])
  })

  test('blanking in secret is found', async () => {
    const path = await temporaryLog()
    const log = await createAuditLog({ path })
    await log.append(event())
    await log.redact(1, ['tool'], 'test')
    await log.close()
    const [file] = await segmentsOf(path)
    const blanked = await readFile(file!, 'utf8')
    const fresh = await temporaryLog()
    await writeFile(fresh, blanked)
    expect(await kinds(fresh)).toEqual(['redacted'])
  })

  test('an unknown entry or field changes nothing', async () => {
    const path = await temporaryLog()
    const log = await createAuditLog({ path })
    await log.append(event())
    await expect(log.redact(7, ['tool'], 'test')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    await expect(log.redact(1, ['tool', 'salary'], 'test')).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    await log.append(event())
    await log.close()
    expect(await verifyAuditLog({ path })).toMatchObject({ ok: true, entries: 2, redactedFields: 0 })
  })
})

describe('who has been shown a document', () => {
  test('by result or argument, with tool, person, proof and revision; not by denials and intents', async () => {
    const path = await temporaryLog()
    const log = await createAuditLog({ path })
    const at = (hour: number) => `2026-11-21T${hour}:00:00.000Z`
    await log.append(event({ at: at(10), resultToken: 'r10' }))
    await log.append(event({ at: at(11), decisions: [decision('document:a', 'no')] }))
    await log.append(event({ at: at(12), phase: 'intent', effect: 'write' }))
    await log.append(event({ at: at(13), outcome: 'denied' }))
    const asked = [decision('document:a', 'has', { at: 'argument $.id' })]
    await log.append(
      event({
        at: at(14),
        tool: 'read_document',
        outcome: 'allowed',
        argumentsToken: 'r14',
        decisions: asked,
      }),
    )
    await log.append(event({ at: at(15), mode: 'observe', decisions: [decision('document:a', 'no')] }))
    await log.append(event({ at: at(16), decisions: [decision('document:a', 'has', { at: 'call' })] }))
    await log.append(
      event({ at: at(17), decisions: [decision('document:ab', 'has'), decision('folder:a', 'has')] }),
    )
    const resource = parseObject('document:a')
    const { exposures } = await findExposures({ path, resource })
    expect(exposures.map((one) => [one.at, one.tool, one.token, one.where, one.wouldBeDenied])).toEqual([
      [at(10), 'search_documents', 'r10', 'result $.results[0]', false],
      [at(14), 'read_document', 'r14', 'argument $.id', false],
      [at(15), 'search_documents', 'token-2', 'result $.results[0]', true],
    ])
    expect(exposures[0]).toMatchObject({
      principal: { subjectRef: parseSubject('user:alice') },
      proof: ['document:a#viewer@user:alice'],
    })
    expect((await findExposures({ path, resource, before: at(14) })).exposures).toHaveLength(1)
    const early = (token: string) => token === 'r10'
    expect((await findExposures({ path, resource, atRevision: early })).exposures).toHaveLength(1)
    await log.redact(1, ['decisions'], 'test')
    await log.close()
    const after = await findExposures({ path, resource })
    expect(after.exposures).toHaveLength(2)
    expect(after.unknown).toEqual([1])
  })
})

describe('secrets', () => {
  test('a token that somebody hands in by mistake is not recorded, and the chain holds', async () => {
    const path = await temporaryLog()
    const log = await createAuditLog({ path })
    const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl'
    await log.append(event({ detail: `refused: Bearer opaque-secret-0123456789 and ${jwt}` }))
    await log.append(event({ detail: `quoted "Bearer ${jwt}" and "Bearer opaque-secret-0123456789"` }))
    await log.append(event({ detail: 'The Bearer token is missing.' }))
    await log.append(event({ decisions: [decision(`document:${jwt.replaceAll('.', '=2E')}`, 'no')] }))
    await log.close()
    const text = await readFile(path, 'utf8')
    for (const secret of ['opaque-secret-0123456789', ...jwt.split('.')]) expect(text).not.toContain(secret)
    expect(text).toContain('[removed]')
    expect(text).toContain('The Bearer token is missing.')
    expect(
      text
        .trimEnd()
        .split('\n')
        .every((line) => parseLine(line)),
    ).toBe(true)
    expect(await kinds(path)).toEqual([])
  })
})
