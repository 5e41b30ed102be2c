// The PostgreSQL store runs the conformance suite against a real server.

import { afterAll, test } from 'vitest'
import { openPostgresStore } from '../../src/store/postgres/store.ts'
import { migratePostgres } from '../../src/store/postgres/tables.ts'
import type { Store } from '../../src/store/store.ts'
import { storeConformance } from './conformance.ts'
import { startPostgres } from './postgres-server.ts'

const server = await startPostgres()

if (typeof server === 'string') {
  console.warn(`Skipped: the PostgreSQL store's conformance: ${server}`)
  test.skip(`postgres store (${server})`, () => {})
} else {
  const urls = new WeakMap<Store, string>()
  afterAll(() => server.stop())
  storeConformance({
    name: 'postgres',
    open: async (options) => {
      const connectionString = await server.newSchema()
      await migratePostgres({ connectionString })
      const store = await openPostgresStore({ connectionString, ...options })
      urls.set(store, connectionString)
      return store
    },
    openAgain: (store) => openPostgresStore({ connectionString: urls.get(store)! }),
  })
}
