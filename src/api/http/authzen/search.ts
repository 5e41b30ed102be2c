// AuthZEN searches: which subjects, which resources, which actions.

import type { Authorizer } from '../../../authorizer/authorizer.ts'
import type { JsonObject, JsonValue } from '../../../model/context.ts'
import { CardeaError } from '../../../model/errors.ts'
import { wildcardId } from '../../../model/reference.ts'
import { type Call, optionsOf } from '../../call.ts'
import {
  type ActionTable,
  actionOf,
  contextOf,
  entityOf,
  objectOf,
  objectRefOf,
  plainId,
  searchedOf,
} from './entities.ts'

export interface SearchResult {
  readonly page?: { readonly next_token: string; readonly count: number }
  readonly results: readonly JsonObject[]
  readonly context?: JsonObject
}

/** Largest page, whatever the caller asks for. */
const maxPage = 1000
/** Most results for a caller that asks for no page; when there are more, it gets a token for them all the same. */
const maxUnpaged = 10_000

const nothing: SearchResult = { results: [] }

/** A page as the caller asks for it; without a limit it is as large as one may be. A token carries the limit, so that a later page may leave it out. */
interface Page {
  readonly limit: number
  readonly cursor: string | undefined
}

function pageOf(request: JsonObject): Page | undefined {
  if (request.page === undefined || request.page === null) return undefined
  const page = objectOf(request.page, 'page')
  const limit = page.limit ?? undefined
  if (limit !== undefined && (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 0))
    throw new CardeaError('INVALID_ARGUMENT', 'page.limit must be a whole number.', { field: 'page.limit' })
  const asked = limit === undefined || limit === 0 ? undefined : Math.min(limit, maxPage)
  if (page.token === undefined || page.token === null || page.token === '')
    return asked === undefined ? undefined : { limit: asked, cursor: undefined }
  const token = typeof page.token === 'string' ? /^(\d{1,4})\.(.+)$/.exec(page.token) : null
  if (token === null)
    throw new CardeaError('INVALID_CURSOR', 'page.token is malformed; send it as a response gave it.')
  const first = Number(token[1])
  if (asked !== undefined && asked !== first)
    throw new CardeaError(
      'INVALID_CURSOR',
      `page.limit was ${first} on the page before and must stay the same.`,
    )
  return { limit: first, cursor: token[2] }
}

/** Gathers one page, or everything up to a bound. Conditional results are no yes and are left out. */
async function gather<Found extends { readonly permissionship: string; readonly cursor: string }>(
  found: AsyncIterable<Found>,
  page: Page | undefined,
  toResult: (item: Found) => JsonObject | undefined,
): Promise<SearchResult> {
  const most = page === undefined || page.limit === 0 ? maxUnpaged : page.limit
  const results: JsonObject[] = []
  let seen = 0
  let last: Found | undefined
  for await (const item of found) {
    seen += 1
    last = item
    const result = item.permissionship === 'has' ? toResult(item) : undefined
    if (result !== undefined) results.push(result)
    if (seen === most) break
  }
  const more = seen === most && last !== undefined
  if (page === undefined && !more) return { results }
  const next_token = more ? `${page?.limit ?? 0}.${last!.cursor}` : ''
  return { page: { next_token, count: results.length }, results }
}

/** Unknown names have no results (certification: an empty list, not an error). */
async function orNothing(search: () => Promise<SearchResult>): Promise<SearchResult> {
  try {
    return await search()
  } catch (thrown) {
    const { code } = CardeaError.from(thrown)
    if (code === 'UNKNOWN_DEFINITION' || code === 'UNKNOWN_RELATION_OR_PERMISSION') return nothing
    throw thrown
  }
}

/** Subjects of a type that may (Authorization API 1.0, section 8). Public access is told in the context. */
export async function searchSubjects(
  authorizer: Authorizer,
  actions: ActionTable,
  request: JsonObject,
  call: Call,
): Promise<SearchResult> {
  const subject = searchedOf(request.subject, 'subject')
  const action = actionOf(request.action)
  const resource = entityOf(request.resource, 'resource')
  const page = pageOf(request)
  const permission = actions.permissionOf(action.name)
  const resourceRef = objectRefOf(resource)
  if (
    permission === undefined ||
    resourceRef === undefined ||
    objectRefOf({ ...subject, id: 'any' }) === undefined
  )
    return nothing
  call.asked = [{ resource: resourceRef, permission, subjectType: subject.type }]
  let except: readonly string[] | undefined
  const result = await orNothing(() =>
    gather(
      authorizer.lookupSubjects({
        ...optionsOf(call),
        resource: resourceRef,
        permission,
        subjectType: subject.type,
        context: contextOf(request.context, {
          subject: subject.properties,
          resource: resource.properties,
          action: action.properties,
        }),
        ...page,
      }),
      page,
      (found) => {
        if (found.subjectId !== wildcardId) return { type: subject.type, id: plainId(found.subjectId) }
        except = found.excluded.map(({ subjectId }) => plainId(subjectId))
        return undefined
      },
    ),
  )
  return except === undefined ? result : { ...result, context: { everyone: true, except } }
}

/** Resources of a type on which the subject may. */
export async function searchResources(
  authorizer: Authorizer,
  actions: ActionTable,
  request: JsonObject,
  call: Call,
): Promise<SearchResult> {
  const subject = entityOf(request.subject, 'subject')
  const action = actionOf(request.action)
  const resource = searchedOf(request.resource, 'resource')
  const page = pageOf(request)
  const permission = actions.permissionOf(action.name)
  const subjectRef = objectRefOf(subject)
  if (
    permission === undefined ||
    subjectRef === undefined ||
    objectRefOf({ ...resource, id: 'any' }) === undefined
  )
    return nothing
  call.asked = [{ resourceType: resource.type, permission, subject: { ...subjectRef, relation: '' } }]
  return orNothing(() =>
    gather(
      authorizer.lookupResources({
        ...optionsOf(call),
        resourceType: resource.type,
        permission,
        subject: { ...subjectRef, relation: '' },
        context: contextOf(request.context, {
          subject: subject.properties,
          resource: resource.properties,
          action: action.properties,
        }),
        ...page,
      }),
      page,
      (found) => ({ type: resource.type, id: plainId(found.resourceId) }),
    ),
  )
}

/** Permissions (not relations) of the resource's type that the subject has. All at once; a page is not needed. */
export async function searchActions(
  authorizer: Authorizer,
  actions: ActionTable,
  request: JsonObject,
  call: Call,
): Promise<SearchResult> {
  const subject = entityOf(request.subject, 'subject')
  const resource = entityOf(request.resource, 'resource')
  pageOf(request)
  const subjectRef = objectRefOf(subject)
  const resourceRef = objectRefOf(resource)
  if (subjectRef === undefined || resourceRef === undefined) return nothing
  const options = optionsOf(call)
  const schema = await authorizer.reflectSchema([{ definitionName: resource.type }], options)
  const definition = schema.definitions.find(({ name }) => name === resource.type)
  if (definition === undefined) return nothing
  const context = contextOf(request.context, { subject: subject.properties, resource: resource.properties })
  const { answers } = await authorizer.checkBulk(
    definition.permissions.map(({ name }) => ({
      resource: resourceRef,
      permission: name,
      subject: { ...subjectRef, relation: '' },
      context,
    })),
    { ...options, consistency: { kind: 'at_least_as_fresh', token: schema.token } },
  )
  const results: JsonValue[] = []
  answers.forEach((answer, at) => {
    if (answer.error === undefined && answer.permissionship === 'has')
      results.push({ name: actions.actionOf(definition.permissions[at]!.name) })
  })
  return { results: results as JsonObject[] }
}
