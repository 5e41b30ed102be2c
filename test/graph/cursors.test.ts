// Cursors that rest between two rows while the graph changes give each row of their snapshot once, and no other.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Graph, type Snapshot } from '../../src/graph/graph.ts'
import {
  allRows,
  plainRows,
  type RowCursor,
  type RowSelection,
  usersetRows,
} from '../../src/graph/snapshot.ts'
import type { RelationshipUpdate } from '../../src/model/relationship.ts'
import { formatRelationship, parseRelationship } from '../../src/model/relationship-text.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import type { LogEntry } from '../../src/store/store.ts'
import { changed, entriesOf, type Model, nodeOf, rowText, small } from './support.ts'

const nowMs = Date.UTC(2030, 0, 1)

/** Subjects of one list, over which walks go; some walks go over the reverse list of `user:hub`. */
const memberTexts = [
  ...Array.from({ length: 90 }, (_, at) => `doc:hub#viewer@user:u${at}`),
  ...Array.from({ length: 10 }, (_, at) => `doc:hub#viewer@group:g${at}#member`),
  ...Array.from({ length: 10 }, (_, at) => `doc:hub#viewer@group:g${at}#owner`),
  ...Array.from({ length: 90 }, (_, at) => `doc:d${at}#viewer@user:hub`),
]

/** A step of the graph's life: a range of rows comes or goes, or a walk begins, goes on, or ends. */
const stepArbitrary = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      from: fc.nat(memberTexts.length - 1),
      length: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 120 })),
      operation: fc.constantFrom('touch' as const, 'delete' as const),
      traits: fc.constantFrom('', '', '[office_hours]', '[expiration:2031-01-01T00:00:00Z]'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('open' as const),
      /** How many revisions before the head. */
      back: fc.oneof(fc.constant(0), fc.nat(3), fc.nat(30)),
      list: fc.constantFrom<RowSelection | 'reverse'>(plainRows, usersetRows, allRows, 'reverse'),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('walk' as const),
      which: fc.nat(),
      rows: fc.integer({ min: 1, max: 40 }),
      /** Whether rows without traits are passed together. */
      filled: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('finish' as const), which: fc.nat() }) },
)

interface Walk {
  readonly snapshot: Snapshot
  readonly cursor: RowCursor
  readonly list: RowSelection | 'reverse'
  readonly given: string[]
  readonly expected: readonly string[]
  done: boolean
}

function rowsOf(model: Model, list: RowSelection | 'reverse'): string[] {
  return [...model.values()]
    .filter(({ resource, subject }) => {
      if (list === 'reverse') return subject.id === 'hub'
      if (resource.id !== 'hub') return false
      return list === allRows || (list === plainRows) === (subject.relation === '')
    })
    .map(formatRelationship)
    .sort()
}

function open(snapshot: Snapshot, model: Model, list: RowSelection | 'reverse'): Walk {
  const cursor = snapshot.cursor()
  const viewer = snapshot.nameId('viewer')
  if (list === 'reverse') {
    snapshot.openReverse(
      cursor,
      nodeOf(snapshot, { type: 'user', id: 'hub' }),
      0,
      snapshot.nameId('doc'),
      viewer,
    )
  } else snapshot.openForward(cursor, nodeOf(snapshot, { type: 'doc', id: 'hub' }), viewer, list)
  return { snapshot, cursor, list, given: [], expected: rowsOf(model, list), done: false }
}

function walk(walk: Walk, rows: number, filled: boolean): void {
  const { snapshot, cursor, list, given } = walk
  const viewer = snapshot.nameId('viewer')
  const hub =
    list === 'reverse'
      ? nodeOf(snapshot, { type: 'user', id: 'hub' })
      : nodeOf(snapshot, { type: 'doc', id: 'hub' })
  const give = (node: number, traits: number) => {
    if (list === 'reverse') given.push(rowText(snapshot, node, viewer, hub, cursor.subjectRelation, traits))
    else given.push(rowText(snapshot, hub, viewer, node, cursor.subjectRelation, traits))
  }
  const nodes = new Int32Array(rows)
  for (let left = rows; left > 0 && !walk.done; ) {
    const count = filled ? cursor.fill(nodes.subarray(0, left)) : 0
    for (const node of nodes.subarray(0, count)) give(node, 0)
    left -= count
    if (left === 0) break
    if (!cursor.next()) walk.done = true
    else give(cursor.node, cursor.traits)
    left -= 1
  }
}

describe('cursors under way', () => {
  test.each([
    ['without an undo window', 0],
    ['with a short undo window', 5000],
    ['with a long undo window', 3_600_000],
  ])('%s', async (_, undoWindowMs) => {
    await fc.assert(
      fc.asyncProperty(fc.array(stepArbitrary, { minLength: 10, maxLength: 60 }), async (steps) => {
        let instant = nowMs
        const store = memoryStore({ clock: () => (instant += 1000) })
        const start = memberTexts.filter((_, at) => at % 3 !== 0)
        await store.write(
          start.map(
            (text): RelationshipUpdate => ({ operation: 'touch', relationship: parseRelationship(text) }),
          ),
          { schemaRevision: 0, nowMs },
        )
        const graph = await Graph.load(store.load(), { ...small, undoWindowMs })
        const models: Model[] = [new Map()]
        const entries: LogEntry[] = await entriesOf(store)
        models.push(changed(models[0]!, entries[0]!))
        const walks: Walk[] = []
        for (const step of steps) {
          switch (step.kind) {
            case 'write': {
              const texts = memberTexts.slice(step.from, step.from + step.length)
              await store.write(
                texts.map(
                  (text): RelationshipUpdate => ({
                    operation: step.operation,
                    relationship: parseRelationship(text + (step.operation === 'touch' ? step.traits : '')),
                  }),
                ),
                { schemaRevision: 0, nowMs },
              )
              for (const entry of await entriesOf(store, graph.head.revision)) {
                graph.apply(entry)
                entries.push(entry)
                models.push(changed(models.at(-1)!, entry))
              }
              break
            }
            case 'open': {
              const revision = Math.max(1, graph.head.revision - step.back)
              const snapshot =
                graph.snapshotAt(revision) ??
                graph.snapshotFromLog(
                  revision,
                  entries.filter((entry) => entry.revision > revision),
                )
              walks.push(open(snapshot, models[revision]!, step.list))
              break
            }
            case 'walk':
              if (walks.length > 0) walk(walks[step.which % walks.length]!, step.rows, step.filled)
              break
            case 'finish': {
              const ended = walks.splice(step.which % Math.max(1, walks.length), 1)[0]
              if (ended === undefined) break
              walk(ended, 1000, ended.given.length % 2 === 0)
              expect(ended.given.sort()).toEqual(ended.expected)
              ended.snapshot.release()
            }
          }
        }
        for (const ended of walks) {
          walk(ended, 1000, ended.given.length % 2 === 0)
          expect(ended.given.sort()).toEqual(ended.expected)
          ended.snapshot.release()
        }
      }),
      { numRuns: 120, seed: 20300101 },
    )
  })
})
