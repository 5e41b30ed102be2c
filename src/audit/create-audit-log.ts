// The audit log: events in, one hash-chained line each, on disk before the promise resolves.

import type { JWK } from 'jose'
import { CardeaError } from '../model/errors.ts'
import { requireOption } from '../model/require-option.ts'
import type { AuditEvent, AuditSink } from './audit.ts'
import { blankFields } from './blank-fields.ts'
import { appendCheckpoint, readCheckpoints, signCheckpoint } from './checkpoint.ts'
import { type ChainHead, type EntryBody, encodeEntry, type Redaction } from './entry.ts'
import { type LogFile, openLogFile } from './log-file.ts'
import { archiveSchema } from './schema-archive.ts'

export interface CheckpointOptions {
  /** Private Ed25519 JWK. */
  readonly key: JWK
  /** File for checkpoints, best on another machine's disk. Default: beside the log, `<path>.checkpoints`. */
  readonly path?: string
  /** Sign at least every so many entries. Default 1000. */
  readonly everyRecords?: number
  /** Sign at least so often while there are new entries, in milliseconds. Default 60 s. */
  readonly everyMs?: number
}

export interface AuditLogOptions {
  /** File being written; full segments lie beside it. */
  readonly path: string
  /**
   * Which appends wait for the disk. `intents` (default): those of writes; others wait for the operating system only and
   * reach the disk within a second, so a power cut may lose them, a crash of the process not. `all`: every one.
   */
  readonly durable?: 'intents' | 'all'
  /** Size at which the file is put aside as a segment, in bytes. Default 64 MiB. */
  readonly maxSegmentBytes?: number
  readonly checkpoints?: CheckpointOptions
  /** Milliseconds since the Unix epoch. Default: the system's clock. */
  readonly clock?: () => number
}

/** A sink that can also blank fields of what it has recorded. */
export interface AuditLog extends AuditSink {
  readonly head: ChainHead
  /**
   * Blanks fields of an earlier entry (see {@link blankLine} for names) and records that it was done. The chain and all
   * checkpoints still hold. Throws INVALID_ARGUMENT for an unknown entry or field.
   */
  redact(seq: number, fields: readonly string[], reason: string): Promise<void>
  /** Signs a checkpoint now, if checkpoints are on. */
  checkpoint(): Promise<void>
}

/** Most time that a record which nobody waited for stays off the disk, in milliseconds. */
const maxUnsyncedMs = 1000

/**
 * Opens or begins a log. Throws CONFIG_INVALID without a path, STORE_FAILED when the file cannot be written, is damaged at its end, or is shorter than
 * its last checkpoint says.
 */
export async function createAuditLog(options: AuditLogOptions): Promise<AuditLog> {
  const path: unknown = options?.path
  requireOption(
    typeof path === 'string' && path !== '',
    'createAuditLog',
    'a path',
    "write { path: 'audit.log' }",
  )
  const { file, head, recovered } = await openLogFile(options.path)
  const log = new Writer(options, file, head)
  try {
    await log.expectCheckpoint()
    if (recovered !== undefined)
      await log.add({ kind: 'note', body: { note: recovered, at: log.now() } }, true)
  } catch (error) {
    await file.close()
    throw error
  }
  return log
}

interface Waiting {
  readonly entry: EntryBody
  readonly durable: boolean
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

class Writer implements AuditLog {
  readonly #options: AuditLogOptions
  readonly #clock: () => number
  readonly #file: LogFile
  #head: ChainHead
  #queue: Waiting[] = []
  /** The tail of everything that touches the file, one after the other. */
  #work: Promise<void> = Promise.resolve()
  #draining = false
  #signedSeq: number
  #syncTimer: NodeJS.Timeout | undefined
  #checkpointTimer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: AuditLogOptions, file: LogFile, head: ChainHead) {
    this.#options = options
    this.#clock = options.clock ?? Date.now
    this.#file = file
    this.#head = head
    this.#signedSeq = head.seq
  }

  get head(): ChainHead {
    return this.#head
  }

  now(): string {
    return new Date(this.#clock()).toISOString()
  }

  append(event: AuditEvent): Promise<void> {
    return this.add(
      { kind: 'event', body: event },
      event.phase === 'intent' || this.#options.durable === 'all',
    )
  }

  keepSchema(_hash: string, text: string): Promise<void> {
    return archiveSchema(this.#options.path, text)
  }

  /** Appends that arrive while the disk is busy share the next write and its sync. */
  add(entry: EntryBody, durable: boolean): Promise<void> {
    if (this.#closed) return Promise.reject(new CardeaError('STORE_FAILED', 'The audit log is closed.'))
    return new Promise((resolve, reject) => {
      this.#queue.push({ entry, durable, resolve, reject })
      if (this.#draining) return
      this.#draining = true
      this.#work = this.#work.then(() => this.#drain())
    })
  }

  /** One batch at a time, so that syncs and checkpoints get their turn under load. */
  async #drain(): Promise<void> {
    const batch = this.#queue
    this.#queue = []
    try {
      await this.#write(batch)
      for (const { resolve } of batch) resolve()
    } catch (error) {
      for (const { reject } of batch) reject(error)
    }
    this.#draining = this.#queue.length > 0
    if (this.#draining) this.#work = this.#work.then(() => this.#drain())
  }

  async #write(batch: readonly Pick<Waiting, 'entry' | 'durable'>[]): Promise<void> {
    let { head } = this
    let lines = ''
    for (const { entry } of batch) {
      const encoded = encodeEntry(head, entry)
      lines += encoded.line
      head = encoded.head
    }
    const durable = batch.some((one) => one.durable)
    if (this.#file.bytes + lines.length > this.#maxSegmentBytes) await this.#file.rotate()
    await this.#file.append(lines, durable)
    this.#head = head
    if (!durable) this.#syncSoon()
    await this.#checkpointIfDue()
  }

  get #maxSegmentBytes(): number {
    return this.#options.maxSegmentBytes ?? 64 * 1024 * 1024
  }

  #syncSoon(): void {
    this.#syncTimer ??= setTimeout(() => {
      this.#syncTimer = undefined
      // A failure is not lost: the file remembers it and refuses whatever comes next.
      this.#exclusively(() => this.#file.sync()).catch(() => {})
    }, maxUnsyncedMs).unref()
  }

  /** Runs when everything before it is done, and keeps everything after it waiting. */
  #exclusively<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#work.then(task)
    this.#work = result.then(
      () => {},
      () => {},
    )
    return result
  }

  get #checkpointPath(): string {
    return this.#options.checkpoints?.path ?? `${this.#options.path}.checkpoints`
  }

  /** A chain that is shorter than its last checkpoint has lost its end, and must not grow a new one. */
  async expectCheckpoint(): Promise<void> {
    if (!this.#options.checkpoints) return
    const last = (await readCheckpoints(this.#checkpointPath)).at(-1)
    if (last === undefined) {
      this.#signedSeq = 0
      return
    }
    const { seq } = JSON.parse(Buffer.from(last.split('.')[1] ?? '', 'base64url').toString() || '{}') as {
      seq?: number
    }
    if (typeof seq !== 'number' || seq > this.#head.seq)
      throw new CardeaError(
        'STORE_FAILED',
        `The audit log ${this.#options.path} ends at entry ${this.#head.seq}, but its last checkpoint is of entry ${seq}: its end was removed. Run cardea audit verify, and begin a new log at another path.`,
        { file: this.#options.path },
      )
    this.#signedSeq = seq
  }

  async #checkpointIfDue(): Promise<void> {
    const { checkpoints } = this.#options
    if (!checkpoints) return
    if (this.#head.seq - this.#signedSeq >= (checkpoints.everyRecords ?? 1000)) return this.#sign()
    this.#checkpointTimer ??= setTimeout(() => {
      // A failure is not lost: the next entry tries again, and is refused if that fails too.
      this.checkpoint().catch(() => {
        this.#overdue = true
      })
    }, checkpoints.everyMs ?? 60_000).unref()
    if (this.#overdue) await this.#sign()
  }

  #overdue = false

  checkpoint(): Promise<void> {
    return this.#exclusively(() => this.#sign())
  }

  async #sign(): Promise<void> {
    clearTimeout(this.#checkpointTimer)
    this.#checkpointTimer = undefined
    const { checkpoints } = this.#options
    if (!checkpoints || this.#head.seq === this.#signedSeq) return
    // What is signed must be on disk first, else a power cut would look like a removed end.
    await this.#file.sync()
    try {
      const { seq, hash } = this.#head
      await appendCheckpoint(
        this.#checkpointPath,
        await signCheckpoint({ seq, hash, at: this.now() }, checkpoints.key),
      )
      this.#signedSeq = seq
      this.#overdue = false
    } catch (cause) {
      if (cause instanceof CardeaError) throw cause
      throw new CardeaError(
        'STORE_FAILED',
        `The checkpoint ${this.#checkpointPath} cannot be written: ${(cause as Error).message}.`,
        { file: this.#checkpointPath },
        { cause },
      )
    }
  }

  async redact(seq: number, fields: readonly string[], reason: string): Promise<void> {
    await this.#exclusively(async () => {
      await this.#file.rotate()
      // Said first and done then: a crash in between leaves a value that was to go, never one that went unsaid.
      await blankFields(this.#options.path, seq, fields, ({ fields: blanked, left }) => {
        const body: Redaction = {
          seq,
          fields: blanked,
          reason,
          at: this.now(),
          ...(left.length > 0 && { left }),
        }
        return this.#write([{ entry: { kind: 'redaction', body }, durable: true }])
      })
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#syncTimer)
    clearTimeout(this.#checkpointTimer)
    await this.#exclusively(async () => {
      try {
        await this.#file.sync()
        await this.#sign()
      } finally {
        await this.#file.close()
      }
    })
  }
}
