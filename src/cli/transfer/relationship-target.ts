// Where relationships are imported to: a server, or a datastore without loading it into memory.

import type { Authorizer } from '../../authorizer/authorizer.ts'
import { defaultLimits } from '../../authorizer/limits.ts'
import { validateRelationship, validateUpdates } from '../../authorizer/validate-updates.ts'
import { checkedSchema } from '../../authorizer/writes.ts'
import { CardeaError } from '../../model/errors.ts'
import type { Relationship, UpdateOperation } from '../../model/relationship.ts'
import { formatRelationship } from '../../model/relationship-text.ts'
import type { Schema } from '../../model/schema.ts'
import { schemaGuards } from '../../schema/schema-guards.ts'
import type { Store, WriteConditions } from '../../store/store.ts'
import { openDatastore, openExistingDatastore } from '../datastore-url.ts'

/** Most updates of one write of a server, and preconditions of any write. */
const writeSize = 1000

export interface RelationshipTarget {
  /** Tells this target from others in a state file; never holds a secret. */
  readonly name: string
  isEmpty(): Promise<boolean>
  /** Undefined: there is none. */
  readSchema(): Promise<string | undefined>
  writeSchema(text: string): Promise<void>
  /** All rows in one transaction (`create`), or each of them sooner or later (`touch`). Resolves when durable. */
  write(operation: 'create' | 'touch', rows: readonly Relationship[]): Promise<void>
  /** Whether each of the rows is there, by its identity. */
  holds(rows: readonly Relationship[]): Promise<boolean>
  close(): Promise<void>
}

/** A server, whose limits hold. `address` names it. */
export function serverTarget(authorizer: Authorizer, address: string): RelationshipTarget {
  const fully = { kind: 'fully_consistent' } as const
  return {
    name: address,
    async isEmpty() {
      for await (const _ of authorizer.exportRelationships({ consistency: fully })) return false
      return true
    },
    readSchema: () =>
      authorizer.readSchema({ consistency: fully }).then(
        ({ text }) => text,
        (error: CardeaError) => {
          if (error.code === 'SCHEMA_NOT_FOUND') return undefined
          throw error
        },
      ),
    async writeSchema(text) {
      await authorizer.writeSchema(text)
    },
    async write(operation, rows) {
      if (operation === 'create') {
        await authorizer.importRelationships(slices(rows))
        return
      }
      const writes: Promise<unknown>[] = []
      for (const slice of slices(rows)) {
        writes.push(authorizer.writeRelationships({ updates: updatesOf(operation, slice) }))
      }
      await Promise.all(writes)
    },
    async holds(rows) {
      for (const slice of slices(rows)) {
        const found = await Promise.all(slice.map((row) => isThere(authorizer, row)))
        if (found.includes(false)) return false
      }
      return true
    },
    close: async () => {},
  }
}

async function isThere(authorizer: Authorizer, row: Relationship): Promise<boolean> {
  const filter = identityFilter(row)
  for await (const _ of authorizer.readRelationships({ filter, consistency: { kind: 'fully_consistent' } }))
    return true
  return false
}

/**
 * A datastore by its name; a SQLite file is made unless it `mustExist`. CONFIG_INVALID for one that ends with this
 * command.
 */
export async function datastoreTarget(name: string, mustExist: boolean): Promise<RelationshipTarget> {
  if (name === 'memory')
    throw new CardeaError('CONFIG_INVALID', '--datastore memory would be gone when the import ends.')
  const store = await (mustExist ? openExistingDatastore : openDatastore)(name)
  return storeTarget(store, `${store.kind} ${store.identity.datastoreId}`)
}

/** An open datastore. Closed together with the target. */
export function storeTarget(store: Store, name: string): RelationshipTarget {
  let known: { readonly schema: Schema; readonly revision: number } | undefined
  const inForce = async () => {
    const { schemaRevision } = await store.head()
    if (known?.revision !== schemaRevision) {
      const text = (await store.schemaAt(schemaRevision))?.text ?? ''
      known = { schema: checkedSchema(text), revision: schemaRevision }
    }
    return known
  }
  const attempt = async <Value>(
    work: (schema: Schema, conditions: WriteConditions) => Promise<Value>,
  ): Promise<Value> => {
    for (let tries = 0; ; tries += 1) {
      const { schema, revision } = await inForce()
      try {
        return await work(schema, { schemaRevision: revision, nowMs: Date.now() })
      } catch (error) {
        if (!(error instanceof CardeaError) || error.code !== 'SCHEMA_CHANGED' || tries >= 10) throw error
      }
    }
  }
  return {
    name,
    async isEmpty() {
      for await (const chunk of store.load()) return chunk.kind === 'start' && chunk.rowCount === 0
      return true
    },
    async readSchema() {
      const text = (await store.schemaAt((await store.head()).revision))?.text
      return text === undefined || text.trim() === '' ? undefined : text
    },
    async writeSchema(text) {
      const next = checkedSchema(text)
      await attempt((schema, conditions) => {
        const { guards, problems } = schemaGuards(schema, next)
        const refused = problems[0]
        if (refused !== undefined)
          throw new CardeaError('SCHEMA_BLOCKED_BY_DATA', refused.message, refused.facts)
        return store.writeSchema(text, guards, conditions)
      })
    },
    async write(operation, rows) {
      const updates = updatesOf(operation, rows)
      for (const row of rows) validateRelationship(row, defaultLimits)
      await attempt<unknown>((schema, conditions) => {
        validateUpdates(schema, updates)
        return operation === 'create'
          ? store.importRows(slices(rows), conditions)
          : store.write(updates, conditions)
      })
    },
    async holds(rows) {
      try {
        for (const slice of slices(rows)) {
          const preconditions = slice.map((row) => ({
            operation: 'must_match' as const,
            filter: identityFilter(row),
          }))
          await attempt((_, conditions) => store.write([], { ...conditions, preconditions }))
        }
        return true
      } catch (error) {
        if (error instanceof CardeaError && error.code === 'PRECONDITION_FAILED') return false
        throw error
      }
    },
    close: () => store.close(),
  }
}

function updatesOf(operation: UpdateOperation, rows: readonly Relationship[]) {
  return rows.map((relationship) => ({ operation, relationship }))
}

function identityFilter({ resource, relation, subject }: Relationship) {
  return {
    resourceType: resource.type,
    resourceId: resource.id,
    relation,
    subject: { type: subject.type, id: subject.id, relation: subject.relation },
  }
}

/** What a relationship is known by: caveat and expiry are not part of it. */
export function identityOf({ resource, relation, subject }: Relationship): string {
  return formatRelationship({ resource, relation, subject })
}

function slices(
  rows: readonly Relationship[],
): AsyncIterable<readonly Relationship[]> & Iterable<readonly Relationship[]> {
  function* each() {
    for (let at = 0; at < rows.length; at += writeSize) yield rows.slice(at, at + writeSize)
  }
  return {
    [Symbol.iterator]: each,
    async *[Symbol.asyncIterator]() {
      yield* each()
    },
  }
}
