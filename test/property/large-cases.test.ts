// Worlds with long lists on both sides of a row: the same agreement, every page size, and Lookup = { x : Check(x) }.

import { describe, expect, test } from 'vitest'
import type { Authorizer } from '../../src/authorizer/authorizer.ts'
import type { Relationship } from '../../src/model/relationship.ts'
import { judge } from '../reference/compare.ts'
import type { ReferenceEvaluator } from '../reference/evaluator.ts'
import type { Case } from '../reference/generate.ts'
import {
  checksOf,
  describeCase,
  describeQuestion,
  nodesOf,
  resourceLookupsOf,
  type SaidItem,
  subjectLookupsOf,
} from '../reference/questions.ts'
import { authorizerWith, engineSystem, itemOf } from './cardea-systems.ts'
import { randomCases, referenceOf } from './run-cases.ts'

/** Copies of each row with another resource, another subject, or both: lists grow on each side of what is there. */
function amplify(each: Case, copies: number): Case {
  const renamed = <Ref extends { readonly id: string }>(ref: Ref, copy: number): Ref =>
    ref.id === '*' ? ref : { ...ref, id: `${ref.id}-${copy}` }
  const more = each.relationships.flatMap((row, at) =>
    Array.from({ length: copies }, (_, copy): Relationship => {
      const side = (at + copy) % 3
      return {
        ...row,
        resource: side === 1 && row.subject.id !== '*' ? row.resource : renamed(row.resource, copy),
        subject: side === 0 ? row.subject : renamed(row.subject, copy),
      }
    }),
  )
  const identity = ({ resource, relation, subject }: Relationship) =>
    JSON.stringify([resource, relation, subject])
  const rows = new Map([...more, ...each.relationships].map((row) => [identity(row), row]))
  return {
    ...each,
    relationships: [...rows.values()],
    subjects: every(each.subjects, 3),
    contexts: each.contexts.slice(-1),
  }
}

function every<Item>(items: readonly Item[], step: number): Item[] {
  return items.filter((_, at) => at % step === 0)
}

async function page(
  authorizer: Authorizer,
  question: ReturnType<typeof resourceLookupsOf>[number],
  limit: number,
): Promise<SaidItem[]> {
  const items: SaidItem[] = []
  for (let cursor: string | undefined; ; ) {
    let count = 0
    const request = { ...question, limit, ...(cursor === undefined ? {} : { cursor }) }
    for await (const found of authorizer.lookupResources(request)) {
      items.push({ id: found.resourceId, permissionship: found.permissionship, missing: found.missing })
      cursor = found.cursor
      count += 1
    }
    if (limit === 0 || count < limit) return items
  }
}

describe('long lists', () => {
  const cases = randomCases(8, 300).map((each) => amplify(each, 12))

  test.each([true, false])(
    'agreement, fast paths: %s',
    async (reach) => {
      const system = engineSystem({ steps: 1000, items: 50, reach })
      for (const each of cases) {
        await system.load(each)
        const reference: ReferenceEvaluator = referenceOf(each)
        const questions = [
          ...every(checksOf(each), 17),
          ...every(resourceLookupsOf(each), 3),
          ...every(subjectLookupsOf(each), 61),
        ]
        for (const question of questions) {
          const said =
            question.kind === 'check'
              ? await system.check(question)
              : question.kind === 'lookup-resources'
                ? await system.lookupResources(question)
                : await system.lookupSubjects(question)
          const complaint = judge(reference, question, said, 'exact')
          expect(
            complaint && `${complaint}\n${describeQuestion(question)}\n${describeCase(each)}`,
          ).toBeUndefined()
        }
      }
    },
    300_000,
  )

  test('lookup of resources = { x : check(x) } at every page size', async () => {
    for (const each of cases.slice(0, 6)) {
      const { authorizer } = await authorizerWith(each)
      for (const question of every(resourceLookupsOf(each), 5)) {
        const ids = nodesOf(each).filter(
          ({ resource, permission }) =>
            resource.type === question.resourceType && permission === question.permission,
        )
        const { answers } = await authorizer.checkBulk(
          ids.map(({ resource, permission }) => ({ ...question, resource, permission })),
        )
        if (answers.some(({ error }) => error !== undefined)) continue
        const checked = new Map<string, unknown>()
        for (const [at, answer] of answers.entries()) {
          if (answer.error === undefined && answer.permissionship !== 'no') {
            checked.set(ids[at]!.resource.id, [answer.permissionship, answer.missing])
          }
        }
        const all = await page(authorizer, question, 0)
        expect(
          new Map(all.map(({ id, permissionship, missing }) => [id, [permissionship, missing]])),
        ).toEqual(checked)
        for (const limit of new Set([1, 2, all.length - 1, all.length, all.length + 1])) {
          if (limit > 0) expect(await page(authorizer, question, limit)).toEqual(all)
        }
      }
      await authorizer.close()
    }
  }, 300_000)

  test('lookup of subjects says the same at every page size', async () => {
    for (const each of cases.slice(0, 4)) {
      const { authorizer } = await authorizerWith(each)
      const inPages = async (question: ReturnType<typeof subjectLookupsOf>[number], limit: number) => {
        const items: SaidItem[] = []
        for (let cursor: string | undefined; ; ) {
          const before = cursor
          const request = { ...question, limit, ...(cursor === undefined ? {} : { cursor }) }
          for await (const found of authorizer.lookupSubjects(request)) {
            items.push(itemOf(found))
            cursor = found.cursor
          }
          if (limit === 0 || cursor === before) return items
        }
      }
      for (const question of every(subjectLookupsOf(each), 97)) {
        try {
          const all = await inPages(question, 0)
          for (const limit of new Set([1, 3, all.length, all.length + 1])) {
            if (limit > 0) expect(await inPages(question, limit)).toEqual(all)
          }
        } catch (thrown) {
          expect((thrown as { code?: string }).code).toMatch(/UNDEFINED_BY_CYCLE|CAVEAT_/)
        }
      }
      await authorizer.close()
    }
  }, 300_000)
})
