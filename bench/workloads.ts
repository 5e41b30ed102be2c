// Other shapes than folders: very wide, intersections and exclusions, caveats, a model like GitHub's. Nanoseconds per check,
// alone and in bulk, beside traversals written by hand where they are short. Run: npm run bench -- workloads

import { createAuthorizer } from '../src/authorizer/create-authorizer.ts'
import { createEngine } from '../src/engine/create-engine.ts'
import { compilePlans } from '../src/engine/plans.ts'
import { Graph } from '../src/graph/graph.ts'
import type { Question } from '../src/model/decision.ts'
import type { Relationship } from '../src/model/relationship.ts'
import { parseObject, parseRelationship, parseSubject } from '../src/model/relationship-text.ts'
import { compileSchema } from '../src/schema/compile-schema.ts'
import { memoryStore } from '../src/store/memory/store.ts'
import { best, grouped, inTurn, quick, tellTable } from './measure.ts'
import { type Workload, workloads } from './workload-shapes.ts'

const rounds = quick ? 3 : 9
const bulkSize = 1000

async function graphOf(schema: string, rows: Iterable<string>): Promise<Graph> {
  const store = memoryStore()
  const authorizer = await createAuthorizer({ store })
  await authorizer.writeSchema(schema)
  await authorizer.importRelationships(
    (async function* () {
      let batch: Relationship[] = []
      for (const row of rows) {
        batch.push(parseRelationship(row))
        if (batch.length < 10_000) continue
        yield batch
        batch = []
      }
      yield batch
    })(),
  )
  const graph = await Graph.load(store.load())
  await authorizer.close()
  return graph
}

async function measure({ name, schema, rows, questions, limit }: Workload): Promise<string[][]> {
  const graph = await graphOf(schema, rows())
  const engine = createEngine()
  const world = { snapshot: graph.snapshot(), plans: compilePlans(compileSchema(schema).schema!) }
  const nowMs = Date.now()
  const asked = questions.map(({ resource, permission, subject, context, expected }) => ({
    texts: [resource, subject] as const,
    context,
    expected,
    question: {
      resource: parseObject(resource),
      permission,
      subject: parseSubject(subject),
      ...(context === undefined ? {} : { context }),
    } satisfies Question,
  }))
  const wrong = (said: unknown, expected: boolean, what: string) => {
    if (said !== expected) throw new Error(`${name}: ${what} answered ${said} instead of ${expected}`)
  }
  const contenders: Record<string, () => void> = {
    cardea: () => {
      for (const { question, expected } of asked) {
        const answer = engine.check(world, question, nowMs).run(Number.MAX_SAFE_INTEGER)!
        wrong(answer.permissionship === 'has', expected, `${question.resource.id}, ${question.subject.id}`)
      }
    },
    'cardea, in bulks': () => {
      for (let at = 0; at < asked.length; at += bulkSize) {
        const some = asked.slice(at, at + bulkSize)
        const bulk = engine.checkBulk(
          world,
          some.map(({ question }) => question),
          nowMs,
        )
        for (const [index, answer] of bulk.run(Number.MAX_SAFE_INTEGER)!.entries())
          wrong(
            'permissionship' in answer && answer.permissionship === 'has',
            some[index]!.expected,
            'a bulk',
          )
      }
    },
  }
  if (limit !== undefined) {
    const ask = limit()
    contenders.limit = () => {
      for (const { texts, context, expected } of asked)
        wrong(ask(texts[0], texts[1], context), expected, 'the limit')
    }
  }
  const times = await inTurn(rounds, contenders)
  const ns = (who: string) => {
    const list = times[who]
    return list === undefined ? '' : ((best(list) * 1e6) / asked.length).toFixed(0)
  }
  const { rows: size } = graph.memory()
  return [[name, grouped(size), ns('limit'), ns('cardea'), ns('cardea, in bulks')]]
}

const lines: string[][] = [
  ['workload', 'relationships', 'limit ns', 'ns/check', `ns/item in bulks of ${grouped(bulkSize)}`],
]
for (const workload of workloads(quick)) lines.push(...(await measure(workload)))
console.log(
  `Half denied; best of ${rounds} rounds in turn; every answer compared with what the data was made for`,
)
tellTable(lines)
