// The followed datastore: the resident graph and the schema versions, kept at the head of the store's log.

import type { Plans } from '../engine/plans.ts'
import { Graph, type Snapshot } from '../graph/graph.ts'
import { CardeaError } from '../model/errors.ts'
import type { Consistency, Revision } from '../model/revision.ts'
import { digestModulus, RowDigests } from '../store/digest.ts'
import type { Head, LoadChunk, LogEntry, Store } from '../store/store.ts'
import type { CallOptions } from './authorizer.ts'
import { KnownNonces } from './known-nonces.ts'
import type { AuthorizerLimits } from './limits.ts'
import { throwIfOver } from './run-evaluation.ts'
import { type SchemaVersion, schemaVersion } from './schema-version.ts'
import { Staleness } from './staleness.ts'
import { ZedTokens } from './zed-token.ts'

/** A world held still: a graph snapshot, the schema in force there, and the token that names it. */
export interface PinnedWorld {
  readonly world: { readonly snapshot: Snapshot; readonly plans: Plans }
  readonly schema: SchemaVersion
  readonly revision: Revision
  readonly nonce: string
  readonly token: string
  release(): void
}

export interface FollowOptions {
  readonly clock: () => number
  /** Milliseconds since any instant, never set: bounds staleness when `clock` jumps. Default: performance.now. */
  readonly steadyClock?: () => number
  readonly limits: AuthorizerLimits
  /** Reports loading: rows and objects so far, and of how many. */
  readonly onProgress?: (done: number, total: number) => void
  /** Tells the operator that the log broke and everything is loaded again. */
  readonly onRebuild?: (error: Error) => void
}

interface Live {
  readonly graph: Graph
  readonly nonces: KnownNonces
  /** What the rows add up to, compared wherever the log says what they should. */
  digest: number
  schema: SchemaVersion
  stop: () => void
}

/** Receives entries as they are applied, until the log breaks. */
export interface EntryListener {
  onEntry(entry: LogEntry): void
  onEnd(error: CardeaError): void
}

interface Waiter {
  readonly revision: Revision
  readonly resolve: () => void
  readonly reject: (error: CardeaError) => void
}

/** How long a call without a deadline waits for a revision to arrive, in milliseconds. */
const defaultWaitMs = 10_000
const keptSchemaVersions = 8
/** How long loading again waits after it failed, more each time: a load is work for the datastore. */
const firstRebuildPauseMs = 1_000
const maxRebuildPauseMs = 10_000

export class FollowedDatastore {
  readonly store: Store
  readonly tokens: ZedTokens
  readonly #options: FollowOptions
  readonly #staleness: Staleness
  readonly #digests = new RowDigests()
  #live: Live | undefined
  #waiters: Waiter[] = []
  #collectors = new Set<LogEntry[]>()
  #olderSchemas = new Map<Revision, SchemaVersion>()
  #listeners = new Set<EntryListener>()
  #closed = false

  private constructor(store: Store, options: FollowOptions) {
    this.store = store
    this.tokens = new ZedTokens(() => store.identity)
    this.#options = options
    this.#staleness = new Staleness(options.clock, options.steadyClock ?? (() => performance.now()))
  }

  /** Loads everything and follows from there. Rejects when the store cannot be read. */
  static async open(store: Store, options: FollowOptions): Promise<FollowedDatastore> {
    const followed = new FollowedDatastore(store, options)
    await followed.#load()
    return followed
  }

  /** Whether reads can be answered: loaded, and the head confirmed within the allowed staleness. */
  get ready(): boolean {
    return this.#live !== undefined && this.stalenessMs <= this.#options.limits.maxStalenessMs
  }

  /** How long ago the newest revision here was confirmed to be the datastore's, in milliseconds. */
  get stalenessMs(): number {
    // Every write through the memory store is applied in the same turn, so there is nothing that could be stale.
    if (this.store.kind === 'memory') return 0
    return this.#live === undefined ? Number.POSITIVE_INFINITY : this.#staleness.ms
  }

  /** The newest revision here; undefined while loading. */
  get revision(): Revision | undefined {
    return this.#live?.graph.head.revision
  }

  /** The graph's own account of its memory, undefined while loading. */
  memory(): ReturnType<Graph['memory']> | undefined {
    return this.#live?.graph.memory()
  }

  /** Forgets resident rows that expired before an instant; looks at some of them. How many it forgot. */
  dropExpired(beforeMs: number, maxRecords: number): number {
    return this.#live?.graph.dropExpired(beforeMs, maxRecords) ?? 0
  }

  /** The newest schema that this process has seen. Writers validate against it; the store verifies that it still holds. */
  get schema(): SchemaVersion {
    return this.#ready().schema
  }

  get head(): Head {
    return this.#ready().graph.head
  }

  /**
   * Holds the world that a read must see (DESIGN, consistency). `fully_consistent` asks the datastore for its head.
   * UNAVAILABLE when the datastore was not heard from within the allowed staleness; REVISION_OUT_OF_RANGE for a
   * revision outside the window; INVALID_TOKEN for a foreign token where only an own one will do.
   */
  pin(consistency: Consistency | undefined, call: CallOptions): PinnedWorld | Promise<PinnedWorld> {
    switch (consistency?.kind) {
      case undefined:
      case 'minimize_latency':
        return this.#pinHead()
      case 'fully_consistent':
        return this.#pinConfirmedHead(call)
      case 'at_least_as_fresh': {
        const token = this.tokens.decode(consistency.token)
        if (token.kind === 'foreign') return this.#pinConfirmedHead(call)
        const known = this.#ready().nonces.get(token.revision) === token.nonce
        return known ? this.#pinHead() : this.#pinAtLeast(token, call)
      }
      case 'at_exact_snapshot': {
        const token = this.tokens.decode(consistency.token)
        if (token.kind === 'foreign') {
          throw new CardeaError(
            'INVALID_TOKEN',
            'Invalid revision requested: the ZedToken names a revision of another datastore, which cannot be read exactly here.',
          )
        }
        return this.pinExactly(token.revision, token.nonce, call)
      }
    }
  }

  /** The world at exactly one revision. REVISION_OUT_OF_RANGE when the datastore has lost the transaction of that nonce. */
  async pinExactly(revision: Revision, nonce: string, call: CallOptions): Promise<PinnedWorld> {
    await this.assertHeld(revision, nonce, call)
    const live = this.#ready()
    this.#assertFresh()
    if (live.graph.head.revision === revision) return this.#pinned(live.graph.snapshot(), live.schema, nonce)
    const schema = await this.#schemaAt(revision)
    const snapshot = this.#ready().graph.snapshotAt(revision) ?? (await this.#snapshotFromLog(revision))
    return this.#pinned(snapshot, schema, nonce)
  }

  /** Waits until the head of the datastore, whoever wrote it, is applied here. */
  async catchUp(call: CallOptions): Promise<void> {
    throwIfOver(call, this.#options.clock())
    const head = await this.store.head()
    if (this.#ready().graph.head.revision < head.revision) await this.#waitFor(head.revision, call)
    // What is here must be that very past. If it is not, the follower is about to find out, and loads again.
    if (this.#ready().nonces.get(head.revision) !== head.nonce) throw loadingAgain()
  }

  /**
   * Waits until a revision is applied, and makes sure that it is still the transaction of that nonce. A token can name
   * one that a failover or a restore of an older copy has lost: whoever sends it relies on something that is gone, so
   * that is REVISION_OUT_OF_RANGE. Of a transaction that garbage collection has forgotten, nothing can be told.
   */
  async assertHeld(revision: Revision, nonce: string, call: CallOptions): Promise<void> {
    await this.#applied(revision, call)
    const { nonces } = this.#ready()
    const seen = nonces.get(revision)
    if (revision === 0 || seen === nonce) return
    const stored = await this.store.nonceAt(revision)
    if (stored === nonce) {
      // What was seen here is another past: the follower is about to find out.
      if (seen !== undefined) throw loadingAgain()
      nonces.set(revision, nonce)
    } else if (stored !== undefined || revision >= (await this.store.oldestRevision())) {
      throw new CardeaError(
        'REVISION_OUT_OF_RANGE',
        `The transaction at revision ${revision} is lost: the datastore was failed over or restored without it, and another took its place. Write again what it wrote, or read fully consistent.`,
        { revision: String(revision) },
      )
    }
  }

  /** Entries applied from now on. Returns a function that ends it. */
  listen(listener: EntryListener): () => void {
    this.#ready()
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#live?.stop()
    this.#live = undefined
    this.#endWaiting(new CardeaError('UNAVAILABLE', 'The service is shutting down.'))
    await this.store.close()
  }

  #ready(): Live {
    if (this.#live === undefined)
      throw new CardeaError('UNAVAILABLE', 'The datastore is being loaded. Try again shortly.')
    return this.#live
  }

  #pinHead(): PinnedWorld {
    const live = this.#ready()
    this.#assertFresh()
    return this.#pinned(live.graph.snapshot(), live.schema, live.graph.head.nonce)
  }

  #assertFresh(): void {
    const { stalenessMs } = this
    const { maxStalenessMs } = this.#options.limits
    if (stalenessMs <= maxStalenessMs) return
    throw new CardeaError(
      'UNAVAILABLE',
      `The datastore has not been reached for ${Math.round(stalenessMs)} ms, more than --max-staleness allows (${maxStalenessMs} ms).`,
    )
  }

  async #pinConfirmedHead(call: CallOptions): Promise<PinnedWorld> {
    await this.catchUp(call)
    const live = this.#ready()
    return this.#pinned(live.graph.snapshot(), live.schema, live.graph.head.nonce)
  }

  async #pinAtLeast(
    { revision, nonce }: { readonly revision: Revision; readonly nonce: string },
    call: CallOptions,
  ): Promise<PinnedWorld> {
    await this.assertHeld(revision, nonce, call)
    return this.#pinHead()
  }

  #pinned(snapshot: Snapshot, schema: SchemaVersion, nonce: string): PinnedWorld {
    return {
      world: { snapshot, plans: schema.plans },
      schema,
      revision: snapshot.revision,
      nonce,
      token: this.tokens.encode(snapshot.revision, nonce),
      release: () => snapshot.release(),
    }
  }

  /** Resolves once `revision` is applied; REVISION_OUT_OF_RANGE when the datastore does not have it at all. */
  async #applied(revision: Revision, call: CallOptions): Promise<void> {
    throwIfOver(call, this.#options.clock())
    if (this.#ready().graph.head.revision >= revision) return
    const head = await this.store.head()
    if (head.revision < revision) {
      throw new CardeaError(
        'REVISION_OUT_OF_RANGE',
        `Revision ${revision} does not exist in this datastore, whose head is ${head.revision}. Was it restored from an older copy?`,
      )
    }
    if (this.#ready().graph.head.revision >= revision) return
    await this.#waitFor(revision, call)
  }

  #waitFor(revision: Revision, call: CallOptions): Promise<void> {
    const waitMs = Math.max(
      0,
      call.deadlineMs === undefined ? defaultWaitMs : call.deadlineMs - this.#options.clock(),
    )
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void) => {
        clearTimeout(timer)
        call.signal?.removeEventListener('abort', onAbort)
        this.#waiters = this.#waiters.filter((other) => other !== waiter)
        settle()
      }
      const waiter: Waiter = {
        revision,
        resolve: () => finish(resolve),
        reject: (error) => finish(() => reject(error)),
      }
      const onAbort = () =>
        waiter.reject(new CardeaError('CANCELLED', 'The request was cancelled by its caller.'))
      const timer = setTimeout(
        () =>
          waiter.reject(new CardeaError('DEADLINE_EXCEEDED', `Revision ${revision} did not arrive in time.`)),
        waitMs,
      )
      call.signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiters.push(waiter)
    })
  }

  #endWaiting(error: CardeaError): void {
    for (const waiter of [...this.#waiters]) waiter.reject(error)
    for (const listener of [...this.#listeners]) listener.onEnd(error)
    this.#listeners.clear()
  }

  async #schemaAt(revision: Revision): Promise<SchemaVersion> {
    const current = this.#ready().schema
    if (revision >= current.revision) return current
    const stored = await this.store.schemaAt(revision)
    const at = stored?.revision ?? 0
    const known = this.#olderSchemas.get(at)
    if (known !== undefined) return known
    const version = schemaVersion(stored?.text, at)
    this.#olderSchemas.set(at, version)
    for (const oldest of this.#olderSchemas.keys()) {
      if (this.#olderSchemas.size <= keptSchemaVersions) break
      this.#olderSchemas.delete(oldest)
    }
    return version
  }

  async #snapshotFromLog(revision: Revision): Promise<Snapshot> {
    const oldest = await this.store.oldestRevision()
    if (revision < oldest) {
      throw new CardeaError(
        'REVISION_OUT_OF_RANGE',
        `Revision ${revision} is older than the garbage collection window keeps (oldest: ${oldest}).`,
      )
    }
    const { graph } = this.#ready()
    const upTo = graph.head.revision
    // Entries applied while the log is being read are collected, so that the list ends at the head when it is used.
    const applied: LogEntry[] = []
    this.#collectors.add(applied)
    try {
      const entries: LogEntry[] = []
      let changes = 0
      for await (const entry of this.store.log(revision, upTo)) {
        changes += entry.changes.length
        if (changes > this.#options.limits.maxSnapshotChanges) {
          throw new CardeaError(
            'LIMIT_EXCEEDED',
            `More than ${this.#options.limits.maxSnapshotChanges} changes lie between revision ${revision} and the head; raise --max-snapshot-changes to read it exactly.`,
            { setting: 'max-snapshot-changes' },
          )
        }
        entries.push(entry)
      }
      if (this.#live?.graph !== graph)
        throw new CardeaError('UNAVAILABLE', 'The datastore is being loaded again.')
      return graph.snapshotFromLog(revision, [...entries, ...applied])
    } finally {
      this.#collectors.delete(applied)
    }
  }

  async #load(): Promise<void> {
    let start: Extract<LoadChunk, { kind: 'start' }> | undefined
    const chunks = this.store.load()
    const digests = this.#digests
    let digest = 0
    async function* watched(): AsyncGenerator<LoadChunk> {
      for await (const chunk of chunks) {
        if (chunk.kind === 'start') start = chunk
        else if (chunk.kind === 'rows' && start?.digest !== undefined)
          digest = (digest + digests.ofRows(chunk, start.names)) % digestModulus
        yield chunk
      }
    }
    // Before the first read: what is loaded is no older than this.
    const begunAtMs = this.#options.clock()
    const graph = await Graph.load(watched(), { onProgress: this.#options.onProgress })
    if (start?.digest !== undefined && start.digest !== digest) throw drifted(graph.head.revision)
    const schema = schemaVersion(start?.schemaText, graph.head.schemaRevision)
    const live: Live = { graph, nonces: new KnownNonces(), digest, schema, stop: () => {} }
    live.nonces.set(graph.head.revision, graph.head.nonce)
    this.#staleness.confirm(begunAtMs)
    this.#live = live
    live.stop = await this.store.follow(graph.head, {
      onEntry: (entry) => this.#apply(live, entry),
      // Only this says that nothing is missing: an entry may come long after others that were committed since.
      onHead: (_, confirmedAtMs) => this.#staleness.confirm(confirmedAtMs),
      onBreak: (error) => this.#rebuild(live, error),
    })
  }

  #apply(live: Live, entry: LogEntry): void {
    if (entry.schemaText !== undefined) {
      this.#olderSchemas.set(live.schema.revision, live.schema)
      live.schema = schemaVersion(entry.schemaText, entry.revision)
    }
    live.graph.apply(entry)
    if (entry.digest !== undefined) {
      for (const change of entry.changes)
        live.digest = (live.digest + this.#digests.ofChange(change)) % digestModulus
      // The follower is broken off with this, which loads everything again.
      if (live.digest !== entry.digest) throw drifted(entry.revision)
    }
    live.nonces.set(entry.revision, entry.nonce)
    for (const collector of this.#collectors) collector.push(entry)
    for (const listener of [...this.#listeners]) listener.onEntry(entry)
    for (const waiter of [...this.#waiters]) if (waiter.revision <= entry.revision) waiter.resolve()
  }

  #rebuild(broken: Live, error: Error): void {
    if (this.#closed || this.#live !== broken) return
    this.#live = undefined
    this.#olderSchemas.clear()
    this.#endWaiting(new CardeaError('UNAVAILABLE', 'The datastore is being loaded again.'))
    this.#options.onRebuild?.(error)
    let pauseMs = firstRebuildPauseMs
    const retry = () => {
      if (this.#closed) return
      this.#load().catch((failure: Error) => {
        this.#options.onRebuild?.(failure)
        setTimeout(retry, pauseMs)
        pauseMs = Math.min(2 * pauseMs, maxRebuildPauseMs)
      })
    }
    retry()
  }
}

function loadingAgain(): CardeaError {
  return new CardeaError(
    'UNAVAILABLE',
    'The datastore was exchanged and is being loaded again. Try again shortly.',
  )
}

function drifted(revision: Revision): CardeaError {
  return new CardeaError(
    'STORE_FAILED',
    `The relationships do not add up to the log's digest at revision ${revision}. If the datastore's tables were changed by hand, undo that, or accept it with SELECT cardea_reseal().`,
    { revision: String(revision) },
  )
}
