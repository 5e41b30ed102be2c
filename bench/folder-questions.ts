// Questions on the data of shared-folders.ts, half of them granted, and Cardea's engine on that data.

import { createEngine } from '../src/engine/create-engine.ts'
import { compilePlans } from '../src/engine/plans.ts'
import { Graph } from '../src/graph/graph.ts'
import type { Question } from '../src/model/decision.ts'
import { compileSchema } from '../src/schema/compile-schema.ts'
import { generator, picker, type Spread, shuffle } from './generator.ts'
import type { LimitTraversal } from './limit-traversal.ts'
import { type Data, idOf, loadChunks, schemaText } from './shared-folders.ts'

/** `count` questions, half of them granted, in an order of chance. With `zipf` users and documents are drawn so. */
export function folderQuestions(
  data: Data,
  limit: LimitTraversal,
  count: number,
  spread: Spread = 'uniform',
  seed = 7,
): Question[] {
  const random = generator(seed)
  const pick = picker(random, spread)
  const granted: Question[] = []
  const denied: Question[] = []
  while (granted.length < count / 2 || denied.length < count / 2) {
    const id = idOf('document', pick(data.counts.document))
    const user = idOf('user', pick(data.counts.user))
    const list = limit.check(id, user) ? granted : denied
    if (list.length >= count / 2) continue
    list.push({
      resource: { type: 'document', id },
      permission: 'view',
      subject: { type: 'user', id: user, relation: '' },
    })
  }
  return shuffle([...granted, ...denied], random)
}

/** Cardea's engine on the data, without a store or a front desk around it. */
export async function folderEngine(data: Data) {
  const graph = await Graph.load(loadChunks(data))
  const world = { snapshot: graph.snapshot(), plans: compilePlans(compileSchema(schemaText).schema!) }
  const engine = createEngine()
  return {
    graph,
    world,
    engine,
    check: (question: Question) =>
      engine.check(world, question, 0).run(Number.MAX_SAFE_INTEGER)!.permissionship === 'has',
  }
}

/** Questions that one contender answers before the next has its turn: some milliseconds, seldom interrupted. */
const sliceSize = 2000

/**
 * Nanoseconds of one check of each contender. They take turns slice by slice; of each slice the best of the rounds counts,
 * so that a busy machine tells little. Throws unless half of the questions are granted.
 */
export function timeChecks<Name extends string>(
  rounds: number,
  questions: readonly Question[],
  contenders: Readonly<Record<Name, (questions: readonly Question[]) => number>>,
): Record<Name, number> {
  const slices = Array.from({ length: Math.ceil(questions.length / sliceSize) }, (_, at) =>
    questions.slice(at * sliceSize, (at + 1) * sliceSize),
  )
  const names = Object.keys(contenders) as Name[]
  const leastMs = names.map(() => slices.map(() => Number.POSITIVE_INFINITY))
  for (let round = 0; round < rounds; round += 1) {
    const granted = names.map(() => 0)
    for (const [at, slice] of slices.entries()) {
      for (const [who, name] of names.entries()) {
        const before = performance.now()
        granted[who]! += contenders[name](slice)
        leastMs[who]![at] = Math.min(leastMs[who]![at]!, performance.now() - before)
      }
    }
    for (const [who, yes] of granted.entries())
      if (yes !== questions.length / 2)
        throw new Error(`${names[who]} granted ${yes} of ${questions.length} questions`)
  }
  const ns = leastMs.map((list) => (list.reduce((sum, ms) => sum + ms, 0) * 1e6) / questions.length)
  return Object.fromEntries(names.map((name, who) => [name, ns[who]])) as Record<Name, number>
}

/** How many of them are granted, asked one by one. */
export function countGranted(questions: readonly Question[], ask: (question: Question) => boolean): number {
  let yes = 0
  for (const question of questions) if (ask(question)) yes += 1
  return yes
}
