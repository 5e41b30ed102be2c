// Cardea as systems under test: its engine on a graph, in steps of any size, and the whole Authorizer, in pages.

import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import { createAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { createEngine } from '../../src/engine/create-engine.ts'
import type { Evaluation, StreamEvaluation } from '../../src/engine/engine.ts'
import { type FoundObject, FoundObjects } from '../../src/engine/found-objects.ts'
import { compilePlans } from '../../src/engine/plans.ts'
import type { World } from '../../src/engine/world.ts'
import { Graph } from '../../src/graph/graph.ts'
import type { ResolvedSubject } from '../../src/model/decision.ts'
import { CardeaError } from '../../src/model/errors.ts'
import type { Consistency } from '../../src/model/revision.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import type { Store } from '../../src/store/store.ts'
import type { Case } from '../reference/generate.ts'
import type { Said, SaidItem } from '../reference/questions.ts'
import type { System } from '../reference/system.ts'

/** Rows that are expired when a case is asked were written while they were not. */
const writtenAtMs = Date.UTC(2019, 0, 1)

const fresh: Consistency = { kind: 'fully_consistent' }

/** Turns errors of the product into what was said; anything else is a fault and flies on. */
export async function say<Value>(work: () => Value | Promise<Value>): Promise<Said<Value>> {
  try {
    return { value: await work() }
  } catch (thrown) {
    if (thrown instanceof CardeaError && thrown.code !== 'INTERNAL') return { error: thrown.code }
    throw thrown
  }
}

export function itemOf(
  found: ResolvedSubject & { readonly excluded?: readonly ResolvedSubject[] },
): SaidItem {
  const { subjectId: id, permissionship, missing, excluded } = found
  return {
    id,
    permissionship,
    missing,
    ...(excluded === undefined ? {} : { excluded: excluded.map(itemOf) }),
  }
}

/** An authorizer over a new memory store that holds the case, its clock at the case's instant. */
export async function authorizerWith(each: Case): Promise<{ authorizer: Authorizer; store: Store }> {
  let nowMs = writtenAtMs
  const clock = () => nowMs
  const store = memoryStore({ clock })
  const limits = { maxUpdatesPerWrite: Math.max(1, each.relationships.length) }
  const authorizer = await createAuthorizer({ store, clock, limits })
  await authorizer.writeSchema(each.schema.text)
  if (each.relationships.length > 0) {
    const updates = each.relationships.map((relationship) => ({ operation: 'touch' as const, relationship }))
    await authorizer.writeRelationships({ updates })
  }
  nowMs = each.nowMs
  return { authorizer, store }
}

/** The Authorizer. Lookups are read in pages of `pageSize` results (0: all at once), each with the last one's cursor. */
export function authorizerSystem({ pageSize }: { readonly pageSize: number }): System {
  let authorizer: Authorizer | undefined
  const desk = () => {
    if (authorizer === undefined) throw new Error('Load a case first.')
    return authorizer
  }
  async function inPages<Item extends { readonly cursor: string }>(
    page: (request: { readonly limit?: number; readonly cursor?: string }) => AsyncIterable<Item>,
  ): Promise<Item[]> {
    const items: Item[] = []
    for (let cursor: string | undefined; ; ) {
      const got: Item[] = []
      const request = pageSize === 0 ? {} : { limit: pageSize, ...(cursor === undefined ? {} : { cursor }) }
      for await (const item of page(request)) got.push(item)
      items.push(...got)
      cursor = got.at(-1)?.cursor
      if (pageSize === 0 || cursor === undefined) return items
    }
  }
  return {
    name: `Cardea's authorizer, ${pageSize === 0 ? 'one page' : `pages of ${pageSize}`}`,
    async load(each) {
      await authorizer?.close()
      authorizer = (await authorizerWith(each)).authorizer
    },
    check: (question) => say(() => desk().check(question, { consistency: fresh })),
    async checkBulk(questions) {
      const { answers } = await desk().checkBulk(questions, { consistency: fresh })
      return answers.map((answer) =>
        answer.error === undefined ? { value: answer } : { error: answer.error.code },
      )
    },
    lookupResources: (question) =>
      say(async () => {
        const found = await inPages((page) =>
          desk().lookupResources({ ...question, ...page, consistency: fresh }),
        )
        return found.map(({ resourceId: id, permissionship, missing }) => ({ id, permissionship, missing }))
      }),
    lookupSubjects: (question) =>
      say(async () => {
        const found = await inPages((page) =>
          desk().lookupSubjects({ ...question, ...page, consistency: fresh }),
        )
        return found.map(itemOf)
      }),
    expand: (question) => say(async () => (await desk().expand(question, { consistency: fresh })).tree),
    async close() {
      await authorizer?.close()
      authorizer = undefined
    },
  }
}

export interface EngineSystemOptions {
  /** Elementary steps per call of `run`. */
  readonly steps: number
  /** Results per call of a stream's `run`. */
  readonly items: number
  /** Whether the fast paths are on: checks by reachability, lookups by runs of rows. */
  readonly reach: boolean
  /** Lists of at least this many usersets are looked at from the subject's side. */
  readonly wideRows?: number
  /** Steps that questions about one subject take by themselves before they share. Default: none. */
  readonly stepsApart?: number
}

/** What the engine answers from: the graph of a case at its head. */
export async function worldOf(each: Case): Promise<World> {
  const { store, authorizer } = await authorizerWith(each)
  const graph = await Graph.load(store.load())
  await authorizer.close()
  const { schema } = compileSchema(each.schema.text)
  return { snapshot: graph.snapshot(), plans: compilePlans(schema!) }
}

/** Runs work to its end in steps of a size. */
export function finish<Value>(evaluation: Evaluation<Value>, steps: number): Value {
  for (;;) {
    const value = evaluation.run(steps)
    if (value !== undefined) return value
  }
}

/** Runs a stream to its end in steps of a size. */
export function drain<Item>(evaluation: StreamEvaluation<Item>, steps: number, maxItems: number): Item[] {
  const items: Item[] = []
  for (;;) {
    const before = items.length
    const done = evaluation.run(steps, items, maxItems)
    if (items.length - before > maxItems) throw new Error(`More than ${maxItems} items in one run.`)
    if (done) return items
  }
}

/** The same for a lookup of resources, into one batch that is used again and again. */
export function drainObjects(
  evaluation: StreamEvaluation<FoundObject, FoundObjects>,
  steps: number,
  maxItems: number,
): FoundObject[] {
  const objects: FoundObject[] = []
  const batch = new FoundObjects()
  for (;;) {
    const done = evaluation.run(steps, batch, maxItems)
    if (batch.length > maxItems) throw new Error(`More than ${maxItems} items in one run.`)
    objects.push(...batch)
    batch.clear()
    if (done) return objects
  }
}

/** The engine alone on a resident graph. */
export function engineSystem({
  steps,
  items,
  reach,
  wideRows = 64,
  stepsApart = 0,
}: EngineSystemOptions): System {
  const engine = createEngine({}, { reach, wideRows, stepsApart, runs: reach })
  let world: World | undefined
  let nowMs = 0
  const here = () => {
    if (world === undefined) throw new Error('Load a case first.')
    return world
  }
  return {
    name: `Cardea's engine, steps of ${steps}${reach ? '' : ', without fast paths'}${wideRows === 1 ? ', every list wide' : ''}`,
    async load(each) {
      world = await worldOf(each)
      nowMs = each.nowMs
    },
    check: (question) => say(() => finish(engine.check(here(), question, nowMs), steps)),
    async checkBulk(questions) {
      const answers = finish(engine.checkBulk(here(), questions, nowMs), steps)
      return answers.map((answer) =>
        answer instanceof CardeaError ? { error: answer.code } : { value: answer },
      )
    },
    lookupResources: (question) =>
      say(() => drainObjects(engine.lookupResources(here(), question, nowMs), steps, items)),
    lookupSubjects: (question) =>
      say(() => drain(engine.lookupSubjects(here(), question, nowMs), steps, items).map(itemOf)),
    expand: (question) => say(() => finish(engine.expand(here(), question, nowMs), steps)),
    async close() {
      world = undefined
    },
  }
}
