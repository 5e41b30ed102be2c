// Relationship counters: a filter under a name, counted when somebody asks.

import { CardeaError } from '../model/errors.ts'
import type { RelationshipFilter } from '../model/filter.ts'
import type { CallOptions, RelationshipCount } from './authorizer.ts'
import { type Desk, withWorld } from './desk.ts'
import { runStream } from './run-evaluation.ts'
import { validateFilter } from './validate-names.ts'

function requireName(name: string): void {
  if (name !== '') return
  throw new CardeaError('INVALID_ARGUMENT', 'validation error: the counter needs a name.', { field: 'name' })
}

export async function registerCounter(
  { datastore }: Desk,
  name: string,
  filter: RelationshipFilter,
  call: CallOptions,
): Promise<void> {
  requireName(name)
  await withWorld(datastore.pin({ kind: 'fully_consistent' }, call), ({ schema }) =>
    validateFilter(schema.schema, filter),
  )
  await datastore.store.registerCounter(name, filter)
}

export async function countRelationships(
  { datastore, engine, clock }: Desk,
  name: string,
  call: CallOptions,
): Promise<RelationshipCount> {
  requireName(name)
  const filter = await datastore.store.counter(name)
  const pinned = datastore.pin({ kind: 'fully_consistent' }, call)
  return await withWorld(pinned, async ({ world, token }) => {
    // The schema may have lost a name of the filter since: then nothing matches it.
    const rows = engine.readRows(world, { filter }, clock())
    let count = 0
    for await (const batch of runStream(rows, call, clock)) count += batch.length
    return { count, token }
  })
}

export async function unregisterCounter({ datastore }: Desk, name: string): Promise<void> {
  requireName(name)
  await datastore.store.unregisterCounter(name)
}
