// Group commit: writes that wait together share one durable COMMIT, each in a savepoint of its own, so that a refused
// one undoes only itself. Nobody is answered before the COMMIT has returned.

import { statSync } from 'node:fs'
import { setTimeout as pause, setImmediate as turn } from 'node:timers/promises'
import type Database from 'better-sqlite3'
import { CardeaError } from '../../model/errors.ts'
import type { EncodedEntry } from './cells.ts'
import { isBusy, isDiskFailure, storeError } from './driver-errors.ts'
import type { Failpoint } from './failpoint.ts'
import { encodeError, type Reply } from './protocol.ts'
import { rowsPerTurn, type Writer } from './writer.ts'

/** One write that was asked for. */
export interface Job {
  readonly id: number
  /** About how many rows it touches. */
  readonly weight: number
  /** Does the work on the writer, giving way at each yield; its entry, if any, and the reply's value. */
  run(): Generator<void, { readonly entry: EncodedEntry | undefined; readonly value: unknown }>
}

export interface CommitQueueOptions {
  readonly path: string
  readonly busyTimeoutMs: number
  readonly failpoint: Failpoint
  /** Called with the write lock held: the time to tell followers what other processes wrote before. */
  onLocked(): void
  /** After the COMMIT, or after a failure. */
  publish(entries: readonly EncodedEntry[], replies: readonly Reply[]): void
}

/** Rows that one COMMIT waits for, so that the first writer of a batch is not kept waiting by the last. */
const maxRowsPerCommit = 16_384
/** Under load, the lock is let go for a moment this often, or writers of other processes would hardly ever get it. */
const shareEveryMs = 25
const shareForMs = 2

export class CommitQueue {
  readonly #database: Database.Database
  readonly #writer: Writer
  readonly #options: CommitQueueOptions
  readonly #inode: number
  readonly #statements
  #jobs: Job[] = []
  #running: Promise<void> | undefined
  #lastSharedMs = 0
  /** Set when the disk or the file can no longer be trusted with a write. */
  #fault: CardeaError | undefined

  constructor(database: Database.Database, writer: Writer, options: CommitQueueOptions) {
    this.#database = database
    this.#writer = writer
    this.#options = options
    this.#inode = statSync(options.path).ino
    this.#statements = {
      begin: database.prepare('BEGIN IMMEDIATE'),
      savepoint: database.prepare('SAVEPOINT cardea_write'),
      release: database.prepare('RELEASE cardea_write'),
      rollbackTo: database.prepare('ROLLBACK TO cardea_write'),
      commit: database.prepare('COMMIT'),
      rollback: database.prepare('ROLLBACK'),
    }
  }

  add(job: Job): void {
    this.#jobs.push(job)
    this.#running ??= this.#run()
  }

  /** Resolves when nothing is queued or under way. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running
  }

  /** Why writes fail from now on, if they do: the file was moved, deleted or replaced under our hands. */
  assertFile(): void {
    const found = statSync(this.#options.path, { throwIfNoEntry: false })
    if (found?.ino === this.#inode) return
    const { path } = this.#options
    this.#fault ??= new CardeaError(
      'STORE_FAILED',
      `${path} was ${found === undefined ? 'deleted or moved' : 'replaced'} while in use; start again to use the file that is there now.`,
      { path },
    )
    throw this.#fault
  }

  async #run(): Promise<void> {
    try {
      // A turn of the event loop, in which further requests arrive, before each batch.
      for (await turn(); this.#jobs.length > 0; await turn()) {
        await this.#commit(this.#take())
        if (performance.now() - this.#lastSharedMs > shareEveryMs) {
          await pause(shareForMs)
          this.#lastSharedMs = performance.now()
        }
      }
    } finally {
      this.#running = undefined
    }
  }

  #take(): Job[] {
    let weight = 0
    const end = this.#jobs.findIndex((job, at) => {
      weight += job.weight
      return at > 0 && weight > maxRowsPerCommit
    })
    return this.#jobs.splice(0, end < 0 ? this.#jobs.length : end)
  }

  async #commit(batch: readonly Job[]): Promise<void> {
    const entries: EncodedEntry[] = []
    const replies: Reply[] = []
    try {
      if (this.#fault !== undefined) throw this.#fault
      await this.#begin()
    } catch (error) {
      return this.#fail(batch, error)
    }
    try {
      this.#writer.begin()
      this.#options.onLocked()
      this.#options.failpoint('begun')
      let rows = 0
      for (const job of batch) {
        replies.push(await this.#perform(job, entries))
        rows += job.weight
        if (rows > rowsPerTurn) {
          rows = 0
          await turn()
        }
      }
      this.#options.failpoint('before-commit')
    } catch (error) {
      // The driver gave up on the transaction; whoever was not the cause gets through alone.
      this.#rollback()
      if (batch.length === 1) return this.#fail(batch, error)
      for (const job of batch) await this.#commit([job])
      return
    }
    try {
      this.#statements.commit.run()
      this.#writer.committed()
      this.#options.failpoint('after-commit')
      this.assertFile()
    } catch (error) {
      this.#rollback()
      // After a failed sync nobody knows what the disk holds: no write is promised any more.
      if (isDiskFailure(error)) this.#fault = storeError(error, this.#options.path)
      return this.#fail(batch, error)
    }
    this.#options.publish(entries, replies)
    this.#options.failpoint('acknowledged')
  }

  async #perform(job: Job, entries: EncodedEntry[]): Promise<Reply> {
    this.#statements.savepoint.run()
    const takeBack = this.#writer.savepoint()
    try {
      const work = job.run()
      let step = work.next()
      for (; step.done !== true; step = work.next()) {
        this.#options.failpoint('half-written')
        await turn()
      }
      this.#statements.release.run()
      this.#options.failpoint('write-done')
      if (step.value.entry !== undefined) entries.push(step.value.entry)
      return { id: job.id, value: step.value.value }
    } catch (error) {
      if (!(error instanceof CardeaError)) throw error
      this.#statements.rollbackTo.run()
      this.#statements.release.run()
      takeBack()
      return { id: job.id, error: encodeError(error) }
    }
  }

  // The connection's own waiting would block the thread and with it all reads.
  async #begin(): Promise<void> {
    const endMs = performance.now() + this.#options.busyTimeoutMs
    for (;;) {
      try {
        this.#statements.begin.run()
        return
      } catch (error) {
        if (!isBusy(error) || performance.now() >= endMs) throw error
        await pause(1)
      }
    }
  }

  #rollback(): void {
    if (this.#database.inTransaction) this.#statements.rollback.run()
    this.#writer.rolledBack()
  }

  #fail(batch: readonly Job[], thrown: unknown): void {
    const error = encodeError(storeError(thrown, this.#options.path))
    this.#options.publish(
      [],
      batch.map(({ id }) => ({ id, error })),
    )
  }
}
