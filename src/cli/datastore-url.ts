// Datastores by name: `memory`, `sqlite:./cardea.db`, `postgres://...`.

import { existsSync } from 'node:fs'
import { CardeaError } from '../model/errors.ts'
import { nearestName } from '../schema/suggestion.ts'
import { memoryStore } from '../store/memory/store.ts'
import { openSqliteStore } from '../store/sqlite/store.ts'
import type { Store } from '../store/store.ts'

/**
 * Opens the datastore that `--datastore` names; one that others write to is looked at often enough for reads that may
 * be `maxStalenessMs` old. CONFIG_INVALID for a kind that does not exist; the text itself is
 * never repeated in an error, since it may hold a password.
 */
export async function openDatastore(
  name: string,
  { maxStalenessMs }: { readonly maxStalenessMs?: number } = {},
): Promise<Store> {
  if (name === 'memory') return memoryStore()
  const kind = name.slice(0, Math.max(0, name.indexOf(':')))
  if (kind === 'sqlite') {
    const path = name.slice('sqlite:'.length)
    if (path === '')
      throw new CardeaError('CONFIG_INVALID', '--datastore sqlite: needs a path, such as sqlite:./cardea.db')
    return openSqliteStore({ path })
  }
  if (kind === 'postgres' || kind === 'postgresql') {
    const { openPostgresStore } = await postgresDriver(() => import('../store/postgres/store.ts'))
    return openPostgresStore({
      connectionString: name,
      ...(maxStalenessMs === undefined ? {} : { maxStalenessMs }),
    })
  }
  const suggestion = nearestName(kind === '' ? name : kind, ['memory', 'sqlite', 'postgres'])
  throw new CardeaError(
    'CONFIG_INVALID',
    `--datastore names no known kind; expected memory, sqlite:PATH or postgres://...${suggestion === undefined ? '' : ` Did you mean ${suggestion}?`}`,
  )
}

/** The same for commands that only read: a SQLite file that is not there is a mistake, not a new datastore. */
export async function openExistingDatastore(name: string): Promise<Store> {
  const path = name.startsWith('sqlite:') ? name.slice('sqlite:'.length) : undefined
  if (path !== undefined && path !== '' && !existsSync(path))
    throw new CardeaError('CONFIG_INVALID', `There is no datastore ${path}.`, { path })
  return openDatastore(name)
}

/** Loads what needs the optional driver `pg`; CONFIG_INVALID that names the cure when it is not installed. */
export async function postgresDriver<Module>(load: () => Promise<Module>): Promise<Module> {
  try {
    return await load()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new CardeaError(
      'CONFIG_INVALID',
      'The PostgreSQL datastore needs the package pg. Run: npm install pg',
      {},
      { cause },
    )
  }
}
