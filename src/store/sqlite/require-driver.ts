// The driver's native part, asked for before a worker is started: missing, it is explained in one sentence.

import { CardeaError } from '../../model/errors.ts'

/** CONFIG_INVALID with both cures when better-sqlite3 is not installed, or has no binary for this machine. */
export async function requireDriver(): Promise<void> {
  try {
    const { default: Database } = await import('better-sqlite3')
    new Database(':memory:').close()
  } catch (cause) {
    throw new CardeaError(
      'CONFIG_INVALID',
      'The SQLite datastore needs better-sqlite3, whose native part is missing here: either install a C++ compiler, make and Python 3 and run `npm rebuild better-sqlite3`, or run where npm can download its prebuilt binary (--datastore memory works without it).',
      {},
      { cause },
    )
  }
}
