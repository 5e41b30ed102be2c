// AuthZEN's subjects, actions and resources, as relationship checks (Authorization API 1.0).

import type { JsonObject, JsonValue } from '../../../model/context.ts'
import { decodeId, encodeId } from '../../../model/encode-id.ts'
import { CardeaError } from '../../../model/errors.ts'
import { isValidRelation, isValidType, maxObjectIdBytes, type ObjectRef } from '../../../model/reference.ts'

/** How actions are named by those who ask, by the permission that they stand for. */
export interface ActionTable {
  /** The permission; undefined when no permission can have that name. */
  permissionOf(action: string): string | undefined
  /** The name that a search answers with. */
  actionOf(permission: string): string
}

/** `actions` maps names such as `GET` to permissions; every other action is the permission of its own name. */
export function actionTable(actions: { readonly [action: string]: string } = {}): ActionTable {
  const names = new Map<string, string>()
  for (const [action, permission] of Object.entries(actions)) {
    if (!isValidRelation(permission)) {
      throw new CardeaError(
        'CONFIG_INVALID',
        `The action ${JSON.stringify(action)} stands for ${JSON.stringify(permission)}, which cannot name a permission.`,
      )
    }
    if (!names.has(permission)) names.set(permission, action)
  }
  return {
    permissionOf: (action) => {
      const permission = Object.hasOwn(actions, action) ? actions[action]! : action
      return isValidRelation(permission) ? permission : undefined
    },
    actionOf: (permission) => names.get(permission) ?? permission,
  }
}

export interface Entity {
  readonly type: string
  /** As sent, not yet encoded. */
  readonly id: string
  readonly properties: JsonObject
}

export interface Action {
  readonly name: string
  readonly properties: JsonObject
}

function malformed(field: string, problem: string): CardeaError {
  return new CardeaError('INVALID_ARGUMENT', `${field} ${problem}.`, { field })
}

/** A member that must be an object. */
export function objectOf(value: JsonValue | undefined, field: string): JsonObject {
  if (value === undefined) throw malformed(field, 'is required')
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw malformed(field, 'must be an object')
  return value as JsonObject
}

export function textOf(value: JsonValue | undefined, field: string): string {
  if (value === undefined) throw malformed(field, 'is required')
  if (typeof value !== 'string' || value === '') throw malformed(field, 'must be a text that is not empty')
  return value
}

function propertiesOf(entity: JsonObject, field: string): JsonObject {
  return entity.properties === undefined || entity.properties === null
    ? {}
    : objectOf(entity.properties, `${field}.properties`)
}

/** A subject or resource that is named whole. */
export function entityOf(value: JsonValue | undefined, field: string): Entity {
  const entity = objectOf(value, field)
  return {
    type: textOf(entity.type, `${field}.type`),
    id: textOf(entity.id, `${field}.id`),
    properties: propertiesOf(entity, field),
  }
}

/** The type that a search looks for; an id is ignored. */
export function searchedOf(value: JsonValue | undefined, field: string): Omit<Entity, 'id'> {
  const entity = objectOf(value, field)
  return { type: textOf(entity.type, `${field}.type`), properties: propertiesOf(entity, field) }
}

export function actionOf(value: JsonValue | undefined): Action {
  const action = objectOf(value, 'action')
  return { name: textOf(action.name, 'action.name'), properties: propertiesOf(action, 'action') }
}

/** The object of an entity; undefined when no object can have that type or an id so long. */
export function objectRefOf(entity: Entity): ObjectRef | undefined {
  if (!isValidType(entity.type)) return undefined
  const id = encodeId(entity.id)
  return id.length > maxObjectIdBytes ? undefined : { type: entity.type, id }
}

/** The id as it was before it was encoded; an id that was written by other means stays as it is. */
export function plainId(id: string): string {
  try {
    return decodeId(id)
  } catch {
    return id
  }
}

/**
 * Caveat context: the properties with the name of their entity before them (`resource_status`), and the request's own
 * context, which wins.
 */
export function contextOf(
  context: JsonValue | undefined,
  properties: { readonly subject?: JsonObject; readonly resource?: JsonObject; readonly action?: JsonObject },
): JsonObject {
  const merged: { [name: string]: JsonValue } = {}
  for (const [entity, values] of Object.entries(properties))
    for (const [name, value] of Object.entries(values)) merged[`${entity}_${name}`] = value
  if (context === undefined || context === null) return merged
  return { ...merged, ...objectOf(context, 'context') }
}
