// The differences between Cardea and SpiceDB (docs/differences.md): each says which of SpiceDB's answers it explains.

import { judge } from '../reference/compare.ts'
import { type Dialect, ReferenceEvaluator } from '../reference/evaluator.ts'
import type { Case } from '../reference/generate.ts'
import { judgeAnswer, nothing } from '../reference/judge.ts'
import type { AnyQuestion, ResourcesQuestion, Said, SaidItem } from '../reference/questions.ts'
import type { System } from '../reference/system.ts'
import { reachOf } from './select-questions.ts'

/** What SpiceDB said about a question. */
interface Statement {
  readonly case: Case
  readonly reference: ReferenceEvaluator
  readonly question: AnyQuestion
  readonly said: Said<unknown>
  readonly peer: System
}

export interface Difference {
  /** The heading in docs/differences.md. */
  readonly name: string
  readonly explains: (statement: Statement) => boolean | Promise<boolean>
}

/** Explains an answer that the reference gives too, once it shares the behaviour. */
function byDialect(name: string, dialect: Dialect, kinds: readonly AnyQuestion['kind'][]): Difference {
  return {
    name,
    explains: ({ reference, question, said }) => {
      if (!kinds.includes(question.kind)) return false
      const other = new ReferenceEvaluator({ ...reference.world, dialect })
      if (judge(other, question, said, 'meaning') === undefined) return true
      // A lookup finds some resources by walking and others by checking, and only one of the two may differ.
      return (
        question.kind === 'lookup-resources' &&
        said.error === undefined &&
        differing(reference, question, said.value as SaidItem[]).every((item) =>
          agrees(other, question, item),
        )
      )
    },
  }
}

/** Explains a failure of SpiceDB with this text, of one kind of question. */
function byError(name: string, kind: AnyQuestion['kind'], text: RegExp): Difference {
  return {
    name,
    explains: ({ question, said }) =>
      question.kind === kind && said.error !== undefined && text.test(said.error),
  }
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

/** What SpiceDB's own single check says about each resource that a lookup, or a bulk check, answers otherwise. */
async function agreesWhenAskedAlone({ reference, question, said, peer }: Statement): Promise<boolean> {
  if (said.error !== undefined) return false
  if (question.kind === 'check')
    return judge(reference, question, await peer.check(question), 'meaning') === undefined
  if (question.kind !== 'lookup-resources') return false
  const { resourceType: type, permission, subject, context } = question
  const different = differing(reference, question, said.value as SaidItem[])
  for (const { id } of different) {
    const own = await peer.check({ kind: 'check', resource: { type, id }, permission, subject, context })
    if (own.error !== undefined || !agrees(reference, question, { ...own.value, id })) return false
  }
  return different.length > 0
}

/** Resources that a lookup of SpiceDB leaves out although its own check of them answers conditional. */
async function leavesOutConditional(statement: Statement): Promise<boolean> {
  const { reference, question, said } = statement
  if (question.kind !== 'lookup-resources' || said.error !== undefined) return false
  const { resourceType: type, permission, subject, context } = question
  const isLeftOut = differing(reference, question, said.value as SaidItem[]).every((item) => {
    const verdict = reference.check({ type, id: item.id }, permission, subject, context)
    return (
      item.permissionship === 'no' && verdict.kind === 'decided' && verdict.permissionship === 'conditional'
    )
  })
  return isLeftOut && (await agreesWhenAskedAlone(statement))
}

/** Caveats of `.all` that reach a resource from another one asked in the same batch. */
async function mixesBatch(statement: Statement): Promise<boolean> {
  const { features } = reachOf(statement.case, statement.question)
  return features.has('arrow .all') && features.has('caveat') && (await agreesWhenAskedAlone(statement))
}

const differences: readonly Difference[] = [
  byDialect('Usersets never match wildcards', { usersetsMatchWildcards: true }, [
    'check',
    'lookup-subjects',
    'lookup-resources',
  ]),
  byDialect('`.all` fails for a subject whose type lacks the target', { allSkipsTypesWithoutTarget: true }, [
    'lookup-subjects',
  ]),
  byDialect('`self` is one subject of one type', { selfIgnoresType: true }, ['lookup-subjects']),
  byDialect('A caveated row counts beside usersets of its type', { losesCaveatedRowsBesideUsersets: true }, [
    'check',
    'lookup-resources',
  ]),
  byDialect(
    'An expired row is gone, whatever other forms there are',
    { seesExpiredRowsBesideOtherForms: true },
    ['check', 'lookup-resources'],
  ),
  byError(
    'Lookup of resources through `self`',
    'lookup-resources',
    /cannot call HintForEntrypoint for kind SELF_ENTRYPOINT/,
  ),
  { name: 'A lookup lists what a check calls conditional', explains: leavesOutConditional },
  { name: 'Resources of one batch do not share caveats', explains: mixesBatch },
]

/** The difference that explains what SpiceDB said, if one does. */
export async function explain(statement: Statement): Promise<Difference | undefined> {
  for (const difference of differences) if (await difference.explains(statement)) return difference
  return undefined
}
