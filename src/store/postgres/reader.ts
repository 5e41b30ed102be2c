// Reads of the log and of the marks. Each is one statement, so one snapshot: since revisions are given in the order of
// commits, every snapshot holds a beginning of the log without a gap.

import type { Pool } from 'pg'
import type { JsonObject } from '../../model/context.ts'
import type { CardeaError } from '../../model/errors.ts'
import type { Revision } from '../../model/revision.ts'
import { parseObjectText } from '../canonical-json.ts'
import { forgotten, logBroken } from '../refusals.ts'
import type { Change, DatastoreIdentity, Head, LogEntry } from '../store.ts'
import { traitsFrom } from '../traits.ts'
import { isConnectionLost, storeError } from './driver-errors.ts'
import { assertUsable, readerTooOld, readMarks } from './tables.ts'
import { tablesVersion } from './tables-version.ts'

/** A point of the log as a follower knows it. */
export interface Position {
  readonly revision: Revision
  readonly nonce: string
}

/** A stretch of the log and what it was read from. */
export interface Page {
  readonly head: Head
  /** Whole ones, in order, none left out. Empty: there are no more. */
  readonly entries: readonly LogEntry[]
  /** Why the log does not continue the position that was asked for; then there are no entries. */
  readonly broken?: CardeaError
}

/** The state before the first transaction. */
const emptyHead: Head = { revision: 0, nonce: '', committedAtMs: 0, schemaRevision: 0 }

/** Changes that one page holds, as long as that is no single entry. */
const pageChanges = 10_000
const pageEntries = 1_000

type HeadCells = [revision: number | null, nonce: string, committedAt: number, schemaRevision: number]

const headColumns = 'revision, nonce, committed_at, schema_revision'

export const headQuery = `SELECT ${headColumns} FROM cardea_log ORDER BY revision DESC LIMIT 1`

export function headFrom(cells: HeadCells | undefined): Head {
  if (cells === undefined || cells[0] === null) return emptyHead
  const [revision, nonce, committedAtMs, schemaRevision] = cells
  return { revision, nonce, committedAtMs, schemaRevision }
}

const pageQuery = `
WITH page AS MATERIALIZED (
  SELECT * FROM (
    SELECT *, sum(change_count) OVER (ORDER BY revision) - change_count AS earlier FROM (
      SELECT * FROM cardea_log WHERE revision > $1 AND revision <= $2 ORDER BY revision LIMIT ${pageEntries}
    ) AS next
  ) AS counted WHERE earlier < ${pageChanges}
)
SELECT
  (SELECT value::bigint FROM cardea_meta WHERE key = 'oldest_revision'),
  (SELECT value FROM cardea_meta WHERE key = 'oldest_nonce'),
  (SELECT nonce FROM cardea_log WHERE revision = $1),
  head.revision, head.nonce, head.committed_at, head.schema_revision,
  page.revision, page.nonce, page.committed_at, page.schema_revision,
  page.metadata, schema.text, c.operation,
  c.resource, rt.name, ro.id, relation.name, c.subject, st.name, so.id, sr.name, c.existed,
  caveat.name, c.context, c.expires_at, was.name, c.previous_context, c.previous_expires_at, page.digest,
  (SELECT value::bigint FROM cardea_meta WHERE key = 'min_reader')
FROM (SELECT) AS one
LEFT JOIN (${headQuery}) AS head ON true
LEFT JOIN page ON true
LEFT JOIN cardea_change AS c ON c.revision = page.revision
LEFT JOIN cardea_schema AS schema ON schema.revision = page.revision
LEFT JOIN cardea_object AS ro ON ro.key = c.resource
LEFT JOIN cardea_object AS so ON so.key = c.subject
LEFT JOIN cardea_name AS rt ON rt.id = ro.type
LEFT JOIN cardea_name AS st ON st.id = so.type
LEFT JOIN cardea_name AS relation ON relation.id = c.relation
LEFT JOIN cardea_name AS sr ON sr.id = c.subject_relation
LEFT JOIN cardea_name AS caveat ON caveat.id = c.caveat
LEFT JOIN cardea_name AS was ON was.id = c.previous_caveat
ORDER BY page.revision, c.ordinal`

type Cell = string | number | boolean | null

/** The identity that the marks of a datastore hold. */
export function identityFrom(marks: ReadonlyMap<string, string>): DatastoreIdentity {
  const keys = Buffer.from(marks.get('token_keys')!, 'hex')
  const tokenKeys: Uint8Array[] = []
  for (let at = 0; at < keys.length; at += 32) tokenKeys.push(Uint8Array.from(keys.subarray(at, at + 32)))
  return { datastoreId: marks.get('datastore_id')!, epoch: Number(marks.get('epoch')), tokenKeys }
}

export class Reader {
  readonly #pool: Pool

  constructor(pool: Pool) {
    this.#pool = pool
  }

  /** CONFIG_INVALID when the tables are not there or not for this program. */
  async identity(): Promise<DatastoreIdentity> {
    const marks = await this.#answered(() => readMarks(this.#pool))
    assertUsable(marks)
    return identityFrom(marks)
  }

  async head(): Promise<Head> {
    return headFrom((await this.#rows<HeadCells>(headQuery))[0])
  }

  async oldestRevision(): Promise<Revision> {
    const [row] = await this.#rows<[number]>(
      `SELECT value::bigint FROM cardea_meta WHERE key = 'oldest_revision'`,
    )
    return row![0]
  }

  async schemaAt(revision: Revision): Promise<{ text: string; revision: Revision } | undefined> {
    const [row] = await this.#rows<[string, number]>(
      'SELECT text, revision FROM cardea_schema WHERE revision <= $1 ORDER BY revision DESC LIMIT 1',
      [revision],
    )
    return row === undefined ? undefined : { text: row[0], revision: row[1] }
  }

  async nonceAt(revision: Revision): Promise<string | undefined> {
    const [row] = await this.#rows<[string | null]>(
      `SELECT coalesce((SELECT nonce FROM cardea_log WHERE revision = $1),
         (SELECT nonce.value FROM cardea_meta AS oldest, cardea_meta AS nonce
          WHERE oldest.key = 'oldest_revision' AND oldest.value = $1::text AND nonce.key = 'oldest_nonce'))`,
      [revision],
    )
    return row![0] ?? undefined
  }

  /**
   * The next entries in (after, upTo], whole ones, some 10,000 changes. The nonce of `after` is compared when it is
   * given: a log that was restored or lost its tail is another one.
   */
  async page(after: { readonly revision: Revision; readonly nonce?: string }, upTo: Revision): Promise<Page> {
    const rows = await this.#rows<Cell[]>(pageQuery, [after.revision, upTo], 'cardea_page')
    const [oldest, oldestNonce, nonceThere] = rows[0] as [number, string, string | null]
    const head = headFrom(rows[0]!.slice(3, 7) as HeadCells)
    const minReader = rows[0]![30] as number
    if (minReader > tablesVersion) return { head, entries: [], broken: readerTooOld(minReader) }
    if (after.revision < oldest) {
      return { head, entries: [], broken: forgotten(after.revision, oldest) }
    }
    const nonce = after.revision === oldest ? oldestNonce : nonceThere
    if (after.nonce !== undefined && nonce !== after.nonce) {
      return { head, entries: [], broken: logBroken(after.revision, head.revision) }
    }
    return { head, entries: entriesFrom(rows) }
  }

  /** `name`: to be planned once per connection. */
  async #rows<Row extends unknown[]>(text: string, values: unknown[] = [], name?: string): Promise<Row[]> {
    const query = { text, values, rowMode: 'array' as const, ...(name === undefined ? {} : { name }) }
    const { rows } = await this.#answered(() => this.#pool.query<Row>(query))
    return rows
  }

  /** A connection that lay idle may have been lost without a word: reads are asked once more. */
  async #answered<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    try {
      return await ask().catch((error: unknown) => {
        if (isConnectionLost(error)) return ask()
        throw error
      })
    } catch (error) {
      throw storeError(error)
    }
  }
}

function entriesFrom(rows: readonly Cell[][]): LogEntry[] {
  const entries: (LogEntry & { readonly changes: Change[] })[] = []
  for (const row of rows) {
    const head = row.slice(7, 11) as HeadCells
    if (head[0] === null) continue
    if (entries.at(-1)?.revision !== head[0]) {
      const metadata = row[11] as string | null
      const schemaText = row[12] as string | null
      entries.push({
        ...headFrom(head),
        changes: [],
        ...(schemaText === null ? {} : { schemaText }),
        ...(metadata === null ? {} : { metadata: parseObjectText(metadata) as JsonObject }),
        ...(row[29] === null ? {} : { digest: row[29] as number }),
      })
    }
    if (row[13] !== null) entries.at(-1)!.changes.push(changeFrom(row))
  }
  return entries
}

function changeFrom(row: readonly Cell[]): Change {
  const traitsAt = (first: number) =>
    traitsFrom(row[first] as string | null, row[first + 1] as string | null, row[first + 2] as number | null)
  const deleted = row[13] === 2
  const previous = row[22] === true ? traitsAt(26) : undefined
  return {
    operation: deleted ? 'delete' : 'touch',
    relationship: {
      resource: { type: row[15] as string, id: row[16] as string },
      relation: row[17] as string,
      subject: { type: row[19] as string, id: row[20] as string, relation: row[21] as string },
      ...(deleted ? previous : traitsAt(23)),
    },
    resourceKey: row[14] as number,
    subjectKey: row[18] as number,
    ...(previous === undefined ? {} : { previous }),
  }
}
