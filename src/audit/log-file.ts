// The log's file: opened where the chain left off, appended to by one writer, and turned over when it is full.

import { hash } from 'node:crypto'
import { constants, statSync, writeSync } from 'node:fs'
import { type FileHandle, open, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CardeaError } from '../model/errors.ts'
import { type ChainHead, emptyChain, hashHolds, type Line, parseLine } from './entry.ts'
import { linesOf, segmentPath, segmentsOf, type TextLine } from './segments.ts'

/** How an existing log was found. */
export interface OpenedLog {
  readonly file: LogFile
  readonly head: ChainHead
  /** Set when a crash had left an unfinished last line, which is gone now; it was never acknowledged. */
  readonly recovered?: string
}

/** Opens or begins the log at `path`. Throws STORE_FAILED when its end is no intact entry. */
export async function openLogFile(path: string): Promise<OpenedLog> {
  const segments = await segmentsOf(path)
  let head = emptyChain
  let recovered: string | undefined
  for (const segment of segments.toReversed()) {
    const end = await endOf(segment)
    if (end.torn) {
      const { startByte, text } = end.torn
      const handle = await open(segment, 'r+')
      await handle.truncate(startByte)
      await handle.datasync()
      await handle.close()
      recovered = `An unfinished last line of ${Buffer.byteLength(text)} bytes (SHA-256 ${hash('sha256', text)}) was cut off.`
    }
    if (!end.last) continue
    head = { seq: end.last.seq, hash: end.last.hash }
    break
  }
  const full = segments.filter((segment) => segment !== path).length
  return { file: await LogFile.open(path, full), head, recovered }
}

/** The last entry of a segment and what a crash may have left behind it. */
async function endOf(segment: string): Promise<{ last?: Line; torn?: TextLine }> {
  let lastLine: TextLine | undefined
  let torn: TextLine | undefined
  for await (const line of linesOf(segment)) {
    if (line.complete) lastLine = line
    else torn = line
  }
  if (!lastLine) return { torn }
  const last = parseLine(lastLine.text)
  if (!last || !hashHolds(last))
    throw new CardeaError(
      'STORE_FAILED',
      `The audit log ${segment} is damaged at line ${lastLine.number}, so nothing can be chained behind it. Run cardea audit verify, keep the file, and begin a new log at another path.`,
      { file: segment, line: String(lastLine.number) },
    )
  return { last, torn }
}

/** An append-only file with one writer. */
export class LogFile {
  readonly #path: string
  #handle: FileHandle
  /** Bytes that were appended in full, or found at opening. */
  #bytes: number
  #inode: number
  #fullSegments: number
  /** What the last failed write may have left half of behind `#bytes`. */
  #attempted: string | undefined
  /** Why nothing may follow any more. */
  #broken: unknown

  private constructor(path: string, handle: FileHandle, bytes: number, inode: number, fullSegments: number) {
    this.#path = path
    this.#handle = handle
    this.#bytes = bytes
    this.#inode = inode
    this.#fullSegments = fullSegments
  }

  static async open(path: string, fullSegments: number): Promise<LogFile> {
    try {
      const handle = await open(path, constants.O_APPEND | constants.O_CREAT | constants.O_RDWR, 0o600)
      const { size, ino } = await handle.stat()
      await syncDirectory(path)
      return new LogFile(path, handle, size, ino, fullSegments)
    } catch (cause) {
      throw notWritable(path, cause)
    }
  }

  get bytes(): number {
    return this.#bytes
  }

  /**
   * Appends lines, and brings them to the disk if `durable`. Throws STORE_FAILED when that fails, or when the file is not
   * as this writer left it. After a failed write (a full disk, say) the next append tidies up and may succeed; after a
   * failed sync or somebody else's write none does.
   */
  async append(lines: string, durable: boolean): Promise<void> {
    await this.#guarded(async () => {
      if (this.#attempted) await this.#tidyUp(this.#attempted)
      // Before, so as not to harm a writer who was here first; after, because two can pass the first look together.
      this.#expectOwn()
      const length = Buffer.byteLength(lines)
      this.#attempted = lines
      // One write call, so that lines of a second writer could not come in between unseen. Made at once: handing bytes to the
      // system does not wait for the disk, and takes less time than to have another thread do it.
      const written = writeSync(this.#handle.fd, lines)
      if (written !== length) throw new Error(`${written} of ${length} bytes were written`)
      this.#attempted = undefined
      this.#bytes += length
      this.#expectOwn()
      if (durable) await this.#finally(this.#handle.datasync())
    })
  }

  /** Brings everything to the disk. */
  async sync(): Promise<void> {
    await this.#guarded(() => this.#finally(this.#handle.datasync()))
  }

  /** Puts the file aside as a numbered segment and begins a new one; an empty file stays. */
  async rotate(): Promise<void> {
    if (this.#bytes === 0) return
    await this.#guarded(() => this.#finally(this.#rotate()))
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }

  async #rotate(): Promise<void> {
    this.#expectOwn()
    await this.#handle.datasync()
    await this.#handle.close()
    this.#fullSegments++
    const segment = segmentPath(this.#path, this.#fullSegments)
    if (await stat(segment).catch(() => undefined)) throw new Error(`${segment} exists already`)
    await rename(this.#path, segment)
    const fresh = await LogFile.open(this.#path, this.#fullSegments)
    this.#handle = fresh.#handle
    this.#bytes = fresh.#bytes
    this.#inode = fresh.#inode
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken
    try {
      await work()
    } catch (cause) {
      throw notWritable(this.#path, cause)
    }
  }

  /** What fails here cannot be made good: a sync that failed may have lost pages that a second one would not miss. */
  async #finally(work: Promise<unknown>): Promise<void> {
    try {
      await work
    } catch (cause) {
      this.#broken = notWritable(this.#path, cause)
      throw this.#broken
    }
  }

  /** Asked at once: what the system knows of the file is in memory, and a turn of the event loop would cost more. */
  #expectOwn(): void {
    try {
      const now = statSync(this.#path)
      if (now.ino === this.#inode && now.size === this.#bytes) return
      throw new Error('it was changed by someone else; a log has one writer')
    } catch (cause) {
      // Whatever was written meanwhile is not ours to go on from.
      this.#broken = notWritable(this.#path, cause)
      throw this.#broken
    }
  }

  /** Cuts off what a failed write left, after making sure that it is this writer's own. */
  async #tidyUp(lines: string): Promise<void> {
    const attempted = Buffer.from(lines)
    const { size } = await this.#handle.stat()
    const left = Buffer.alloc(Math.max(size - this.#bytes, 0))
    await this.#handle.read(left, 0, left.length, this.#bytes)
    if (left.length <= attempted.length && left.equals(attempted.subarray(0, left.length)))
      await this.#handle.truncate(this.#bytes)
    this.#attempted = undefined
  }
}

/** A new or renamed file survives a crash only once its directory is on disk too. */
export async function syncDirectory(path: string): Promise<void> {
  const handle = await open(dirname(path), 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function notWritable(path: string, cause: unknown): CardeaError {
  if (cause instanceof CardeaError) return cause
  return new CardeaError(
    'STORE_FAILED',
    `The audit log ${path} cannot be written: ${(cause as Error).message}. Calls are denied until it can be.`,
    { file: path },
    { cause },
  )
}
