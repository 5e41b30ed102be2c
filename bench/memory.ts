// Whether memory comes back: a million checks, many lookups and cancelled requests through one Authorizer, then what is still held.
// Run: npm run bench -- memory [checks]

import { setTimeout as pause } from 'node:timers/promises'
import { createAuthorizer } from '../src/authorizer/create-authorizer.ts'
import { CardeaError } from '../src/model/errors.ts'
import { folderQuestions } from './folder-questions.ts'
import { folderStore } from './folder-store.ts'
import { LimitLookup } from './limit-lookup.ts'
import { LimitTraversal } from './limit-traversal.ts'
import { grouped, numbersGiven, quick, tellTable } from './measure.ts'
import { idOf, makeData } from './shared-folders.ts'

/** What may be held beyond the baseline afterwards, in MiB. */
const goals = { heap: 4, resident: 32 }
const [checks = 0] = numbersGiven([quick ? 50_000 : 1_000_000])
const lookups = checks / 2500
const cancelled = checks / 100
const size = quick ? 50_000 : 100_000

const data = makeData(size)
const questions = folderQuestions(data, new LimitTraversal(data), 5000)
const users = new LimitLookup(data).usersWith(5000, 20)
const authorizer = await createAuthorizer({ store: await folderStore(data) })

async function check(count: number): Promise<void> {
  for (let done = 0; done < count; done += 100) {
    const some = Array.from({ length: 100 }, (_, at) => questions[(done + at) % questions.length]!)
    await Promise.all(some.map((question) => authorizer.check(question)))
    if (done % 10_000 === 0) await pause(0)
  }
}

const request = (turn: number) => ({
  resourceType: 'document',
  permission: 'view',
  subject: { type: 'user', id: idOf('user', users[turn % users.length]!), relation: '' },
})

async function lookUp(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1)
    for await (const { resourceId } of authorizer.lookupResources(request(turn)))
      if (resourceId === '') throw new Error('A resource without an id')
}

/** Requests that end early, each in another way: aborted before, aborted under way, left by their reader, too late. */
async function cancel(count: number): Promise<number> {
  let refused = 0
  const until = async (work: Promise<unknown>) => {
    try {
      await work
    } catch (error) {
      if (!(error instanceof CardeaError)) throw error
      refused += 1
    }
  }
  const read = async (turn: number, options: object, enough: number, onEnough: () => void) => {
    let found = 0
    for await (const _ of authorizer.lookupResources({ ...request(turn), ...options })) {
      found += 1
      if (found === enough) onEnough()
    }
  }
  for (let turn = 0; turn < count; turn += 1) {
    const abort = new AbortController()
    if (turn % 4 === 0) {
      abort.abort()
      await until(authorizer.check(questions[turn % questions.length]!, { signal: abort.signal }))
    } else if (turn % 4 === 1) {
      await until(read(turn, { signal: abort.signal }, 100, () => abort.abort()))
    } else if (turn % 4 === 2) {
      for await (const _ of authorizer.lookupResources(request(turn))) break
    } else {
      await until(authorizer.checkBulk(questions.slice(0, 1000), { deadlineMs: Date.now() - 1 }))
    }
    if (turn % 100 === 0) await pause(0)
  }
  return refused
}

async function held(): Promise<{ heap: number; resident: number }> {
  const collect = (globalThis as { gc?: () => void }).gc
  if (collect === undefined) throw new Error('Run with --expose-gc, so that what is held can be measured.')
  for (let round = 0; round < 8; round += 1) {
    collect()
    await pause(50)
  }
  const { heapUsed, external, rss } = process.memoryUsage()
  return { heap: (heapUsed + external) / 2 ** 20, resident: rss / 2 ** 20 }
}

// The first of everything fills tables and compiles code; what stays after it is the baseline.
await check(checks / 10)
await lookUp(lookups / 10)
await cancel(cancelled / 10)
const baseline = await held()
let highest = 0
const watching = setInterval(() => {
  highest = Math.max(highest, process.memoryUsage().rss / 2 ** 20)
}, 20)
await check(checks)
await lookUp(lookups)
const refused = await cancel(cancelled)
clearInterval(watching)
const after = await held()
await authorizer.close()

console.log(
  `${grouped(data.size)} relationships: ${grouped(checks)} checks, ${grouped(lookups)} lookups of about 5,000, ${grouped(cancelled)} requests cancelled or left (${grouped(refused)} refused)`,
)
const row = (name: string, { heap, resident }: typeof baseline) => [
  name,
  heap.toFixed(1),
  resident.toFixed(1),
]
tellTable([
  ['MiB', 'heap', 'resident'],
  row('baseline', baseline),
  ['highest', '', highest.toFixed(1)],
  row('afterwards', after),
])
const more = { heap: after.heap - baseline.heap, resident: after.resident - baseline.resident }
const kept = more.heap <= goals.heap && more.resident <= goals.resident
console.log(
  `memory: ${more.heap.toFixed(1)} MiB of heap (goal <= ${goals.heap}), ${more.resident.toFixed(1)} MiB resident (goal <= ${goals.resident}): ${kept ? 'returned' : 'NOT returned'}`,
)
if (!kept) process.exitCode = 1
