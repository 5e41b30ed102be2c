// Lookups: which resources, which subjects.

import type { Authorizer } from '../../authorizer/authorizer.ts'
import { foundToWire, missingToWire, resolvedToWire } from '../../wire/answers.ts'
import { cursorFromWire } from '../../wire/consistency.ts'
import { InvalidField } from '../../wire/invalid-field.ts'
import { type PermissionsService, WildcardOption } from '../../wire/messages.ts'
import { nameFromWire, objectFromWire, subjectFromWire, typeFromWire } from '../../wire/relationships.ts'
import { countOperations, readOptions } from '../call.ts'
import type { Handlers } from './route.ts'

type LookupHandlers = Pick<Handlers<typeof PermissionsService>, 'lookupResources' | 'lookupSubjects'>

const wildcardOptions: { readonly [option: number]: 'include' | 'exclude' } = {
  [WildcardOption.UNSPECIFIED]: 'include',
  [WildcardOption.INCLUDE_WILDCARDS]: 'include',
  [WildcardOption.EXCLUDE_WILDCARDS]: 'exclude',
}

export function lookupHandlers(authorizer: Authorizer): LookupHandlers {
  return {
    lookupResources: async function* (request, call) {
      const asked = {
        resourceType: typeFromWire(request.resourceObjectType, 'resource_object_type'),
        permission: nameFromWire(request.permission, 'permission'),
        subject: subjectFromWire(request.subject, 'subject'),
      }
      call.asked = [asked]
      const found = authorizer.lookupResources({
        ...readOptions(call, request.consistency),
        ...asked,
        context: request.context,
        limit: request.optionalLimit,
        cursor: cursorFromWire(request.optionalCursor),
      })
      countOperations(call, 1)
      for await (const resource of found) {
        yield {
          lookedUpAt: { token: resource.token },
          resourceObjectId: resource.resourceId,
          permissionship: foundToWire(resource),
          partialCaveatInfo: missingToWire(resource),
          afterResultCursor: { token: resource.cursor },
        }
      }
    },

    lookupSubjects: async function* (request, call) {
      const wildcards = wildcardOptions[request.wildcardOption]
      if (wildcards === undefined) throw new InvalidField('wildcard_option', 'has an unknown value')
      const asked = {
        resource: objectFromWire(request.resource, 'resource'),
        permission: nameFromWire(request.permission, 'permission'),
        subjectType: typeFromWire(request.subjectObjectType, 'subject_object_type'),
      }
      call.asked = [asked]
      const found = authorizer.lookupSubjects({
        ...readOptions(call, request.consistency),
        ...asked,
        subjectRelation: nameFromWire(request.optionalSubjectRelation, 'optional_subject_relation'),
        context: request.context,
        wildcards,
        limit: request.optionalConcreteLimit,
        cursor: cursorFromWire(request.optionalCursor),
      })
      countOperations(call, 1)
      for await (const subject of found) {
        yield {
          lookedUpAt: { token: subject.token },
          // The four deprecated fields repeat what the two after them say.
          subjectObjectId: subject.subjectId,
          excludedSubjectIds: subject.excluded.map(({ subjectId }) => subjectId),
          permissionship: foundToWire(subject),
          partialCaveatInfo: missingToWire(subject),
          subject: resolvedToWire(subject),
          excludedSubjects: subject.excluded.map(resolvedToWire),
          afterResultCursor: { token: subject.cursor },
        }
      }
    },
  }
}
