// Refusals: the errors that every kind of store answers with, so that all of them say the same.

import { CardeaError } from '../model/errors.ts'
import type { Precondition, RelationshipFilter } from '../model/filter.ts'
import type { Relationship } from '../model/relationship.ts'
import { formatRelationship } from '../model/relationship-text.ts'
import type { Revision } from '../model/revision.ts'
import type { SchemaGuard } from './store.ts'

function filterFacts(filter: RelationshipFilter): { [name: string]: string } {
  const facts: { [name: string]: string } = {}
  const set = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== '') facts[name] = value
  }
  set('resource_type', filter.resourceType)
  set('resource_id', filter.resourceId)
  set('resource_id_prefix', filter.resourceIdPrefix)
  set('relation', filter.relation)
  set('subject_type', filter.subject?.type)
  set('subject_id', filter.subject?.id)
  set('subject_relation', filter.subject?.relation)
  return facts
}

/** A create met a live row. */
export function relationshipExists(relationship: Relationship): CardeaError {
  const { resource, relation, subject } = relationship
  const text = formatRelationship({ resource, relation, subject })
  return new CardeaError('RELATIONSHIP_EXISTS', `${text} exists already; use touch to write it either way.`, {
    relationship: text,
    resource_type: resource.type,
    resource_object_id: resource.id,
    resource_relation: relation,
    subject_type: subject.type,
    subject_object_id: subject.id,
    subject_relation: subject.relation,
  })
}

/** A precondition did not hold. */
export function preconditionFailed({ operation, filter }: Precondition): CardeaError {
  const facts = filterFacts(filter)
  const shown = Object.entries(facts)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
  const found = operation === 'must_match' ? 'no relationship matches' : 'a relationship matches'
  return new CardeaError('PRECONDITION_FAILED', `Precondition ${operation} failed: ${found} ${shown}.`, {
    precondition_operation: operation === 'must_match' ? 'OPERATION_MUST_MATCH' : 'OPERATION_MUST_NOT_MATCH',
    ...Object.fromEntries(Object.entries(facts).map(([name, value]) => [`precondition_${name}`, value])),
  })
}

/** The writer validated against a schema that is not in force. */
export function schemaChanged(validatedAgainst: Revision, inForce: Revision): CardeaError {
  return new CardeaError(
    'SCHEMA_CHANGED',
    `The write was validated against the schema of revision ${validatedAgainst}, but the one of revision ${inForce} is in force; validate again and retry.`,
    { validated_schema_revision: String(validatedAgainst), schema_revision: String(inForce) },
  )
}

/** The head moved on from the revision that the write hangs on. */
export function headMoved(base: Revision, head: Revision): CardeaError {
  return new CardeaError(
    'SERIALIZATION_FAILURE',
    `The write depends on revision ${base}, but revision ${head} was committed since; read again and retry.`,
    { base_revision: String(base), head_revision: String(head) },
  )
}

/** More rows match than may be deleted in one go. */
export function tooManyToDelete(limit: number, filter: RelationshipFilter): CardeaError {
  return new CardeaError(
    'TOO_MANY_RELATIONSHIPS_FOR_TRANSACTIONAL_DELETE',
    `More than ${limit} relationships match; nothing was deleted. Raise the limit or allow partial deletion.`,
    {
      limit: String(limit),
      ...Object.fromEntries(
        Object.entries(filterFacts(filter)).map(([name, value]) => [`filter_${name}`, value]),
      ),
    },
  )
}

/** A live row stands against a schema write. */
export function schemaBlocked(guard: SchemaGuard, relationship: Relationship): CardeaError {
  const text = formatRelationship(relationship)
  return new CardeaError('SCHEMA_BLOCKED_BY_DATA', `${guard.message} (found ${text})`, {
    ...guard.facts,
    relationship: text,
  })
}

/** Garbage collection has forgotten what is asked for. */
export function forgotten(revision: Revision, oldest: Revision): CardeaError {
  return new CardeaError(
    'REVISION_OUT_OF_RANGE',
    `Revision ${revision} is older than ${oldest}, the oldest one kept; ask for a newer one.`,
    { revision: String(revision), oldest_revision: String(oldest) },
  )
}

/** What a listener followed is not the past of the datastore any more. */
export function logBroken(revision: Revision, head: Revision): CardeaError {
  return new CardeaError(
    'UNAVAILABLE',
    `The datastore's log does not continue revision ${revision} (its head is ${head}): it was restored or lost its tail. Everything is loaded again.`,
    { revision: String(revision), head_revision: String(head) },
  )
}

/** One transaction would change more rows than every follower can be handed at once. */
export function tooManyChanges(maxChanges: number): CardeaError {
  return new CardeaError(
    'LIMIT_EXCEEDED',
    `One transaction changes at most ${maxChanges} relationships (maxChangesPerTransaction); nothing was written. Split it.`,
    { setting: 'maxChangesPerTransaction', limit: String(maxChanges) },
  )
}

/** The handle was closed. */
export function storeClosed(): CardeaError {
  return new CardeaError('UNAVAILABLE', 'The datastore is closed; open it again.')
}

/** A counter of that name is there already. */
export function counterRegistered(name: string): CardeaError {
  return new CardeaError(
    'COUNTER_ALREADY_REGISTERED',
    `There is a counter ${JSON.stringify(name)} already; unregister it, or choose another name.`,
    { counter_name: name },
  )
}

/** No counter has that name. */
export function counterMissing(name: string): CardeaError {
  return new CardeaError(
    'COUNTER_NOT_REGISTERED',
    `There is no counter ${JSON.stringify(name)}; register it first.`,
    { counter_name: name },
  )
}
