// Reflection: the schema in force as data, and how it differs from another.

import type { Schema } from '../model/schema.ts'
import { computablePermissions, dependentRelations } from '../schema/dependencies.ts'
import { diffSchemas } from '../schema/diff.ts'
import { type ReflectionFilter, reflectSchema } from '../schema/reflect.ts'
import type { Authorizer, Read } from './authorizer.ts'
import { type Desk, withWorld } from './desk.ts'
import { checkedSchema } from './writes.ts'

/** Answers from the schema at the revision that a read must see. */
function withSchema<Answer extends object>(
  desk: Desk,
  read: Read,
  answer: (schema: Schema) => Answer,
): (Answer & { token: string }) | Promise<Answer & { token: string }> {
  return withWorld(desk.datastore.pin(read.consistency, read), (pinned) => ({
    ...answer(pinned.schema.schema),
    token: pinned.token,
  }))
}

export function reflect(desk: Desk, filters: readonly ReflectionFilter[], read: Read) {
  return withSchema(desk, read, (schema) => reflectSchema(schema, filters))
}

export function diff(desk: Desk, text: string, read: Read) {
  // The comparison need not type-check: it may name what only the other schema has.
  const comparison = checkedSchema(text, { typesChecked: false })
  return withSchema(desk, read, (schema) => ({ differences: diffSchemas(schema, comparison) }))
}

type Computable = Parameters<Authorizer['computablePermissions']>[0]

export function computable(
  desk: Desk,
  { definitionName, relationName, definitionPrefix }: Computable,
  read: Read,
) {
  return withSchema(desk, read, (schema) => ({
    references: computablePermissions(schema, definitionName, relationName, definitionPrefix),
  }))
}

type Dependent = Parameters<Authorizer['dependentRelations']>[0]

export function dependent(desk: Desk, { definitionName, permissionName }: Dependent, read: Read) {
  return withSchema(desk, read, (schema) => ({
    references: dependentRelations(schema, definitionName, permissionName),
  }))
}
