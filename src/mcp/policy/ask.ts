// Asks: the relationship questions that a call or a result raises, each with the place that raised it.

import type { JsonObject } from '../../model/context.ts'
import type { Question } from '../../model/decision.ts'
import { isValidObjectId, type SubjectRef } from '../../model/reference.ts'
import type { RealPath } from './canonical-path.ts'
import type { LoadedPolicy } from './loaded-policy.ts'
import type { Caller, Scope } from './scope.ts'
import { type CheckTemplate, fillTemplate } from './template.ts'

/** One question. `at` is `call`, `argument $.id` or `result $.results[3]`. */
export interface Ask extends Question {
  readonly at: string
}

/** What evaluation knows besides the rule: the policy, who is asking, and when. */
export interface Setting {
  readonly policy: LoadedPolicy
  readonly caller: Caller
  /** Milliseconds since the Unix epoch. */
  readonly nowMs: number
  /** For `symlinks: resolved`. */
  readonly realPath?: RealPath
}

/** Marks a decision that was taken without asking: the thing is denied, for the operator's reason. */
export interface Denial {
  readonly denied: string
}

export function isDenial(value: object): value is Denial {
  return 'denied' in value
}

/** The question of a check in this scope; a denial when a variable is missing or the id would be too long. */
export function fillCheck(
  check: CheckTemplate,
  scope: Scope,
  caller: Caller,
  at: string,
  context: JsonObject | undefined,
): Ask | Denial {
  const id = fillTemplate(check.id, scope)
  if (id === undefined || !isValidObjectId(id)) return unfilled(check.text, id)
  const subject = subjectOf(check, scope, caller)
  if ('denied' in subject) return subject
  const resource = { type: check.type, id }
  return context === undefined
    ? { at, resource, permission: check.permission, subject }
    : { at, resource, permission: check.permission, subject, context }
}

function subjectOf({ subject, text }: CheckTemplate, scope: Scope, caller: Caller): SubjectRef | Denial {
  if (subject.kind === 'principal') return caller.principal.subjectRef
  if (subject.kind === 'agent')
    return caller.principal.agentRef ?? { denied: `${text}: the token names no agent` }
  const id = fillTemplate(subject.id, scope)
  if (id === undefined || !isValidObjectId(id)) return unfilled(text, id)
  return { type: subject.type, id, relation: subject.relation }
}

function unfilled(text: string, id: string | undefined): Denial {
  return {
    denied:
      id === undefined
        ? `${text}: a variable is missing, empty, or neither a string nor a safe integer`
        : `${text}: the id would be longer than 1024 bytes`,
  }
}

/** `$.results[3].id`, as a person would write it. */
export function formatLocation(location: readonly (string | number)[]): string {
  return `$${location.map(formatStep).join('')}`
}

/** `[3]`, `.id` or `["a b"]`. */
export function formatStep(step: string | number): string {
  if (typeof step === 'number') return `[${step}]`
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
}
