// The schema: read and written.

import type { Authorizer } from '../../authorizer/authorizer.ts'
import type { SchemaService } from '../../wire/gen/authzed/api/v1/schema_service_pb.ts'
import { countOperations, optionsOf } from '../call.ts'
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
  }
}
