// Schema versions: a checked schema with its compiled plans, for as long as a reachable revision needs it.

import { type CompiledCaveat, compileCaveat } from '../caveats/compiled-caveat.ts'
import { compilePlans, type Plans } from '../engine/plans.ts'
import { CardeaError } from '../model/errors.ts'
import type { Revision } from '../model/revision.ts'
import type { Schema } from '../model/schema.ts'
import { compileSchema } from '../schema/compile-schema.ts'

export interface SchemaVersion {
  /** Revision of the write; 0 when there never was one. */
  readonly revision: Revision
  readonly schema: Schema
  readonly plans: Plans
  readonly caveats: ReadonlyMap<string, CompiledCaveat>
}

/**
 * Compiles a schema text that the datastore accepted before. Undefined text: the empty schema.
 * INTERNAL when it does not compile: it was written by a newer program, or the datastore is damaged.
 */
export function schemaVersion(text: string | undefined, revision: Revision): SchemaVersion {
  const { schema, problems } = compileSchema(text ?? '')
  if (schema === undefined) {
    throw new CardeaError(
      'INTERNAL',
      `The stored schema of revision ${revision} does not compile: ${problems[0]?.message}. Was it written by a newer version?`,
    )
  }
  return schemaVersionOf(schema, revision)
}

/** Plans and caveats for an already checked schema. */
export function schemaVersionOf(schema: Schema, revision: Revision): SchemaVersion {
  const caveats = new Map([...schema.caveats.values()].map((caveat) => [caveat.name, compileCaveat(caveat)]))
  return { revision, schema, plans: compilePlans(schema), caveats }
}
