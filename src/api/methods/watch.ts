// Watch: the log as it grows.

import type { Authorizer, WatchEvent } from '../../authorizer/authorizer.ts'
import { tokenFromWire } from '../../wire/consistency.ts'
import { filterFromWire } from '../../wire/filters.ts'
import { convertEach, InvalidField } from '../../wire/invalid-field.ts'
import { jsonToWire } from '../../wire/json-values.ts'
import { WatchKind, type WatchService } from '../../wire/messages.ts'
import { typeFromWire, updateToWire } from '../../wire/relationships.ts'
import { optionsOf } from '../call.ts'
import type { Handlers } from './route.ts'

const knownKinds = new Set<number>(Object.values(WatchKind))

export function watchHandlers(authorizer: Authorizer): Handlers<typeof WatchService> {
  return {
    watch: async function* (request, call) {
      const kinds = new Set<number>(request.optionalUpdateKinds)
      for (const kind of kinds) {
        if (!knownKinds.has(kind))
          throw new InvalidField('optional_update_kinds', `has an unknown kind (${kind})`)
      }
      const types = request.optionalObjectTypes.map((type, at) =>
        typeFromWire(type, `optional_object_types[${at}]`),
      )
      const filters = convertEach(
        request.optionalRelationshipFilters,
        'optional_relationship_filters',
        (filter) => filterFromWire(filter, 'filter'),
      )
      const events = authorizer.watch({
        ...optionsOf(call),
        ...(types.length > 0 && { resourceTypes: types }),
        ...(filters.length > 0 && { filters }),
        ...(request.optionalStartCursor && {
          after: tokenFromWire(request.optionalStartCursor, 'optional_start_cursor'),
        }),
        schema: kinds.has(WatchKind.INCLUDE_SCHEMA_UPDATES),
        checkpoints: kinds.has(WatchKind.INCLUDE_CHECKPOINTS),
      })
      for await (const event of events) yield eventToWire(event)
    },
  }
}

function eventToWire(event: WatchEvent) {
  return {
    updates: event.changes.map(updateToWire),
    changesThrough: { token: event.token },
    optionalTransactionMetadata: jsonToWire(event.metadata),
    schemaUpdated: event.kind === 'schema',
    isCheckpoint: event.kind === 'checkpoint',
    fullRevisionMetadata: event.metadata === undefined ? [] : [jsonToWire(event.metadata)],
  }
}
