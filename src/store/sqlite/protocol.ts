// What the store and its worker thread say to each other.

import { CardeaError, type ErrorCode, type ErrorFacts } from '../../model/errors.ts'
import type { RelationshipFilter } from '../../model/filter.ts'
import type { Revision } from '../../model/revision.ts'
import type { DatastoreIdentity, Head, LoadChunk, SchemaGuard } from '../store.ts'
import type { Cell, EncodedEntry } from './cells.ts'
import type { Position } from './reader.ts'
import type { WriterConditions } from './writer.ts'

/** Handed to the worker when it starts. */
export interface WorkerSettings {
  readonly path: string
  readonly busyTimeoutMs: number
  readonly pollIntervalMs: number
  readonly maxChangesPerTransaction: number
  /** For tests: the file may grow to so many pages, as if the disk were full then. */
  readonly maxPages?: number
  /** For tests: the process kills itself at the nth passing of a named point. */
  readonly failpoint?: { readonly name: FailpointName; readonly passings: number }
}

/** Where a test may let the process die. */
export type FailpointName =
  | 'begun'
  | 'half-written'
  | 'write-done'
  | 'before-commit'
  | 'after-commit'
  | 'acknowledged'
  | 'garbage'

/** Every request with its reply. */
export interface Calls {
  head: { request: object; reply: Head }
  log: { request: { after: Revision; upTo: Revision }; reply: readonly EncodedEntry[] }
  schemaAt: { request: { revision: Revision }; reply: { text: string; revision: Revision } | undefined }
  nonceAt: { request: { revision: Revision }; reply: string | undefined }
  oldestRevision: { request: object; reply: Revision }
  /**
   * Entries after a point. With `joined`, they lead to the head, and everything later comes as an event. With
   * `broken`, the log does not continue that point.
   */
  join: {
    request: { after: Position }
    reply:
      | { entries: readonly EncodedEntry[]; head: Head; joined: boolean; readAtMs: number }
      | { broken: EncodedError }
  }
  write: { request: { cells: readonly Cell[]; conditions: WriterConditions }; reply: Head }
  deleteMatching: {
    request: {
      filter: RelationshipFilter
      limit: number
      allowPartial: boolean
      conditions: WriterConditions
    }
    reply: { head: Head; deletedCount: number }
  }
  writeSchema: {
    request: { text: string; guards: readonly SchemaGuard[]; conditions: WriterConditions }
    reply: Head
  }
  /** Keeps a part of an import until the import is written or dropped. */
  importPart: { request: { importId: number; cells: readonly Cell[] }; reply: undefined }
  importRows: { request: { importId: number; conditions: WriterConditions }; reply: Head }
  dropImport: { request: { importId: number }; reply: undefined }
  loadNext: { request: { loadId: number }; reply: LoadChunk | undefined }
  dropLoad: { request: { loadId: number }; reply: undefined }
  collectGarbage: { request: { beforeMs: number }; reply: { entries: number; rows: number } }
  registerCounter: { request: { name: string; filter: RelationshipFilter }; reply: undefined }
  counter: { request: { name: string }; reply: RelationshipFilter }
  unregisterCounter: { request: { name: string }; reply: undefined }
  /** After the writes that were asked for before. */
  close: { request: object; reply: undefined }
}

export type Operation = keyof Calls

export type Request = {
  [Op in Operation]: { readonly id: number; readonly operation: Op } & Calls[Op]['request']
}[Operation]

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: EncodedError }

/** What the worker says unasked, and its replies. Entries come before the replies of the writes they are of. */
export type WorkerMessage =
  | { readonly kind: 'ready'; readonly identity: DatastoreIdentity }
  | { readonly kind: 'failed'; readonly error: EncodedError }
  | {
      readonly kind: 'replies'
      readonly entries: readonly EncodedEntry[]
      readonly replies: readonly Reply[]
    }
  | { readonly kind: 'head'; readonly head: Head; readonly readAtMs: number }
  | { readonly kind: 'identity'; readonly identity: DatastoreIdentity }
  | { readonly kind: 'broken'; readonly error: EncodedError; readonly identity: DatastoreIdentity }

/** Errors lose their class between threads. */
export interface EncodedError {
  readonly code: ErrorCode
  readonly message: string
  readonly facts: ErrorFacts
  readonly cause: string | undefined
}

export function encodeError({ code, message, facts, cause }: CardeaError): EncodedError {
  return {
    code,
    message,
    facts,
    cause: cause instanceof Error ? (cause.stack ?? cause.message) : undefined,
  }
}

export function decodeError({ code, message, facts, cause }: EncodedError): CardeaError {
  return new CardeaError(code, message, facts, cause === undefined ? {} : { cause: new Error(cause) })
}
