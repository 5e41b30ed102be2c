// The door for SQLite: the datastore on a file, and relationships written inside an application's own transaction.

export { type SqliteStore, type SqliteStoreOptions, openSqliteStore } from './store/sqlite/store.ts'
export {
  type InTransactionOptions,
  type InTransactionWriteOptions,
  type RelationshipsInTransaction,
  relationshipsIn,
} from './store/sqlite/in-transaction.ts'
