// Where relationships are exported from: a server at one revision, or a datastore in one read transaction.

import type { Authorizer } from '../../authorizer/authorizer.ts'
import { CardeaError } from '../../model/errors.ts'
import { isLive, type Relationship } from '../../model/relationship.ts'
import type { Head, LoadChunk, ObjectChunk, RowChunk, Store } from '../../store/store.ts'
import type { ExportedRow, OpenSource, RelationshipSource } from './export-relationships.ts'

/** A server's state. `revision` is a ZedToken: readable while the server keeps that revision. */
export function serverSource(authorizer: Authorizer): OpenSource {
  return async (revision) => {
    const consistency =
      revision === undefined
        ? ({ kind: 'fully_consistent' } as const)
        : ({ kind: 'at_exact_snapshot', token: revision } as const)
    let schema: { readonly text: string; readonly token: string }
    try {
      schema = await authorizer.readSchema({ consistency })
    } catch (error) {
      if (!(error instanceof CardeaError)) throw error
      if (error.code === 'SCHEMA_NOT_FOUND') return emptySource
      if (revision !== undefined && ['REVISION_OUT_OF_RANGE', 'INVALID_TOKEN'].includes(error.code))
        return undefined
      throw error
    }
    const { text, token } = schema
    return {
      revision: token,
      schemaText: text,
      rowCount: 0,
      async *rows(cursor) {
        let known = cursor
        const found = authorizer.exportRelationships({
          consistency: { kind: 'at_exact_snapshot', token },
          ...(cursor === undefined ? {} : { cursor }),
        })
        // Within a page, the cursor is that of the page before: only the last row brings a new one.
        for await (const row of found) {
          const resume = row.cursor === known ? undefined : row.cursor
          known = row.cursor
          const { relationship } = row
          yield resume === undefined || resume === '' ? { relationship } : { relationship, resume }
        }
      },
    }
  }
}

const emptySource: RelationshipSource = {
  revision: '',
  schemaText: undefined,
  rowCount: 0,
  async *rows() {},
}

/**
 * A datastore without a server. Memory: the text of its object ids, and some 12 bytes for each. `revision` holds as
 * long as nothing is written.
 */
export function storeSource(store: Store): OpenSource {
  return async (revision) => {
    const { head, schemaText, rowCount, relationships } = await readStore(store)
    const opened = `${store.identity.datastoreId} ${head.revision} ${head.nonce}`
    if (revision !== undefined && revision !== opened) return undefined
    return {
      revision: opened,
      schemaText,
      rowCount,
      async *rows(resume): AsyncGenerator<ExportedRow> {
        const skipped = Number(resume ?? 0)
        let passed = 0
        for await (const relationship of relationships) {
          passed += 1
          if (passed <= skipped) continue
          yield { relationship, resume: String(passed) }
        }
      },
    }
  }
}

/** The whole state in one read transaction; expired rows are left out. `relationships` can be read once. */
export async function readStore(store: Store): Promise<{
  readonly head: Head
  readonly schemaText: string | undefined
  /** Expired rows included. */
  readonly rowCount: number
  readonly relationships: AsyncIterable<Relationship>
}> {
  const nowMs = Date.now()
  const chunks = store.load()[Symbol.asyncIterator]()
  const first = await chunks.next()
  if (first.done || first.value.kind !== 'start')
    throw new CardeaError('INTERNAL', 'The datastore sent a load without a start.')
  const { head, schemaText, names, rowCount } = first.value
  async function* relationships(): AsyncGenerator<Relationship> {
    const objects = new ObjectTexts(names)
    for (;;) {
      const next: IteratorResult<LoadChunk> = await chunks.next()
      if (next.done) return
      const chunk = next.value
      if (chunk.kind === 'objects') objects.add(chunk)
      if (chunk.kind !== 'rows') continue
      for (const relationship of rowsOf(chunk, names, objects))
        if (isLive(relationship, nowMs)) yield relationship
    }
  }
  return { head, schemaText, rowCount, relationships: relationships() }
}

function* rowsOf(chunk: RowChunk, names: readonly string[], objects: ObjectTexts): Generator<Relationship> {
  const traits = new Map(chunk.traits.map(({ at, ...rest }) => [at, rest]))
  for (let at = 0; at < chunk.resources.length; at += 1) {
    yield {
      resource: objects.get(chunk.resources[at]!),
      relation: names[chunk.relations[at]!]!,
      subject: { ...objects.get(chunk.subjects[at]!), relation: names[chunk.subjectRelations[at]!]! },
      ...traits.get(at),
    }
  }
}

/** Objects by key, as the chunks bring them: bytes, not strings. */
class ObjectTexts {
  readonly #names: readonly string[]
  readonly #chunks: ObjectChunk[] = []
  readonly #firstKeys: number[] = []
  readonly #decoder = new TextDecoder()

  constructor(names: readonly string[]) {
    this.#names = names
  }

  add(chunk: ObjectChunk): void {
    if (chunk.keys.length === 0) return
    this.#chunks.push(chunk)
    this.#firstKeys.push(chunk.keys[0]!)
  }

  get(key: number): { readonly type: string; readonly id: string } {
    const chunk = this.#chunks[lastNotAbove(this.#firstKeys, key)]!
    const at = lastNotAbove(chunk.keys, key)
    const id = this.#decoder.decode(chunk.ids.subarray(chunk.offsets[at]!, chunk.offsets[at + 1]!))
    return { type: this.#names[chunk.types[at]!]!, id }
  }
}

/** Index of the last of ascending values that is not above `value`. */
function lastNotAbove(values: ArrayLike<number>, value: number): number {
  let low = 0
  let high = values.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (values[middle]! <= value) low = middle + 1
    else high = middle
  }
  return low - 1
}
