// The graph follows a store and says what the store's rows say, at every revision it can be read at.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Graph, type GraphOptions, type Snapshot } from '../../src/graph/graph.ts'
import type { RelationshipUpdate } from '../../src/model/relationship.ts'
import { formatRelationship, parseRelationship } from '../../src/model/relationship-text.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import type { LogEntry } from '../../src/store/store.ts'
import { changed, entriesOf, everything, lookedUp, type Model, small, textsOf } from './support.ts'

const nowMs = Date.UTC(2030, 0, 1)

/** Few objects, so that rows come, go and come back; enough members of one list that it changes its form. */
const resources = ['doc:a', 'doc:b', 'group:g', 'group:user']
const subjects = [
  ...Array.from({ length: 40 }, (_, at) => `user:u${at}`),
  'user:*',
  'group:g#member',
  'group:g#admin',
  'group:g',
  'doc:a#viewer',
]
const traits = [
  '',
  '',
  '',
  '[office_hours]',
  '[office_hours:{"zone":"utc"}]',
  '[expiration:2031-01-01T00:00:00Z]',
]

const updateArbitrary: fc.Arbitrary<RelationshipUpdate> = fc
  .record({
    operation: fc.constantFrom('touch' as const, 'touch' as const, 'delete' as const),
    resource: fc.constantFrom(...resources),
    relation: fc.constantFrom('viewer', 'member'),
    subject: fc.constantFrom(...subjects),
    traits: fc.constantFrom(...traits),
  })
  .map(({ operation, resource, relation, subject, traits }) => ({
    operation,
    relationship: parseRelationship(
      `${resource}#${relation}@${subject}${operation === 'delete' ? '' : traits}`,
    ),
  }))

const transactionArbitrary = fc.uniqueArray(updateArbitrary, {
  maxLength: 24,
  selector: ({ relationship: { resource, relation, subject } }) =>
    formatRelationship({ resource, relation, subject }),
})

/** A store with transactions in it, and its log. */
async function written(transactions: readonly (readonly RelationshipUpdate[])[]) {
  let instant = nowMs
  const store = memoryStore({ clock: () => (instant += 1000) })
  for (const updates of transactions) await store.write(updates, { schemaRevision: 0, nowMs })
  return { store, entries: await entriesOf(store) }
}

function modelAt(entries: readonly LogEntry[], revision: number): Model {
  return entries.filter((entry) => entry.revision <= revision).reduce(changed, new Map() as Model)
}

function expectToBe(snapshot: Snapshot, model: Model): void {
  const rows = textsOf(model)
  expect(everything(snapshot)).toEqual({ forward: rows, reverse: rows })
  for (const resource of resources) {
    for (const relation of ['viewer', 'member']) {
      for (const subject of subjects) {
        const identity = `${resource}#${relation}@${subject}`
        const expected = model.get(identity)
        expect(lookedUp(snapshot, parseRelationship(identity))).toBe(
          expected === undefined ? undefined : formatRelationship(expected),
        )
      }
    }
  }
}

const windows: readonly GraphOptions[] = [
  { ...small, undoWindowMs: 0 },
  { ...small, undoWindowMs: 5000 },
  { ...small, undoWindowMs: 3_600_000 },
  { ...small, undoWindowMs: 3_600_000, maxUndoBytes: 2000 },
]

describe('a graph on random transactions', () => {
  test('loaded, it holds what the store holds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(transactionArbitrary, { maxLength: 12 }), async (transactions) => {
        const { store, entries } = await written(transactions)
        const graph = await Graph.load(store.load(), small)
        expect(graph.head).toEqual(await store.head())
        expectToBe(graph.snapshot(), modelAt(entries, graph.head.revision))
        expect(graph.memory().rows).toBe(modelAt(entries, graph.head.revision).size)
      }),
      { numRuns: 40, seed: 20300101 },
    )
  })

  test('following the log, it holds what the store holds, and snapshots held on the way stay', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ updates: transactionArbitrary, hold: fc.boolean(), release: fc.boolean() }), {
          maxLength: 14,
        }),
        fc.constantFrom(...windows),
        fc.nat(6),
        async (steps, options, loadedAfter) => {
          const { entries } = await written(steps.map(({ updates }) => updates))
          const first = await written(steps.slice(0, loadedAfter).map(({ updates }) => updates))
          const graph = await Graph.load(first.store.load(), options)
          const held: { snapshot: Snapshot; revision: number }[] = []
          for (const entry of entries) {
            if (entry.revision <= graph.head.revision) continue
            const step = steps[entry.revision % steps.length]!
            if (step.hold) held.push({ snapshot: graph.snapshot(), revision: graph.head.revision })
            if (step.release) held.shift()?.snapshot.release()
            graph.apply(entry)
            for (const { snapshot, revision } of held) expectToBe(snapshot, modelAt(entries, revision))
          }
          const head = graph.snapshot()
          expectToBe(head, modelAt(entries, graph.head.revision))
          head.release()
          for (let revision = 0; revision <= graph.head.revision; revision += 1) {
            const later = entries.filter(
              (entry) => entry.revision > revision && entry.revision <= graph.head.revision,
            )
            const snapshot = graph.snapshotAt(revision) ?? graph.snapshotFromLog(revision, later)
            expect(snapshot.revision).toBe(revision)
            expectToBe(snapshot, modelAt(entries, revision))
            snapshot.release()
          }
          expect(graph.memory().rows).toBe(modelAt(entries, graph.head.revision).size)
        },
      ),
      { numRuns: 40, seed: 20300101 },
    )
  })
})
