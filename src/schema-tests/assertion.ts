// Assertions: `doc:a1#view@user:bob with {"zone": "utc"}`, read from text and asked of an authorizer.

import type { Authorizer } from '../authorizer/authorizer.ts'
import type { JsonObject } from '../model/context.ts'
import type { DenialReason, Permissionship, Question } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import { formatObject } from '../model/reference.ts'
import { formatRelationship, parseRelationship } from '../model/relationship-text.ts'

/** The lists of a validation file, by what they say of their assertions. */
export const assertionLists = { assertTrue: 'has', assertCaveated: 'conditional', assertFalse: 'no' } as const

const words: { readonly [permissionship in Permissionship]: string } = {
  has: 'true',
  conditional: 'caveated',
  no: 'false',
}

/** Reads one assertion; throws INVALID_ARGUMENT that says what is malformed. */
export function parseAssertion(text: string): Question {
  const at = text.search(/\s+with\s*\{/)
  const { resource, relation, subject, caveat, expiresAtMs } = parseRelationship(
    at < 0 ? text : text.slice(0, at),
  )
  if (caveat !== undefined || expiresAtMs !== undefined) {
    const cure = 'give context as in `doc:a1#view@user:bob with {"zone": "utc"}`'
    throw new CardeaError('INVALID_ARGUMENT', `An assertion carries no caveat and no expiration; ${cure}.`)
  }
  const question = { resource, permission: relation, subject }
  return at < 0 ? question : { ...question, context: parseContext(text.slice(text.indexOf('{', at))) }
}

function parseContext(json: string): JsonObject {
  try {
    return JSON.parse(json) as JsonObject
  } catch (cause) {
    throw new CardeaError(
      'INVALID_ARGUMENT',
      `The context is not JSON: ${(cause as Error).message}.`,
      {},
      { cause },
    )
  }
}

/** Why an assertion does not hold: a sentence, and the lines of a diff. Undefined: it holds. */
export async function refuteAssertion(
  authorizer: Authorizer,
  question: Question,
  expected: Permissionship,
): Promise<{ readonly message: string; readonly detail: readonly string[] } | undefined> {
  try {
    const { permissionship, missing } = await authorizer.check(question)
    if (permissionship === expected) return undefined
    const { explanation } = await authorizer.check(question, { explain: true })
    const shownMissing = missing.length === 0 ? '' : ` (missing context: ${missing.join(', ')})`
    const because =
      permissionship === 'has'
        ? (explanation?.proof ?? []).map((relationship) => `granted by ${formatRelationship(relationship)}`)
        : explanation?.reason === undefined
          ? []
          : [formatReason(explanation.reason)]
    return {
      message: `expected ${words[expected]}, but it is ${words[permissionship]}`,
      detail: [
        `- ${words[expected]}`,
        `+ ${words[permissionship]}${shownMissing}`,
        ...because.map((line) => `  ${line}`),
      ],
    }
  } catch (thrown) {
    return { message: `expected ${words[expected]}, but ${CardeaError.from(thrown).message}`, detail: [] }
  }
}

function formatReason({ kind, resource, name, via }: DenialReason): string {
  const place = `${formatObject(resource)}#${name}`
  const path = via.map((relationship) => ` <- ${formatRelationship(relationship)}`).join('')
  switch (kind) {
    case 'no_path':
      return `no path: nothing leads from ${place} to the subject${path}`
    case 'blocked_by_exclusion':
      return `blocked by the exclusion at ${place}${path}`
    case 'condition_false':
      return `the condition at ${place} is false${path}`
    case 'context_missing':
      return `context is missing at ${place}${path}`
  }
}
