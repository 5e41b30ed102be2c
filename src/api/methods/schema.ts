// The schema: read, written, looked into.

import type { Authorizer } from '../../authorizer/authorizer.ts'
import type { SchemaService } from '../../wire/messages.ts'
import {
  caveatToWire,
  definitionToWire,
  differenceToWire,
  referenceToWire,
  reflectionFilterFromWire,
} from '../../wire/reflection.ts'
import { countOperations, optionsOf, readOptions } from '../call.ts'
import type { Handlers } from './route.ts'

export function schemaHandlers(authorizer: Authorizer): Handlers<typeof SchemaService> {
  return {
    readSchema: async (_request, call) => {
      const { text, token } = await authorizer.readSchema({
        ...optionsOf(call),
        consistency: { kind: 'fully_consistent' },
      })
      countOperations(call, 1)
      return { schemaText: text, readAt: { token } }
    },

    writeSchema: async (request, call) => {
      const { token } = await authorizer.writeSchema(request.schema, optionsOf(call))
      countOperations(call, 1)
      return { writtenAt: { token } }
    },

    reflectSchema: async (request, call) => {
      const filters = request.optionalFilters.map(reflectionFilterFromWire)
      const reflected = await authorizer.reflectSchema(filters, readOptions(call, request.consistency))
      countOperations(call, 1)
      return {
        definitions: reflected.definitions.map(definitionToWire),
        caveats: reflected.caveats.map(caveatToWire),
        readAt: { token: reflected.token },
      }
    },

    diffSchema: async (request, call) => {
      const read = readOptions(call, request.consistency)
      const { differences, token } = await authorizer.diffSchema(request.comparisonSchema, read)
      countOperations(call, 1)
      return { diffs: differences.map(differenceToWire), readAt: { token } }
    },

    computablePermissions: async (request, call) => {
      const { definitionName, relationName, optionalDefinitionNameFilter } = request
      const { references, token } = await authorizer.computablePermissions(
        { definitionName, relationName, definitionPrefix: optionalDefinitionNameFilter },
        readOptions(call, request.consistency),
      )
      countOperations(call, 1)
      return { permissions: references.map(referenceToWire), readAt: { token } }
    },

    dependentRelations: async (request, call) => {
      const { definitionName, permissionName } = request
      const { references, token } = await authorizer.dependentRelations(
        { definitionName, permissionName },
        readOptions(call, request.consistency),
      )
      countOperations(call, 1)
      return { relations: references.map(referenceToWire), readAt: { token } }
    },
  }
}
