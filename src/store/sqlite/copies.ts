// Copies of a datastore file: backup while it is in use, and restore as a datastore that knows it is another one.

import { CardeaError } from '../../model/errors.ts'
import type { Head } from '../store.ts'
import { decodeError, type EncodedError } from './protocol.ts'
import { startWorker } from './worker-link.ts'

/** What the copying thread is asked to do. */
export interface CopyTask {
  readonly kind: 'backup' | 'restore'
  readonly from: string
  readonly to: string
}

export type CopyOutcome = { readonly head: Head } | { readonly error: EncodedError }

/** Copies the datastore at `from`, at one revision, to the new file `to`. The copy's head. */
export function backUp(from: string, to: string): Promise<Head> {
  return copy({ kind: 'backup', from, to })
}

/**
 * Makes the datastore `to` from a backup. It begins a new epoch: tokens given out before are foreign to it, since its
 * revisions may come to mean something else. `to` must not exist: stop the service and move the old file (with its
 * -wal and -shm) away first. CONFIG_INVALID otherwise, and when `from` is no datastore or is damaged.
 */
export function restoreSqliteStore({
  from,
  to,
}: {
  readonly from: string
  readonly to: string
}): Promise<Head> {
  return copy({ kind: 'restore', from, to })
}

async function copy(task: CopyTask): Promise<Head> {
  // A thread of its own: the copy takes as long as the disk does.
  const worker = startWorker('copy-worker', task)
  const outcome = await new Promise<CopyOutcome>((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new CardeaError('STORE_FAILED', `Copying to ${task.to} ended unasked.`)))
  })
  if ('error' in outcome) throw decodeError(outcome.error)
  return outcome.head
}
