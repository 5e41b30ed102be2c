// The door for SQLite: the datastore on a file, and relationships written inside an application's own transaction.

export {
  type InTransactionOptions,
  type InTransactionWriteOptions,
  type RelationshipsInTransaction,
  relationshipsIn,
} from './store/sqlite/in-transaction.ts'
export { openSqliteStore, type SqliteStore, type SqliteStoreOptions } from './store/sqlite/store.ts'
