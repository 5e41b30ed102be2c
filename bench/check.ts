// P1: what an in-process check costs beside the limit, a traversal written by hand for this one schema, and beside naive Maps.
// Run: npm run bench:check [rows]

import { createEngine } from '../src/engine/create-engine.ts'
import { compilePlans } from '../src/engine/plans.ts'
import { Graph } from '../src/graph/graph.ts'
import type { Question } from '../src/model/decision.ts'
import { compileSchema } from '../src/schema/compile-schema.ts'
import { LimitTraversal } from './limit-traversal.ts'
import { type Data, generator, idOf, loadChunks, makeData, schemaText } from './shared-folders.ts'

const size = Number(process.argv[2] ?? 100_000)
const questionCount = 20_000
const rounds = 7

/** What one would write first: Maps of Sets of strings. */
class NaiveTraversal {
  readonly #rows = new Map<string, Set<string>>()

  constructor({ rows }: Data) {
    for (const { type, resource, relation, subjectType, subject } of rows) {
      const key = `${idOf(type, resource)}#${relation}`
      const found = this.#rows.get(key) ?? new Set()
      this.#rows.set(key, found.add(idOf(subjectType, subject)))
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
const graph = await Graph.load(loadChunks(data))
const plans = compilePlans(compileSchema(schemaText).schema!)
const engine = createEngine()
const limit = new LimitTraversal(data)
const naive = new NaiveTraversal(data)

// Half of the questions are granted, half denied, in no order.
const random = generator(7)
const granted: Question[] = []
const denied: Question[] = []
while (granted.length < questionCount / 2 || denied.length < questionCount / 2) {
  const id = idOf('document', Math.floor(random() * data.counts.document))
  const user = idOf('user', Math.floor(random() * data.counts.user))
  const list = limit.check(id, user) ? granted : denied
  if (list.length < questionCount / 2) {
    list.push({
      resource: { type: 'document', id },
      permission: 'view',
      subject: { type: 'user', id: user, relation: '' },
    })
  }
}
const questions = [...granted, ...denied]
  .map((question) => ({ question, order: random() }))
  .sort((a, b) => a.order - b.order)
  .map(({ question }) => question)

const snapshot = graph.snapshot()
const world = { snapshot, plans }
const contenders: Record<string, (question: Question) => boolean> = {
  limit: ({ resource, subject }) => limit.check(resource.id, subject.id),
  cardea: (question) =>
    engine.check(world, question, 0).run(Number.MAX_SAFE_INTEGER)!.permissionship === 'has',
  'naive Maps': ({ resource, subject }) => naive.check(resource.id, subject.id),
}

let disagreements = 0
for (const question of questions) {
  const answers = Object.values(contenders).map((ask) => ask(question))
  if (new Set(answers).size > 1) disagreements += 1
}
if (disagreements > 0) throw new Error(`${disagreements} of ${questions.length} answers differ`)

const best: Record<string, number> = {}
for (let round = 0; round < rounds; round += 1) {
  for (const [name, ask] of Object.entries(contenders)) {
    const before = performance.now()
    let yes = 0
    for (const question of questions) if (ask(question)) yes += 1
    const ns = ((performance.now() - before) * 1e6) / questions.length
    if (yes !== questionCount / 2) throw new Error(`${name} answered ${yes} times yes`)
    best[name] = Math.min(best[name] ?? Number.POSITIVE_INFINITY, ns)
  }
}
console.log(
  `${data.rows.length} relationships, ${questions.length} checks, half denied; best of ${rounds} rounds, all answers agree`,
)
for (const [name, ns] of Object.entries(best)) {
  console.log(
    `${name.padEnd(12)} ${ns.toFixed(0).padStart(8)} ns/check   ${(best.limit! / ns).toFixed(2)} x the limit`,
  )
}
console.log(`P1: ${(best.limit! / best.cardea!).toFixed(2)} (goal 0.5)`)
