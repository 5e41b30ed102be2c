// The differences between Cardea and SpiceDB (docs/differences.md): each says which of SpiceDB's answers it explains.

import { judge } from '../reference/compare.ts'
import { type Dialect, freshId, ReferenceEvaluator } from '../reference/evaluator.ts'
import type { Case } from '../reference/generate.ts'
import { judgeAnswer, meaningFor, nothing } from '../reference/judge.ts'
import type { AnyQuestion, CheckQuestion, ResourcesQuestion, Said, SaidItem } from '../reference/questions.ts'
import type { System } from '../reference/system.ts'
import { reachOf } from './select-questions.ts'

/** An id that random cases never use. */
const unmentionedId = 'nobody-mentions-me'

/** What SpiceDB said about a question. */
interface Statement {
  readonly case: Case
  readonly reference: ReferenceEvaluator
  readonly question: AnyQuestion
  readonly said: Said<unknown>
  readonly peer: System
}

/** Behaviours of SpiceDB that the reference can share, and the kinds of questions in which they show. */
const dialects: readonly {
  readonly name: string
  readonly dialect: Dialect
  readonly kinds: readonly AnyQuestion['kind'][]
}[] = [
  {
    name: 'Usersets never match wildcards',
    dialect: { usersetsMatchWildcards: true },
    kinds: ['check', 'lookup-subjects', 'lookup-resources'],
  },
  {
    name: '`.all` fails for a subject whose type lacks the target',
    dialect: { allSkipsTypesWithoutTarget: true },
    kinds: ['lookup-subjects'],
  },
  {
    name: '`self` is one subject of one type',
    dialect: { selfIgnoresType: true },
    kinds: ['lookup-subjects'],
  },
  {
    name: 'A caveated row counts beside usersets of its type',
    dialect: { losesCaveatedRowsBesideUsersets: true },
    kinds: ['check', 'lookup-resources'],
  },
  {
    name: 'An expired row is gone, whatever other forms there are',
    dialect: { seesExpiredRowsBesideOtherForms: true },
    kinds: ['check', 'lookup-resources'],
  },
]

/** The fewest behaviours with which the reference says what SpiceDB said: one of them, or several at once. */
function explainByDialect({ reference, question, said }: Statement): string | undefined {
  const possible = dialects.filter(({ kinds }) => kinds.includes(question.kind))
  const pairs = possible.flatMap((one, at) => possible.slice(at + 1).map((two) => [one, two]))
  const sets = [...possible.map((one) => [one]), ...pairs, possible]
  const found = sets.find((set) => {
    const dialect = Object.assign({}, ...set.map((each) => each.dialect))
    const other = new ReferenceEvaluator({ ...reference.world, dialect })
    if (judge(other, question, said, 'meaning') === undefined) return true
    // A lookup finds some resources by walking and others by checking, and only one of the two may differ.
    return (
      question.kind === 'lookup-resources' &&
      said.error === undefined &&
      differing(reference, question, said.value as SaidItem[]).every((item) => agrees(other, question, item))
    )
  })
  return found?.map(({ name }) => name).join(' + ')
}

const anyNames = { names: 'any' } as const

function agrees(reference: ReferenceEvaluator, question: ResourcesQuestion, item: SaidItem): boolean {
  const { resourceType: type, permission, subject, context } = question
  const verdict = reference.check({ type, id: item.id }, permission, subject, context)
  return judgeAnswer(verdict, { value: item }, anyNames, false) === undefined
}

/** What was said about each resource that the reference sees otherwise; a resource left out was said to be a no. */
function differing(
  reference: ReferenceEvaluator,
  question: ResourcesQuestion,
  said: readonly SaidItem[],
): SaidItem[] {
  const { resourceType, permission, subject, context } = question
  const items = new Map(said.map((item) => [item.id, item]))
  for (const id of reference.lookupResources(resourceType, permission, subject, context).keys()) {
    if (!items.has(id)) items.set(id, { ...nothing, id })
  }
  return [...items.values()].filter((item) => !agrees(reference, question, item))
}

/** Checks of everything that a lookup, or a bulk check, answers otherwise than the reference. */
function differentChecks({ reference, question, said }: Statement): CheckQuestion[] {
  if (said.error !== undefined) return []
  if (question.kind === 'check') return [question]
  if (question.kind === 'lookup-resources') {
    const { resourceType: type, permission, subject, context } = question
    return differing(reference, question, said.value as SaidItem[]).map(({ id }) => ({
      kind: 'check',
      resource: { type, id },
      permission,
      subject,
      context,
    }))
  }
  if (question.kind !== 'lookup-subjects') return []
  const { resource, permission, subjectType: type, subjectRelation: relation, context } = question
  const items = said.value as SaidItem[]
  const { mentioned } = reference.lookupSubjects(resource, permission, type, relation, context)
  const different = [...mentioned].filter(
    ([id, verdict]) => verdict.kind !== 'decided' || meaningFor(items, id) !== verdict.permissionship,
  )
  return different.map(([id]) => {
    return { kind: 'check', resource, permission, subject: { type, id, relation }, context }
  })
}

/** Whether SpiceDB, asked alone about whatever it answered otherwise, says what the reference says. */
async function agreesWhenAskedAlone(statement: Statement): Promise<boolean> {
  const { reference, peer } = statement
  const checks = differentChecks(statement)
  for (const check of checks) {
    if (judge(reference, check, await peer.check(check), 'meaning') !== undefined) return false
  }
  return checks.length > 0
}

/** A lookup leaves out, or lists as a plain yes, what the reference, and SpiceDB's own check, call conditional. */
async function misjudgesConditional(statement: Statement): Promise<string | undefined> {
  const { reference, question, said } = statement
  if (question.kind !== 'lookup-resources' || said.error !== undefined) return undefined
  const isConditional = differentChecks(statement).every(({ resource, permission, subject, context }) => {
    const verdict = reference.check(resource, permission, subject, context)
    return verdict.kind === 'decided' && verdict.permissionship === 'conditional'
  })
  if (!isConditional || !(await agreesWhenAskedAlone(statement))) return undefined
  const different = differing(reference, question, said.value as SaidItem[])
  if (different.every(({ permissionship }) => permissionship === 'no'))
    return 'A lookup lists what a check calls conditional'
  // Only where something is taken away, so that a resource is come upon by a way that does not count.
  const { features } = reachOf(statement.case, question)
  return features.has('exclusion') ? 'A lookup says yes only where a check says yes' : undefined
}

/** Subjects whom a listing covers by its wildcard although SpiceDB's own check gives them less. */
async function dropsExclusions(statement: Statement): Promise<boolean> {
  const { question, said } = statement
  if (question.kind !== 'lookup-subjects' || said.error !== undefined) return false
  const items = said.value as SaidItem[]
  const { features } = reachOf(statement.case, question)
  if (!features.has('wildcard') || !features.has('caveat')) return false
  const everyone = meaningFor(items, freshId)
  const areCovered = differentChecks(statement).every(
    ({ subject }) => everyone !== 'no' && meaningFor(items, subject.id) === everyone,
  )
  return areCovered && (await agreesWhenAskedAlone(statement))
}

/**
 * Wildcards under caveats, subtracted, so that a listing covers too many or too few by its wildcard. SpiceDB's own check
 * says of everybody who is listed otherwise, and of somebody who is mentioned nowhere, what the reference says.
 */
async function subtractsWildcards(statement: Statement): Promise<boolean> {
  const { reference, peer, question, said } = statement
  if (question.kind !== 'lookup-subjects' || said.error !== undefined) return false
  const { features } = reachOf(statement.case, question)
  if (!features.has('wildcard') || !features.has('caveat') || !features.has('exclusion')) return false
  const { resource, permission, subjectType: type, subjectRelation: relation, context } = question
  const anybody = {
    kind: 'check',
    resource,
    permission,
    subject: { type, id: unmentionedId, relation },
    context,
  } as const
  if (judge(reference, anybody, await peer.check(anybody), 'meaning') !== undefined) return false
  return differentChecks(statement).length === 0 || (await agreesWhenAskedAlone(statement))
}

/** Caveats of `.all` that reach a resource from another one asked in the same batch. */
async function mixesBatch(statement: Statement): Promise<boolean> {
  const { kind } = statement.question
  if (kind !== 'check' && kind !== 'lookup-resources') return false
  const { features } = reachOf(statement.case, statement.question)
  // The caveat may be on a row that only the other resource reaches.
  const hasCaveats = statement.case.relationships.some(({ caveat }) => caveat !== undefined)
  return features.has('arrow .all') && hasCaveats && (await agreesWhenAskedAlone(statement))
}

/** SpiceDB's lookup of resources fails on some schemas with `self`. */
function failsOnSelf({ question, said }: Statement): boolean {
  const text = /cannot call HintForEntrypoint for kind SELF_ENTRYPOINT/
  return question.kind === 'lookup-resources' && said.error !== undefined && text.test(said.error)
}

/** SpiceDB's lookup of resources notes a userset of a resource twice, once as the subject and once as a hint. */
function failsOnItsOwnHint({ question, said }: Statement): boolean {
  const text = /check hint for resource ID .* which already exists/
  return question.kind === 'lookup-resources' && said.error !== undefined && text.test(said.error)
}

/** The headings in docs/differences.md that explain what SpiceDB said; undefined when nothing does. */
export async function explain(statement: Statement): Promise<string | undefined> {
  const byDialect = explainByDialect(statement)
  if (byDialect !== undefined) return byDialect
  if (failsOnSelf(statement)) return 'Lookup of resources through `self`'
  if (failsOnItsOwnHint(statement)) return 'Lookup of resources for a userset of their own'
  const misjudged = await misjudgesConditional(statement)
  if (misjudged !== undefined) return misjudged
  if (await dropsExclusions(statement)) return 'Exclusions survive a conditional wildcard'
  if (await subtractsWildcards(statement)) return 'A wildcard takes a conditional wildcard away'
  if (await mixesBatch(statement)) return 'Resources of one batch do not share caveats'
  return undefined
}
