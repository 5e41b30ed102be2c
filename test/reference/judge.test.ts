// The judge can fail: wrong answers of every kind are complained about, and random cases reach every rule.

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Schema } from '../../src/model/schema.ts'
import { judgeByTable } from './caveat-tables.ts'
import { ReferenceEvaluator, type ReferenceWorld, type Verdict } from './evaluator.ts'
import { type Case, caseArbitrary } from './generate.ts'
import { judgeCheck, judgeResources, judgeSubjects } from './judge.ts'
import { checksOf, type SaidItem } from './questions.ts'
import { relax } from './relax.ts'

const cases = fc.sample(caseArbitrary(), { seed: 17, numRuns: 60 })

function answers(world: ReferenceWorld, each: Case): string[] {
  const evaluator = new ReferenceEvaluator(world)
  return checksOf(each).map(({ resource, permission, subject, context }) =>
    JSON.stringify(evaluator.check(resource, permission, subject, context)),
  )
}

/** The schema with its exclusions the other way around. */
function swapExclusions(schema: Schema): Schema {
  const text = JSON.stringify(
    [...schema.definitions].map(([name, { permissions }]) => [name, [...permissions]]),
    (_key, value) =>
      value?.kind === 'exclusion'
        ? { kind: value.kind, base: value.subtracted, subtracted: value.base }
        : value,
  )
  const swapped = new Map<string, [string, never][]>(JSON.parse(text))
  const definitions = new Map(
    [...schema.definitions].map(([name, each]) => [
      name,
      { ...each, permissions: new Map(swapped.get(name)) },
    ]),
  )
  return { ...schema, definitions }
}

/** Evaluators that get one rule wrong. */
const mutants: { readonly [name: string]: (world: ReferenceWorld) => Partial<ReferenceWorld> } = {
  'exclusions forgotten': ({ schema }) => ({
    schema: relax(schema, { exclusion: true, intersection: false }),
  }),
  'exclusions the other way around': ({ schema }) => ({ schema: swapExclusions(schema) }),
  'unions for intersections, any for all': ({ schema }) => ({
    schema: relax(schema, { exclusion: false, intersection: true }),
  }),
  'caveats always true': () => ({ judgeCaveat: () => ({ kind: 'true' }) }),
  'caveats always false': () => ({ judgeCaveat: () => ({ kind: 'false' }) }),
  'request context wins': () => ({
    judgeCaveat: (caveat, request) =>
      judgeByTable({ ...caveat, context: { ...caveat.context, ...request } }, {}),
  }),
  'expiry ignored': ({ relationships }) => ({
    relationships: relationships.map(({ expiresAtMs, ...row }) => row),
  }),
  'wildcard rows unseen': ({ relationships }) => ({
    relationships: relationships.filter(({ subject }) => subject.id !== '*'),
  }),
  'userset rows unseen': ({ relationships }) => ({
    relationships: relationships.filter(({ subject }) => subject.relation === ''),
  }),
  'usersets match wildcards': () => ({ dialect: { usersetsMatchWildcards: true } }),
  'all skips types without the target': () => ({ dialect: { allSkipsTypesWithoutTarget: true } }),
  'self of any type': () => ({ dialect: { selfIgnoresType: true } }),
}

describe('random cases tell a wrong evaluator from a right one', () => {
  test.each(Object.entries(mutants))('%s', (_, mutate) => {
    const isFound = cases.some((each) => {
      const world: ReferenceWorld = { ...each, judgeCaveat: judgeByTable }
      const right = answers(world, each)
      return answers({ ...world, ...mutate(world) }, each).some((answer, at) => answer !== right[at])
    })
    expect(isFound).toBe(true)
  })
})

describe('the judge', () => {
  const each = cases.find(({ relationships }) => relationships.length > 8)!
  const reference = new ReferenceEvaluator({ ...each, judgeCaveat: judgeByTable })
  const strict = { names: 'exact' } as const

  test('complains of every other answer to a check', () => {
    for (const question of checksOf(each).filter((_, at) => at % 13 === 0)) {
      const { resource, permission, subject, context } = question
      const verdict = reference.check(resource, permission, subject, context)
      if (verdict.kind === 'undecided' || reference.hasFailingCaveats(context)) continue
      for (const permissionship of ['has', 'no', 'conditional'] as const) {
        const complaint = judgeCheck(reference, question, { value: { ...verdict, permissionship } }, strict)
        expect(complaint === undefined).toBe(permissionship === verdict.permissionship)
      }
      const renamed = { ...verdict, missing: [...verdict.missing, 'nothing'] }
      expect(judgeCheck(reference, question, { value: renamed }, strict)).toBeDefined()
      expect(judgeCheck(reference, question, { error: 'INTERNAL' }, strict)).toBeDefined()
    }
  })

  test('complains of resources left out, made up, or listed twice', () => {
    const { subject, context, permission, resource } = checksOf(each).find((question) => {
      const verdict = reference.check(
        question.resource,
        question.permission,
        question.subject,
        question.context,
      )
      return verdict.kind === 'decided' && verdict.permissionship === 'has'
    })!
    const question = {
      kind: 'lookup-resources' as const,
      resourceType: resource.type,
      permission,
      subject,
      context,
    }
    const items = [...reference.lookupResources(resource.type, permission, subject, context)].map(
      ([id, verdict]): SaidItem => ({ ...(verdict as Verdict & { kind: 'decided' }), id }),
    )
    const judge = (value: readonly SaidItem[]) => judgeResources(reference, question, { value }, strict)
    expect(judge(items)).toBeUndefined()
    expect(judge(items.slice(1))).toBeDefined()
    expect(judge([...items, items[0]!])).toBeDefined()
    expect(judge([...items, { id: 'made-up', permissionship: 'has', missing: [] }])).toBeDefined()
  })

  test('complains of subjects that a listing should exclude or include', () => {
    let wildcards = 0
    for (const drawn of cases) {
      const row = drawn.relationships.find(
        ({ subject, caveat }) => subject.id === '*' && caveat === undefined,
      )
      if (row === undefined || row.expiresAtMs !== undefined) continue
      const { resource, relation, subject } = row
      const question = {
        kind: 'lookup-subjects' as const,
        resource,
        permission: relation,
        subjectType: subject.type,
        subjectRelation: '',
        context: {},
      }
      const evaluator = new ReferenceEvaluator({ ...drawn, judgeCaveat: judgeByTable })
      const judge = (value: readonly SaidItem[]) =>
        judgeSubjects(evaluator, question, { value }, { ...strict, listedEqualsCheck: true })
      const everyone: SaidItem = { id: '*', permissionship: 'has', missing: [], excluded: [] }
      const known = drawn.subjects.find(({ type, relation }) => type === subject.type && relation === '')
      if (known === undefined) continue
      wildcards += 1
      const item: SaidItem = { id: known.id, permissionship: 'has', missing: [] }
      expect(judge([everyone])).toBeUndefined()
      expect(judge([])).toBeDefined()
      expect(judge([{ ...everyone, permissionship: 'conditional', missing: ['x'] }])).toBeDefined()
      expect(judge([{ ...everyone, excluded: [item] }])).toBeDefined()
      expect(judge([everyone, { ...item, id: 'made-up' }])).toBeDefined()
    }
    expect(wildcards).toBeGreaterThan(3)
  })
})
