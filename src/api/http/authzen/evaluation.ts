// AuthZEN evaluation and evaluations: yes or no, one or many.

import type { Authorizer, BulkAnswer } from '../../../authorizer/authorizer.ts'
import type { JsonObject, JsonValue } from '../../../model/context.ts'
import type { Question } from '../../../model/decision.ts'
import { CardeaError } from '../../../model/errors.ts'
import { type Call, optionsOf } from '../../call.ts'
import { type ActionTable, actionOf, contextOf, entityOf, objectOf, objectRefOf } from './entities.ts'

export interface Decision {
  readonly decision: boolean
  readonly context?: JsonObject
}

/** Names that no schema can have are an answer, not an error: nobody has such a permission. */
const nothingThere: Decision = { decision: false, context: { reason: 'unknown_type_or_action' } }

/** One access request as a question; a decision when its names already answer it. INVALID_ARGUMENT when malformed. */
function questionOf(request: JsonObject, actions: ActionTable): Question | Decision {
  const subject = entityOf(request.subject, 'subject')
  const action = actionOf(request.action)
  const resource = entityOf(request.resource, 'resource')
  const permission = actions.permissionOf(action.name)
  const resourceRef = objectRefOf(resource)
  const subjectRef = objectRefOf(subject)
  if (permission === undefined || resourceRef === undefined || subjectRef === undefined) return nothingThere
  const context = contextOf(request.context, {
    subject: subject.properties,
    resource: resource.properties,
    action: action.properties,
  })
  return { resource: resourceRef, permission, subject: { ...subjectRef, relation: '' }, context }
}

/** A conditional answer is a no that names what was missing. */
function decisionOf(answer: BulkAnswer): Decision {
  if (answer.error !== undefined) {
    const { error } = answer
    if (error.code === 'UNKNOWN_DEFINITION' || error.code === 'UNKNOWN_RELATION_OR_PERMISSION')
      return nothingThere
    return { decision: false, context: { error: { status: 400, message: error.message } } }
  }
  if (answer.permissionship === 'has') return { decision: true }
  if (answer.permissionship === 'conditional')
    return { decision: false, context: { reason: 'missing_context', missing: answer.missing } }
  return { decision: false }
}

/** Access evaluation (Authorization API 1.0, section 6). A failure of the whole request is thrown. */
export async function evaluate(
  authorizer: Authorizer,
  actions: ActionTable,
  request: JsonObject,
  call: Call,
): Promise<Decision> {
  const question = questionOf(request, actions)
  if ('decision' in question) return question
  call.asked = [question]
  const { answers } = await authorizer.checkBulk([question], optionsOf(call))
  const answer = answers[0]!
  if (answer.error !== undefined && !decisionOf(answer).context?.reason) throw answer.error
  return decisionOf(answer)
}

const semantics = {
  execute_all: () => false,
  deny_on_first_deny: ({ decision }: Decision) => !decision,
  permit_on_first_permit: ({ decision }: Decision) => decision,
} as const

/** Access evaluations (section 7): all at one revision. Without items it is a single evaluation. */
export async function evaluateAll(
  authorizer: Authorizer,
  actions: ActionTable,
  request: JsonObject,
  call: Call,
): Promise<Decision | { readonly evaluations: readonly Decision[] }> {
  const { evaluations } = request
  if (
    evaluations === undefined ||
    evaluations === null ||
    (Array.isArray(evaluations) && evaluations.length === 0)
  )
    return evaluate(authorizer, actions, request, call)
  if (!Array.isArray(evaluations))
    throw new CardeaError('INVALID_ARGUMENT', 'evaluations must be an array.', { field: 'evaluations' })
  const ends = semanticOf(request.options)
  const questions = evaluations.map((item: JsonValue, at) => itemQuestion(request, item, at, actions))
  const asked = questions.filter((question): question is Question => !('decision' in question))
  call.asked = asked
  const { answers } = await authorizer.checkBulk(asked, optionsOf(call))
  let next = 0
  const decisions: Decision[] = []
  for (const question of questions) {
    const decision = 'decision' in question ? question : decisionOf(answers[next++]!)
    decisions.push(decision)
    if (ends(decision)) break
  }
  return { evaluations: decisions }
}

/** An item inherits whole members from the request; what is wrong with it is its own decision. */
function itemQuestion(
  request: JsonObject,
  item: JsonValue,
  at: number,
  actions: ActionTable,
): Question | Decision {
  try {
    const { subject, action, resource, context } = request
    return questionOf(
      { subject, action, resource, context, ...objectOf(item, `evaluations[${at}]`) } as JsonObject,
      actions,
    )
  } catch (thrown) {
    return { decision: false, context: { error: { status: 400, message: CardeaError.from(thrown).message } } }
  }
}

function semanticOf(options: JsonValue | undefined): (decision: Decision) => boolean {
  const name =
    options === undefined || options === null ? undefined : objectOf(options, 'options').evaluations_semantic
  if (name === undefined) return semantics.execute_all
  if (typeof name === 'string' && Object.hasOwn(semantics, name))
    return semantics[name as keyof typeof semantics]
  throw new CardeaError(
    'INVALID_ARGUMENT',
    `options.evaluations_semantic must be one of ${Object.keys(semantics).join(', ')}.`,
    { field: 'options.evaluations_semantic' },
  )
}
