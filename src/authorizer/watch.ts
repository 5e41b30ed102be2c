// Watch: the log as its readers want it, each change once and in order, from any revision that is still kept.

import { CardeaError } from '../model/errors.ts'
import { matchesFilter, type RelationshipFilter } from '../model/filter.ts'
import type { Relationship } from '../model/relationship.ts'
import type { Revision } from '../model/revision.ts'
import type { LogEntry } from '../store/store.ts'
import type { WatchEvent, WatchRequest } from './authorizer.ts'
import type { Desk } from './desk.ts'
import { throwIfOver } from './run-evaluation.ts'
import { requireDefinition, validateFilter } from './validate-names.ts'

/** How often an idle stream says that nothing came, in milliseconds. */
const heartbeatMs = 1000

export async function* watch(desk: Desk, request: WatchRequest): AsyncGenerator<WatchEvent> {
  const filters = filtersOf(desk, request)
  const after = await startOf(desk, request)
  // Thousands may watch what hardly ever changes: what does not concern one of them does not wake it.
  const backlog = new Backlog(desk.limits.maxWatchBacklog, (entry) => concerns(entry, request, filters))
  const patienceMs = request.checkpoints || request.deadlineMs !== undefined ? heartbeatMs : undefined
  const stop = desk.datastore.listen(backlog)
  const onAbort = () => backlog.wake()
  request.signal?.addEventListener('abort', onAbort, { once: true })
  try {
    // What is applied while the log is being read waits in the backlog, so nothing is missed and nothing comes twice.
    const upTo = desk.datastore.head.revision
    let through = after
    if (after < upTo) {
      for await (const entry of desk.datastore.store.log(after, upTo)) {
        yield* eventsOf(desk, request, entry, filters)
      }
      through = upTo
    }
    for (;;) {
      throwIfOver(request, desk.clock())
      const entry = backlog.take()
      if (entry !== undefined) {
        if (entry.revision <= through) continue
        yield* eventsOf(desk, request, entry, filters)
        through = entry.revision
        continue
      }
      const idle = await backlog.wait(patienceMs)
      if (idle && request.checkpoints)
        yield { ...eventAt(desk, desk.datastore.head), kind: 'checkpoint', changes: [] }
    }
  } finally {
    stop()
    request.signal?.removeEventListener('abort', onAbort)
  }
}

function filtersOf(
  desk: Desk,
  { resourceTypes = [], filters = [] }: WatchRequest,
): readonly RelationshipFilter[] {
  if (resourceTypes.length > 0 && filters.length > 0) {
    throw new CardeaError(
      'INVALID_ARGUMENT',
      'A watch takes optional_object_types or optional_relationship_filters, not both.',
      { field: 'optional_object_types' },
    )
  }
  const { schema } = desk.datastore.schema
  for (const type of resourceTypes) requireDefinition(schema, type)
  for (const filter of filters) validateFilter(schema, filter)
  return resourceTypes.length > 0 ? resourceTypes.map((resourceType) => ({ resourceType })) : filters
}

async function startOf(desk: Desk, request: WatchRequest): Promise<Revision> {
  const { after } = request
  if (after === undefined) return desk.datastore.head.revision
  const token = desk.datastore.tokens.decode(after)
  if (token.kind === 'foreign') {
    throw new CardeaError(
      'INVALID_TOKEN',
      'Invalid revision requested: the start cursor names a revision of another datastore.',
    )
  }
  const oldest = await desk.datastore.store.oldestRevision()
  if (token.revision < oldest) {
    throw new CardeaError(
      'REVISION_OUT_OF_RANGE',
      `The start cursor is older than the garbage collection window keeps (revision ${token.revision}, oldest ${oldest}).`,
    )
  }
  await desk.datastore.assertHeld(token.revision, token.nonce, request)
  return token.revision
}

function eventAt(
  desk: Desk,
  at: { readonly revision: Revision; readonly nonce: string },
): { readonly token: string } {
  return { token: desk.datastore.tokens.encode(at.revision, at.nonce) }
}

function matchesAny(filters: readonly RelationshipFilter[], relationship: Relationship): boolean {
  return filters.length === 0 || filters.some((filter) => matchesFilter(filter, relationship))
}

/** Whether {@link eventsOf} tells anything of an entry. */
function concerns(entry: LogEntry, request: WatchRequest, filters: readonly RelationshipFilter[]): boolean {
  if (entry.schemaText !== undefined && request.schema) return true
  return entry.changes.some(({ relationship }) => matchesAny(filters, relationship))
}

function* eventsOf(
  desk: Desk,
  request: WatchRequest,
  entry: LogEntry,
  filters: readonly RelationshipFilter[],
): Generator<WatchEvent> {
  const changes = entry.changes.filter(({ relationship }) => matchesAny(filters, relationship))
  if (changes.length > 0) {
    yield {
      ...eventAt(desk, entry),
      kind: 'changes',
      changes: changes.map(({ operation, relationship }) => ({ operation, relationship })),
      ...(entry.metadata === undefined ? {} : { metadata: entry.metadata }),
    }
  }
  if (entry.schemaText !== undefined && request.schema)
    yield { ...eventAt(desk, entry), kind: 'schema', changes: [] }
}

/** Entries that wait for a watcher, bounded by the changes they hold. */
class Backlog {
  readonly #maxChanges: number
  readonly #concerns: (entry: LogEntry) => boolean
  #entries: LogEntry[] = []
  #changes = 0
  #ended: CardeaError | undefined
  #wake: (() => void) | undefined

  constructor(maxChanges: number, concerns: (entry: LogEntry) => boolean) {
    this.#maxChanges = maxChanges
    this.#concerns = concerns
  }

  onEntry(entry: LogEntry): void {
    if (this.#ended !== undefined || !this.#concerns(entry)) return
    this.#entries.push(entry)
    this.#changes += entry.changes.length + 1
    if (this.#changes > this.#maxChanges && this.#entries.length > 1) {
      this.#entries = []
      this.#ended = new CardeaError(
        'OVERLOADED',
        `The watch was disconnected: its reader fell more than max-watch-backlog (${this.#maxChanges}) changes behind. Resume from the last token.`,
        { setting: 'max-watch-backlog' },
      )
    }
    this.wake()
  }

  onEnd(error: CardeaError): void {
    this.#ended ??= error
    this.wake()
  }

  wake(): void {
    this.#wake?.()
  }

  take(): LogEntry | undefined {
    const entry = this.#entries.shift()
    if (entry === undefined && this.#ended !== undefined) throw this.#ended
    if (entry !== undefined) this.#changes -= entry.changes.length + 1
    return entry
  }

  /** Resolves when something came (false) or nothing did for that long (true); undefined: for as long as it takes. */
  wait(milliseconds: number | undefined): Promise<boolean> {
    if (this.#entries.length > 0 || this.#ended !== undefined) return Promise.resolve(false)
    return new Promise((resolve) => {
      const timer = milliseconds === undefined ? undefined : setTimeout(() => finish(true), milliseconds)
      const finish = (idle: boolean) => {
        clearTimeout(timer)
        this.#wake = undefined
        resolve(idle)
      }
      this.#wake = () => finish(false)
    })
  }
}
