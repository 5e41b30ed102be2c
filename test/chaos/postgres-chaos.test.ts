// Chaos on PostgreSQL: backends, the postmaster and replicas are killed while writers write, the disk fills up, clocks
// jump. Every acknowledged write must be there, none half, all followers alike. CARDEA_CHAOS_RUNS=50 makes it long.

import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { openPostgresStore, type PostgresStoreOptions } from '../../src/store/postgres/store.ts'
import { migratePostgres } from '../../src/store/postgres/tables.ts'
import type { LogEntry, Store } from '../../src/store/store.ts'
import { type Replica, startReplica } from '../replicas/replica.ts'
import { intendedUpdates } from '../store/chaos-updates.mjs'
import { startPostgres } from '../store/postgres-server.ts'
import { collect, Recorder, until } from '../store/support.ts'
import { History } from './history.ts'

const runs = Number(process.env.CARDEA_CHAOS_RUNS ?? 3)
const server = await startPostgres()

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
/** Spread without chance. */
const spread = (n: number, most: number) => (n * 37) % most

/** Writes until told to stop; each failure must say that the server was away, or that its disk is full. */
function startWriter(
  history: History,
  store: Store,
  run: number,
  writer: number,
  big: boolean,
): () => Promise<void> {
  let writing = true
  const done = (async () => {
    for (let n = 0; writing; n++) {
      const updates = intendedUpdates(run, writer, n, big)
      const error = await history.attempt(updates, async (id) => {
        const { head } = await store.write(updates, {
          schemaRevision: 0,
          nowMs: Date.now(),
          metadata: { id },
        })
        return head
      })
      if (error !== undefined) {
        const { code, message } = error as { code: string; message: string }
        expect([code, code === 'UNAVAILABLE' || /disk .* is full/.test(message) || message]).toEqual([
          code,
          true,
        ])
        await pause(20)
      }
    }
  })()
  return () => {
    writing = false
    return done
  }
}

/** A datastore with three handles, a follower and two writers on each. */
async function underLoad(
  connectionString: string,
  attack: (round: number, history: History) => Promise<void>,
  {
    rounds = runs,
    big = false,
    ...options
  }: Partial<PostgresStoreOptions> & { rounds?: number; big?: boolean } = {},
): Promise<{ history: History; entries: number }> {
  const history = new History()
  const stores = await Promise.all(
    [0, 1, 2].map(() => openPostgresStore({ connectionString, statementTimeoutMs: 5_000, ...options })),
  )
  const followers = stores.map(() => new Recorder())
  try {
    await Promise.all(stores.map((store, n) => store.follow({ revision: 0, nonce: '' }, followers[n]!)))
    for (let round = 0; round < rounds; round++) {
      const stops = stores.flatMap((store, n) => [
        startWriter(history, store, round, 2 * n, big),
        startWriter(history, store, round, 2 * n + 1, big),
      ])
      await pause(60 + spread(round, 150))
      await attack(round, history)
      await pause(100)
      for (const stop of stops) await stop()
    }
    let head = await stores[0]!.head().catch(() => undefined)
    await until(async () => {
      head = await stores[0]!.head().catch(() => undefined)
      return head !== undefined
    }, 30_000)
    await until(() => followers.every(({ revisions }) => (revisions.at(-1) ?? 0) === head!.revision), 30_000)
    for (const follower of followers) expect(follower.breaks).toEqual([])
    const entries = await history.check(
      stores[1]!,
      followers.map((follower) => follower.entries),
    )
    return { history, entries }
  } finally {
    for (const store of stores) await store.close()
  }
}

if (typeof server === 'string') {
  console.warn(`Skipped: chaos on PostgreSQL: ${server}`)
  test.skip(`chaos on PostgreSQL (${server})`, () => {})
} else {
  afterAll(() => server.stop())
  let connectionString: string
  beforeEach(async () => {
    connectionString = await server.newSchema()
    await migratePostgres({ connectionString })
  })
  const minutes = (most: number) => Math.max(180_000, runs * most * 1_000)

  const backends = async (): Promise<number[]> => {
    const { rows } = await server.query(
      `SELECT pid FROM pg_stat_activity WHERE application_name = 'cardea' AND pid <> pg_backend_pid()`,
    )
    return rows.map(({ pid }) => pid)
  }

  describe(`${runs} times`, () => {
    test(
      'backends are ended, then some are killed with -9, which takes the whole server through recovery',
      async () => {
        const { history, entries } = await underLoad(connectionString, async (round) => {
          const pids = await backends()
          if (server.crash !== undefined && round % 3 === 2)
            process.kill(pids[spread(round, pids.length)]!, 'SIGKILL')
          else for (const pid of pids) await server.query('SELECT pg_terminate_backend($1)', [pid])
          await until(() =>
            server.query('SELECT 1').then(
              () => true,
              () => false,
            ),
          )
        })
        expect(history.acknowledged).toBeGreaterThan(runs)
        expect(entries).toBeGreaterThanOrEqual(history.acknowledged)
      },
      minutes(20),
    )

    test.runIf(server.crash !== undefined)(
      'the postmaster is killed',
      async () => {
        const { history, entries } = await underLoad(connectionString, async (round) => {
          await server.crash!(round % 2 === 0 ? 'SIGQUIT' : 'SIGKILL')
          await server.restart!()
        })
        expect(history.acknowledged).toBeGreaterThan(runs)
        expect(entries).toBeGreaterThanOrEqual(history.acknowledged)
      },
      minutes(30),
    )

    test(
      'a replica is killed with -9; the other goes on, it comes back, and both know the same',
      async () => {
        const history = new History()
        let replicas: Replica[] = []
        try {
          replicas = await Promise.all([0, 1].map(() => startReplica(connectionString)))
          await replicas[0]!.authorizer.writeSchema(
            'caveat tz(n int, run int, writer int) { n + run + writer >= 0 }\ndefinition user {}\n' +
              'definition doc {\n relation viewer: user | user with tz\n}',
          )
          const schemaRevision = await replicas[0]!.metric('cardea_datastore_revision')
          let watched: string[] = []
          for (let round = 0; round < runs; round++) {
            let writing = true
            const victim = round % 2
            const writers = [0, 1, 2, 3].map(async (writer) => {
              for (let n = 0; writing; n++) {
                const updates = intendedUpdates(round, writer, n, false)
                const error = await history.attempt(updates, async (id) => {
                  await replicas[writer % 2]!.authorizer.writeRelationships({ updates, metadata: { id } })
                  return {}
                })
                if (error === undefined) continue
                expect(error).toMatchObject({ code: 'UNAVAILABLE' })
                // Its calls are answered again when it is back; what was under way is not known.
                if (writer % 2 === victim) return
              }
            })
            await pause(150 + spread(round, 200))
            await replicas[victim]!.kill()
            await pause(100)
            writing = false
            await Promise.all(writers)
            replicas[victim] = await startReplica(connectionString)
          }
          watched = await Promise.all(replicas.map(({ authorizer }) => rowsOf(authorizer)))
          expect(watched[0]).toEqual(watched[1])
          expect(history.acknowledged).toBeGreaterThan(runs)
          const store = await openPostgresStore({ connectionString })
          await history.check(withoutSchema(store, schemaRevision))
          await store.close()
        } finally {
          for (const replica of replicas) await replica.stop()
        }
      },
      minutes(30),
    )
  })

  test('clocks jump hours to and fro: order is kept, every write is there', async () => {
    let jumpMs = 0
    const { history } = await underLoad(
      connectionString,
      async (round) => {
        jumpMs = (round % 2 === 0 ? -1 : 1) * (round + 1) * 3_600_000
      },
      { clock: () => Date.now() + jumpMs, rounds: 4 },
    )
    expect(history.acknowledged).toBeGreaterThan(4)
  })
}

/** Relationship strings that a replica exports, sorted, as one text. */
async function rowsOf(authorizer: Replica['authorizer']): Promise<string> {
  const rows = await collect(authorizer.exportRelationships({ consistency: { kind: 'fully_consistent' } }))
  return rows
    .map(({ relationship }) => JSON.stringify(relationship))
    .sort()
    .join('\n')
}

/** A store without the entry that wrote the schema, which no attempt of a history did. */
function withoutSchema(store: Store, revision: number): Store {
  return new Proxy(store, {
    get(target, name) {
      if (name === 'log') {
        return async function* (after: number): AsyncIterable<LogEntry> {
          for await (const entry of target.log(after)) if (entry.revision !== revision) yield entry
        }
      }
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

/** A small filesystem in memory, or why there is none. */
function mountTmpfs(megabytes: number): { readonly directory: string; unmount(): void } | string {
  const directory = mkdtempSync(join(tmpdir(), 'cardea-tmpfs-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=0777`, 'tmpfs', directory], {
      stdio: 'pipe',
    })
  } catch (error) {
    rmSync(directory, { recursive: true })
    return `a tmpfs cannot be mounted here: ${String((error as Error).message)
      .split('\n')
      .at(-2)}`
  }
  return {
    directory,
    unmount() {
      execFileSync('umount', ['-l', directory])
      rmSync(directory, { recursive: true })
    },
  }
}

/** Takes whatever room is left. */
function fill(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (const bytes of [1 << 20, 1 << 12]) {
      const block = Buffer.alloc(bytes, 1)
      try {
        for (;;) writeSync(file, block)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
      }
    }
  } finally {
    closeSync(file)
  }
}

describe('a disk of PostgreSQL that fills up', () => {
  const probe = typeof server === 'string' ? server : mountTmpfs(1)
  if (typeof probe === 'string') {
    console.warn(`Skipped: a full disk under PostgreSQL: ${probe}`)
    test.skip(`a full disk (${probe})`, () => {})
    return
  }
  probe.unmount()
  test('refuses writes, keeps what it acknowledged, and goes on when there is room', async () => {
    const small = mountTmpfs(256)
    if (typeof small === 'string') throw new Error(small)
    const there = await startPostgres({
      parent: small.directory,
      settings: ['max_wal_size=64MB', 'min_wal_size=64MB'],
    })
    if (typeof there === 'string') {
      small.unmount()
      throw new Error(there)
    }
    try {
      const connectionString = await there.newSchema()
      await migratePostgres({ connectionString })
      const filler = join(small.directory, 'filler')
      const { history, entries } = await underLoad(
        connectionString,
        async (_, history) => {
          const before = history.unknown
          fill(filler)
          await until(() => history.unknown > before, 30_000)
          rmSync(filler)
          const answers = () =>
            there.query('SELECT 1').then(
              () => true,
              () => false,
            )
          await until(answers, 5_000).catch(() => there.restart!())
          await until(answers, 30_000)
        },
        { rounds: runs < 10 ? 1 : 4, big: true },
      )
      expect(history.attempted).toBeGreaterThan(history.acknowledged)
      expect(entries).toBeGreaterThanOrEqual(history.acknowledged)
    } finally {
      await there.stop()
      small.unmount()
    }
  })
})
