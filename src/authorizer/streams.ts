// Streams: lookups and reads, page by page at one revision, resumed by cursors.

import { FoundObjects } from '../engine/found-objects.ts'
import type { JsonObject } from '../model/context.ts'
import { CardeaError } from '../model/errors.ts'
import { wildcardId } from '../model/reference.ts'
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
import { runBatches, runStream } from './run-evaluation.ts'
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

/** Where a stream's items come from: a world, pinned at an instant, and cursors that lead back to it. */
interface Stand {
  readonly pinned: PinnedWorld
  readonly nowMs: number
  /** Where to go on; undefined at the beginning. */
  readonly after: CursorPosition['after'] | undefined
  /** Items that one page has room for: to look for more at once would be in vain. */
  readonly atOnce: number | undefined
  cursorAfter(after: CursorPosition['after']): string
}

/** Pins the world that the consistency, or the cursor, names, and streams from there: batches of items, up to the limit. */
async function* streamFrom<Batch, Item>(
  desk: Desk,
  request: Read,
  paging: Paging,
  begin: (stand: Stand) => AsyncGenerator<Batch, void, void>,
  toItems: (batch: Batch, stand: Stand) => readonly Item[],
): AsyncGenerator<readonly Item[], void, void> {
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
    const { revision, nonce } = pinned
    const cursorAfter = (after: CursorPosition['after']) => cursors.encode({ revision, nonce, nowMs, after })
    const atOnce = paging.limit === 0 ? undefined : paging.limit
    const stand = { pinned, nowMs, after: position?.after, atOnce, cursorAfter }
    let left = atOnce ?? Number.POSITIVE_INFINITY
    for await (const batch of begin(stand)) {
      const items = toItems(batch, stand)
      if (items.length === 0) continue
      yield items.length <= left ? items : items.slice(0, left)
      left -= items.length
      if (left <= 0) return
    }
  } finally {
    pinned.release()
  }
}

export function lookupResources(
  desk: Desk,
  request: LookupResourcesRequest,
): AsyncGenerator<readonly FoundResource[], void, void> {
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
  const found = new FoundObjects()
  const emptied = () => {
    found.clear()
    return found
  }
  return streamFrom(
    desk,
    request,
    { limit, cursor: request.cursor, binding },
    ({ pinned, nowMs, after, atOnce }) => {
      requireMember(pinned.schema.schema, resourceType, permission)
      requireSubject(pinned.schema.schema, subject.type, subject.relation)
      const afterKey = after === undefined ? undefined : Number(after[0])
      const asked = { resourceType, permission, subject, context, afterKey }
      const evaluation = desk.engine.lookupResources(pinned.world, asked, nowMs)
      return runBatches(evaluation, emptied, request, desk.clock, atOnce)
    },
    resourcesOf,
  )
}

function resourcesOf(found: FoundObjects, stand: Stand): FoundResource[] {
  const { keys, ids, length } = found
  const resources: FoundResource[] = []
  for (let at = 0; at < length; at += 1)
    resources.push(
      new SealedResource(ids[at]!, found.permissionshipAt(at), found.missingAt(at), keys[at]!, stand),
    )
  return resources
}

class SealedResource implements FoundResource {
  readonly resourceId: string
  readonly permissionship: FoundResource['permissionship']
  readonly missing: readonly string[]
  readonly token: string
  readonly #key: number
  readonly #stand: Stand

  constructor(
    resourceId: string,
    permissionship: FoundResource['permissionship'],
    missing: readonly string[],
    key: number,
    stand: Stand,
  ) {
    this.resourceId = resourceId
    this.permissionship = permissionship
    this.missing = missing
    this.token = stand.pinned.token
    this.#key = key
    this.#stand = stand
  }

  /** Made when it is read: sealing one costs more than finding the item, and most are never read. */
  get cursor(): string {
    return this.#stand.cursorAfter([this.#key])
  }
}

export function lookupSubjects(
  desk: Desk,
  request: LookupSubjectsRequest,
): AsyncGenerator<readonly FoundSubject[], void, void> {
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
    ({ pinned, nowMs, after, atOnce }) => {
      requireMember(pinned.schema.schema, resource.type, permission)
      requireSubject(pinned.schema.schema, subjectType, subjectRelation)
      const afterKey = after === undefined ? undefined : Number(after[0])
      const asked = { resource, permission, subjectType, subjectRelation, context, afterKey }
      return runStream(desk.engine.lookupSubjects(pinned.world, asked, nowMs), request, desk.clock, atOnce)
    },
    (batch, { pinned, cursorAfter }) =>
      batch
        .filter(({ subjectId }) => wildcards === 'include' || subjectId !== wildcardId)
        .map(({ key, subjectId, permissionship, missing, excluded }) => ({
          subjectId,
          permissionship,
          missing,
          excluded,
          token: pinned.token,
          get cursor() {
            return cursorAfter([key])
          },
        })),
  )
}

/** `page` bounds the limit under the name of its setting. */
export function readRows(
  desk: Desk,
  request: ReadRelationshipsRequest,
  page: { readonly call: string; readonly maximum: number; readonly setting: string },
): AsyncGenerator<readonly FoundRelationship[], void, void> {
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
    ({ pinned, nowMs, after, atOnce }) => {
      if (Object.keys(request.filter).length > 0 || page.call === 'ReadRelationships') {
        validateFilter(pinned.schema.schema, request.filter)
      }
      const asked = { filter: request.filter, after: rowPosition(after) }
      return runStream(desk.engine.readRows(pinned.world, asked, nowMs), request, desk.clock, atOnce)
    },
    (batch, { pinned, cursorAfter }) =>
      batch.map(({ relationship, resourceKey, relation, subjectKey, subjectRelation }) => ({
        relationship,
        token: pinned.token,
        get cursor() {
          return cursorAfter([resourceKey, relation, subjectKey, subjectRelation])
        },
      })),
  )
}

/** Every row, or those of a filter, in reading order. Pages are the door's business: each row has a cursor. */
export function exportRows(
  desk: Desk,
  request: ExportRelationshipsRequest,
): AsyncGenerator<readonly FoundRelationship[], void, void> {
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
