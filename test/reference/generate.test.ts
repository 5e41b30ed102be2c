// Random cases are what they claim to be: valid, varied, repeatable, and reducible.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { formatObject } from '../../src/model/reference.ts'
import { formatRelationship, parseRelationship } from '../../src/model/relationship-text.ts'
import type { Schema } from '../../src/model/schema.ts'
import { compileSchema } from '../../src/schema/compile-schema.ts'
import { judgeByTable } from './caveat-tables.ts'
import { reach } from './dependencies.ts'
import { ReferenceEvaluator } from './evaluator.ts'
import { caseArbitrary } from './generate.ts'
import { minimise } from './minimise.ts'
import { describeCase } from './questions.ts'

/** Without comments and text, which a generated schema does not have in the same form. */
function meaning({ definitions, caveats, uses }: Schema) {
  return { definitions, caveats, uses }
}

describe('random cases', () => {
  test('schemas compile to what they were made from', () => {
    fc.assert(
      fc.property(caseArbitrary(), ({ schema }) => {
        const { schema: compiled, problems } = compileSchema(schema.text)
        expect([schema.text, problems.filter(({ severity }) => severity === 'error')]).toEqual([
          schema.text,
          [],
        ])
        expect([schema.text, meaning(compiled!)]).toEqual([schema.text, meaning(schema)])
      }),
      { seed: 20261121, numRuns: 300, endOnFailure: true },
    )
  })

  test('relationships survive their text form', () => {
    for (const { relationships } of fc.sample(caseArbitrary(), { seed: 7, numRuns: 50 })) {
      for (const row of relationships) expect(parseRelationship(formatRelationship(row))).toEqual(row)
    }
  })

  test('the same seed gives the same case', () => {
    const draw = () => describeCase(fc.sample(caseArbitrary(), { seed: 11, numRuns: 1 })[0]!)
    expect(draw()).toBe(draw())
  })

  test('most are free of cycles, some are not', () => {
    const cases = fc.sample(caseArbitrary(), { seed: 3, numRuns: 200 })
    const cyclic = cases.filter((each) => {
      const objects = new Map(each.relationships.map(({ resource }) => [formatObject(resource), resource]))
      const members = [...objects.values()].flatMap((object) =>
        each.schema.definitions.get(object.type)!.members.map((name) => ({ object, name })),
      )
      return reach(each, members).cyclic
    })
    expect(cyclic.length).toBeGreaterThan(10)
    expect(cyclic.length).toBeLessThan(60)
  })

  test('a failing case is made small and stays valid', async () => {
    // "Fails" when ann has what she has over an exclusion: the smallest such case is known.
    const ann = { type: 'user', id: 'ann', relation: '' }
    const fails = ({ case: each, question }: Parameters<Parameters<typeof minimise>[1]>[0]) => {
      if (question.kind !== 'check' || compileSchema(each.schema.text).schema === undefined) return false
      const reached = reach(each, [{ object: question.resource, name: question.permission }])
      const verdict = new ReferenceEvaluator({ ...each, judgeCaveat: judgeByTable }).check(
        question.resource,
        question.permission,
        ann,
      )
      return (
        reached.features.has('exclusion') && verdict.kind === 'decided' && verdict.permissionship === 'has'
      )
    }
    const candidates = fc.sample(caseArbitrary(), { seed: 5, numRuns: 20 }).flatMap((each) =>
      each.relationships.map(({ resource }) => {
        const permission = each.schema.definitions.get(resource.type)!.members.at(-1)!
        return {
          case: each,
          question: { kind: 'check' as const, resource, permission, subject: ann, context: {} },
        }
      }),
    )
    const asked = candidates.find(fails)
    expect(asked).toBeDefined()
    const smallest = await minimise(asked!, fails)
    expect(smallest.case.relationships).toHaveLength(1)
    expect(describeCase(smallest.case).length).toBeLessThan(describeCase(asked!.case).length / 3)
  })
})
