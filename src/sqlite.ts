// The door for SQLite: the datastore on a file, and relationships written inside an application's own transaction.

import { defaultLimits } from './authorizer/limits.ts'
import { validateUpdates, validateWriteRequest } from './authorizer/validate-updates.ts'
import { checkedSchema } from './authorizer/writes.ts'
import type { Schema } from './model/schema.ts'
import {
  type InTransactionOptions,
  type RelationshipsInTransaction,
  relationshipsIn as relationshipsValidatedBy,
} from './store/sqlite/in-transaction.ts'

export { restoreSqliteStore } from './store/sqlite/copies.ts'
export type { InTransactionWriteOptions, RelationshipsInTransaction } from './store/sqlite/in-transaction.ts'
export { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from './store/sqlite/store.ts'

/**
 * Relationships inside the transaction that is open on `database`, a better-sqlite3 handle on a datastore file with
 * `synchronous = FULL`: the business row and the grant are committed together or not at all. Updates are validated
 * against the schema in force, as every write is.
 */
export function relationshipsIn(
  database: Parameters<typeof relationshipsValidatedBy>[0],
  options: Omit<InTransactionOptions, 'validate'> = {},
): RelationshipsInTransaction {
  let checked: { readonly text: string; readonly schema: Schema } | undefined
  return relationshipsValidatedBy(database, {
    ...options,
    validate: (text, updates) => {
      if (checked?.text !== text) checked = { text, schema: checkedSchema(text) }
      validateWriteRequest(updates, [], undefined, defaultLimits)
      validateUpdates(checked.schema, updates)
    },
  })
}
