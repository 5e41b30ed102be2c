// Filters as the command line writes them.

import { CardeaError } from '../model/errors.ts'
import type { RelationshipFilter } from '../model/filter.ts'
import { parseSubject } from '../model/relationship-text.ts'

/** `document`, `document:readme`, `document:rea%` (prefix), each perhaps with `#viewer`. */
export function parseResourceFilter(text: string): RelationshipFilter {
  const match = /^([^:#@]+)(?::([^#@%]*)(%?))?(?:#([^@]+))?$/.exec(text)
  if (match === null) {
    throw new CardeaError(
      'INVALID_ARGUMENT',
      `Expected type, type:id, type:prefix% or type:id#relation, found ${JSON.stringify(text)}.`,
    )
  }
  const [, resourceType, id, percent, relation] = match
  return {
    resourceType: resourceType!,
    ...(id === undefined || id === '' ? {} : percent === '%' ? { resourceIdPrefix: id } : { resourceId: id }),
    ...(relation === undefined ? {} : { relation }),
  }
}

/** `user`, `user:ann`, `group:eng#member`. */
export function parseSubjectFilter(text: string): NonNullable<RelationshipFilter['subject']> {
  if (!text.includes(':')) return { type: text }
  const { type, id, relation } = parseSubject(text)
  return text.includes('#') ? { type, id, relation } : { type, id }
}
