// Chaos: writers are killed at random points and at the named points of the commit path, and what they leave behind
// is checked against what they said and meant.

import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import Database from 'better-sqlite3'
import type { RelationshipUpdate } from '../../src/model/relationship.ts'
import { formatRelationship } from '../../src/model/relationship-text.ts'
import type { FailpointName } from '../../src/store/sqlite/protocol.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import type { LogEntry, Store } from '../../src/store/store.ts'
import { intendedUpdates } from './chaos-updates.mjs'
import { collect, lines, load } from './support.ts'

export const projectDirectory = fileURLToPath(new URL('../../', import.meta.url))
export const distUrl = pathToFileURL(join(projectDirectory, 'dist/')).href
const writersFile = fileURLToPath(new URL('./chaos-writers.mjs', import.meta.url))

export interface ChaosRun {
  readonly path: string
  readonly run: number
  readonly writers: number
  /** Writes per writer, for runs that are to end by themselves. */
  readonly writes?: number
  /** Whether some writes have thousands of rows. */
  readonly big?: boolean
  /** Dies at the nth passing of a named point; without it, `killAfterMs` after the first acknowledgement. */
  readonly failpoint?: { readonly name: FailpointName; readonly passings: number }
  readonly killAfterMs?: number
  /** The build that writes; the one of this project when absent. */
  readonly dist?: string
  /** A program that runs node, with its arguments. */
  readonly under?: readonly string[]
}

export interface Acknowledged {
  readonly writer: number
  readonly n: number
  readonly revision: number
  readonly nonce: string
}

export interface ChaosOutcome {
  readonly acknowledged: readonly Acknowledged[]
  /** What the writers' follower was told when it was broken off, which must not happen. */
  readonly broken: string | undefined
  readonly signal: string | null
  readonly exitCode: number | null
}

/** Starts the writers and waits for their end. */
export function runWriters({
  dist = distUrl,
  under = [],
  killAfterMs,
  writes = 1e9,
  ...run
}: ChaosRun): Promise<ChaosOutcome> {
  const settings = JSON.stringify({ big: false, writes, ...run })
  const [program, ...args] = [...under, process.execPath, writersFile, dist, settings]
  const child = spawn(program!, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let [said, complaints] = ['', '']
  child.stderr.on('data', (data) => {
    complaints += data
  })
  let killing: ReturnType<typeof setTimeout> | undefined
  child.stdout.on('data', (data) => {
    said += data
    if (killAfterMs !== undefined && said.includes('acknowledged')) {
      killing ??= setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    }
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (exitCode, signal) => {
      clearTimeout(killing)
      if (exitCode !== null && exitCode !== 0) reject(new Error(`The writers failed: ${complaints || said}`))
      const acknowledged = [...said.matchAll(/^acknowledged (\d+) (\d+) (\d+) (\w+)$/gm)].map(
        ([, writer, n, revision, nonce]) => ({
          writer: Number(writer),
          n: Number(n),
          revision: Number(revision),
          nonce: nonce!,
        }),
      )
      resolve({ acknowledged, broken: /^broken .*$/m.exec(said)?.[0], signal, exitCode })
    })
  })
}

/** What a datastore must hold: the rows that its log leads to, followed entry by entry. */
export class HistoryChecker {
  readonly #rows = new Map<string, string>()
  #revision = 0
  #schemaSeen = new Set<string>()

  /**
   * Checks everything that was written since the last call. Throws at the first violation: an acknowledged write that
   * is not there, a write that is there in part, twice or out of order, rows that are not what the log leads to.
   */
  async check(
    store: Store,
    { run, big = false }: Pick<ChaosRun, 'run' | 'big'>,
    outcome: ChaosOutcome,
  ): Promise<number> {
    const entries = await collect(store.log(this.#revision))
    const lastOf = new Map<number, number>()
    for (const entry of entries) {
      if (entry.revision <= this.#revision)
        throw new Error(`Revision ${entry.revision} after ${this.#revision}`)
      this.#revision = entry.revision
      const { run: itsRun, writer, n } = entry.metadata as { run: number; writer: number; n: number }
      const name = `write ${itsRun}/${writer}/${n}`
      if (itsRun !== run) throw new Error(`${name} at ${entry.revision} comes after run ${run} has begun`)
      if (this.#schemaSeen.has(name)) throw new Error(`${name} is there twice`)
      this.#schemaSeen.add(name)
      if (n !== (lastOf.get(writer) ?? -1) + 1)
        throw new Error(`${name} does not follow ${lastOf.get(writer)}`)
      lastOf.set(writer, n)
      const meant = this.#apply(intendedUpdates(run, writer, n, big))
      const found = lines(entry)
      if (JSON.stringify(found) !== JSON.stringify(meant)) {
        throw new Error(`${name} is there in part: ${found.length} of ${meant.length} changes`)
      }
    }
    this.#checkAcknowledged(entries, outcome.acknowledged)
    if (outcome.broken !== undefined) throw new Error(`The follower is ${outcome.broken}`)
    const { rows } = await load(store)
    const expected = [...this.#rows.values()].sort()
    if (JSON.stringify(rows) !== JSON.stringify(expected)) {
      throw new Error(`${rows.length} rows are not the ${expected.length} that the log leads to`)
    }
    return entries.length
  }

  #checkAcknowledged(entries: readonly LogEntry[], acknowledged: readonly Acknowledged[]): void {
    const byRevision = new Map(entries.map((entry) => [entry.revision, entry]))
    for (const { writer, n, revision, nonce } of acknowledged) {
      const entry = byRevision.get(revision)
      if (entry?.nonce !== nonce || entry.metadata?.writer !== writer || entry.metadata?.n !== n) {
        throw new Error(`The acknowledged write ${writer}/${n} at revision ${revision} is lost`)
      }
    }
  }

  /** Applies updates to the rows; what that changes, as lines. */
  #apply(updates: readonly RelationshipUpdate[]): string[] {
    return updates.flatMap(({ operation, relationship }) => {
      const { resource, relation, subject } = relationship
      const identity = formatRelationship({ resource, relation, subject })
      const row = this.#rows.get(identity)
      const text = formatRelationship(relationship)
      if (operation === 'create' && row !== undefined) throw new Error(`${text} was made twice`)
      if (operation === 'delete') {
        this.#rows.delete(identity)
        return row === undefined ? [] : [`delete ${row}`]
      }
      this.#rows.set(identity, text)
      return row === text ? [] : [`touch ${text}`]
    })
  }
}

/** One run, then the check. Gives the acknowledged writes and the entries found. */
export async function chaosRun(
  checker: HistoryChecker,
  run: ChaosRun,
): Promise<{ acknowledged: number; entries: number }> {
  const outcome = await runWriters(run)
  const database = new Database(run.path)
  const sound = database.pragma('integrity_check', { simple: true })
  database.close()
  if (sound !== 'ok') throw new Error(`integrity_check: ${sound}`)
  const store = await openSqliteStore({ path: run.path })
  try {
    return { acknowledged: outcome.acknowledged.length, entries: await checker.check(store, run, outcome) }
  } finally {
    await store.close()
  }
}

/** A copy of the build with a bug planted in one file. Gives its URL. */
export function buildWithBug(
  directory: string,
  file: string,
  bugs: readonly [right: string, wrong: string][],
): string {
  const copy = join(directory, 'build')
  mkdirSync(copy)
  for (const room of ['store', 'model'])
    cpSync(join(projectDirectory, 'dist', room), join(copy, 'dist', room), { recursive: true })
  writeFileSync(join(copy, 'package.json'), '{"type":"module"}')
  symlinkSync(join(projectDirectory, 'node_modules'), join(copy, 'node_modules'))
  const path = join(copy, 'dist', file)
  let text = readFileSync(path, 'utf8')
  for (const [right, wrong] of bugs) {
    if (!text.includes(right)) throw new Error(`${file} does not contain ${right}`)
    text = text.replace(right, wrong)
  }
  writeFileSync(path, text)
  return pathToFileURL(join(copy, 'dist/')).href
}
