// The copying thread's entry: one backup or restore, then it ends.

import { randomInt } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { CardeaError } from '../../model/errors.ts'
import type { Head } from '../store.ts'
import { assertPath, openConnection } from './connection.ts'
import type { CopyOutcome, CopyTask } from './copies.ts'
import { storeError } from './driver-errors.ts'
import { noDatastore } from './no-datastore.ts'
import { encodeError } from './protocol.ts'
import { headStatement } from './reader.ts'
import { assertKnownVersion, versionOf } from './tables.ts'

function copy({ kind, from, to }: CopyTask): Head {
  assertPath(to)
  for (const path of [to, `${to}-wal`, `${to}-shm`]) assertFree(path)
  assertDatastore(from)
  const partial = `${to}.partial`
  removePartial(partial)
  try {
    fill(partial, from)
    const head = finish(partial, kind, from)
    sync(partial)
    renameSync(partial, to)
    sync(dirname(to))
    return head
  } catch (error) {
    removePartial(partial)
    throw error
  }
}

function removePartial(partial: string): void {
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(partial + suffix, { force: true })
}

function fill(partial: string, from: string): void {
  // Made first, so that others can never read it. SQLite takes an empty file for a new one.
  closeSync(openSync(partial, 'wx', 0o600))
  const source = new Database(from, { fileMustExist: true, timeout: 5_000 })
  try {
    source.prepare('VACUUM INTO ?').run(partial)
  } finally {
    source.close()
  }
}

function finish(partial: string, kind: CopyTask['kind'], from: string): Head {
  const target = openConnection(partial, 5_000)
  try {
    if (kind === 'restore') {
      assertSound(target, from)
      beginEpoch(target)
    }
    return headStatement(target)()
  } finally {
    // Moves what is in the write-ahead log into the file.
    target.close()
  }
}

function assertFree(path: string): void {
  if (!existsSync(path)) return
  throw new CardeaError('CONFIG_INVALID', `${path} exists already; name another file or move it away.`, {
    path,
  })
}

function assertDatastore(path: string): void {
  if (!existsSync(path)) throw noDatastore(path)
  const database = new Database(path, { readonly: true, timeout: 5_000 })
  try {
    const version = versionOf(database)
    if (version === 0) throw noDatastore(path)
    assertKnownVersion(version, path)
  } finally {
    database.close()
  }
}

function assertSound(database: Database.Database, from: string): void {
  const found = database.pragma('quick_check', { simple: true })
  if (found === 'ok') return
  throw new CardeaError('CONFIG_INVALID', `${from} is damaged (${found}); use another backup.`, {
    path: from,
  })
}

// Random, not the next number: the same backup may be restored twice, and the two must not share tokens.
function beginEpoch(database: Database.Database): void {
  const mark = database.prepare(`UPDATE cardea_meta SET value = ? WHERE key = 'epoch'`)
  mark.run(randomInt(2, 2 ** 31))
}

function sync(path: string): void {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

const task = workerData as CopyTask
let outcome: CopyOutcome
try {
  outcome = { head: copy(task) }
} catch (error) {
  outcome = { error: encodeError(storeError(error, task.kind === 'backup' ? task.to : task.from)) }
}
parentPort?.postMessage(outcome)
