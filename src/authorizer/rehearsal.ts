// Rehearsals: what a write would meet, found out on a pinned world without writing.

import type { Question } from '../model/decision.ts'
import { CardeaError } from '../model/errors.ts'
import { matchesFilter, type RelationshipFilter } from '../model/filter.ts'
import { formatObject, formatSubject } from '../model/reference.ts'
import type { Relationship, RelationshipUpdate } from '../model/relationship.ts'
import type { CallOptions, WriteRelationshipsRequest } from './authorizer.ts'
import { type Desk, validateRequestContext } from './desk.ts'
import type { PinnedWorld } from './followed-datastore.ts'
import { runEvaluation, runStream } from './run-evaluation.ts'
import { requireMember, requireSubject, validateConcreteSubject, validateObject } from './validate-names.ts'

/** REQUIREMENT_FAILED for the first question that does not answer `has`; conditional is no. */
export async function checkRequirements(
  desk: Desk,
  pinned: PinnedWorld,
  questions: readonly Question[],
  call: CallOptions,
): Promise<void> {
  for (const question of questions) {
    const { resource, permission, subject } = question
    validateObject(resource)
    validateConcreteSubject(subject)
    validateRequestContext(question.context, desk.limits)
    requireMember(pinned.schema.schema, resource.type, permission)
    requireSubject(pinned.schema.schema, subject.type, subject.relation)
    const { permissionship } = await runEvaluation(
      desk.engine.check(pinned.world, question, desk.clock()),
      call,
      desk.clock,
    )
    if (permissionship === 'has') continue
    const asked = `${formatObject(resource)}#${permission}@${formatSubject(subject)}`
    throw new CardeaError(
      'REQUIREMENT_FAILED',
      `The write requires ${asked}, which answers ${permissionship}. Nothing was written.`,
      {
        requirement: asked,
        permissionship,
      },
    )
  }
}

/** The first live row that matches, if any. */
export async function firstRow(
  desk: Desk,
  pinned: PinnedWorld,
  filter: RelationshipFilter,
  call: CallOptions,
  also: (relationship: Relationship) => boolean = () => true,
): Promise<Relationship | undefined> {
  const rows = desk.engine.readRows(pinned.world, { filter }, desk.clock())
  for await (const batch of runStream(rows, call, desk.clock)) {
    for (const { relationship } of batch) {
      if (matchesFilter(filter, relationship) && also(relationship)) return relationship
    }
  }
  return undefined
}

/** Fails as the write would: PRECONDITION_FAILED or RELATIONSHIP_EXISTS. */
export async function rehearse(
  desk: Desk,
  pinned: PinnedWorld,
  request: WriteRelationshipsRequest,
): Promise<void> {
  for (const { operation, filter } of request.preconditions ?? []) {
    const found = await firstRow(desk, pinned, filter, request)
    if ((found !== undefined) === (operation === 'must_match')) continue
    throw new CardeaError('PRECONDITION_FAILED', `A precondition (${operation}) does not hold.`, {
      precondition_operation:
        operation === 'must_match' ? 'OPERATION_MUST_MATCH' : 'OPERATION_MUST_NOT_MATCH',
    })
  }
  for (const update of request.updates) {
    if (update.operation === 'create' && (await exists(desk, pinned, update, request))) {
      const { resource, relation, subject } = update.relationship
      const relationship = `${formatObject(resource)}#${relation}@${formatSubject(subject)}`
      throw new CardeaError(
        'RELATIONSHIP_EXISTS',
        `The relationship ${relationship} exists already; touch it instead.`,
        { relationship },
      )
    }
  }
}

async function exists(
  desk: Desk,
  pinned: PinnedWorld,
  { relationship }: RelationshipUpdate,
  call: CallOptions,
): Promise<boolean> {
  const { resource, relation, subject } = relationship
  const filter = { resourceType: resource.type, resourceId: resource.id, relation, subject }
  return (await firstRow(desk, pinned, filter, call)) !== undefined
}
