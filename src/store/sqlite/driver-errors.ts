// Driver errors end here: what SQLite reports becomes a CardeaError that says what to do.

import { CardeaError, type ErrorCode, type ErrorFacts } from '../../model/errors.ts'

/** Result code of a better-sqlite3 error, such as SQLITE_FULL or SQLITE_IOERR_FSYNC; undefined for other errors. */
export function sqliteCode(thrown: unknown): string | undefined {
  const code = thrown instanceof Error ? (thrown as { code?: unknown }).code : undefined
  return typeof code === 'string' && code.startsWith('SQLITE_') ? code : undefined
}

/** Whether another connection holds a lock that is needed. */
export function isBusy(thrown: unknown): boolean {
  return sqliteCode(thrown)?.startsWith('SQLITE_BUSY') ?? false
}

/** Whether the disk failed to read, write or sync: what it keeps of the last write is not known. */
export function isDiskFailure(thrown: unknown): boolean {
  return sqliteCode(thrown)?.startsWith('SQLITE_IOERR') ?? false
}

/** The CardeaError for anything thrown while working on the file at `path`. CardeaErrors stay what they are. */
export function storeError(thrown: unknown, path: string): CardeaError {
  if (thrown instanceof CardeaError) return thrown
  const code = sqliteCode(thrown)
  const facts: ErrorFacts = code === undefined ? { path } : { path, sqlite_code: code }
  const error = (which: ErrorCode, message: string) =>
    new CardeaError(which, message, facts, { cause: thrown })
  if (code === undefined) return error('STORE_FAILED', `${path}: ${(thrown as Error)?.message ?? thrown}`)
  if (code === 'SQLITE_BUSY_SNAPSHOT') {
    return error(
      'SERIALIZATION_FAILURE',
      `Another writer committed to ${path} after this transaction had begun to read; begin it as a writer (BEGIN IMMEDIATE) and retry.`,
    )
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return error('UNAVAILABLE', `${path} is locked by another writer that does not let go; retry.`)
  }
  if (code === 'SQLITE_FULL') {
    return error('STORE_FAILED', `The disk of ${path} is full; nothing was written. Make room and retry.`)
  }
  if (code.startsWith('SQLITE_READONLY')) {
    return error(
      'READ_ONLY',
      `${path} or its directory cannot be written by this user; change its permissions.`,
    )
  }
  if (code.startsWith('SQLITE_CANTOPEN')) {
    return error('STORE_FAILED', `${path} cannot be opened; is it a file that this user may read and write?`)
  }
  if (code === 'SQLITE_NOTADB') {
    return error('CONFIG_INVALID', `${path} is not a SQLite database; name another file.`)
  }
  if (code.startsWith('SQLITE_CORRUPT')) {
    return error('STORE_FAILED', `${path} is damaged (${message(thrown)}); restore a backup.`)
  }
  if (isDiskFailure(thrown)) {
    return error('STORE_FAILED', `The disk of ${path} failed (${code}); check it, then start again.`)
  }
  return error('STORE_FAILED', `${path}: ${message(thrown)}`)
}

function message(thrown: unknown): string {
  return (thrown as Error).message
}
