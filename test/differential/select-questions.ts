// Chooses which questions of a case to ask, so that every kind of answer gets its share.

import { judgeByTable } from '../reference/caveat-tables.ts'
import { type Reached, reach, reachInSchema } from '../reference/dependencies.ts'
import { ReferenceEvaluator } from '../reference/evaluator.ts'
import type { Case } from '../reference/generate.ts'
import {
  type AnyQuestion,
  type CheckQuestion,
  checksOf,
  type ExpandQuestion,
  expansionsOf,
  nodesOf,
  type ResourcesQuestion,
  resourceLookupsOf,
  type SubjectsQuestion,
  subjectLookupsOf,
} from '../reference/questions.ts'
import { relax } from '../reference/relax.ts'
import { choose } from './shuffle.ts'

/** `no by operator`: without exclusions, with `+` for `&` and `.any` for `.all` it would not be a no. */
export type Class = 'yes' | 'no by operator' | 'no path' | 'conditional' | 'undecided'

export interface Selected {
  readonly checks: readonly { readonly question: CheckQuestion; readonly class: Class }[]
  readonly resources: readonly ResourcesQuestion[]
  readonly subjects: readonly SubjectsQuestion[]
  readonly expansions: readonly ExpandQuestion[]
}

/** How many checks of each class to ask per case, where there are that many. */
const checksPerClass: { readonly [name in Class]: number } = {
  yes: 14,
  'no by operator': 14,
  conditional: 10,
  'no path': 8,
  undecided: 4,
}
const lookups = 8
/** Of the lookups of subjects, as many with a wildcard that leaves somebody out, looked for among so many. */
const lookupsWithExclusions = 3
const lookupsLookedAt = 250
const expansions = 5

export function selectQuestions(each: Case, reference: ReferenceEvaluator, random: () => number): Selected {
  const relaxed = new ReferenceEvaluator({
    ...reference.world,
    schema: relax(each.schema, { exclusion: true, intersection: true }),
    judgeCaveat: judgeByTable,
  })
  const classify = (question: CheckQuestion): Class => {
    const { resource, permission, subject, context } = question
    const verdict = reference.check(resource, permission, subject, context)
    if (verdict.kind === 'undecided') return 'undecided'
    if (verdict.permissionship !== 'no') return verdict.permissionship === 'has' ? 'yes' : 'conditional'
    const without = relaxed.check(resource, permission, subject, context)
    return without.kind === 'decided' && without.permissionship === 'no' ? 'no path' : 'no by operator'
  }
  const classified = checksOf(each).map((question) => ({ question, class: classify(question) }))
  const checks = Object.entries(checksPerClass).flatMap(([name, count]) => {
    const pool = classified.filter((check) => check.class === name)
    const ofPermissions = pool.filter(({ question }) => isPermission(each, question))
    const chosen = choose(ofPermissions, count, random)
    return [...chosen, ...choose(pool, Math.min(count - chosen.length, 3), random)]
  })
  const everySubjectLookup = subjectLookupsOf(each)
  // Only objects can be left out from a wildcard.
  const ofObjects = everySubjectLookup.filter(({ subjectRelation }) => subjectRelation === '')
  const subjectLookups = choose(ofObjects, lookupsLookedAt, random)
  const excluding = subjectLookups
    .filter((question) => excludesSomebody(reference, question))
    .slice(0, lookupsWithExclusions)
  const others = choose(everySubjectLookup, lookups - excluding.length, random)
  return {
    checks,
    resources: choose(resourceLookupsOf(each), lookups, random),
    subjects: [...excluding, ...others],
    expansions: choose(expansionsOf(each), expansions, random),
  }
}

const order = ['no', 'conditional', 'has'] as const

/** Whether everyone has it but somebody who is mentioned, or somebody has it less surely than everyone. */
export function excludesSomebody(reference: ReferenceEvaluator, question: SubjectsQuestion): boolean {
  const { resource, permission, subjectType, subjectRelation, context } = question
  const found = reference.lookupSubjects(resource, permission, subjectType, subjectRelation, context)
  const { everyoneElse } = found
  if (everyoneElse.kind === 'undecided') return false
  return [...found.mentioned.values()].some(
    (verdict) =>
      verdict.kind === 'decided' &&
      order.indexOf(verdict.permissionship) < order.indexOf(everyoneElse.permissionship),
  )
}

function isPermission(each: Case, { resource, permission }: CheckQuestion): boolean {
  return each.schema.definitions.get(resource.type)!.permissions.has(permission)
}

/** What a question's answer can depend on. A lookup of resources walks everything that its schema allows. */
export function reachOf(each: Case, question: AnyQuestion): Reached {
  if (question.kind !== 'lookup-resources') {
    return reach(each, [{ object: question.resource, name: question.permission }])
  }
  const members = reachInSchema(each.schema, question.resourceType, question.permission)
  const nodes = nodesOf(each).filter(({ resource, permission }) =>
    members.has(`${resource.type}#${permission}`),
  )
  return reach(
    each,
    nodes.map(({ resource, permission }) => ({ object: resource, name: permission })),
  )
}
