// Importing: a long stream of rows, copied into a table of the transaction's own, which holds nobody up, then applied.

import type { Client } from 'pg'
import type { Relationship } from '../../model/relationship.ts'
import { tooManyChanges } from '../refusals.ts'
import type { Refused, Written } from './commit-queue.ts'
import { copyIn, copyLine } from './copy-in.ts'
import { copiedColumns, makeCopied } from './import-functions.ts'
import { type PayloadConditions, payloadOf, refusalOf, updateCells } from './payload.ts'

/** Rows of one COPY: some megabytes, and so short that a slow sender is nobody's timeout. */
const partRows = 20_000

/**
 * Takes the connection over; whoever made it ends it, which rolls back what is not committed. The commit lock is held
 * only from when the whole stream is there. Errors: what the stream throws, LIMIT_EXCEEDED, and as `Store.write`.
 */
export async function importRows(
  client: Client,
  rows: AsyncIterable<readonly Relationship[]>,
  conditions: PayloadConditions,
  maxChanges: number,
): Promise<Written> {
  let imported = 0
  let part: string[] = []
  const copyPart = async () => {
    if (part.length > 0) await copyIn(client, `cardea_copied (${copiedColumns})`, part.join(''))
    part = []
  }
  await client.query('BEGIN ISOLATION LEVEL READ COMMITTED')
  await client.query(makeCopied)
  for await (const batch of rows) {
    if (imported + batch.length > maxChanges) throw tooManyChanges(maxChanges)
    for (const relationship of batch) {
      const [, ...cells] = updateCells({ operation: 'create', relationship })
      part.push(copyLine([imported++, ...cells]))
      if (part.length === partRows) await copyPart()
    }
  }
  await copyPart()
  await client.query('ANALYZE cardea_copied')
  const work = { copied: true } as const
  const { rows: results } = await client.query<{ results: readonly [Written | { refused: Refused }] }>(
    'SELECT cardea_write($1::jsonb) AS results',
    [`[${payloadOf(work, conditions)}]`],
  )
  const [written] = results[0]!.results
  if ('refused' in written) throw refusalOf(written.refused, conditions, work)
  await client.query('COMMIT')
  return { head: written.head, count: imported }
}
