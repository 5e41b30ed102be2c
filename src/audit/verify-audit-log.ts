// Verification: reads a whole log offline and tells every place where it is not what was written.

import type { JWK } from 'jose'
import { blankedFields, runsLeft } from './blank-entry.ts'
import { type Checkpoint, readCheckpoints, verifyCheckpoint } from './checkpoint.ts'
import { type ChainHead, emptyChain, hashHolds, type Line, parseLine, type Redaction } from './entry.ts'
import { linesOf, segmentsOf } from './segments.ts'

/**
 * `changed`: an entry does not give its hash, or does not continue the one before. `removed`: entries are missing. `reordered`: an entry comes later than its
 * number. `inserted`: a second
 * entry of one number. `truncated`: the end is missing. `torn`: an unfinished last line.
 * `rewritten`: intact in itself, but not what was signed. `redacted`: blanked without a record of it. `checkpoint`: a
 * checkpoint that none of the keys signed.
 */
export type LogProblemKind =
  | 'changed'
  | 'removed'
  | 'reordered'
  | 'inserted'
  | 'truncated'
  | 'torn'
  | 'rewritten'
  | 'redacted'
  | 'checkpoint'

export interface LogProblem {
  readonly kind: LogProblemKind
  readonly file: string
  /** 1 for the first line. */
  readonly line?: number
  readonly seq?: number
  readonly detail: string
}

export interface VerifyOptions {
  readonly path: string
  /** Public Ed25519 JWKs. Without them the log is checked against outsiders only: its owner could have rewritten it. */
  readonly publicKeys?: readonly JWK[]
  /** Default: beside the log, `<path>.checkpoints`. */
  readonly checkpointPath?: string
  /** Accept that the oldest segments are gone, as after retention. */
  readonly mayStartLate?: boolean
}

export interface VerifiedLog {
  readonly ok: boolean
  readonly problems: readonly LogProblem[]
  readonly files: number
  readonly entries: number
  readonly firstSeq?: number
  readonly head: ChainHead
  /** Entry of the last valid checkpoint; what comes after it no signature covers yet. */
  readonly signedUpTo?: number
  readonly checkpoints: number
  readonly redactedFields: number
}

/** Verifies a log. Throws STORE_FAILED only when files cannot be read; everything else is a problem in the answer. */
export async function verifyAuditLog(options: VerifyOptions): Promise<VerifiedLog> {
  const signed = await readSigned(options)
  const reading = new Reading(options, signed.bySeq)
  const files = await segmentsOf(options.path)
  for (const file of files) {
    for await (const line of linesOf(file)) {
      if (line.complete) reading.take(file, line.number, line.text)
      else
        reading.report('torn', {
          file,
          line: line.number,
          detail: 'The last line is unfinished, as after a crash.',
        })
    }
  }
  const last = reading.finish(signed.last)
  const problems = [...signed.problems, ...reading.problems]
  return {
    ok: problems.length === 0,
    problems,
    files: files.length,
    entries: reading.entries,
    firstSeq: reading.firstSeq,
    head: reading.head,
    signedUpTo: last,
    checkpoints: signed.count,
    redactedFields: reading.redacted,
  }
}

async function readSigned(options: VerifyOptions) {
  const file = options.checkpointPath ?? `${options.path}.checkpoints`
  const bySeq = new Map<number, Checkpoint>()
  const problems: LogProblem[] = []
  let last: Checkpoint | undefined
  const lines = options.publicKeys ? await readCheckpoints(file) : []
  for (const [index, jws] of lines.entries()) {
    const checkpoint = await verifyCheckpoint(jws, options.publicKeys!)
    if (!checkpoint) {
      problems.push({
        kind: 'checkpoint',
        file,
        line: index + 1,
        detail: 'None of the given keys signed this.',
      })
      continue
    }
    const other = bySeq.get(checkpoint.seq)
    if (other && other.hash !== checkpoint.hash)
      problems.push({
        kind: 'rewritten',
        file,
        line: index + 1,
        seq: checkpoint.seq,
        detail: 'Two checkpoints of one entry differ, so two logs were written under one name.',
      })
    bySeq.set(checkpoint.seq, checkpoint)
    if (!last || checkpoint.seq > last.seq) last = checkpoint
  }
  return { bySeq, last, problems, count: bySeq.size }
}

/** Most missing numbers of one gap that are looked for further on. */
const maxGap = 100_000

/** One pass over the entries. */
class Reading {
  readonly problems: LogProblem[] = []
  readonly #options: VerifyOptions
  readonly #signed: ReadonlyMap<number, Checkpoint>
  head = emptyChain
  entries = 0
  firstSeq: number | undefined
  redacted = 0
  /** Numbers that were missing when their turn came; an entry found later turns a gap into a wrong order. */
  readonly #gaps: { readonly left: Set<number>; readonly problem: LogProblem }[] = []
  /** Blanked fields, and hashes of what is left beside them, that no redaction entry has named yet: `seq field`. */
  readonly #unannounced = new Map<string, LogProblem>()

  constructor(options: VerifyOptions, signed: ReadonlyMap<number, Checkpoint>) {
    this.#options = options
    this.#signed = signed
  }

  report(kind: LogProblemKind, problem: Omit<LogProblem, 'kind'>): void {
    this.problems.push({ kind, ...problem })
  }

  take(file: string, line: number, text: string): void {
    this.entries++
    const entry = parseLine(text)
    if (!entry) {
      this.report('changed', { file, line, detail: 'This line is no entry.' })
      return
    }
    const at = { file, line, seq: entry.seq }
    if (!hashHolds(entry))
      this.report('changed', { ...at, detail: 'The content does not give the hash it carries.' })
    this.#place(entry, at)
    const checkpoint = this.#signed.get(entry.seq)
    if (checkpoint && checkpoint.hash !== entry.hash)
      this.report('rewritten', {
        ...at,
        detail: `The checkpoint of ${checkpoint.at} signed another hash for this entry.`,
      })
    this.#noteRedactions(entry, at)
  }

  /** Whether the entry stands where its number and its `prev` say. */
  #place(entry: Line, at: { file: string; line: number; seq: number }): void {
    const expected = this.head.seq + 1
    if (this.firstSeq === undefined) {
      this.firstSeq = entry.seq
      if (entry.seq !== 1 && !this.#options.mayStartLate)
        this.report('removed', {
          ...at,
          detail: `The log begins with entry ${entry.seq}; the ones before are gone.`,
        })
    } else if (entry.seq > expected) {
      const count = entry.seq - expected
      const missing = count === 1 ? `Entry ${expected} is` : `Entries ${expected} to ${entry.seq - 1} are`
      this.report('removed', { ...at, detail: `${missing} missing before this one.` })
      const left = new Set(Array.from({ length: Math.min(count, maxGap) }, (_, index) => expected + index))
      this.#gaps.push({ left, problem: this.problems.at(-1)! })
    } else if (entry.seq < expected) {
      this.#comesLate(at)
      return
    } else if (entry.prev !== this.head.hash) {
      this.report('changed', {
        ...at,
        detail: 'It does not continue the entry before it: one of the two was replaced.',
      })
    }
    this.head = { seq: entry.seq, hash: entry.hash }
  }

  /** An entry with a number that was passed already: it fills a gap, or nobody was missing it. */
  #comesLate(at: { file: string; line: number; seq: number }): void {
    const gap = this.#gaps.find(({ left }) => left.has(at.seq))
    if (!gap) {
      this.report('inserted', { ...at, detail: `There is an entry ${at.seq} already.` })
      return
    }
    gap.left.delete(at.seq)
    this.report('reordered', { ...at, detail: `It comes after entry ${this.head.seq}.` })
    if (gap.left.size === 0) this.problems.splice(this.problems.indexOf(gap.problem), 1)
  }

  #noteRedactions(entry: Line, at: { file: string; line: number; seq: number }): void {
    const fields = blankedFields(entry)
    for (const field of fields) {
      this.redacted++
      const detail = `${field} was blanked, and no entry says so.`
      this.#unannounced.set(`${entry.seq} ${field}`, { kind: 'redacted', ...at, detail })
    }
    if (fields.length > 0)
      for (const hash of runsLeft(entry)) {
        const detail = 'What is left beside blanked decisions is not what their blanking left.'
        this.#unannounced.set(`${entry.seq} ${hash}`, { kind: 'changed', ...at, detail })
      }
    if (entry.kind !== 'redaction') return
    const { seq, fields: named, left = [] } = entry.body as unknown as Redaction
    for (const name of [...named, ...left]) this.#unannounced.delete(`${seq} ${name}`)
  }

  /** Answers the last signed entry that is there. */
  finish(last: Checkpoint | undefined): number | undefined {
    for (const { kind, ...problem } of this.#unannounced.values()) this.report(kind, problem)
    if (!last) return undefined
    if (last.seq > this.head.seq)
      this.report('truncated', {
        file: this.#options.path,
        seq: this.head.seq,
        detail: `The log ends with entry ${this.head.seq}, but entry ${last.seq} was signed at ${last.at}.`,
      })
    return Math.min(last.seq, this.head.seq)
  }
}
