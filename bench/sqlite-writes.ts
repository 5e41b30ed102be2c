// Durable writes: the SQLite store with 64 concurrent callers beside a bare better-sqlite3 loop on the same tables.
// Run: npm run build && npx jiti bench/sqlite-writes.ts [seconds per figure]

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RelationshipUpdate } from '../src/model/relationship.ts'
import { openConnection } from '../src/store/sqlite/connection.ts'
import { openSqliteStore } from '../src/store/sqlite/store.ts'

const callers = 64
const secondsEach = Number(process.argv[2] ?? 4)
const directory = mkdtempSync(join(tmpdir(), 'cardea-bench-'))
let files = 0

/** The nth write: new documents, users that come again. */
function updatesOf(write: number, rows: number): RelationshipUpdate[] {
  return Array.from({ length: rows }, (_, row) => ({
    operation: 'touch',
    relationship: {
      resource: { type: 'document', id: `report-${write.toString(36)}-${row}` },
      relation: 'viewer',
      subject: { type: 'user', id: `user-${(write * 31 + row * 7) % 10_000}`, relation: '' },
    },
  }))
}

/** Rows per second of the store. */
async function ours(rows: number, following: boolean): Promise<number> {
  const store = await openSqliteStore({ path: join(directory, `${++files}.db`) })
  if (following) {
    const listener = { onEntry: () => {}, onBreak: (error: Error) => console.error(error) }
    await store.follow({ revision: 0, nonce: '' }, listener)
  }
  let writes = 0
  const conditions = { schemaRevision: 0, nowMs: Date.now() }
  const startMs = performance.now()
  const endMs = startMs + secondsEach * 1000
  const caller = async () => {
    while (performance.now() < endMs) await store.write(updatesOf(writes++, rows), conditions)
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const rate = (writes * rows) / ((performance.now() - startMs) / 1000)
  await store.close()
  return rate
}

/** Rows per second of the loop: one transaction per write, the same rows in the same tables, the same settings. */
async function bare(rows: number): Promise<number> {
  const path = join(directory, `${++files}.db`)
  await (await openSqliteStore({ path })).close()
  const database = openConnection(path, 5000)
  const [documentType, userType, viewer] = [1, 2, 3]
  database.exec(`INSERT INTO cardea_name (id, name) VALUES (1, 'document'), (2, 'user'), (3, 'viewer')`)
  const insertObject = database.prepare('INSERT INTO cardea_object (type, id) VALUES (?, ?)')
  const insertRow = database.prepare(
    'INSERT INTO cardea_relationship VALUES (?, ?, ?, 0, NULL, NULL, NULL) ON CONFLICT DO NOTHING',
  )
  const insertChange = database.prepare(
    'INSERT INTO cardea_change VALUES (?, ?, 1, ?, ?, ?, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL)',
  )
  const insertLog = database.prepare('INSERT INTO cardea_log VALUES (?, ?, ?, 0, ?, NULL)')
  const keys = new Map<string, number>()
  const keyOf = (type: number, id: string) => {
    let key = keys.get(id)
    if (key === undefined) {
      key = Number(insertObject.run(type, id).lastInsertRowid)
      keys.set(id, key)
    }
    return key
  }
  const write = database.transaction((revision: number, updates: readonly RelationshipUpdate[]) => {
    updates.forEach(({ relationship: { resource, subject } }, ordinal) => {
      const [document, user] = [keyOf(documentType, resource.id), keyOf(userType, subject.id)]
      insertRow.run(document, viewer, user)
      insertChange.run(revision, ordinal, document, viewer, user)
    })
    insertLog.run(revision, randomBytes(8).toString('hex'), Date.now(), updates.length)
  })
  let writes = 0
  const startMs = performance.now()
  const endMs = startMs + secondsEach * 1000
  while (performance.now() < endMs) {
    write.immediate(writes + 1, updatesOf(writes, rows))
    writes += 1
  }
  const rate = (writes * rows) / ((performance.now() - startMs) / 1000)
  database.close()
  return rate
}

const shown = (rate: number) => Math.round(rate).toLocaleString('en').padStart(10)
console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}; rows per second`)
console.log('rows per write   bare loop        ours       ratio   ours, followed   ratio')
for (const rows of [1, 10, 1000]) {
  const [loop, store, followed] = [await bare(rows), await ours(rows, false), await ours(rows, true)]
  const ratio = (rate: number) => (rate / loop).toFixed(2).padStart(7)
  console.log(
    `${String(rows).padStart(14)}${shown(loop)}  ${shown(store)}  ${ratio(store)}x      ${shown(followed)}${ratio(followed)}x`,
  )
}
rmSync(directory, { recursive: true })
