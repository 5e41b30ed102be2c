// Every method of the service.

import type { Authorizer } from '../../authorizer/authorizer.ts'
import {
  ExperimentalService,
  ExplainService,
  PermissionsService,
  SchemaPlanService,
  SchemaService,
  WatchService,
  WriteService,
} from '../../wire/messages.ts'
import { checkHandlers } from './checks.ts'
import { experimentalHandlers } from './experimental.ts'
import { explainHandlers } from './explain.ts'
import { lookupHandlers } from './lookups.ts'
import { quickChecks } from './quick-checks.ts'
import { relationshipHandlers } from './relationships.ts'
import { type Route, routesOf } from './route.ts'
import { schemaHandlers } from './schema.ts'
import { schemaPlanHandlers } from './schema-plan.ts'
import { watchHandlers } from './watch.ts'
import { writeHandlers } from './write.ts'

/** All routes. */
export function allRoutes(authorizer: Authorizer): Route[] {
  return [
    ...routesOf(
      PermissionsService,
      {
        ...checkHandlers(authorizer),
        ...lookupHandlers(authorizer),
        ...relationshipHandlers(authorizer),
      },
      quickChecks(authorizer),
    ),
    ...routesOf(SchemaService, schemaHandlers(authorizer)),
    ...routesOf(WatchService, watchHandlers(authorizer)),
    ...routesOf(ExperimentalService, experimentalHandlers(authorizer)),
    ...routesOf(ExplainService, explainHandlers(authorizer)),
    ...routesOf(SchemaPlanService, schemaPlanHandlers(authorizer)),
    ...routesOf(WriteService, writeHandlers(authorizer)),
  ]
}
