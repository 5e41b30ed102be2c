// One connection to a datastore file: durable by its settings, which are read back before it is used.

import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, linkSync, openSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { CardeaError } from '../../model/errors.ts'
import { isBusy, storeError } from './driver-errors.ts'

/**
 * Opens `path`, which must be a file on a local disk: WAL needs memory shared between its users, and a network
 * filesystem cannot be told apart reliably. A file that is made by this can be read by its owner only, since it holds
 * the keys of tokens.
 *
 * `busyTimeoutMs`: how long a statement waits for a lock, blocking the thread.
 * Errors: CONFIG_INVALID (no such directory, not a database), READ_ONLY, UNAVAILABLE (locked), STORE_FAILED.
 */
export function openConnection(path: string, busyTimeoutMs: number): Database.Database {
  assertPath(path)
  let database: Database.Database | undefined
  try {
    if (!existsSync(path)) makePrivateFile(path)
    database = new Database(path, { timeout: busyTimeoutMs })
    useWal(database, busyTimeoutMs)
    database.pragma('synchronous = FULL')
    // Only macOS knows these: there, a plain fsync leaves the data in the drive's cache.
    database.pragma('fullfsync = ON')
    database.pragma('checkpoint_fullfsync = ON')
    database.pragma('temp_store = MEMORY')
    database.pragma('cache_size = -65536')
    database.pragma('journal_size_limit = 67108864')
    database.pragma('trusted_schema = OFF')
    assertDurable(database, path)
    return database
  } catch (error) {
    database?.close()
    throw storeError(error, path)
  }
}

/** CONFIG_INVALID unless a commit on this connection is on the disk when it returns. */
export function assertDurable(database: Database.Database, path: string): void {
  const journal = database.pragma('journal_mode', { simple: true })
  if (journal !== 'wal') {
    throw new CardeaError(
      'CONFIG_INVALID',
      `${path}: journal_mode is ${journal}, not wal. Put the file on a local disk that supports WAL.`,
      { path, journal_mode: String(journal) },
    )
  }
  // 2 is FULL, 3 is EXTRA. In WAL mode, 1 (NORMAL) loses acknowledged commits at a power failure.
  const synchronous = Number(database.pragma('synchronous', { simple: true }))
  if (synchronous < 2) {
    throw new CardeaError(
      'CONFIG_INVALID',
      `${path}: synchronous is ${synchronous}, not FULL; run database.pragma('synchronous = FULL') outside of a transaction.`,
      { path, synchronous: String(synchronous) },
    )
  }
}

/** CONFIG_INVALID unless a file can be there: the directory exists, and the name is no directory's. */
export function assertPath(path: string): void {
  const refuse = (problem: string) => new CardeaError('CONFIG_INVALID', problem, { path })
  if (path === '' || path === ':memory:' || path.startsWith('file:')) {
    throw refuse(`A SQLite datastore needs the path of a file, not ${JSON.stringify(path)}.`)
  }
  const directory = dirname(path)
  const found = statSync(directory, { throwIfNoEntry: false })
  if (found === undefined) throw refuse(`The directory ${directory} does not exist; create it.`)
  if (!found.isDirectory()) throw refuse(`${directory} is not a directory.`)
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw refuse(`${path} is a directory; name a file in it.`)
  }
}

// Under another name first: closing a file takes away the locks that this process holds on it, and another thread may
// have opened it the moment that it was there.
function makePrivateFile(path: string): void {
  const made = `${path}.${randomBytes(6).toString('hex')}`
  closeSync(openSync(made, 'wx', 0o600))
  try {
    linkSync(made, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(made)
  }
}

// Turning WAL on needs the file alone for a moment, and SQLite does not always wait for that by itself.
function useWal(database: Database.Database, busyTimeoutMs: number): void {
  const endMs = Date.now() + busyTimeoutMs
  for (;;) {
    try {
      database.pragma('journal_mode = WAL')
      return
    } catch (error) {
      if (!isBusy(error) || Date.now() >= endMs) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5)
    }
  }
}
