// Checks: one question or many, all of one call at one revision and one instant.

import type { Evaluation } from '../engine/engine.ts'
import type { Answer, Evidence, Explanation, Question, SubjectTree } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import type { ObjectRef } from '../model/reference.ts'
import type { BulkAnswer, CheckBulkResult, CheckResult, Read } from './authorizer.ts'
import { type Desk, validateRequestContext, withWorld } from './desk.ts'
import type { PinnedWorld } from './followed-datastore.ts'
import { runEvaluation } from './run-evaluation.ts'
import { requireMember, requireSubject, validateConcreteSubject, validateObject } from './validate-names.ts'

function validateQuestion(question: Question, pinned: PinnedWorld): void {
  const { schema } = pinned.schema
  requireMember(schema, question.resource.type, question.permission)
  requireSubject(schema, question.subject.type, question.subject.relation)
}

/** Whether what was found valid of one question holds for another: they differ in the resource's id and in context only. */
function isAlike(one: Question, other: Question | undefined): boolean {
  return (
    one.subject === other?.subject &&
    one.permission === other.permission &&
    one.resource.type === other.resource.type
  )
}

export function check(
  desk: Desk,
  question: Question,
  options: Read & { readonly explain?: boolean; readonly suggest?: boolean },
): CheckResult | Promise<CheckResult> {
  validateObject(question.resource)
  validateConcreteSubject(question.subject)
  validateRequestContext(question.context, desk.limits)
  return withWorld(desk.datastore.pin(options.consistency, options), (pinned) => {
    validateQuestion(question, pinned)
    const nowMs = desk.clock()
    const answered = (answer: Answer | Explanation): CheckResult => ({
      permissionship: answer.permissionship,
      missing: answer.missing,
      token: pinned.token,
      ...(options.explain ? { explanation: answer as Explanation } : {}),
    })
    const answer = options.explain
      ? runEvaluation<Answer>(
          desk.engine.explain(pinned.world, question, nowMs, { suggest: options.suggest ?? false }),
          options,
          desk.clock,
        )
      : runEvaluation(desk.engine.check(pinned.world, question, nowMs), options, desk.clock)
    return answer instanceof Promise ? answer.then(answered) : answered(answer)
  })
}

export async function checkBulk(
  desk: Desk,
  questions: readonly Question[],
  options: Read & { readonly explain?: boolean; readonly evidence?: boolean },
): Promise<CheckBulkResult> {
  const { limits, engine, clock } = desk
  if (questions.length > limits.maxBulkChecks) {
    throw new CardeaError(
      'TOO_MANY_CHECKS',
      `${questions.length} questions in one bulk check, more than max-bulk-checks allows (${limits.maxBulkChecks}).`,
      { check_count: String(questions.length), maximum_checks_allowed: String(limits.maxBulkChecks) },
    )
  }
  for (const question of questions) {
    validateObject(question.resource)
    if (question.context !== undefined) validateRequestContext(question.context, limits)
  }
  return withWorld(desk.datastore.pin(options.consistency, options), async (pinned) => {
    const evaluatedAtMs = clock()
    const answers: BulkAnswer[] = new Array(questions.length)
    const asked: number[] = []
    let valid: Question | undefined
    questions.forEach((question, at) => {
      try {
        if (!isAlike(question, valid)) {
          validateConcreteSubject(question.subject)
          validateQuestion(question, pinned)
          valid = question
        }
        asked.push(at)
      } catch (error) {
        answers[at] = { error: CardeaError.from(error) }
      }
    })
    if (options.explain) {
      for (const at of asked) {
        try {
          const explanation = await runEvaluation(
            engine.explain(pinned.world, questions[at]!, evaluatedAtMs),
            options,
            clock,
          )
          answers[at] = {
            permissionship: explanation.permissionship,
            missing: explanation.missing,
            explanation,
          }
        } catch (error) {
          answers[at] = { error: itemError(error) }
        }
      }
    } else {
      const { evidence: wanted = false } = options
      const answerable = asked.map((at) => questions[at]!)
      const evaluation: Evaluation<readonly (Answer | Evidence | CardeaError)[]> = wanted
        ? engine.evidenceBulk(pinned.world, answerable, evaluatedAtMs)
        : engine.checkBulk(pinned.world, answerable, evaluatedAtMs)
      const results = await runEvaluation(evaluation, options, clock)
      asked.forEach((at, position) => {
        const result = results[position]!
        if (result instanceof CardeaError) answers[at] = { error: result }
        else {
          const { permissionship, missing } = result
          answers[at] = wanted ? { permissionship, missing, evidence: result as Evidence } : result
        }
      })
    }
    return { token: pinned.token, answers, evaluatedAtMs }
  })
}

/** An error of one item; what ends the whole call is thrown on. */
function itemError(thrown: unknown): CardeaError {
  const error = CardeaError.from(thrown)
  if (error.code === 'CANCELLED' || error.code === 'DEADLINE_EXCEEDED' || error.code === 'INTERNAL')
    throw error
  return error
}

export async function expand(
  desk: Desk,
  question: { readonly resource: ObjectRef; readonly permission: string },
  options: Read,
): Promise<{ readonly token: string; readonly tree: SubjectTree }> {
  validateObject(question.resource)
  return withWorld(desk.datastore.pin(options.consistency, options), async (pinned) => {
    requireMember(pinned.schema.schema, question.resource.type, question.permission)
    const tree = await runEvaluation(
      desk.engine.expand(pinned.world, question, desk.clock()),
      options,
      desk.clock,
    )
    return { token: pinned.token, tree }
  })
}
