// Datastores by name: `memory`, `sqlite:./cardea.db`, `postgres://...`.

import { CardeaError } from '../model/errors.ts'
import { memoryStore } from '../store/memory/store.ts'
import { openSqliteStore } from '../store/sqlite/store.ts'
import type { Store } from '../store/store.ts'
import { nearest } from './nearest.ts'

/**
 * Opens the datastore that `--datastore` names. CONFIG_INVALID for a kind that does not exist; the text itself is
 * never repeated in an error, since it may hold a password.
 */
export async function openDatastore(name: string): Promise<Store> {
  if (name === 'memory') return memoryStore()
  const kind = name.slice(0, Math.max(0, name.indexOf(':')))
  if (kind === 'sqlite') {
    const path = name.slice('sqlite:'.length)
    if (path === '')
      throw new CardeaError('CONFIG_INVALID', '--datastore sqlite: needs a path, such as sqlite:./cardea.db')
    return openSqliteStore({ path })
  }
  const suggestion = nearest(kind === '' ? name : kind, ['memory', 'sqlite'])
  throw new CardeaError(
    'CONFIG_INVALID',
    `--datastore names no known kind; expected memory or sqlite:PATH.${suggestion === undefined ? '' : ` Did you mean ${suggestion}?`}`,
  )
}
