// Reads of the log and of the marks, on a connection of their own: they see what is committed, and only that.

import type Database from 'better-sqlite3'
import type { CardeaError } from '../../model/errors.ts'
import type { Revision } from '../../model/revision.ts'
import { forgotten, logBroken } from '../refusals.ts'
import type { DatastoreIdentity, Head } from '../store.ts'
import type { Cell, EncodedEntry } from './cells.ts'
import { Dictionary } from './dictionary.ts'

/** The state before the first transaction. */
export const emptyHead: Head = { revision: 0, nonce: '', committedAtMs: 0, schemaRevision: 0 }

/** A point of the log as a follower knows it. */
export interface Position {
  readonly revision: Revision
  readonly nonce: string
}

type LogRow = [revision: number, nonce: string, committedAt: number, schemaRevision: number]
type ChangeRow = (number | string | null)[]

/** Changes that one page of the log holds, as long as that is no single entry. */
const pageChanges = 10_000
/** Names are few; objects are joined in SQL, so that none need be remembered here. */
const rememberNames = 1

const changeColumns = `c.revision, c.operation, c.resource, ro.type, ro.id, c.relation,
  c.subject, so.type, so.id, c.subject_relation, c.existed,
  c.caveat, c.context, c.expires_at, c.previous_caveat, c.previous_context, c.previous_expires_at`

/** The newest log row that a connection sees. */
export function headStatement(database: Database.Database): () => Head {
  const statement = database
    .prepare<[], LogRow>(
      'SELECT revision, nonce, committed_at, schema_revision FROM cardea_log ORDER BY revision DESC LIMIT 1',
    )
    .safeIntegers(false)
    .raw()
  return () => {
    const row = statement.get()
    if (row === undefined) return emptyHead
    return { revision: row[0], nonce: row[1], committedAtMs: row[2], schemaRevision: row[3] }
  }
}

export class Reader {
  readonly #database: Database.Database
  readonly #dictionary: Dictionary
  readonly #mark
  readonly #nonce
  readonly #logRows
  readonly #changes
  readonly #schemaAt
  readonly #schemaText
  readonly #dataVersion
  readonly head: () => Head

  constructor(database: Database.Database) {
    this.#database = database
    this.#dictionary = new Dictionary(database, rememberNames)
    this.head = headStatement(database)
    this.#mark = database.prepare<[string], unknown>('SELECT value FROM cardea_meta WHERE key = ?').pluck()
    this.#nonce = database
      .prepare<[number], string>('SELECT nonce FROM cardea_log WHERE revision = ?')
      .pluck()
    this.#logRows = database
      .prepare<[number, number], [...LogRow, changeCount: number, metadata: string | null]>(
        `SELECT revision, nonce, committed_at, schema_revision, change_count, metadata FROM cardea_log
         WHERE revision > ? AND revision <= ? ORDER BY revision LIMIT 1000`,
      )
      .raw()
    this.#changes = database
      .prepare<[number, number], ChangeRow>(
        `SELECT ${changeColumns} FROM cardea_change AS c
         CROSS JOIN cardea_object AS ro ON ro.key = c.resource
         CROSS JOIN cardea_object AS so ON so.key = c.subject
         WHERE c.revision BETWEEN ? AND ? ORDER BY c.revision, c.ordinal`,
      )
      .raw()
    this.#schemaAt = database.prepare<[number], { text: string; revision: number }>(
      'SELECT text, revision FROM cardea_schema WHERE revision <= ? ORDER BY revision DESC LIMIT 1',
    )
    this.#schemaText = database
      .prepare<[number], string>('SELECT text FROM cardea_schema WHERE revision = ?')
      .pluck()
    this.#dataVersion = database.prepare<[], number>('PRAGMA data_version').pluck()
  }

  identity(): DatastoreIdentity {
    const keys = this.#mark.get('token_keys') as Uint8Array
    const tokenKeys: Uint8Array[] = []
    for (let at = 0; at < keys.length; at += 32) tokenKeys.push(Uint8Array.from(keys.subarray(at, at + 32)))
    return {
      datastoreId: this.#mark.get('datastore_id') as string,
      epoch: this.#mark.get('epoch') as number,
      tokenKeys,
    }
  }

  /** Another number than last time: another connection has committed since. */
  dataVersion(): number {
    return this.#dataVersion.get()!
  }

  oldestRevision(): Revision {
    return this.#mark.get('oldest_revision') as number
  }

  schemaAt(revision: Revision): { text: string; revision: Revision } | undefined {
    return this.#schemaAt.get(revision)
  }

  /** Undefined: there is no such transaction, or it is forgotten. */
  nonceAt(revision: Revision): string | undefined {
    if (revision === this.oldestRevision()) return this.#mark.get('oldest_nonce') as string
    return this.#nonce.get(revision)
  }

  /** Why the log does not continue a point: UNAVAILABLE or REVISION_OUT_OF_RANGE; undefined when it does. */
  broken(after: Position): CardeaError | undefined {
    const oldest = this.oldestRevision()
    if (after.revision < oldest) return forgotten(after.revision, oldest)
    return this.nonceAt(after.revision) === after.nonce
      ? undefined
      : logBroken(after.revision, this.head().revision)
  }

  /** Runs reads in one read transaction. */
  atOnce<Result>(reads: () => Result): Result {
    return this.#database.transaction(reads)()
  }

  /** The next entries in (after, upTo], whole ones, some 10,000 changes. Empty: there are no more. */
  page(after: Revision, upTo: Revision): EncodedEntry[] {
    return this.atOnce(() => {
      const oldest = this.oldestRevision()
      if (after < oldest) throw forgotten(after, oldest)
      // Names are looked up anew for each page: the file's content may have been exchanged since the last one.
      this.#dictionary.clear()
      const rows = this.#logRows.all(after, upTo)
      let changeCount = 0
      const end = rows.findIndex((row, at) => {
        changeCount += row[4]
        return at > 0 && changeCount > pageChanges
      })
      const taken = end < 0 ? rows : rows.slice(0, end)
      if (taken.length === 0) return []
      const changes = this.#changesByRevision(taken[0]![0], taken.at(-1)![0])
      return taken.map(([revision, nonce, committedAtMs, schemaRevision, , metadata]) => ({
        head: { revision, nonce, committedAtMs, schemaRevision },
        ...(schemaRevision === revision ? { schemaText: this.#schemaText.get(revision)! } : {}),
        ...(metadata === null ? {} : { metadata }),
        changes: changes.get(revision) ?? [],
      }))
    })
  }

  #changesByRevision(from: Revision, to: Revision): Map<Revision, Cell[]> {
    const name = (id: Cell) => (id === null ? null : this.#dictionary.name(id as number))
    const found = new Map<Revision, Cell[]>()
    for (const row of this.#changes.all(from, to)) {
      const revision = row[0] as number
      let cells = found.get(revision)
      if (cells === undefined) {
        cells = []
        found.set(revision, cells)
      }
      const [, operation, resource, resourceType, resourceId, relation] = row as [number, ...Cell[]]
      cells.push(operation!, resource!, name(resourceType!), resourceId!, name(relation!))
      cells.push(row[6]!, name(row[7]!), row[8]!, name(row[9]!), row[10]!)
      cells.push(name(row[11]!), row[12]!, row[13]!, name(row[14]!), row[15]!, row[16]!)
    }
    return found
  }
}
