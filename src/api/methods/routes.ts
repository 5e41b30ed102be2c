// Every method of the service.

import type { Authorizer } from '../../authorizer/authorizer.ts'
import { ExperimentalService } from '../../wire/gen/authzed/api/v1/experimental_service_pb.ts'
import { PermissionsService } from '../../wire/gen/authzed/api/v1/permission_service_pb.ts'
import { SchemaService } from '../../wire/gen/authzed/api/v1/schema_service_pb.ts'
import { WatchService } from '../../wire/gen/authzed/api/v1/watch_service_pb.ts'
import { ExplainService } from '../../wire/gen/cardea/v1/explain_pb.ts'
import { WriteService } from '../../wire/gen/cardea/v1/write_pb.ts'
import { checkHandlers } from './checks.ts'
import { experimentalHandlers } from './experimental.ts'
import { explainHandlers } from './explain.ts'
import { lookupHandlers } from './lookups.ts'
import { relationshipHandlers } from './relationships.ts'
import { type Route, routesOf } from './route.ts'
import { schemaHandlers } from './schema.ts'
import { watchHandlers } from './watch.ts'

/** All routes, those that answer UNIMPLEMENTED included. */
export function allRoutes(authorizer: Authorizer): Route[] {
  return [
    ...routesOf(PermissionsService, {
      ...checkHandlers(authorizer),
      ...lookupHandlers(authorizer),
      ...relationshipHandlers(authorizer),
    }),
    ...routesOf(SchemaService, schemaHandlers(authorizer)),
    ...routesOf(WatchService, watchHandlers(authorizer)),
    ...routesOf(ExperimentalService, experimentalHandlers(authorizer)),
    ...routesOf(ExplainService, explainHandlers(authorizer)),
    ...routesOf(WriteService, {}),
  ]
}
