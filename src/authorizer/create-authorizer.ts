// The in-process Authorizer: the front desk on a store.

import { createEngine } from '../engine/create-engine.ts'
import { CardeaError } from '../model/errors.ts'
import { requireOption } from '../model/require-option.ts'
import type { Store } from '../store/store.ts'
import type { Authorizer } from './authorizer.ts'
import { check, checkBulk, expand } from './checks.ts'
import { countRelationships, registerCounter, unregisterCounter } from './counters.ts'
import type { Desk } from './desk.ts'
import { withWorld } from './desk.ts'
import { FollowedDatastore } from './followed-datastore.ts'
import {
  collectGarbage,
  collectGarbageRegularly,
  type GarbageOptions,
  type GarbageRun,
} from './garbage-collection.ts'
import { type AuthorizerLimits, defaultLimits } from './limits.ts'
import { computable, dependent, diff, reflect } from './reflection.ts'
import { Results } from './results.ts'
import { planSchema } from './schema-plan.ts'
import { exportRows, lookupResources, lookupSubjects, readRows } from './streams.ts'
import { watch } from './watch.ts'
import { deleteRelationships, importRelationships, writeRelationships, writeSchema } from './writes.ts'

export interface AuthorizerOptions {
  /** Closed together with the authorizer. */
  readonly store: Store
  /** Milliseconds since the Unix epoch. Default Date.now. */
  readonly clock?: () => number
  readonly limits?: Partial<AuthorizerLimits>
  /** Reports loading at start: objects and rows so far, and of how many. */
  readonly onProgress?: (done: number, total: number) => void
  /** Tells the operator why everything is being loaded again. */
  readonly onRebuild?: (error: Error) => void
  /** When what is older than the limit `gcWindowMs` is forgotten, and who hears of it. */
  readonly garbage?: GarbageOptions
}

/** An Authorizer in this process, which also tells whether it can answer now. */
export interface LocalAuthorizer extends Authorizer {
  /** False while loading and when the datastore was out of reach for longer than the allowed staleness. */
  readonly ready: boolean
  /** How long the newest revision here was not confirmed to be the datastore's, in milliseconds; Infinity while loading. */
  readonly stalenessMs: number
  /** The newest revision here; undefined while loading. */
  readonly revision: number | undefined
  /** Bytes held by the resident graph, by part; undefined while loading. */
  memory(): ReturnType<FollowedDatastore['memory']>
  /** Forgets what is older than the limit `gcWindowMs`, now. Runs by itself every `garbage.intervalMs`. */
  collectGarbage(): Promise<GarbageRun>
}

/**
 * Loads the datastore and answers from memory. Rejects when the store cannot be read.
 * Checks are synchronous underneath: a small one takes a single turn of the event loop.
 */
export async function createAuthorizer(options: AuthorizerOptions): Promise<LocalAuthorizer> {
  const given: unknown = options?.store
  requireOption(
    typeof (given as Store | undefined)?.load === 'function',
    'createAuthorizer',
    'a store',
    given instanceof Promise
      ? 'this one is a promise; write store: await openSqliteStore({ path })'
      : 'write { store: memoryStore() }, or { store: await openSqliteStore({ path }) } of cardea/sqlite',
  )
  const { store, clock = Date.now, onProgress, onRebuild } = options
  const limits = { ...defaultLimits, ...options.limits }
  const datastore = await FollowedDatastore.open(store, { clock, limits, onProgress, onRebuild })
  const desk: Desk = { datastore, engine: createEngine(limits), limits, clock }
  const stopCollecting = collectGarbageRegularly(desk, options.garbage ?? {})
  return {
    get ready() {
      return datastore.ready
    },
    get stalenessMs() {
      return datastore.stalenessMs
    },
    get revision() {
      return datastore.revision
    },
    memory: () => datastore.memory(),
    collectGarbage: () => collectGarbage(desk),
    check: async (question, read = {}) => check(desk, question, read),
    checkAtOnce: (question, read = {}) => check(desk, question, read),
    checkBulk: async (questions, read = {}) => checkBulk(desk, questions, read),
    expand: async (question, read = {}) => expand(desk, question, read),
    lookupResources: (request) => resultsOf(() => lookupResources(desk, request)),
    lookupSubjects: (request) => resultsOf(() => lookupSubjects(desk, request)),
    readRelationships: (request) =>
      resultsOf(() =>
        readRows(desk, request, {
          call: 'ReadRelationships',
          maximum: limits.maxReadLimit,
          setting: 'max-read-limit',
        }),
      ),
    exportRelationships: (request = {}) => resultsOf(() => exportRows(desk, request)),
    writeRelationships: async (request) => writeRelationships(desk, request),
    deleteRelationships: async (request) => deleteRelationships(desk, request),
    importRelationships: async (rows, call = {}) => importRelationships(desk, rows, call),
    registerCounter: async (name, filter, call = {}) => registerCounter(desk, name, filter, call),
    countRelationships: async (name, call = {}) => countRelationships(desk, name, call),
    unregisterCounter: async (name) => unregisterCounter(desk, name),
    watch: (request) => deferred(() => watch(desk, request)),
    readSchema: async (read = {}) =>
      withWorld(datastore.pin(read.consistency ?? { kind: 'fully_consistent' }, read), (pinned) => {
        const { text, definitions, caveats } = pinned.schema.schema
        if (definitions.size === 0 && caveats.size === 0) {
          throw new CardeaError(
            'SCHEMA_NOT_FOUND',
            'No schema has been written yet. Write one: cardea schema write FILE, or the WriteSchema call.',
          )
        }
        return { text, token: pinned.token }
      }),
    writeSchema: async (text, call = {}) => writeSchema(desk, text, call),
    planSchema: async (text, plan = {}) => planSchema(desk, text, plan),
    reflectSchema: async (filters = [], read = {}) => reflect(desk, filters, read),
    diffSchema: async (text, read = {}) => diff(desk, text, read),
    computablePermissions: async (member, read = {}) => computable(desk, member, read),
    dependentRelations: async (member, read = {}) => dependent(desk, member, read),
    async close() {
      const collected = stopCollecting()
      await datastore.close()
      await collected
    },
  }
}

/** A request that is refused rejects when the stream is read, as everything else does. */
async function* deferred<Item>(
  begin: () => AsyncGenerator<Item, void, void>,
): AsyncGenerator<Item, void, void> {
  yield* begin()
}

function resultsOf<Item>(begin: () => AsyncGenerator<readonly Item[], void, void>): Results<Item> {
  return new Results(deferred(begin))
}
