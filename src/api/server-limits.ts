// Limits of the doors themselves, with the names under which errors mention them.

/** Every limit has a finite default. What a request may contain is limited by the authorizer. */
export interface ServerLimits {
  /** Bytes of one request message. Default 4 MiB, as clients of authzed.api.v1 expect. */
  readonly maxMessageBytes: number
  /** Calls in progress, Watch streams apart. Default 4096: more would only wait for each other. */
  readonly maxConcurrentCalls: number
  /** Lookups, reads, exports and imports in progress for one key. Default 256. */
  readonly maxConcurrentStreamsPerKey: number
  /** Watch streams of one key. Default 20,000. */
  readonly maxWatchesPerKey: number
  /** How long a stream waits for a reader that takes nothing, in milliseconds. Default 60,000. */
  readonly maxStreamStallMs: number
  /** Calls that take longer are logged, in milliseconds. Default 1000. */
  readonly slowCallMs: number
}

export const defaultServerLimits: ServerLimits = Object.freeze({
  maxMessageBytes: 4_194_304,
  maxConcurrentCalls: 4096,
  maxConcurrentStreamsPerKey: 256,
  maxWatchesPerKey: 20_000,
  maxStreamStallMs: 60_000,
  slowCallMs: 1000,
})
