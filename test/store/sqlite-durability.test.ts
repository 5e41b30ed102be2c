// Durability: the settings are what they must be, every acknowledged commit is synced, and no kill loses or halves one.
// CARDEA_CHAOS_RUNS=200 makes the killing long.

import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { assertDurable, openConnection } from '../../src/store/sqlite/connection.ts'
import type { FailpointName } from '../../src/store/sqlite/protocol.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { buildWithBug, chaosRun, distUrl, HistoryChecker, runWriters } from './chaos.ts'
import { touch, write } from './support.ts'

const runs = Number(process.env.CARDEA_CHAOS_RUNS ?? 20)
const minuteMs = 60_000

let directory: string
let path: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cardea-durability-'))
  path = join(directory, 'cardea.db')
})
afterEach(() => rmSync(directory, { recursive: true }))

describe('settings', () => {
  test('a connection is WAL and synchronous=FULL, read back', () => {
    const database = openConnection(path, 1000)
    const pragma = (name: string) => database.pragma(name, { simple: true })
    expect([pragma('journal_mode'), pragma('synchronous')]).toEqual(['wal', 2])
    expect([pragma('fullfsync'), pragma('checkpoint_fullfsync')]).toEqual([1, 1])
    database.close()
  })

  test('a connection that is not durable is refused', () => {
    const database = openConnection(path, 1000)
    const refusal = (message: RegExp) =>
      expect.objectContaining({ code: 'CONFIG_INVALID', message: expect.stringMatching(message) })
    database.pragma('synchronous = NORMAL')
    expect(() => assertDurable(database, path)).toThrow(refusal(/synchronous is 1, not FULL/))
    database.pragma('synchronous = EXTRA')
    assertDurable(database, path)
    database.pragma('journal_mode = DELETE')
    expect(() => assertDurable(database, path)).toThrow(refusal(/journal_mode is delete, not wal/))
    database.close()
    // What better-sqlite3 does by itself, and why it is asserted.
    openConnection(path, 1000).close()
    const plain = new Database(path)
    expect(plain.pragma('synchronous', { simple: true })).toBe(1)
    plain.close()
  })
})

describe('a sync per acknowledged commit', () => {
  const strace = spawnSync('strace', ['-f', '-e', 'trace=fdatasync', 'true']).status === 0
  const skipped = strace ? '' : ' (skipped: strace is not there or may not trace)'

  /** Acknowledgements before which the log was not synced since the one before. */
  async function unsynced(dist: string): Promise<{ acknowledged: number; unsynced: number }> {
    const trace = join(directory, 'trace')
    const { acknowledged } = await runWriters({
      path,
      dist,
      run: 1,
      writers: 1,
      writes: 40,
      under: ['strace', '-f', '-y', '-s', '40', '-e', 'trace=fsync,fdatasync,write', '-o', trace],
    })
    let synced = false
    let without = 0
    const unfinished = new Map<string, boolean>()
    for (const line of readFileSync(trace, 'utf8').split('\n')) {
      const [thread = '', ...rest] = line.split(/\s+/)
      const call = rest.join(' ')
      if (/^(fsync|fdatasync)\(/.test(call)) {
        const ofLog = call.includes('cardea.db-wal')
        if (call.includes('unfinished')) unfinished.set(thread, ofLog)
        else if (ofLog && call.endsWith('= 0')) synced = true
      } else if (/^<\.\.\. (fsync|fdatasync) resumed>/.test(call)) {
        if (unfinished.get(thread) && call.endsWith('= 0')) synced = true
      } else if (/^write\(1\b.*"acknowledged /.test(call)) {
        if (!synced) without += 1
        synced = false
      }
    }
    return { acknowledged: acknowledged.length, unsynced: without }
  }

  test.skipIf(!strace)(`the log is synced before each acknowledgement${skipped}`, async () => {
    expect(await unsynced(distUrl)).toEqual({ acknowledged: 40, unsynced: 0 })
  })

  test.skipIf(!strace)(`and without synchronous=FULL this would be noticed${skipped}`, async () => {
    const dist = buildWithBug(directory, 'store/sqlite/connection.js', [
      ['synchronous = FULL', 'synchronous = NORMAL'],
      ['synchronous < 2', 'synchronous < 0'],
    ])
    const found = await unsynced(dist)
    expect(found.acknowledged).toBe(40)
    expect(found.unsynced).toBeGreaterThan(20)
  })
})

describe('kill -9', () => {
  test(
    `${runs} times with 10 writers in flight: nothing acknowledged is lost, nothing is there in part`,
    async () => {
      const checker = new HistoryChecker()
      let [acknowledged, entries] = [0, 0]
      for (let run = 1; run <= runs; run++) {
        // Spread over the phases of a commit without chance: no two runs are killed after the same time.
        const killAfterMs = 5 + ((run * 37) % 120)
        const found = await chaosRun(checker, { path, run, writers: 10, killAfterMs })
        acknowledged += found.acknowledged
        entries += found.entries
      }
      expect(acknowledged).toBeGreaterThan(runs)
      expect(entries).toBeGreaterThanOrEqual(acknowledged)
    },
    runs * minuteMs,
  )

  const failpoints: FailpointName[] = [
    'begun',
    'half-written',
    'write-done',
    'before-commit',
    'after-commit',
    'acknowledged',
    'garbage',
  ]
  test.each(failpoints)(
    'at the point %s',
    async (name) => {
      const checker = new HistoryChecker()
      const big = name === 'half-written'
      const points = Math.max(2, Math.round(runs / 10))
      // A run before, so that there is something to lose and something to collect.
      await chaosRun(checker, { path, run: 1, writers: 8, writes: 4, big })
      for (let run = 2; run < 2 + points; run++) {
        const settings = { path, run, writers: 8, big, failpoint: { name, passings: run } }
        const outcome = await chaosRun(checker, settings)
        expect(outcome.entries).toBeGreaterThanOrEqual(outcome.acknowledged)
      }
    },
    runs * minuteMs,
  )

  test('the checker notices an acknowledgement before the commit', async () => {
    const dist = buildWithBug(directory, 'store/sqlite/commit-queue.js', [
      [
        `this.#options.failpoint('before-commit');`,
        `this.#options.publish(entries, replies); await pause(50); this.#options.failpoint('before-commit');`,
      ],
    ])
    const failpoint = { name: 'before-commit' as const, passings: 5 }
    await expect(
      chaosRun(new HistoryChecker(), { path, dist, run: 1, writers: 8, failpoint }),
    ).rejects.toThrow(/acknowledged write .* is lost/)
  })

  test('the checker notices a write that was committed in part', async () => {
    const dist = buildWithBug(directory, 'store/sqlite/commit-queue.js', [
      [
        `this.#options.failpoint('half-written');`,
        `this.#statements.commit.run(); this.#options.failpoint('half-written');`,
      ],
    ])
    const failpoint = { name: 'half-written' as const, passings: 1 }
    const run = { path, dist, run: 1, writers: 2, big: true, failpoint }
    await expect(chaosRun(new HistoryChecker(), run)).rejects.toThrow(
      /in part|not the .* that the log leads to/,
    )
  })

  test('the checker notices a revision that was given before its turn', async () => {
    // Every write of a batch takes the revision after the head that the batch began with.
    const dist = buildWithBug(directory, 'store/sqlite/writer.js', [
      ['INSERT INTO cardea_log VALUES', 'INSERT OR REPLACE INTO cardea_log VALUES'],
      ['INSERT INTO cardea_change VALUES', 'INSERT OR REPLACE INTO cardea_change VALUES'],
      [
        'this.#current = { revision, nonce, committedAtMs, schemaRevision };',
        'const stamped = { revision, nonce, committedAtMs, schemaRevision };',
      ],
      ['head: this.#current,\n', 'head: stamped,\n'],
    ])
    const run = { path, dist, run: 1, writers: 8, killAfterMs: 60 }
    await expect(chaosRun(new HistoryChecker(), run)).rejects.toThrow(
      /in part|lost|does not follow|not the .* that the log leads to/,
    )
  })
})

test('a process that forgets to close its store ends all the same', async () => {
  const store = await openSqliteStore({ path })
  await write(store, touch('doc:a#viewer@user:ann'))
  await store.close()
  const script = `
    const { openSqliteStore } = await import(${JSON.stringify(`${distUrl}store/sqlite/store.js`)})
    const store = await openSqliteStore({ path: ${JSON.stringify(path)} })
    await store.follow(await store.head(), { onEntry() {}, onBreak() {} })
    console.log((await store.head()).revision)`
  const said = execFileSync(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 })
  expect(said.toString()).toBe('1\n')
})
