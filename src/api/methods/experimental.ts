// The earlier names of calls that clients still use. Counters have no store yet and answer UNIMPLEMENTED.

import type { DescMessage, MessageInitShape, MessageShape } from '@bufbuild/protobuf'
import type { Authorizer } from '../../authorizer/authorizer.ts'
import type { ExperimentalService } from '../../wire/messages.ts'
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
  }
}

/** The messages have the fields and numbers of their successors, so the successor's handler reads and fills them. */
function renamed<
  I extends DescMessage,
  O extends DescMessage,
  OldI extends DescMessage,
  OldO extends DescMessage,
>(handler: UnaryHandler<I, O> | undefined): UnaryHandler<OldI, OldO> {
  return async (request, call) => {
    const response = await handler!(request as unknown as MessageShape<I>, call)
    return response as unknown as MessageInitShape<OldO>
  }
}
