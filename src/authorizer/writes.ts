// Writes: validated against the schema that the transaction still finds in force.

import { CardeaError } from '../model/errors.ts'
import type { Relationship } from '../model/relationship.ts'
import type { Schema } from '../model/schema.ts'
import { type CompileOptions, compileSchema } from '../schema/compile-schema.ts'
import { schemaError } from '../schema/problem.ts'
import { schemaGuards } from '../schema/schema-guards.ts'
import type { WriteConditions } from '../store/store.ts'
import type {
  CallOptions,
  DeleteRelationshipsRequest,
  DeleteRelationshipsResult,
  WriteRelationshipsRequest,
} from './authorizer.ts'
import { type Desk, validateLimit } from './desk.ts'
import { checkRequirements, rehearse } from './rehearsal.ts'
import { throwIfOver } from './run-evaluation.ts'
import type { SchemaVersion } from './schema-version.ts'
import { validateFilter } from './validate-names.ts'
import {
  validateMetadata,
  validatePreconditionCount,
  validatePreconditions,
  validateRelationship,
  validateUpdates,
  validateWriteRequest,
} from './validate-updates.ts'

/** How often a write is validated anew because the schema changed under it. */
const maxSchemaRetries = 10

/** Calls `attempt` with the schema in force; once more, with a newer one, whenever the store finds it changed. */
async function withCurrentSchema<Value>(
  desk: Desk,
  call: CallOptions,
  attempt: (version: SchemaVersion) => Promise<Value>,
): Promise<Value> {
  for (let tries = 0; ; tries += 1) {
    throwIfOver(call, desk.clock())
    try {
      return await attempt(desk.datastore.schema)
    } catch (error) {
      if (!(error instanceof CardeaError) || error.code !== 'SCHEMA_CHANGED' || tries >= maxSchemaRetries)
        throw error
      await desk.datastore.catchUp(call)
    }
  }
}

export async function writeRelationships(
  desk: Desk,
  request: WriteRelationshipsRequest,
): Promise<{ readonly token: string }> {
  const { updates, preconditions = [], metadata, require = [] } = request
  validateWriteRequest(updates, preconditions, metadata, desk.limits)
  if (require.length > 0 || request.dryRun) return writeUnderRequirements(desk, request)
  const { head } = await withCurrentSchema(desk, request, (version) => {
    validatePreconditions(version.schema, preconditions)
    validateUpdates(version.schema, updates)
    return desk.datastore.store.write(updates, conditions(desk, version, { preconditions, metadata }))
  })
  return { token: desk.datastore.tokens.encode(head.revision, head.nonce) }
}

/** How often a write is tried again because something was written between its checks and its commit. */
const maxConflictRetries = 20

/** Checks first, then commits only if nothing has changed since; again on a newer revision when something has. */
async function writeUnderRequirements(
  desk: Desk,
  request: WriteRelationshipsRequest,
): Promise<{ readonly token: string }> {
  const { updates, preconditions = [], metadata, require = [], dryRun = false } = request
  for (let tries = 0; ; tries += 1) {
    const pinned = await desk.datastore.pin({ kind: 'fully_consistent' }, request)
    try {
      const version = pinned.schema
      validatePreconditions(version.schema, preconditions)
      validateUpdates(version.schema, updates)
      await checkRequirements(desk, pinned, require, request)
      if (dryRun) {
        await rehearse(desk, pinned, request)
        return { token: pinned.token }
      }
      const based = {
        ...conditions(desk, version, { preconditions, metadata }),
        baseRevision: pinned.revision,
      }
      const { head } = await desk.datastore.store.write(updates, based)
      return { token: desk.datastore.tokens.encode(head.revision, head.nonce) }
    } catch (error) {
      const conflict =
        error instanceof CardeaError && ['SERIALIZATION_FAILURE', 'SCHEMA_CHANGED'].includes(error.code)
      if (!conflict || tries >= maxConflictRetries) throw error
    } finally {
      pinned.release()
    }
  }
}

export async function deleteRelationships(
  desk: Desk,
  request: DeleteRelationshipsRequest,
): Promise<DeleteRelationshipsResult> {
  const { filter, preconditions = [], metadata, allowPartial = false } = request
  validateMetadata(metadata, desk.limits)
  validatePreconditionCount(preconditions, desk.limits)
  const limit = validateLimit(request.limit, desk.limits.maxDeleteLimit, 'max-delete-limit')
  const result = await withCurrentSchema(desk, request, (version) => {
    validateFilter(version.schema, filter)
    validatePreconditions(version.schema, preconditions)
    return desk.datastore.store.deleteMatching(
      filter,
      { limit, allowPartial },
      conditions(desk, version, { preconditions, metadata }),
    )
  })
  return {
    token: desk.datastore.tokens.encode(result.head.revision, result.head.nonce),
    deletedCount: result.deletedCount,
    progress: result.reachedLimit ? 'partial' : 'complete',
  }
}

export async function importRelationships(
  desk: Desk,
  rows: AsyncIterable<readonly Relationship[]>,
  options: CallOptions,
): Promise<{ readonly token: string; readonly count: number }> {
  const version = desk.datastore.schema
  async function* validated(): AsyncGenerator<readonly Relationship[]> {
    for await (const batch of rows) {
      throwIfOver(options, desk.clock())
      for (const relationship of batch) validateRelationship(relationship, desk.limits)
      validateUpdates(
        version.schema,
        batch.map((relationship) => ({ operation: 'create', relationship })),
      )
      yield batch
    }
  }
  const { head, count } = await desk.datastore.store.importRows(validated(), conditions(desk, version, {}))
  return { token: desk.datastore.tokens.encode(head.revision, head.nonce), count }
}

export async function writeSchema(
  desk: Desk,
  text: string,
  options: CallOptions,
): Promise<{ readonly token: string }> {
  const bytes = new TextEncoder().encode(text).length
  if (bytes > desk.limits.maxSchemaBytes) {
    throw new CardeaError(
      'INVALID_ARGUMENT',
      `validation error: the schema has ${bytes} bytes, more than max-schema-bytes allows (${desk.limits.maxSchemaBytes}).`,
      { field: 'schema' },
    )
  }
  const schema = checkedSchema(text)
  const { head } = await withCurrentSchema(desk, options, async (version) => {
    const { guards, problems } = schemaGuards(version.schema, schema)
    const refused = problems[0]
    if (refused !== undefined) throw new CardeaError('SCHEMA_BLOCKED_BY_DATA', refused.message, refused.facts)
    return desk.datastore.store.writeSchema(text, guards, conditions(desk, version, {}))
  })
  return { token: desk.datastore.tokens.encode(head.revision, head.nonce) }
}

/** The checked schema, or one error with every problem of the text. */
export function checkedSchema(text: string, options: CompileOptions = {}): Schema {
  const { schema, problems } = compileSchema(text, options)
  if (schema === undefined) throw schemaError(text, problems)
  return schema
}

function conditions(
  desk: Desk,
  version: SchemaVersion,
  rest: Pick<WriteConditions, 'preconditions' | 'metadata'>,
): WriteConditions {
  return { ...rest, schemaRevision: version.revision, nowMs: desk.clock() }
}
