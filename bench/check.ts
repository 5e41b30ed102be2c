// P1: what an in-process check costs beside the limit, a traversal written by hand for this one schema, and beside naive Maps.
// Run: npm run bench -- check [rows]

import type { Question } from '../src/model/decision.ts'
import { countGranted, folderEngine, folderQuestions, timeChecks } from './folder-questions.ts'
import { LimitTraversal } from './limit-traversal.ts'
import { grouped, numbersGiven, percentile, quick, tellGoal, tellTable } from './measure.ts'
import { type Data, idOf, makeData, rowKinds } from './shared-folders.ts'

const [size = 100_000] = numbersGiven([100_000])
const questionCount = 20_000
const rounds = quick ? 5 : 15

/** What one would write first: Maps of Sets of strings. */
class NaiveTraversal {
  readonly #rows = new Map<string, Set<string>>()

  constructor({ counts, lists }: Data) {
    for (const [at, [type, relation, subjectType]] of rowKinds.entries()) {
      const { starts, items } = lists[at]!
      for (let resource = 0; resource < counts[type]; resource += 1) {
        const subjects = items.subarray(starts[resource]!, starts[resource + 1]!)
        if (subjects.length === 0) continue
        const key = `${idOf(type, resource)}#${relation}`
        const found = this.#rows.get(key) ?? new Set()
        this.#rows.set(key, found)
        for (const subject of subjects) found.add(idOf(subjectType, subject))
      }
    }
  }

  check(documentId: string, userId: string): boolean {
    const seen = new Set<string>()
    const within = (key: string): boolean => {
      if (seen.has(key)) return false
      seen.add(key)
      const members = this.#rows.get(key)
      if (members === undefined) return false
      if (members.has(userId)) return true
      for (const member of members) if (member.startsWith('group') && within(`${member}#member`)) return true
      return false
    }
    const view = (id: string): boolean => {
      if (seen.has(id)) return false
      seen.add(id)
      if (within(`${id}#viewer`)) return true
      for (const parent of this.#rows.get(`${id}#parent`) ?? []) if (view(parent)) return true
      return false
    }
    return view(documentId)
  }
}

const data = makeData(size)
const cardea = await folderEngine(data)
const limit = new LimitTraversal(data)
const naive = new NaiveTraversal(data)
const questions = folderQuestions(data, limit, questionCount)

const contenders = {
  limit: ({ resource, subject }: Question) => limit.check(resource.id, subject.id),
  cardea: cardea.check,
  'naive Maps': ({ resource, subject }: Question) => naive.check(resource.id, subject.id),
}
const differing = questions.filter(
  (question) => new Set(Object.values(contenders).map((ask) => ask(question))).size > 1,
)
if (differing.length > 0) throw new Error(`${differing.length} of ${questions.length} answers differ`)

// Bulk: as a door asks, a thousand at a time.
const bulkSize = 1000
function countInBulks(some: readonly Question[]): number {
  let yes = 0
  for (let at = 0; at < some.length; at += bulkSize) {
    const bulk = cardea.engine.checkBulk(cardea.world, some.slice(at, at + bulkSize), 0)
    for (const answer of bulk.run(Number.MAX_SAFE_INTEGER)!)
      if ('permissionship' in answer && answer.permissionship === 'has') yes += 1
  }
  return yes
}

const ns = timeChecks(rounds, questions, {
  limit: (some) => countGranted(some, contenders.limit),
  cardea: (some) => countGranted(some, contenders.cardea),
  'naive Maps': (some) => countGranted(some, contenders['naive Maps']),
  'cardea, in bulks of 1000': countInBulks,
})

/** Nanoseconds of single questions, each the least of some tries, so that the clock and other processes count little. */
function eachAlone(ask: (question: Question) => boolean): number[] {
  return questions.map((question) => {
    let least = Number.POSITIVE_INFINITY
    for (let turn = 0; turn < 5; turn += 1) {
      const before = process.hrtime.bigint()
      ask(question)
      least = Math.min(least, Number(process.hrtime.bigint() - before))
    }
    return least
  })
}
const clock = percentile(
  eachAlone(() => true),
  0.5,
)
const alone: Record<string, number[]> = {
  limit: eachAlone(contenders.limit),
  cardea: eachAlone(contenders.cardea),
}

console.log(
  `${grouped(data.size)} relationships, ${grouped(questions.length)} checks, half denied; best of ${rounds} rounds in turn, all answers agree`,
)
console.log(
  `Percentiles are of questions asked five times in a row (warm caches), less the clock's own ${clock} ns.`,
)
const column = (name: string, share: number) =>
  alone[name] === undefined ? '' : Math.max(0, percentile(alone[name], share) - clock)
tellTable([
  ['', 'ns/check', 'x the limit', 'p50', 'p99', 'p99.9'],
  ...Object.entries(ns).map(([name, each]) => [
    name,
    each.toFixed(0),
    (ns.limit / each).toFixed(2),
    column(name, 0.5),
    column(name, 0.99),
    column(name, 0.999),
  ]),
])
if (ns['naive Maps'] < ns.limit) throw new Error('Naive Maps beat the limit: it is none.')
tellGoal('P1', ns.limit / ns.cardea, 'x the limit', '>=', 0.5)
