// The door for PostgreSQL: the datastore, and relationships written inside an application's own transaction.

import { defaultLimits } from './authorizer/limits.ts'
import { validateUpdates, validateWriteRequest } from './authorizer/validate-updates.ts'
import { checkedSchema } from './authorizer/writes.ts'
import { relationshipsIn as relationshipsValidatedBy } from './store/postgres/in-transaction.ts'

export { refusalOfCommit } from './store/postgres/in-transaction.ts'
export { openPostgresStore } from './store/postgres/store.ts'
export { migratePostgres } from './store/postgres/tables.ts'

type Client = Parameters<typeof relationshipsValidatedBy>[0]
type Options = Omit<Parameters<typeof relationshipsValidatedBy>[1], 'validate'>

/**
 * Relationships inside the transaction that is open on `client`: the business row and the grant are committed together
 * or not at all. Updates are validated against the schema in force, and judged again when the transaction commits.
 */
export function relationshipsIn(
  client: Client,
  options: Options = {},
): ReturnType<typeof relationshipsValidatedBy> {
  return relationshipsValidatedBy(client, {
    ...options,
    validate: (text, updates) => {
      validateWriteRequest(updates, [], undefined, defaultLimits)
      validateUpdates(checkedSchema(text), updates)
    },
  })
}
