// Limits of one request, with the names under which they are configured.

import type { EngineLimits } from '../engine/engine.ts'

/** Every limit has a finite default; an error about a limit names its setting. */
export interface AuthorizerLimits extends EngineLimits {
  /** Updates of one write. Default 1000. */
  readonly maxUpdatesPerWrite: number
  /** Preconditions of one write or delete. Default 1000. */
  readonly maxPreconditionsPerWrite: number
  /** Largest `limit` of a read. Default 1000; a read without a limit is not bounded. */
  readonly maxReadLimit: number
  /** Largest `limit` of a delete. Default 1000; a delete without a limit is not bounded. */
  readonly maxDeleteLimit: number
  /** Largest `limit` of a lookup. Default 1000; a lookup without a limit is not bounded. */
  readonly maxLookupLimit: number
  /** Questions of one bulk check. Default 10,000. */
  readonly maxBulkChecks: number
  /** JSON bytes of transaction metadata. Default 65,000. */
  readonly maxMetadataBytes: number
  /** Encoded bytes of a request's caveat context. Default 4096. */
  readonly maxRequestContextBytes: number
  /** Encoded bytes of the caveat context stored with a relationship. Default 25,000. */
  readonly maxRelationshipContextBytes: number
  /** Bytes of schema text. Default 4 MiB. */
  readonly maxSchemaBytes: number
  /** Changes between an exact revision and the head that are undone in memory. Default 1,000,000. */
  readonly maxSnapshotChanges: number
  /** Changes that wait for a slow watcher before it is ended. Default 100,000. */
  readonly maxWatchBacklog: number
  /** How long reads go on without a confirmed head of the datastore, in milliseconds. Default 10,000. */
  readonly maxStalenessMs: number
  /** How far back the past stays readable, in milliseconds; what is older is collected. Default 24 hours. */
  readonly gcWindowMs: number
}

export const defaultLimits: AuthorizerLimits = Object.freeze({
  maxSteps: 50_000_000,
  maxEntries: 20_000_000,
  maxUpdatesPerWrite: 1000,
  maxPreconditionsPerWrite: 1000,
  maxReadLimit: 1000,
  maxDeleteLimit: 1000,
  maxLookupLimit: 1000,
  maxBulkChecks: 10_000,
  maxMetadataBytes: 65_000,
  maxRequestContextBytes: 4096,
  maxRelationshipContextBytes: 25_000,
  maxSchemaBytes: 4_194_304,
  maxSnapshotChanges: 1_000_000,
  maxWatchBacklog: 100_000,
  maxStalenessMs: 10_000,
  gcWindowMs: 86_400_000,
})
