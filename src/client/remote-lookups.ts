// Lookups and reads, over a channel.

import type { Authorizer } from '../authorizer/authorizer.ts'
import { foundFromWire, missingFromWire, resolvedFromWire } from '../wire/answers.ts'
import { filterToWire } from '../wire/filters.ts'
import { jsonToWire } from '../wire/json-values.ts'
import { PermissionsService, WildcardOption } from '../wire/messages.ts'
import { objectToWire, relationshipFromWire, subjectToWire } from '../wire/relationships.ts'
import type { Channel } from './channel.ts'
import { cursorToWire, type Freshness, required, tokenOf } from './remote.ts'

type Lookups = Pick<
  Authorizer,
  'lookupResources' | 'lookupSubjects' | 'readRelationships' | 'exportRelationships'
>

const wildcardOptions = {
  include: WildcardOption.INCLUDE_WILDCARDS,
  exclude: WildcardOption.EXCLUDE_WILDCARDS,
}

export function remoteLookups(channel: Channel, fresh: Freshness): Lookups {
  const { lookupResources, lookupSubjects, readRelationships, exportBulkRelationships } =
    PermissionsService.method
  return {
    async *lookupResources(request) {
      const message = {
        consistency: fresh(request),
        resourceObjectType: request.resourceType,
        permission: request.permission,
        subject: subjectToWire(request.subject),
        context: jsonToWire(request.context),
        optionalLimit: request.limit ?? 0,
        ...cursorToWire(request.cursor),
      }
      for await (const item of channel.stream(lookupResources, message, request)) {
        yield {
          resourceId: item.resourceObjectId,
          permissionship: foundFromWire(item.permissionship),
          missing: missingFromWire(item.partialCaveatInfo),
          token: tokenOf(item.lookedUpAt),
          cursor: tokenOf(item.afterResultCursor),
        }
      }
    },

    async *lookupSubjects(request) {
      const message = {
        consistency: fresh(request),
        resource: objectToWire(request.resource),
        permission: request.permission,
        subjectObjectType: request.subjectType,
        optionalSubjectRelation: request.subjectRelation ?? '',
        context: jsonToWire(request.context),
        optionalConcreteLimit: request.limit ?? 0,
        wildcardOption: wildcardOptions[request.wildcards ?? 'include'],
        ...cursorToWire(request.cursor),
      }
      for await (const item of channel.stream(lookupSubjects, message, request)) {
        yield {
          ...resolvedFromWire(required(item.subject, 'subject')),
          excluded: item.excludedSubjects.map(resolvedFromWire),
          token: tokenOf(item.lookedUpAt),
          cursor: tokenOf(item.afterResultCursor),
        }
      }
    },

    async *readRelationships(request) {
      const message = {
        consistency: fresh(request),
        relationshipFilter: filterToWire(request.filter),
        optionalLimit: request.limit ?? 0,
        ...cursorToWire(request.cursor),
      }
      for await (const item of channel.stream(readRelationships, message, request)) {
        yield {
          relationship: relationshipFromWire(item.relationship, 'relationship'),
          token: tokenOf(item.readAt),
          cursor: tokenOf(item.afterResultCursor),
        }
      }
    },

    /**
     * Pages have one cursor each: within a page, a row's cursor is that of the page before, so that resuming by it
     * repeats rows and never leaves one out. The token is not told.
     */
    async *exportRelationships(request = {}) {
      const message = {
        consistency: fresh(request),
        optionalRelationshipFilter: request.filter && filterToWire(request.filter),
        ...cursorToWire(request.cursor),
      }
      let before = request.cursor ?? ''
      for await (const page of channel.stream(exportBulkRelationships, message, request)) {
        const after = tokenOf(page.afterResultCursor)
        const last = page.relationships.length - 1
        for (const [at, relationship] of page.relationships.entries()) {
          yield {
            relationship: relationshipFromWire(relationship, 'relationships'),
            token: '',
            cursor: at === last ? after : before,
          }
        }
        before = after
      }
    },
  }
}
