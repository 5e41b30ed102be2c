// Writes that hang on decisions, and rehearsals of writes.

import type { Authorizer } from '../../authorizer/authorizer.ts'
import { questionFromWire } from '../../wire/answers.ts'
import { preconditionFromWire } from '../../wire/filters.ts'
import { convertEach } from '../../wire/invalid-field.ts'
import type { WriteService } from '../../wire/messages.ts'
import { updateFromWire } from '../../wire/relationships.ts'
import { countOperations, optionsOf } from '../call.ts'
import type { Handlers } from './route.ts'

export function writeHandlers(authorizer: Authorizer): Handlers<typeof WriteService> {
  return {
    write: async (request, call) => {
      const { token } = await authorizer.writeRelationships({
        ...optionsOf(call),
        updates: convertEach(request.updates, 'updates', updateFromWire),
        preconditions: convertEach(request.preconditions, 'preconditions', preconditionFromWire),
        require: convertEach(request.require, 'require', questionFromWire),
        dryRun: request.dryRun,
        metadata: request.transactionMetadata,
      })
      countOperations(call, 1 + request.require.length)
      return { writtenAt: { token } }
    },
  }
}
