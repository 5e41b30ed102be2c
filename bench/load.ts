// P5: how many bytes a relationship takes, and how fast a process is ready that starts on a SQLite file of many.
// Run: npm run bench -- load [rows...]. Files are kept in the system's temporary folder for the next run.

import { existsSync, renameSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteStore } from '../src/store/sqlite/store.ts'
import { startChild } from './child.ts'
import { best, grouped, median, numbersGiven, quick, tellGoal, tellTable } from './measure.ts'
import { dataOf, makeData, relationshipBatches, schemaText } from './shared-folders.ts'
import type { Started } from './start-from-file.ts'

/** Raised whenever the data or the tables change, so that no old file is taken. */
const fileVersion = 1
const sizes = numbersGiven(quick ? [200_000] : [1_000_000, 10_000_000])
const emptyData = dataOf({ user: 0, group: 0, folder: 0, document: 0 }, [])
const rowsPerTransaction = 1_000_000

/** A datastore file with data of that size, made by bulk imports unless it is there. */
async function fileWith(size: number): Promise<string> {
  const path = join(tmpdir(), `cardea-bench-load-v${fileVersion}-${size}.db`)
  if (existsSync(path)) return path
  const making = `${path}.making`
  for (const ending of ['', '-wal', '-shm']) rmSync(making + ending, { force: true })
  const startMs = performance.now()
  const store = await openSqliteStore({ path: making })
  const { head } = await store.writeSchema(schemaText, [], { schemaRevision: 0, nowMs: Date.now() })
  const data = size === 0 ? emptyData : makeData(size)
  const batches = relationshipBatches(data)
  const part = {
    async *[Symbol.asyncIterator]() {
      for (let rows = 0; rows < rowsPerTransaction; ) {
        const { value, done } = batches.next()
        if (done === true) return
        rows += value.length
        yield value
      }
    },
  }
  for (let rows = 0; rows < data.size; ) {
    const { count } = await store.importRows(part, { schemaRevision: head.revision, nowMs: Date.now() })
    rows += count
    console.log(`  making ${path}: ${grouped(rows)} of ${grouped(data.size)}`)
  }
  await store.close()
  renameSync(making, path)
  const seconds = (performance.now() - startMs) / 1000
  console.log(`  made in ${seconds.toFixed(0)} s: ${grouped(data.size / seconds)} relationships/s imported`)
  return path
}

const starting = new URL('start-from-file.js', import.meta.url)
async function start(path: string): Promise<Started> {
  const child = await startChild<Started>(starting, [path], ['--expose-gc'])
  await child.close()
  return child.ready
}

// The empty process: one that serves a datastore with a schema and nothing else.
const empty = await start(await fileWith(0))
console.log(`A process without relationships: ${(empty.residentBytes / 2 ** 20).toFixed(0)} MiB`)
for (const size of sizes) {
  const path = await fileWith(size)
  const starts: Started[] = []
  const rounds = quick || size > 1_000_000 ? 2 : 5
  for (let round = 0; round < rounds; round += 1) starts.push(await start(path))
  const [{ rows, memory }] = starts as [Started]
  const seconds = best(starts.map(({ readyMs }) => readyMs)) / 1000
  const bytes = median(starts.map(({ residentBytes }) => residentBytes)) - empty.residentBytes
  const perRow = (count: number) => (count / rows).toFixed(1)
  console.log(
    `${grouped(rows)} relationships, ${grouped(memory.objects)} objects (${(memory.objects / rows).toFixed(2)} ids per relationship) in a file of ${grouped(statSync(path).size / 2 ** 20)} MiB, in the page cache; ${starts.length} starts`,
  )
  tellTable([
    ['bytes per relationship', ''],
    ['resident, ids and all', perRow(bytes)],
    ['  ids', perRow(memory.idBytes)],
    ['  dictionary of objects', perRow(memory.objectBytes)],
    ['  lists', perRow(memory.listBytes)],
    ['  entries of long lists', perRow(memory.slabBytes)],
    ['  not counted: engine, SQLite, collector', perRow(bytes - memory.totalBytes)],
  ])
  tellTable([
    ['cold start', ''],
    ['until ready', `${seconds.toFixed(2)} s`],
    ['first answer after that', `${median(starts.map(({ firstCheckMs }) => firstCheckMs)).toFixed(1)} ms`],
    ['relationships per CPU second', grouped(rows / (best(starts.map(({ cpuMs }) => cpuMs)) / 1000))],
  ])
  // The goal is about the largest; what is fixed weighs more in the others.
  if (size !== sizes.at(-1)) continue
  const name = `P5 at ${grouped(size)}`
  tellGoal(`${name}, memory`, (bytes - memory.idBytes) / rows, 'bytes per relationship', '<=', 120)
  tellGoal(`${name}, cold start`, rows / seconds, 'relationships/s', '>=', 300_000)
}
