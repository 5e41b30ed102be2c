// Counters, and the earlier names of calls that clients still use.

import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import type { Authorizer } from '../../authorizer/authorizer.ts'
import { filterFromWire } from '../../wire/filters.ts'
import type { ExperimentalService } from '../../wire/messages.ts'
import { nameFromWire } from '../../wire/relationships.ts'
import { countOperations, optionsOf } from '../call.ts'
import { checkHandlers } from './checks.ts'
import { exportRelationships, importRelationships } from './relationships.ts'
import type { Handlers, UnaryHandler } from './route.ts'
import { schemaHandlers } from './schema.ts'

export function experimentalHandlers(authorizer: Authorizer): Handlers<typeof ExperimentalService> {
  const checks = checkHandlers(authorizer)
  const schema = schemaHandlers(authorizer)
  return {
    bulkImportRelationships: (requests, call) => importRelationships(authorizer, requests, call),
    bulkExportRelationships: (request, call) => exportRelationships(authorizer, request, call),
    bulkCheckPermission: renamed(checks.checkBulkPermissions),
    experimentalReflectSchema: renamed(schema.reflectSchema),
    experimentalDiffSchema: renamed(schema.diffSchema),
    experimentalComputablePermissions: renamed(schema.computablePermissions),
    experimentalDependentRelations: renamed(schema.dependentRelations),

    experimentalRegisterRelationshipCounter: async ({ name, relationshipFilter }, call) => {
      const filter = filterFromWire(relationshipFilter, 'relationship_filter')
      await authorizer.registerCounter(nameFromWire(name, 'name'), filter, optionsOf(call))
      countOperations(call, 1)
      return {}
    },

    experimentalCountRelationships: async (request, call) => {
      const name = nameFromWire(request.name, 'name')
      const { count, token } = await authorizer.countRelationships(name, optionsOf(call))
      countOperations(call, 1)
      const value = { relationshipCount: BigInt(count), readAt: { token } }
      return { counterResult: { case: 'readCounterValue', value } }
    },

    experimentalUnregisterRelationshipCounter: async ({ name }, call) => {
      await authorizer.unregisterCounter(nameFromWire(name, 'name'), optionsOf(call))
      countOperations(call, 1)
      return {}
    },
  }
}

/** The messages have the fields and numbers of their successors, so the successor's handler reads and fills them. */
function renamed<
  I extends DescMessage,
  O extends DescMessage,
  OldI extends DescMessage,
  OldO extends DescMessage,
>(handler: UnaryHandler<I, O>): UnaryHandler<OldI, OldO> {
  return async (request, call) => {
    const response = await handler(request as unknown as MessageShape<I>, call)
    return response as unknown as MessageInitShape<OldO>
  }
}
