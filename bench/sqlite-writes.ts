// P6: durable writes, the SQLite store with 64 concurrent callers beside a bare better-sqlite3 loop on the same tables.
// Run: npm run bench -- sqlite-writes [rounds]

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RelationshipUpdate } from '../src/model/relationship.ts'
import { openConnection } from '../src/store/sqlite/connection.ts'
import { openSqliteStore } from '../src/store/sqlite/store.ts'
import { median, numbersGiven, quick, tellGoal } from './measure.ts'

const callers = 64
const [rounds = 0] = numbersGiven([quick ? 3 : 7])
const roundMs = quick ? 200 : 1000
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

/** One side of the comparison: works for a while and gives its rate in rows per second. */
interface Side {
  round(milliseconds: number): Promise<number>
  close(): unknown
}

async function ours(rows: number, following: boolean): Promise<Side> {
  const store = await openSqliteStore({ path: join(directory, `${++files}.db`) })
  if (following) {
    const listener = { onEntry: () => {}, onBreak: (error: Error) => console.error(error) }
    await store.follow({ revision: 0, nonce: '' }, listener)
  }
  let writes = 0
  const conditions = { schemaRevision: 0, nowMs: Date.now() }
  return {
    async round(milliseconds) {
      const [first, startMs] = [writes, performance.now()]
      const caller = async () => {
        while (performance.now() - startMs < milliseconds) {
          await store.write(updatesOf(writes++, rows), conditions)
        }
      }
      await Promise.all(Array.from({ length: callers }, caller))
      return ((writes - first) * rows) / ((performance.now() - startMs) / 1000)
    },
    close: () => store.close(),
  }
}

/** One transaction per write: the same rows in the same tables, with the same settings. */
async function bareLoop(rows: number): Promise<Side> {
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
  return {
    async round(milliseconds) {
      const [first, startMs] = [writes, performance.now()]
      while (performance.now() - startMs < milliseconds)
        write.immediate(writes + 1, updatesOf(writes++, rows))
      return ((writes - first) * rows) / ((performance.now() - startMs) / 1000)
    },
    close: () => database.close(),
  }
}

const shown = (rate: number) => Math.round(rate).toLocaleString('en').padStart(12)

console.log(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}`)
console.log(`Rows per second, ${callers} callers, medians of ${rounds} rounds of ${roundMs} ms in turn`)
console.log('rows per write   bare loop        ours   ratio   followed   ratio')
const ratios: [rows: number, ratio: number][] = []
for (const rows of [1, 10, 1000]) {
  const sides = [await bareLoop(rows), await ours(rows, false), await ours(rows, true)]
  const rates: number[][] = sides.map(() => [])
  for (let round = 0; round < rounds; round++) {
    for (const [at, side] of sides.entries()) rates[at]!.push(await side.round(roundMs))
  }
  const inLoops = (at: number) => median(rates[at]!.map((rate, round) => rate / rates[0]![round]!))
  const ratio = (at: number) => `${inLoops(at).toFixed(2)}x`.padStart(8)
  const [loop, alone, followed] = rates.map((of) => shown(median(of)))
  console.log(`${String(rows).padStart(14)}${loop}${alone}${ratio(1)}${followed}${ratio(2)}`)
  for (const side of sides) await side.close()
  // A service follows its store.
  ratios.push([rows, inLoops(2)])
}
rmSync(directory, { recursive: true })
for (const [rows, inLoops] of ratios) tellGoal(`P6 ${rows} a write`, inLoops, 'x the bare loop', '>=', 0.5)
