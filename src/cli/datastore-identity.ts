// What is done to a datastore that is named: its identity is changed, whatever its kind.

import { CardeaError } from '../model/errors.ts'
import type { Revision } from '../model/revision.ts'
import type { IdentityChange } from '../store/identity-change.ts'
import { beginSqliteAfter, changeSqliteIdentity } from '../store/sqlite/identity.ts'
import type { DatastoreIdentity } from '../store/store.ts'
import { postgresDriver } from './datastore-url.ts'

/** The path of a SQLite datastore; undefined for PostgreSQL. CONFIG_INVALID for anything else. */
function pathOf(name: string): string | undefined {
  if (name.startsWith('sqlite:')) return name.slice('sqlite:'.length)
  if (/^postgres(ql)?:/.test(name)) return undefined
  throw new CardeaError('CONFIG_INVALID', 'Expected --datastore sqlite:PATH or postgres://....')
}

/** Changes the identity of a datastore in one transaction; gives what it became. */
export async function changeIdentity(
  name: string,
  change: (identity: DatastoreIdentity) => IdentityChange,
): Promise<DatastoreIdentity> {
  const path = pathOf(name)
  if (path !== undefined) return changeSqliteIdentity(path, change)
  const { changePostgresIdentity } = await postgresDriver(() => import('../store/postgres/identity.ts'))
  return changePostgresIdentity({ connectionString: name }, change)
}

/** Lets the revisions of an empty datastore begin behind `revision`. */
export async function beginAfter(name: string, revision: Revision): Promise<void> {
  const path = pathOf(name)
  if (path !== undefined) return beginSqliteAfter(path, revision, Date.now())
  const { beginPostgresAfter } = await postgresDriver(() => import('../store/postgres/identity.ts'))
  await beginPostgresAfter({ connectionString: name }, revision, Date.now())
}
