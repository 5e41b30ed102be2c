// Copying one datastore into another, of whatever kind: schema and rows of one revision, in transactions of their own,
// with revisions that go on where the source's end.

import type { JsonObject } from '../../model/context.ts'
import { CardeaError } from '../../model/errors.ts'
import type { Relationship } from '../../model/relationship.ts'
import type { Revision } from '../../model/revision.ts'
import type { Head, Store } from '../../store/store.ts'
import { readStore } from './relationship-source.ts'

export interface CopyRequest {
  readonly from: Store
  /** Opens the target. Called again after its revisions were moved on. */
  readonly openTarget: () => Promise<Store>
  /** Lets the revisions of the target, which is empty, begin behind this one. */
  readonly beginAfter: (revision: Revision) => Promise<void>
  readonly onProgress?: (rows: number, total: number) => void
  /** Stops after the chunk that is being written. */
  readonly signal?: AbortSignal
}

/** Metadata of every transaction of a copy: which state it is of, and how many rows are there. */
interface CopyMark {
  readonly from: string
  readonly rows: number
}

const chunkRows = 10_000

/**
 * Resolves with how many relationships were copied, and how many of them before this call. What was interrupted goes on,
 * as long as nobody has written to either side meanwhile. CONFIG_INVALID for a target that holds something else.
 */
export async function copyDatastore(
  request: CopyRequest,
): Promise<{ readonly rows: number; readonly resumedAt: number; readonly head: Head }> {
  const { from, openTarget, beginAfter, onProgress, signal } = request
  const { head, schemaText, rowCount, relationships } = await readStore(from)
  const source = `${from.identity.datastoreId} ${head.revision} ${head.nonce}`
  let target = await openTarget()
  try {
    if (target.identity.datastoreId === from.identity.datastoreId)
      throw new CardeaError('CONFIG_INVALID', 'A datastore cannot be copied into itself.')
    if ((await target.head()).revision === 0 && head.revision > 0) {
      await target.close()
      await beginAfter(head.revision)
      target = await openTarget()
    }
    const begun = await target.head()
    const untouched = begun.revision === head.revision && begun.schemaRevision === 0
    const resumedAt = untouched ? 0 : await copiedSoFar(target, source)
    if (untouched && schemaText !== undefined && schemaText.trim() !== '')
      await target.writeSchema(schemaText, [], { ...(await now(target)), metadata: markOf(source, 0) })
    let passed = 0
    let chunk: Relationship[] = []
    const flush = async () => {
      if (chunk.length === 0) return
      const rows = chunk
      async function* all() {
        yield rows
      }
      await target.importRows(all(), { ...(await now(target)), metadata: markOf(source, passed) })
      chunk = []
      onProgress?.(passed, rowCount)
    }
    for await (const relationship of relationships) {
      passed += 1
      if (passed <= resumedAt) continue
      chunk.push(relationship)
      if (chunk.length < chunkRows) continue
      await flush()
      if (signal?.aborted)
        throw new CardeaError(
          'CANCELLED',
          `Interrupted after ${passed} relationships. Run the same command again to go on from there.`,
        )
    }
    await flush()
    return { rows: passed, resumedAt, head: await target.head() }
  } finally {
    await target.close()
  }
}

async function now(target: Store) {
  return { schemaRevision: (await target.head()).schemaRevision, nowMs: Date.now() }
}

function markOf(from: string, rows: number): JsonObject {
  return { copy: { from, rows } satisfies CopyMark }
}

/** Rows of an interrupted copy of the same state. CONFIG_INVALID when the target's newest transaction is another one. */
async function copiedSoFar(target: Store, source: string): Promise<number> {
  const { revision } = await target.head()
  for await (const entry of target.log(revision - 1, revision)) {
    const mark = entry.metadata?.copy as unknown as CopyMark | undefined
    if (mark?.from === source) return mark.rows
  }
  throw new CardeaError(
    'CONFIG_INVALID',
    'The target is not empty, and not an interrupted copy of this source as it is now; name an empty datastore.',
  )
}
