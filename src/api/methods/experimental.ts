// The earlier names of calls that clients still use.

import type { Authorizer } from '../../authorizer/authorizer.ts'
import type { ExperimentalService } from '../../wire/gen/authzed/api/v1/experimental_service_pb.ts'
import type { CheckBulkPermissionsRequest } from '../../wire/gen/authzed/api/v1/permission_service_pb.ts'
import { checkHandlers } from './checks.ts'
import { exportRelationships, importRelationships } from './relationships.ts'
import type { Handlers } from './route.ts'

/** The messages have the fields of their successors, so the successors' handlers read and fill them. */
export function experimentalHandlers(authorizer: Authorizer): Handlers<typeof ExperimentalService> {
  const checks = checkHandlers(authorizer)
  return {
    bulkImportRelationships: (requests, call) => importRelationships(authorizer, requests, call),
    bulkExportRelationships: (request, call) => exportRelationships(authorizer, request, call),
    bulkCheckPermission: async (request, call) => {
      const successor = { ...request, withTracing: false } as unknown as CheckBulkPermissionsRequest
      return (await checks.checkBulkPermissions(successor, call)) as never
    },
  }
}
