// The SQLite store runs the conformance suite, and keeps what only a file can keep.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import type { Store } from '../../src/store/store.ts'
import { storeConformance } from './conformance.ts'

const directory = mkdtempSync(join(tmpdir(), 'cardea-sqlite-'))
let files = 0
const paths = new WeakMap<Store, string>()
afterAll(() => rmSync(directory, { recursive: true }))

storeConformance({
  name: 'sqlite',
  open: async (options) => {
    const path = join(directory, `${++files}.db`)
    const store = await openSqliteStore({ path, ...options })
    paths.set(store, path)
    return store
  },
  openAgain: (store) => openSqliteStore({ path: paths.get(store)! }),
})
