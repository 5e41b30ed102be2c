// After a call: relationships for what was created, none left for what was deleted.

import type { JsonObject } from '../../model/context.ts'
import { CardeaError } from '../../model/errors.ts'
import { formatObject, isValidObjectId, type ObjectRef } from '../../model/reference.ts'
import type { Relationship } from '../../model/relationship.ts'
import { fillCheck, isDenial } from '../policy/ask.ts'
import type { LoadedAfter, LoadedTool } from '../policy/loaded-policy.ts'
import { callerScope, type Scope } from '../policy/scope.ts'
import { fillTemplate } from '../policy/template.ts'
import { type Exchange, reasonOf } from './exchange.ts'

/**
 * Writes what `after` says (policy format, 3.11). An object that has a relationship already is nobody's to take: its
 * owner is not written, and the operator is told. Gives the operator's reason when something could not be written.
 */
export async function writeAfter(
  exchange: Exchange,
  rule: LoadedTool,
  args: JsonObject,
  result: JsonObject,
): Promise<string | undefined> {
  const problems: string[] = []
  for (const after of rule.after) {
    const source = after.of === 'arguments' ? args : (result.structuredContent ?? {})
    for (const { value } of after.each.select(source)) {
      const scope = callerScope(exchange.setting.caller).withRoots({ args, item: value })
      const problem = await apply(exchange, after, scope)
      if (problem !== undefined) problems.push(problem)
    }
  }
  return problems.length === 0 ? undefined : problems.join('; ')
}

async function apply(exchange: Exchange, { action }: LoadedAfter, scope: Scope): Promise<string | undefined> {
  try {
    if (action.kind === 'create') {
      const filled = fillCheck(action.relationship, scope, exchange.setting.caller, 'after', undefined)
      if (isDenial(filled)) return filled.denied
      const { resource, permission: relation, subject } = filled
      return await create(exchange, { resource, relation, subject })
    }
    const id = fillTemplate(action.id, scope)
    if (id === undefined || !isValidObjectId(id))
      return `delete ${action.type}:${action.id.text}: a variable is missing`
    await forget(exchange, { type: action.type, id })
    return undefined
  } catch (error) {
    return reasonOf(error)
  }
}

async function create(exchange: Exchange, relationship: Relationship): Promise<string | undefined> {
  const { resource } = relationship
  try {
    await exchange.core.authorizer.writeRelationships({
      updates: [{ operation: 'create', relationship }],
      // The one transaction asks and writes, so that nobody gets in between.
      preconditions: [
        { operation: 'must_not_match', filter: { resourceType: resource.type, resourceId: resource.id } },
      ],
    })
    return undefined
  } catch (error) {
    const { code } = CardeaError.from(error)
    if (code !== 'PRECONDITION_FAILED' && code !== 'RELATIONSHIP_EXISTS') throw error
    exchange.log(
      'warn',
      `The tool says that it created ${formatObject(resource)}, which has relationships already; none was written.`,
    )
    return undefined
  }
}

/** Takes away every relationship of the object, in both directions, so that a reused id inherits nothing. */
async function forget({ core }: Exchange, object: ObjectRef): Promise<void> {
  await core.authorizer.deleteRelationships({ filter: { resourceType: object.type, resourceId: object.id } })
}
