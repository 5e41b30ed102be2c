// Push-down: the ids a caller may see, put into the arguments, so that the server need not fetch the rest. The result is filtered all the same.

import type { JsonObject } from '../../model/context.ts'
import { decodeId } from '../../model/encode-id.ts'
import { CardeaError } from '../../model/errors.ts'
import { narrowingOf } from '../policy/authorization-details.ts'
import type { LoadedTool } from '../policy/loaded-policy.ts'
import { within } from './bulk-ask.ts'
import type { Exchange } from './exchange.ts'

/** More ids than this are not pushed down; the call fails instead of being cut silently. */
const maxInjectedIds = 10_000

/** The arguments with what `inject` says. Rejects when there are too many ids. */
export async function injectLookups(
  exchange: Exchange,
  rule: LoadedTool,
  args: JsonObject,
): Promise<JsonObject> {
  let filled = args
  for (const { path, resourceType, permission } of rule.inject) {
    const ids = await within(exchange.core, exchange.controller.signal, (signal) =>
      lookUp(exchange, resourceType, permission, signal),
    )
    filled = { ...filled, [path.leadingNames[0]!]: ids }
  }
  return filled
}

async function lookUp(
  exchange: Exchange,
  resourceType: string,
  permission: string,
  signal: AbortSignal,
): Promise<string[]> {
  const { authorizer } = exchange.core
  const subject = exchange.principal.subjectRef
  const narrowing = narrowingOf(exchange.policy.authorizationDetails, exchange.principal)
  const ids: string[] = []
  const found = authorizer.lookupResources({
    resourceType,
    permission,
    subject,
    consistency: { kind: 'fully_consistent' },
    signal,
  })
  for await (const { resourceId, permissionship } of found) {
    if (permissionship !== 'has') continue
    if (narrowing?.covers({ type: resourceType, id: resourceId }, permission) === false) continue
    if (ids.length >= maxInjectedIds)
      throw new CardeaError(
        'LIMIT_EXCEEDED',
        `More than ${maxInjectedIds} ids of ${resourceType} would be pushed down; remove inject from the rule.`,
      )
    ids.push(decodeId(resourceId))
  }
  return ids
}
