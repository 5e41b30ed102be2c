// P4: what a lookup of 10,000 resources costs beside a reverse traversal written by hand, and when its first batch comes.
// Run: npm run bench -- lookup [rows...]

import { createAuthorizer } from '../src/authorizer/create-authorizer.ts'
import { FoundObjects } from '../src/engine/found-objects.ts'
import { folderEngine } from './folder-questions.ts'
import { folderStore } from './folder-store.ts'
import { LimitLookup } from './limit-lookup.ts'
import { best, grouped, inTurn, numbersGiven, quick, tellGoal, tellTable } from './measure.ts'
import { type Data, idOf, makeData } from './shared-folders.ts'

const wanted = 10_000
const rounds = quick ? 5 : 15
/** Rounds that nobody times: users are chosen by hundreds of the limit's lookups, so all others get to be as practised. */
const practiceRounds = 60
const userCount = 5
const batchSize = 512

const subjectOf = (user: number) => ({ type: 'user', id: idOf('user', user), relation: '' })

/** What one contender's lookup gave: how many ids, and after how many milliseconds the first of them. */
interface Found {
  readonly count: number
  readonly firstMs: number
}

/** The front desk on the same data: its asynchronous iteration adds a token and a cursor to each result. */
async function frontDesk(data: Data) {
  const authorizer = await createAuthorizer({ store: await folderStore(data) })
  return {
    close: () => authorizer.close(),
    async lookup(user: number): Promise<Found> {
      const before = performance.now()
      let count = 0
      let firstMs = 0
      const request = { resourceType: 'document', permission: 'view', subject: subjectOf(user) }
      for await (const { resourceId } of authorizer.lookupResources(request)) {
        if (count === 0) firstMs = performance.now() - before
        if (resourceId !== '') count += 1
      }
      return { count, firstMs }
    },
  }
}

async function measure(size: number): Promise<void> {
  const data = makeData(size)
  const { engine, world } = await folderEngine(data)
  const limit = new LimitLookup(data)
  const desk = size <= 100_000 ? await frontDesk(data) : undefined

  const batch = new FoundObjects()
  /** Puts the ids where the limit does: into an array that is as long as they are many. */
  const lookup = (user: number, ids: string[]): Found => {
    const before = performance.now()
    const request = { resourceType: 'document', permission: 'view', subject: subjectOf(user) }
    const stream = engine.lookupResources(world, request, 0)
    let count = 0
    let firstMs = 0
    for (let done = false; !done; batch.clear()) {
      done = stream.run(100_000, batch, batchSize)
      if (firstMs === 0 && batch.length > 0) firstMs = performance.now() - before
      for (let at = 0; at < batch.length; at += 1) {
        ids[count] = batch.ids[at]!
        count += 1
      }
    }
    return { count, firstMs }
  }

  const users = limit.usersWith(wanted, userCount)
  const expected = users.map((user) => limit.lookup(user).length)
  for (const user of users) {
    const found: string[] = []
    lookup(user, found)
    if (limit.lookup(user).sort().join() !== found.sort().join())
      throw new Error(`Not the same ${found.length} documents for user ${user}`)
  }

  // Another user each time; a round is all of them.
  const firsts: number[] = []
  const deskFirsts: number[] = []
  const requireAll = (count: number, at: number) => {
    if (count !== expected[at]) throw new Error(`${count} documents instead of ${expected[at]}`)
  }
  const contenders: Record<string, () => unknown> = {
    limit: () => {
      for (const [at, user] of users.entries()) requireAll(limit.lookup(user).length, at)
    },
    cardea: () => {
      for (const [at, user] of users.entries()) {
        const { count, firstMs } = lookup(user, new Array(expected[at]!))
        requireAll(count, at)
        firsts.push(firstMs)
      }
    },
  }
  if (desk !== undefined) {
    contenders.authorizer = async () => {
      for (const [at, user] of users.entries()) {
        const { count, firstMs } = await desk.lookup(user)
        requireAll(count, at)
        deskFirsts.push(firstMs)
      }
    }
  }
  await inTurn(practiceRounds, contenders)
  firsts.length = 0
  deskFirsts.length = 0
  const times = await inTurn(rounds, contenders)
  await desk?.close()

  const ms = (list: readonly number[]) => best(list) / users.length
  const results = expected.reduce((sum, count) => sum + count, 0) / users.length
  console.log(
    `${grouped(data.size)} relationships, lookups of ${grouped(results)} documents by ${users.length} users in turn; best of ${rounds} rounds, same answers`,
  )
  const row = (name: string, list: readonly number[], firstMs?: number) => [
    name,
    ms(list).toFixed(2),
    ((ms(list) * 1e6) / results).toFixed(0),
    firstMs === undefined ? '' : firstMs.toFixed(3),
    (ms(times.limit!) / ms(list)).toFixed(2),
  ]
  tellTable([
    ['', 'ms/lookup', 'ns/result', 'first batch ms', 'x the limit'],
    row('limit', times.limit!),
    row('cardea', times.cardea!, best(firsts)),
    ...(times.authorizer === undefined
      ? []
      : [row('authorizer, iterated', times.authorizer, best(deskFirsts))]),
  ])
  const name = `P4 at ${grouped(size)}`
  tellGoal(name, ms(times.limit!) / ms(times.cardea!), 'x the limit', '>=', 0.5)
  tellGoal(`${name}, first batch`, best(firsts) / ms(times.cardea!), 'of the whole', '<=', 0.5)
}

for (const size of numbersGiven(quick ? [100_000] : [100_000, 1_000_000])) await measure(size)
