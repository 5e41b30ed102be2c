// Streams: lookups and reads, page by page at one revision, resumed by cursors.

import type { StreamEvaluation } from '../engine/engine.ts'
import type { JsonObject } from '../model/context.ts'
import { CardeaError } from '../model/errors.ts'
import type {
  ExportRelationshipsRequest,
  FoundRelationship,
  FoundResource,
  FoundSubject,
  LookupResourcesRequest,
  LookupSubjectsRequest,
  Read,
  ReadRelationshipsRequest,
} from './authorizer.ts'
import { type CursorPosition, Cursors } from './cursor.ts'
import { type Desk, validateLimit, validateRequestContext } from './desk.ts'
import type { PinnedWorld } from './followed-datastore.ts'
import { runStream } from './run-evaluation.ts'
import {
  requireMember,
  requireSubject,
  validateConcreteSubject,
  validateFilter,
  validateObject,
} from './validate-names.ts'

interface Paging {
  readonly limit: number
  readonly cursor: string | undefined
  /** Everything that shapes the result; a cursor is bound to it. Not the consistency: the cursor names its revision. */
  readonly binding: JsonObject
}

/** Pins the world that the consistency, or the cursor, names, and streams from there. */
async function* streamFrom<Found, Item>(
  desk: Desk,
  request: Read,
  paging: Paging,
  begin: (
    pinned: PinnedWorld,
    nowMs: number,
    after: CursorPosition['after'] | undefined,
  ) => StreamEvaluation<Found>,
  toItem: (
    found: Found,
    pinned: PinnedWorld,
    cursorAfter: (after: CursorPosition['after']) => string,
  ) => Item | undefined,
): AsyncGenerator<Item> {
  const { datastore, clock } = desk
  const cursors = new Cursors(datastore.store.identity.tokenKeys, paging.binding)
  const position = paging.cursor === undefined ? undefined : cursors.decode(paging.cursor)
  if (position !== undefined && position.nowMs < clock() - desk.limits.gcWindowMs) {
    // Rows that were live at the cursor's instant may be forgotten by now.
    throw new CardeaError(
      'REVISION_OUT_OF_RANGE',
      'The cursor is older than the garbage collection window keeps (gc-window). Begin again without it.',
      { setting: 'gc-window' },
    )
  }
  const pinned =
    position === undefined
      ? await datastore.pin(request.consistency, request)
      : await datastore.pinExactly(position.revision, position.nonce, request)
  try {
    const nowMs = position?.nowMs ?? clock()
    const cursorAfter = (after: CursorPosition['after']) =>
      cursors.encode({ revision: pinned.revision, nonce: pinned.nonce, nowMs, after })
    let given = 0
    for await (const batch of runStream(begin(pinned, nowMs, position?.after), request, clock)) {
      for (const found of batch) {
        // Cursors are getters: sealing one costs more than finding the item, and most are never read.
        const item = toItem(found, pinned, cursorAfter)
        if (item === undefined) continue
        yield item
        given += 1
        if (given === paging.limit) return
      }
    }
  } finally {
    pinned.release()
  }
}

export function lookupResources(desk: Desk, request: LookupResourcesRequest): AsyncGenerator<FoundResource> {
  const { resourceType, permission, subject, context } = request
  const limit = validateLimit(request.limit, desk.limits.maxLookupLimit, 'max-lookup-limit')
  validateConcreteSubject(subject)
  validateRequestContext(context, desk.limits)
  const binding = {
    call: 'LookupResources',
    resourceType,
    permission,
    subject: { ...subject },
    context: context ?? null,
    limit,
  } as unknown as JsonObject
  return streamFrom(
    desk,
    request,
    { limit, cursor: request.cursor, binding },
    (pinned, nowMs, after) => {
      requireMember(pinned.schema.schema, resourceType, permission)
      requireSubject(pinned.schema.schema, subject.type, subject.relation)
      const afterKey = after === undefined ? undefined : Number(after[0])
      return desk.engine.lookupResources(
        pinned.world,
        { resourceType, permission, subject, context, afterKey },
        nowMs,
      )
    },
    (found, pinned, cursorAfter) => ({
      resourceId: found.id,
      permissionship: found.permissionship,
      missing: found.missing,
      token: pinned.token,
      get cursor() {
        return cursorAfter([found.key])
      },
    }),
  )
}

export function lookupSubjects(desk: Desk, request: LookupSubjectsRequest): AsyncGenerator<FoundSubject> {
  const { resource, permission, subjectType, context } = request
  const subjectRelation = request.subjectRelation ?? ''
  const wildcards = request.wildcards ?? 'include'
  const limit = validateLimit(request.limit, desk.limits.maxLookupLimit, 'max-lookup-limit')
  validateObject(resource)
  validateRequestContext(context, desk.limits)
  const binding = {
    call: 'LookupSubjects',
    resource: { ...resource },
    permission,
    subjectType,
    subjectRelation,
    wildcards,
    context: context ?? null,
    limit,
  } as unknown as JsonObject
  return streamFrom(
    desk,
    request,
    { limit, cursor: request.cursor, binding },
    (pinned, nowMs, after) => {
      requireMember(pinned.schema.schema, resource.type, permission)
      requireSubject(pinned.schema.schema, subjectType, subjectRelation)
      const afterKey = after === undefined ? undefined : Number(after[0])
      return desk.engine.lookupSubjects(
        pinned.world,
        { resource, permission, subjectType, subjectRelation, context, afterKey },
        nowMs,
      )
    },
    (found, pinned, cursorAfter) => {
      if (wildcards === 'exclude' && found.subjectId === '*') return undefined
      const { subjectId, permissionship, missing, excluded } = found
      return {
        subjectId,
        permissionship,
        missing,
        excluded,
        token: pinned.token,
        cursor: cursorAfter([found.key]),
      }
    },
  )
}

/** `page` bounds the limit under the name of its setting. */
export function readRows(
  desk: Desk,
  request: ReadRelationshipsRequest,
  page: { readonly call: string; readonly maximum: number; readonly setting: string },
): AsyncGenerator<FoundRelationship> {
  const limit = validateLimit(request.limit, page.maximum, page.setting)
  const binding = {
    call: page.call,
    filter: request.filter,
    limit,
  } as unknown as JsonObject
  return streamFrom(
    desk,
    request,
    { limit, cursor: request.cursor, binding },
    (pinned, nowMs, after) => {
      if (Object.keys(request.filter).length > 0 || page.call === 'ReadRelationships') {
        validateFilter(pinned.schema.schema, request.filter)
      }
      return desk.engine.readRows(pinned.world, { filter: request.filter, after: rowPosition(after) }, nowMs)
    },
    (found, pinned, cursorAfter) => ({
      relationship: found.relationship,
      token: pinned.token,
      get cursor() {
        return cursorAfter([found.resourceKey, found.relation, found.subjectKey, found.subjectRelation])
      },
    }),
  )
}

/** Every row, or those of a filter, in reading order. Pages are the door's business: each row has a cursor. */
export function exportRows(
  desk: Desk,
  request: ExportRelationshipsRequest,
): AsyncGenerator<FoundRelationship> {
  const { filter = {}, ...read } = request
  const page = { call: 'ExportBulkRelationships', maximum: 0, setting: 'max-read-limit' }
  return readRows(desk, { ...read, filter }, page)
}

function rowPosition(after: CursorPosition['after'] | undefined) {
  if (after === undefined) return undefined
  const [resourceKey, relation, subjectKey, subjectRelation] = after
  if (after.length !== 4) throw new CardeaError('INVALID_CURSOR', 'The cursor does not belong to a read.')
  return {
    resourceKey: Number(resourceKey),
    relation: String(relation),
    subjectKey: Number(subjectKey),
    subjectRelation: String(subjectRelation),
  }
}
