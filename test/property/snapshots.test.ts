// Answers at an older revision are those of a world that never went on.

import { describe, expect, test } from 'vitest'
import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import { createAuthorizer } from '../../src/authorizer/create-authorizer.ts'
import { isLive, type Relationship } from '../../src/model/relationship.ts'
import { formatRelationship } from '../../src/model/relationship-text.ts'
import type { Schema } from '../../src/model/schema.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { memoryStore } from '../../src/store/memory/store.ts'
import { judgeByTable } from '../reference/caveat-tables.ts'
import { judge } from '../reference/compare.ts'
import { ReferenceEvaluator } from '../reference/evaluator.ts'
import type { Case } from '../reference/generate.ts'
import { printSchema } from '../reference/print-schema.ts'
import {
  type AnyQuestion,
  checksOf,
  describeCase,
  describeQuestion,
  resourceLookupsOf,
  type Said,
  subjectLookupsOf,
} from '../reference/questions.ts'
import { relax } from '../reference/relax.ts'
import { itemOf, say } from './cardea-systems.ts'
import { randomCases } from './run-cases.ts'

interface Moment {
  readonly token: string
  readonly schema: Schema
  readonly rows: readonly Relationship[]
}

/** Writes a case bit by bit, taking rows away again and changing the schema in between, and remembers each state. */
async function writeHistory(each: Case, authorizer: Authorizer): Promise<Moment[]> {
  const moments: Moment[] = []
  const rows = new Map<string, Relationship>()
  const identity = ({ caveat, expiresAtMs, ...bare }: Relationship) => formatRelationship(bare)
  let schema = each.schema
  await authorizer.writeSchema(schema.text)
  for (let start = 0; start < each.relationships.length; start += 4) {
    const added = each.relationships.slice(start, start + 4)
    const removed = [...rows.values()].filter((_, at) => (at + start) % 5 === 0)
    for (const row of removed) rows.delete(identity(row))
    for (const row of added) rows.set(identity(row), row)
    const { token } = await authorizer.writeRelationships({
      updates: [
        ...removed.map((relationship) => ({ operation: 'delete' as const, relationship })),
        ...added.map((relationship) => ({ operation: 'touch' as const, relationship })),
      ],
    })
    moments.push({ token, schema, rows: [...rows.values()] })
    if (start === 8) {
      const relaxed = relax(schema, { exclusion: true, intersection: true })
      const text = printSchema(relaxed)
      // Without its operators a schema may turn into a ring of aliases, which is none.
      if (compileSchema(text).schema === undefined) continue
      schema = { ...relaxed, text }
      const changed = await authorizer.writeSchema(schema.text)
      moments.push({ token: changed.token, schema, rows: [...rows.values()] })
    }
  }
  return moments
}

async function answerAt(
  authorizer: Authorizer,
  token: string,
  question: AnyQuestion,
): Promise<Said<unknown>> {
  const consistency = { kind: 'at_exact_snapshot' as const, token }
  return say(async () => {
    if (question.kind === 'check') return authorizer.check(question, { consistency })
    const items = []
    if (question.kind === 'lookup-resources') {
      for await (const found of authorizer.lookupResources({ ...question, consistency })) {
        items.push({ id: found.resourceId, permissionship: found.permissionship, missing: found.missing })
      }
    }
    if (question.kind === 'lookup-subjects') {
      for await (const found of authorizer.lookupSubjects({ ...question, consistency }))
        items.push(itemOf(found))
    }
    return items
  })
}

/** Every `step`-th of the items. */
function every<Item>(items: readonly Item[], step: number): Item[] {
  return items.filter((_, at) => at % step === 0)
}

describe('older revisions', () => {
  test('answer as they did, after more writes and another schema', async () => {
    let asked = 0
    for (const drawn of randomCases(15, 200)) {
      const each = { ...drawn, relationships: drawn.relationships.filter((row) => isLive(row, drawn.nowMs)) }
      const clock = () => each.nowMs
      const authorizer = await createAuthorizer({ store: memoryStore({ clock }), clock })
      const moments = await writeHistory(each, authorizer)
      // From the newest to the oldest and back: overlays of several revisions live side by side.
      for (const moment of [...moments].reverse().concat(moments)) {
        const then = { ...each, schema: moment.schema, relationships: moment.rows }
        const reference = new ReferenceEvaluator({ ...then, judgeCaveat: judgeByTable })
        const questions = [
          ...every(checksOf(then), 41),
          ...every(resourceLookupsOf(then), 23),
          ...every(subjectLookupsOf(then), 37),
        ]
        for (const question of questions) {
          const said = await answerAt(authorizer, moment.token, question)
          const complaint = judge(reference, question, said, 'exact')
          expect(
            complaint && `${complaint}\n${describeQuestion(question)}\n${describeCase(then)}`,
          ).toBeUndefined()
          asked += 1
        }
      }
      await authorizer.close()
    }
    expect(asked).toBeGreaterThan(1000)
  }, 300_000)
})
