// One cold start for load.ts, in a process that did nothing before: opens the file of its argument and tells what it took.

import { setTimeout as pause } from 'node:timers/promises'
import { createAuthorizer, type LocalAuthorizer } from '../src/authorizer/create-authorizer.ts'
import { openSqliteStore } from '../src/store/sqlite/store.ts'
import { serveParent } from './child.ts'
import { idOf } from './shared-folders.ts'

export interface Started {
  readonly rows: number
  readonly readyMs: number
  readonly cpuMs: number
  readonly firstCheckMs: number
  /** Resident bytes of the process, once it answers and garbage is collected. */
  readonly residentBytes: number
  readonly memory: NonNullable<ReturnType<LocalAuthorizer['memory']>>
}

async function resident(): Promise<number> {
  const collect = (globalThis as { gc?: () => void }).gc
  if (collect === undefined) throw new Error('Run with --expose-gc, so that resident memory can be measured.')
  for (let round = 0; round < 5; round += 1) {
    collect()
    await pause(50)
  }
  return process.memoryUsage().rss
}

const cpuBefore = process.cpuUsage()
const startMs = performance.now()
const authorizer = await createAuthorizer({ store: await openSqliteStore({ path: process.argv[2]! }) })
const readyMs = performance.now() - startMs
const { user, system } = process.cpuUsage(cpuBefore)
await authorizer.check({
  resource: { type: 'document', id: idOf('document', 1) },
  permission: 'view',
  subject: { type: 'user', id: idOf('user', 1), relation: '' },
})
const firstCheckMs = performance.now() - startMs - readyMs
const residentBytes = await resident()
const memory = authorizer.memory()!
const started: Started = {
  rows: memory.rows,
  readyMs,
  cpuMs: (user + system) / 1000,
  firstCheckMs,
  residentBytes,
  memory,
}
serveParent(started, () => authorizer.close())
