// Relationship files of `cardea serve`: one relationship a line, each error with file, line and column.

import { defaultLimits } from '../authorizer/limits.ts'
import { validateRelationship, validateUpdates } from '../authorizer/validate-updates.ts'
import { CardeaError } from '../model/errors.ts'
import { formatObject, formatSubject } from '../model/reference.ts'
import type { RelationshipUpdate } from '../model/relationship.ts'
import { parseRelationship } from '../model/relationship-text.ts'
import type { Schema } from '../model/schema.ts'

export interface RelationshipLine {
  readonly update: RelationshipUpdate
  /** `file:line:column` */
  readonly place: string
}

/** Relationships to touch; blank lines and lines that begin with // are left out. CONFIG_INVALID with the place. */
export function parseRelationshipLines(text: string, path: string): RelationshipLine[] {
  const seen = new Map<string, string>()
  return text.split(/\r?\n/).flatMap((line, at) => {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('//')) return []
    const place = `${path}:${at + 1}:${line.indexOf(trimmed) + 1}`
    const relationship = placed(place, () => parseRelationship(trimmed))
    const { resource, relation, subject } = relationship
    const identity = `${formatObject(resource)}#${relation}@${formatSubject(subject)}`
    const earlier = seen.get(identity)
    if (earlier !== undefined)
      throw new CardeaError('CONFIG_INVALID', `${place}: ${identity} stands at ${earlier} already.`)
    seen.set(identity, place)
    return [{ update: { operation: 'touch' as const, relationship }, place }]
  })
}

/** CONFIG_INVALID with the place of the first relationship that the schema has no place for. */
export function requireFitting(lines: readonly RelationshipLine[], schema: Schema): void {
  for (const { update, place } of lines) {
    placed(place, () => {
      validateRelationship(update.relationship, defaultLimits)
      validateUpdates(schema, [update])
    })
  }
}

function placed<Value>(place: string, work: () => Value): Value {
  try {
    return work()
  } catch (thrown) {
    const error = CardeaError.from(thrown)
    if (error.code === 'INTERNAL') throw error
    throw new CardeaError('CONFIG_INVALID', `${place}: ${error.message}`, error.facts)
  }
}
