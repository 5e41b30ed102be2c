// Compares what a system said with what the reference evaluator holds true.

import type { Permissionship } from '../../src/model/decision.ts'
import { freshId, type ReferenceEvaluator, type Verdict } from './evaluator.ts'
import { canonicalTree, expandReference } from './expand.ts'
import type {
  CheckQuestion,
  ExpandQuestion,
  ResourcesQuestion,
  Said,
  SaidAnswer,
  SaidItem,
  SaidTree,
  SubjectsQuestion,
} from './questions.ts'
import { and, type Level, no, not, or } from './truth.ts'

/** How strictly to compare. */
export interface Strictness {
  /** Names of missing parameters: those of the reference in their order, the same ones, these and more, or any at all. */
  readonly names: 'exact' | 'same' | 'more' | 'any'
}

/** Nothing when they agree, else what differs, in words. */
export type Complaint = string | undefined

const levels = { no: 0, conditional: 1, has: 2 } as const
const permissionships: readonly Permissionship[] = ['no', 'conditional', 'has']

export function judgeCheck(
  reference: ReferenceEvaluator,
  question: CheckQuestion,
  said: Said<SaidAnswer>,
  strictness: Strictness,
): Complaint {
  const { resource, permission, subject, context } = question
  const verdict = reference.check(resource, permission, subject, context)
  return judgeAnswer(verdict, said, strictness, reference.hasFailingCaveats(context))
}

/** `mayFail`: an error is as good as the answer. */
export function judgeAnswer(
  verdict: Verdict,
  said: Said<SaidAnswer>,
  strictness: Strictness,
  mayFail: boolean,
): Complaint {
  if (said.error !== undefined) {
    return verdict.kind === 'undecided' || mayFail
      ? undefined
      : `said error ${said.error}, expected ${show(verdict)}`
  }
  if (verdict.kind === 'undecided') return `said ${show(said.value)}, expected an error (${verdict.because})`
  const same =
    verdict.permissionship === said.value.permissionship &&
    agreeOnNames(
      verdict.missing,
      said.value.missing,
      verdict.besideUndecided ? atLeast(strictness) : strictness,
    )
  return same ? undefined : `said ${show(said.value)}, expected ${show(verdict)}`
}

export function judgeResources(
  reference: ReferenceEvaluator,
  question: ResourcesQuestion,
  said: Said<readonly SaidItem[]>,
  strictness: Strictness,
): Complaint {
  const { resourceType, permission, subject, context } = question
  const expected = reference.lookupResources(resourceType, permission, subject, context)
  const undecided = [...expected].filter(([, verdict]) => verdict.kind === 'undecided')
  const mayFail = undecided.length > 0 || reference.hasFailingCaveats(context)
  if (said.error !== undefined)
    return mayFail ? undefined : `said error ${said.error}, expected ${showAll(expected)}`
  if (undecided.length > 0)
    return `said ${showItems(said.value)}, expected an error for ${undecided.map(([id]) => id)}`
  const twice = findTwice(said.value)
  if (twice !== undefined) return `listed ${twice} twice`
  const items = new Map(said.value.map((item) => [item.id, item]))
  for (const id of new Set([...items.keys(), ...expected.keys()])) {
    const verdict = expected.get(id) ?? nothing
    const complaint = judgeAnswer(verdict, { value: items.get(id) ?? nothing }, strictness, mayFail)
    if (complaint !== undefined) return `resource ${id}: ${complaint}; said ${showItems(said.value)}`
  }
  return undefined
}

/** The answer for what is not listed. */
export const nothing = { kind: 'decided', permissionship: 'no', missing: [] } as const

/**
 * A listing means, for each subject x: listed, or covered by the wildcard and not excluded from it. That must equal
 * the check of x for everyone mentioned, and for someone whom nothing mentions.
 */
export function judgeSubjects(
  reference: ReferenceEvaluator,
  question: SubjectsQuestion,
  said: Said<readonly SaidItem[]>,
  strictness: Strictness & { readonly listedEqualsCheck: boolean },
): Complaint {
  const { resource, permission, subjectType, subjectRelation, context } = question
  const expected = reference.lookupSubjects(resource, permission, subjectType, subjectRelation, context)
  const all = new Map([...expected.mentioned, [freshId, expected.everyoneElse]])
  const isUndecided = [...all.values()].some(({ kind }) => kind === 'undecided')
  const mayFail = isUndecided || reference.hasFailingCaveats(context)
  if (said.error !== undefined)
    return mayFail ? undefined : `said error ${said.error}, expected ${showAll(all)}`
  if (isUndecided) return `said ${showItems(said.value)}, expected an error: ${showAll(all)}`
  const items = said.value
  const twice = strictness.listedEqualsCheck ? findTwice(items) : undefined
  if (twice !== undefined) return `listed ${twice} twice`

  for (const { id } of items.flatMap((item) => [item, ...(item.excluded ?? [])])) {
    if (id !== '*' && !all.has(id)) return `named ${id}, whom nothing mentions: ${showItems(items)}`
  }
  for (const [id, verdict] of all) {
    if (verdict.kind === 'undecided') continue
    if (meaningFor(items, id) !== verdict.permissionship) {
      return `${id} is ${show(verdict)}, said ${showItems(items)}`
    }
    const own = items.find((item) => item.id === id)
    if (strictness.listedEqualsCheck && own !== undefined) {
      const complaint = judgeAnswer(verdict, { value: own }, strictness, false)
      if (complaint !== undefined) return `${id} as listed: ${complaint}`
    }
  }
  const everyone = expected.everyoneElse
  const star = items.find(({ id }) => id === '*')
  if (strictness.listedEqualsCheck && star !== undefined && everyone.kind === 'decided') {
    const complaint = judgeAnswer(everyone, { value: star }, strictness, false)
    if (complaint !== undefined) return `the wildcard: ${complaint}`
  }
  return undefined
}

/** Trees are equal but for the order of rows. */
export function judgeTree(
  reference: ReferenceEvaluator,
  question: ExpandQuestion,
  said: Said<SaidTree>,
): Complaint {
  if (said.error !== undefined) return `said error ${said.error}, expected a tree`
  const expected = canonicalTree(expandReference(reference.world, question.resource, question.permission))
  const tree = canonicalTree(said.value)
  return tree === expected ? undefined : `said ${tree}, expected ${expected}`
}

/**
 * What a listing of subjects means for one of them: listed, or covered by a wildcard and not excluded from it. SpiceDB
 * may list anybody, the wildcard included, several times over: whatever one of them gives, the subject has.
 */
export function meaningFor(items: readonly SaidItem[], id: string): Permissionship {
  const parts = items.map((item) => {
    if (item.id === id) return truth(item)
    return item.id === '*' ? and(truth(item), not(truth(item.excluded?.find((each) => each.id === id)))) : no
  })
  return permissionships[parts.reduce(or, no).level]!
}

function truth(item: SaidItem | undefined) {
  const level: Level = item === undefined ? 0 : levels[item.permissionship]
  return { level, names: new Set<string>() }
}

function findTwice(items: readonly SaidItem[]): string | undefined {
  const seen = new Set<string>()
  for (const { id } of items) {
    if (seen.has(id)) return id
    seen.add(id)
  }
  return undefined
}

/** What is undecided may hang on names of its own. */
function atLeast({ names }: Strictness): Strictness {
  return { names: names === 'any' ? 'any' : 'more' }
}

function agreeOnNames(expected: readonly string[], said: readonly string[], { names }: Strictness): boolean {
  if (names === 'exact') return JSON.stringify(expected) === JSON.stringify(said)
  if (names === 'any') return said.length > 0 === expected.length > 0
  if (names === 'more') return expected.every((name) => said.includes(name))
  return JSON.stringify(expected) === JSON.stringify([...new Set(said)].sort())
}

function show(answer: SaidAnswer | Verdict): string {
  if (!('permissionship' in answer)) return `undecided (${answer.because})`
  return answer.missing.length === 0
    ? answer.permissionship
    : `${answer.permissionship}{${answer.missing.join(' ')}}`
}

function showAll(verdicts: ReadonlyMap<string, Verdict>): string {
  return `[${[...verdicts].map(([id, verdict]) => `${id}: ${show(verdict)}`).join(', ')}]`
}

function showItems(items: readonly SaidItem[]): string {
  const shown = items.map((item) => {
    const excluded = item.excluded?.length ? ` minus ${showItems(item.excluded)}` : ''
    return `${item.id}: ${show(item)}${excluded}`
  })
  return `[${shown.join(', ')}]`
}
