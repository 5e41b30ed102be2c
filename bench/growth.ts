// P8: how the time of a check grows with the data, beside how the limit's grows; with the depth; with the fan-out.
// Run: npm run bench -- growth [rows...]. --json FILE keeps the figures for the picture.

import { writeFileSync } from 'node:fs'
import type { Question } from '../src/model/decision.ts'
import { countGranted, folderEngine, folderQuestions, timeChecks } from './folder-questions.ts'
import { generator, type Spread } from './generator.ts'
import { LimitTraversal } from './limit-traversal.ts'
import { grouped, numbersGiven, quick, tellGoal, tellTable } from './measure.ts'
import { type Data, dataOf, idOf, makeData, Pairs } from './shared-folders.ts'

const sizes = numbersGiven(quick ? [10_000, 100_000] : [100_000, 1_000_000, 10_000_000])
const rounds = quick ? 5 : 11

interface Point {
  readonly size: number
  readonly limitNs: number
  readonly cardeaNs: number
}

/** Nanoseconds of one check of each; the best of rounds in turn. */
async function timeBoth(data: Data, questionsOf: (limit: LimitTraversal) => Question[]) {
  const limit = new LimitTraversal(data)
  const { check } = await folderEngine(data)
  const questions = questionsOf(limit)
  const ofLimit = ({ resource, subject }: Question) => limit.check(resource.id, subject.id)
  const differing = questions.filter((question) => ofLimit(question) !== check(question))
  if (differing.length > 0) throw new Error(`${differing.length} of ${questions.length} answers differ`)
  const ns = timeChecks(rounds, questions, {
    limit: (some) => countGranted(some, ofLimit),
    cardea: (some) => countGranted(some, check),
  })
  return { limitNs: ns.limit, cardeaNs: ns.cardea }
}

const points: Record<Spread, Point[]> = { uniform: [], zipf: [] }
for (const spread of ['uniform', 'zipf'] as const) {
  for (const size of sizes) {
    const data = makeData(size, spread)
    const both = await timeBoth(data, (limit) => folderQuestions(data, limit, quick ? 4000 : 20_000, spread))
    points[spread].push({ size: data.size, ...both })
  }
  const [smallest] = points[spread] as [Point]
  console.log(`${spread}: ns per check, half denied; best of ${rounds} rounds in turn, same answers`)
  tellTable([
    ['relationships', 'limit', 'grown', 'cardea', 'grown', 'x the limit'],
    ...points[spread].map(({ size, limitNs, cardeaNs }) => [
      grouped(size),
      limitNs.toFixed(0),
      (limitNs / smallest.limitNs).toFixed(2),
      cardeaNs.toFixed(0),
      (cardeaNs / smallest.cardeaNs).toFixed(2),
      (limitNs / cardeaNs).toFixed(2),
    ]),
  ])
}
const json = process.argv[process.argv.indexOf('--json') + 1]
if (process.argv.includes('--json')) writeFileSync(json!, JSON.stringify(points))

const question = (document: number, user: number): Question => ({
  resource: { type: 'document', id: idOf('document', document) },
  permission: 'view',
  subject: { type: 'user', id: idOf('user', user), relation: '' },
})
/** Every other question is about somebody in no group. */
const halfDenied = (count: number, member: () => number, stranger: number) =>
  Array.from({ length: count }, (_, at) => question(0, at % 2 === 0 ? member() : stranger))

/** A document shared with a group, in it a group, and so on; the user is in the innermost. */
async function deep(depth: number) {
  const pairs = [new Pairs(), new Pairs(), ...Array.from({ length: 6 }, () => new Pairs())]
  for (let group = 1; group < depth; group += 1) pairs[0]!.add(group - 1, group)
  pairs[1]!.add(depth - 1, 0)
  pairs[6]!.add(0, 0)
  const data = dataOf({ user: 10, group: depth, folder: 1, document: 1 }, pairs)
  return timeBoth(data, () => halfDenied(quick ? 200 : 1000, () => 0, 1))
}
const depths = [5, 10, 20, 1000]
const byDepth: (Omit<Point, 'size'> & { readonly depth: number })[] = []
for (const depth of depths) byDepth.push({ depth, ...(await deep(depth)) })
console.log('Groups within groups: ns per check')
tellTable([
  ['depth', 'limit', 'cardea', 'cardea per level'],
  ...byDepth.map(({ depth, limitNs, cardeaNs }) => [
    depth,
    limitNs.toFixed(0),
    cardeaNs.toFixed(0),
    (cardeaNs / depth).toFixed(0),
  ]),
])

/** A document shared with `width` groups of ten; each user is in three of them, or in three others. */
async function wide(width: number) {
  const random = generator(5)
  const pairs = Array.from({ length: 8 }, () => new Pairs())
  const users = width * 3 + 10
  for (let group = 0; group < width; group += 1) pairs[6]!.add(0, group)
  // Users of even number are in groups that the document is shared with, those of odd number in others.
  for (let user = 0; user < users; user += 1)
    for (let turn = 0; turn < 3; turn += 1)
      pairs[1]!.add(Math.floor(random() * width) + (user % 2 === 0 ? 0 : width), user)
  const data = dataOf({ user: users, group: width * 2, folder: 1, document: 1 }, pairs)
  return timeBoth(data, () =>
    Array.from({ length: quick ? 40 : 100 }, (_, at) =>
      question(0, Math.floor((random() * users) / 2 - 1) * 2 + (at % 2) + 2),
    ),
  )
}
const widths = quick ? [10, 100, 1000, 10_000] : [10, 100, 1000, 10_000, 100_000]
const byWidth: (Omit<Point, 'size'> & { readonly width: number })[] = []
for (const width of widths) byWidth.push({ width, ...(await wide(width)) })
console.log('A document shared with many groups, a user in three: ns per check')
tellTable([
  ['groups', 'limit (from the document)', 'cardea'],
  ...byWidth.map(({ width, limitNs, cardeaNs }) => [grouped(width), limitNs.toFixed(0), cardeaNs.toFixed(0)]),
])

for (const spread of ['uniform', 'zipf'] as const) {
  const [first, last] = [points[spread][0]!, points[spread].at(-1)!]
  const growth = last.cardeaNs / first.cardeaNs / (last.limitNs / first.limitNs)
  tellGoal(`P8 ${spread} to ${grouped(sizes.at(-1)!)}`, growth, "x the limit's growth", '<=', 1.25)
}
// Linear in depth: fifty times as deep costs fifty times as much, give or take what caches do.
const perLevel = (at: number) => byDepth[at]!.cardeaNs / depths[at]!
tellGoal('P8 depth 20 to 1000, per level', perLevel(3) / perLevel(2), 'x', '<=', 1.5)
// Not linear in fan-out: ten thousand times as wide costs some times as much at most (larger tables, more cache misses).
const fanOut = byWidth.at(-1)!.cardeaNs / byWidth[0]!.cardeaNs
tellGoal(`P8 fan-out 10 to ${grouped(widths.at(-1)!)}`, fanOut, 'x', '<=', 10)
