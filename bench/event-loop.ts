// P4: how long the event loop is held up while large lookups, checks and writes run through one Authorizer in this process.
// Run: npm run bench -- event-loop [rows]

import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as pause } from 'node:timers/promises'
import { createAuthorizer } from '../src/authorizer/create-authorizer.ts'
import { folderQuestions } from './folder-questions.ts'
import { folderStore } from './folder-store.ts'
import { LimitLookup } from './limit-lookup.ts'
import { LimitTraversal } from './limit-traversal.ts'
import { grouped, numbersGiven, quick, tellGoal, tellTable } from './measure.ts'
import { idOf, makeData } from './shared-folders.ts'

const [size = 0] = numbersGiven([quick ? 100_000 : 300_000])
const seconds = quick ? 3 : 15
const lookupsAtOnce = 4
/** Every millisecond or so, as they would come from sockets. */
const checksAtOnce = 20
const resolutionMs = 1

const data = makeData(size)
const authorizer = await createAuthorizer({ store: await folderStore(data) })
const questions = folderQuestions(data, new LimitTraversal(data), 2000)
const users = new LimitLookup(data).usersWith(10_000, 8)

/** Delays of the event loop beyond the timer's own period, in milliseconds. */
async function delays(work: () => Promise<unknown>) {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs })
  histogram.enable()
  await work()
  histogram.disable()
  const ms = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolutionMs)
  return {
    p50: ms(histogram.percentile(50)),
    p99: ms(histogram.percentile(99)),
    max: ms(histogram.max),
  }
}

const done = { lookups: 0, found: 0, checks: 0, writes: 0 }

async function mixedLoad(): Promise<void> {
  const endMs = performance.now() + seconds * 1000
  const running = () => performance.now() < endMs
  const lookups = Array.from({ length: lookupsAtOnce }, async (_, caller) => {
    for (let turn = caller; running(); turn += 1) {
      const subject = { type: 'user', id: idOf('user', users[turn % users.length]!), relation: '' }
      const request = { resourceType: 'document', permission: 'view', subject }
      for await (const { resourceId } of authorizer.lookupResources(request))
        if (resourceId !== '') done.found += 1
      done.lookups += 1
    }
  })
  const checks = async () => {
    for (let turn = 0; running(); turn += 1) {
      const some = Array.from(
        { length: checksAtOnce },
        (_, at) => questions[(turn * checksAtOnce + at) % questions.length]!,
      )
      await Promise.all(some.map((question) => authorizer.check(question)))
      done.checks += some.length
      await pause(1)
    }
  }
  const writes = async () => {
    for (let turn = 0; running(); turn += 1) {
      const relationship = {
        resource: { type: 'document', id: idOf('document', turn % data.counts.document) },
        relation: 'viewer',
        subject: { type: 'user', id: `writer-${turn % 100}`, relation: '' },
      }
      const operation = turn % 3 === 2 ? 'delete' : 'touch'
      await authorizer.writeRelationships({ updates: [{ operation, relationship }] })
      done.writes += 1
      await pause(5)
    }
  }
  await Promise.all([...lookups, checks(), writes()])
}

const idle = await delays(() => pause(quick ? 1000 : 3000))
const loaded = await delays(mixedLoad)
await authorizer.close()

const perSecond = (count: number) => grouped(count / seconds)
console.log(
  `${grouped(data.size)} relationships; each second ${perSecond(done.lookups)} lookups (${perSecond(done.found)} results), ${perSecond(done.checks)} checks, ${perSecond(done.writes)} writes`,
)
tellTable([
  ['event-loop delay, ms', 'p50', 'p99', 'max'],
  ...Object.entries({ idle, 'mixed load': loaded }).map(([name, { p50, p99, max }]) => [
    name,
    p50.toFixed(2),
    p99.toFixed(2),
    max.toFixed(2),
  ]),
])
tellGoal('P4 event-loop delay p99', loaded.p99, 'ms', '<=', 10)
