// What an explanation promises, held against the reference: a proof grants alone, nothing in it is idle, a reason fits.

import type { Evidence, Explanation } from '../../src/model/decision.ts'
import { isLive, type Relationship } from '../../src/model/relationship.ts'
import { formatRelationship } from '../../src/model/relationship-text.ts'
import { reach } from '../reference/dependencies.ts'
import { nodeKey, ReferenceEvaluator, type ReferenceWorld } from '../reference/evaluator.ts'
import type { Case } from '../reference/generate.ts'
import { type Complaint, judgeCheck } from '../reference/judge.ts'
import { type CheckQuestion, checksOf, type Said } from '../reference/questions.ts'
import { relax } from '../reference/relax.ts'
import { judgeTrace } from './judge-trace.ts'
import { rowKey } from './row-key.ts'
import { referenceOf } from './run-cases.ts'

const exact = { names: 'exact' } as const

export function has(world: ReferenceWorld, question: CheckQuestion): boolean {
  return answersHas(new ReferenceEvaluator(world), question)
}

export function answersHas(
  reference: ReferenceEvaluator,
  { resource, permission, subject, context }: CheckQuestion,
): boolean {
  const verdict = reference.check(resource, permission, subject, context)
  return verdict.kind === 'decided' && verdict.permissionship === 'has'
}

/** What is wrong with the proof of a "has". */
function judgeProof(each: Case, question: CheckQuestion, { proof, absences }: Evidence): Complaint {
  const world = referenceOf(each).world
  const live = new Set(each.relationships.filter((row) => isLive(row, each.nowMs)).map(rowKey))
  const invented = proof.find((row) => !live.has(rowKey(row)))
  if (invented !== undefined) return `the proof holds ${formatRelationship(invented)}, which is no live row`
  if (!has({ ...world, relationships: proof }, question))
    return `the proof alone does not grant: ${list(proof)}`
  const { features } = reach(each, [{ object: question.resource, name: question.permission }])
  // Under `.all` every row of the relation is part of the proof although it grants with fewer of them.
  if (!features.has('arrow .all')) {
    const idle = proof.find((row) =>
      has({ ...world, relationships: proof.filter((other) => other !== row) }, question),
    )
    if (idle !== undefined) return `${formatRelationship(idle)} is idle in the proof ${list(proof)}`
  }
  for (const { resource, permission, subject } of absences) {
    const verdict = referenceOf(each).check(resource, permission, subject, question.context)
    if (verdict.kind !== 'decided' || verdict.permissionship !== 'no') {
      return `claims the absence of ${resource.type}:${resource.id}#${permission}@${subject.type}:${subject.id}`
    }
  }
  return undefined
}

/** What is wrong with the reason for a "no" or a "conditional". */
function judgeReason(each: Case, question: CheckQuestion, { reason, permissionship }: Evidence): Complaint {
  if (reason === undefined) return 'no reason given'
  const { world } = referenceOf(each)
  const live = new Set(each.relationships.filter((row) => isLive(row, each.nowMs)).map(rowKey))
  const invented = reason.via.find((row) => !live.has(rowKey(row)))
  if (invented !== undefined) return `the reason names ${formatRelationship(invented)}, which is no live row`
  // The condition that is told of is one on the way, and it is what is said of it.
  const conditionsAt = reason.via
    .filter((row) => nodeKey(row.resource, row.relation) === nodeKey(reason.resource, reason.name))
    .map(({ caveat }) => caveat && world.judgeCaveat(caveat, question.context ?? {}).kind)
  if (permissionship === 'conditional') {
    if (reason.kind !== 'context_missing' || reason.missing.length === 0)
      return `conditional because of ${reason.kind}`
    return reason.via.length === 0 || conditionsAt.includes('missing')
      ? undefined
      : 'nothing is missing where it is said to be'
  }
  if (reason.kind === 'condition_false' && !conditionsAt.includes('false'))
    return 'no condition is false where it is said to be'
  const unblocked = relax(each.schema, { exclusion: true, intersection: false })
  const hasPath = has({ ...world, schema: unblocked }, question)
  const lenient = { ...world, judgeCaveat: () => ({ kind: 'true' }) as const }
  const couldHavePath = has({ ...lenient, schema: unblocked }, question)
  if (reason.kind === 'no_path' && couldHavePath)
    return 'no path, but without exclusions and conditions there is one'
  if (reason.kind !== 'no_path' && !couldHavePath) return `${reason.kind}, but there is no path at all`
  if (reason.kind === 'condition_false' && !has(lenient, question))
    return 'condition_false, but more than conditions stand in the way'
  // One path may lack a condition and another be blocked: either is a reason.
  if (hasPath && reason.kind !== 'blocked_by_exclusion' && !has(lenient, question))
    return `${reason.kind}, but only exclusions stand in the way`
  return undefined
}

export function list(rows: readonly Relationship[]): string {
  return `[${rows.map(formatRelationship).join(', ')}]`
}

export function judgeExplanation(each: Case, question: CheckQuestion, said: Said<Explanation>): Complaint {
  const complaint = judgeEvidence(each, question, said)
  if (complaint !== undefined || said.error !== undefined) return complaint
  const { value } = said
  if (value.tree.permissionship !== value.permissionship) return `the tree says ${value.tree.permissionship}`
  const wrongTree = judgeTrace(each, referenceOf(each), question, value.tree)
  return wrongTree === undefined ? undefined : `the tree: ${wrongTree}`
}

export function judgeEvidence(each: Case, question: CheckQuestion, said: Said<Evidence>): Complaint {
  const complaint = judgeCheck(referenceOf(each), question, said, exact)
  if (complaint !== undefined || said.error !== undefined) return complaint
  const { value } = said
  return value.permissionship === 'has'
    ? judgeProof(each, question, value)
    : judgeReason(each, question, value)
}

/** A few questions with each answer, so that every kind of explanation is asked for. */
export function fewOf(each: Case, perAnswer: number): CheckQuestion[] {
  const reference = referenceOf(each)
  const left = new Map<string, number>()
  return checksOf(each).filter(({ resource, permission, subject, context }, at) => {
    if (at % 7 !== 0) return false
    const verdict = reference.check(resource, permission, subject, context)
    const answer = verdict.kind === 'decided' ? verdict.permissionship : verdict.kind
    const count = left.get(answer) ?? perAnswer
    left.set(answer, count - 1)
    return count > 0
  })
}
