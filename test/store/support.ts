// What the store tests share: updates from relationship strings, a store's state as text, a listener that records.

import type { RelationshipUpdate, UpdateOperation } from '../../src/model/relationship.ts'
import { formatRelationship, parseRelationship } from '../../src/model/relationship-text.ts'
import type { Revision } from '../../src/model/revision.ts'
import type {
  Change,
  Head,
  LoadChunk,
  LogEntry,
  LogListener,
  ObjectKey,
  Store,
  WriteConditions,
} from '../../src/store/store.ts'

/** An instant that tests call now: 2030-01-01T00:00:00Z. */
export const nowMs = Date.UTC(2030, 0, 1)

function updates(operation: UpdateOperation, texts: readonly string[]): RelationshipUpdate[] {
  return texts.map((text) => ({ operation, relationship: parseRelationship(text) }))
}
export const create = (...texts: readonly string[]) => updates('create', texts)
export const touch = (...texts: readonly string[]) => updates('touch', texts)
export const remove = (...texts: readonly string[]) => updates('delete', texts)

/** Conditions of a writer who knows the schema in force. */
export async function conditions(
  store: Store,
  more: Partial<WriteConditions> = {},
): Promise<WriteConditions> {
  return { schemaRevision: (await store.head()).schemaRevision, nowMs, ...more }
}

/** Writes as one who knows the schema in force; gives the head. */
export async function write(
  store: Store,
  written: readonly RelationshipUpdate[],
  more: Partial<WriteConditions> = {},
): Promise<Head> {
  return (await store.write(written, await conditions(store, more))).head
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = []
  for await (const item of items) collected.push(item)
  return collected
}

/** Everything in order from `items`, each list as one batch. */
export async function* batches<Item>(...items: readonly (readonly Item[])[]): AsyncIterable<readonly Item[]> {
  yield* items
}

export interface State {
  readonly head: Head
  readonly schemaText: string | undefined
  readonly names: readonly string[]
  /** `type:id` by key, in the order of the chunks. */
  readonly objects: ReadonlyMap<ObjectKey, string>
  /** Relationship strings, sorted. */
  readonly rows: readonly string[]
}

/** Reads load chunks back, checking what the contract says about them. */
export function stateOf(chunks: readonly LoadChunk[]): State {
  const start = chunks[0]
  if (start?.kind !== 'start') throw new Error('A load begins with its start chunk')
  const objects = new Map<ObjectKey, string>()
  const rows: string[] = []
  let lastKey = 0
  for (const chunk of chunks.slice(1)) {
    if (chunk.kind === 'start') throw new Error('Two start chunks')
    if (chunk.kind === 'objects') {
      if (rows.length > 0) throw new Error('Objects after rows')
      chunk.keys.forEach((key, at) => {
        if (key <= lastKey) throw new Error(`Object key ${key} after ${lastKey}`)
        lastKey = key
        const id = new TextDecoder().decode(chunk.ids.subarray(chunk.offsets[at], chunk.offsets[at + 1]))
        objects.set(key, `${start.names[chunk.types[at]!]}:${id}`)
      })
      continue
    }
    const traits = new Map(chunk.traits.map((trait) => [trait.at, trait]))
    chunk.resources.forEach((resource, at) => {
      const subjectRelation = start.names[chunk.subjectRelations[at]!]!
      const identity = `${objects.get(resource)}#${start.names[chunk.relations[at]!]}@${objects.get(chunk.subjects[at]!)}`
      const { at: _, ...trait } = traits.get(at) ?? { at }
      rows.push(
        formatRelationship({
          ...parseRelationship(identity + (subjectRelation && `#${subjectRelation}`)),
          ...trait,
        }),
      )
    })
  }
  if (objects.size !== start.objectCount) throw new Error(`${objects.size} objects, not ${start.objectCount}`)
  if (rows.length !== start.rowCount) throw new Error(`${rows.length} rows, not ${start.rowCount}`)
  return { ...start, objects, rows: rows.sort() }
}

export async function load(store: Store): Promise<State> {
  return stateOf(await collect(store.load()))
}

const identityOf = ({ relationship: { resource, relation, subject } }: Change) =>
  formatRelationship({ resource, relation, subject })

/** The rows that a log leads to, sorted; each `previous` must be what the log said before. */
export function replay(entries: readonly LogEntry[], upTo: Revision = Number.POSITIVE_INFINITY): string[] {
  const rows = new Map<string, string>()
  for (const { revision, changes } of entries) {
    if (revision > upTo) break
    for (const change of changes) {
      const identity = identityOf(change)
      const before =
        change.previous && formatRelationship({ ...parseRelationship(identity), ...change.previous })
      if (before !== rows.get(identity)) {
        throw new Error(`Revision ${revision}: previous ${before}, but the row was ${rows.get(identity)}`)
      }
      const text = formatRelationship(change.relationship)
      if (change.operation === 'touch') rows.set(identity, text)
      else {
        if (text !== before)
          throw new Error(`Revision ${revision}: deletes ${text}, but the row was ${before}`)
        rows.delete(identity)
      }
    }
  }
  return [...rows.values()].sort()
}

/** An entry as lines: `touch doc:a#viewer@user:ann`, `delete ...`, `schema ...`. */
export function lines(entry: LogEntry): string[] {
  const changes = entry.changes.map(
    ({ operation, relationship }) => `${operation} ${formatRelationship(relationship)}`,
  )
  return entry.schemaText === undefined ? changes : [...changes, `schema ${entry.schemaText}`]
}

/** Records what it is told. */
export class Recorder implements LogListener {
  readonly entries: LogEntry[] = []
  readonly heads: Head[] = []
  readonly breaks: Error[] = []

  onEntry(entry: LogEntry): void {
    this.entries.push(entry)
  }
  onHead(head: Head): void {
    this.heads.push(head)
  }
  onBreak(error: Error): void {
    this.breaks.push(error)
  }
  get revisions(): Revision[] {
    return this.entries.map(({ revision }) => revision)
  }
}

/** Waits until `holds`, polling; fails after `timeoutMs`. */
export async function until(holds: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  const endMs = Date.now() + timeoutMs
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`Not so within ${timeoutMs} ms: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
