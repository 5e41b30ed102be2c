// Importing: a long stream of rows, staged in parts that hold nobody up, then applied as one transaction.

import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import type { Relationship } from '../../model/relationship.ts'
import { relationshipExists, tooManyChanges } from '../refusals.ts'
import type { Refused, Written } from './commit-queue.ts'
import { type PayloadConditions, payloadOf, refusalOf, updateCells } from './payload.ts'

/** Rows that one staged part holds: a statement of tens of milliseconds. */
const partRows = 5_000

/**
 * Takes the connection over; whoever made it ends it, which rolls back what is not committed. The commit lock is held
 * only from when the whole stream is staged. Errors: what the stream throws, LIMIT_EXCEEDED, and as
 * `Store.write`.
 */
export async function importRows(
  client: Client,
  rows: AsyncIterable<readonly Relationship[]>,
  conditions: PayloadConditions,
  maxChanges: number,
): Promise<Written> {
  const id = randomUUID()
  let imported = 0
  let ordinal = 0
  // By identity: what comes twice in one part would be one row to the functions.
  const part = new Map<string, string>()
  const stage = async () => {
    await client.query('INSERT INTO cardea_part (import, ordinal, updates) VALUES ($1, $2, $3::jsonb)', [
      id,
      ordinal++,
      `[${[...part.values()].join(',')}]`,
    ])
    part.clear()
  }
  await client.query('BEGIN ISOLATION LEVEL READ COMMITTED')
  for await (const batch of rows) {
    imported += batch.length
    if (imported > maxChanges) throw tooManyChanges(maxChanges)
    for (const relationship of batch) {
      const cells = updateCells({ operation: 'create', relationship })
      const identity = cells.slice(1, 7).join(' ')
      if (part.has(identity)) throw relationshipExists(relationship)
      part.set(identity, JSON.stringify(cells))
      if (part.size === partRows) await stage()
    }
  }
  await stage()
  const work = { import: id }
  const { rows: results } = await client.query<{ results: readonly [Written | { refused: Refused }] }>(
    'SELECT cardea_write($1::jsonb) AS results',
    [`[${payloadOf(work, conditions)}]`],
  )
  const [written] = results[0]!.results
  if ('refused' in written) throw refusalOf(written.refused, conditions, work)
  await client.query('COMMIT')
  return { head: written.head, count: imported }
}
