// Writes to the tables inside a transaction that someone else begins and commits: the commit queue of the store, or
// an application on its own connection.

import { randomBytes } from 'node:crypto'
import type Database from 'better-sqlite3'
import type { Precondition, RelationshipFilter } from '../../model/filter.ts'
import type { Revision } from '../../model/revision.ts'
import {
  headMoved,
  preconditionFailed,
  relationshipExists,
  schemaBlocked,
  schemaChanged,
  tooManyChanges,
  tooManyToDelete,
} from '../refusals.ts'
import type { Head, SchemaGuard } from '../store.ts'
import { type Cell, type EncodedEntry, updatedRelationship, updateWidth } from './cells.ts'
import { Dictionary } from './dictionary.ts'
import { type MatchedRow, MatchingRows } from './matching-rows.ts'
import { emptyHead, headStatement } from './reader.ts'
import { assertKnownVersion, versionStatement } from './tables.ts'

/** What a write hangs on, and what its log row carries. */
export interface WriterConditions {
  readonly preconditions?: readonly Precondition[]
  readonly schemaRevision: Revision
  readonly baseRevision?: Revision
  readonly nowMs: number
  /** Canonical JSON. */
  readonly metadata?: string
  readonly committedAtMs: number
}

/** Rows after which a long write lets others go on: some milliseconds of work. */
export const rowsPerTurn = 2_000

type Traits = [caveat: number | null, context: string | null, expiresAt: number | null]
const noTraits: Traits = [null, null, null]

/** Changes of one write so far. */
interface Draft {
  readonly revision: Revision
  readonly cells: Cell[]
  count: number
}

export interface WriterOptions {
  readonly maxChanges: number
  /** Objects to remember; 0 on connections whose transactions are not ours. */
  readonly maxCachedObjects: number
}

export class Writer {
  readonly #options: WriterOptions
  readonly #dictionary: Dictionary
  readonly #matching: MatchingRows
  readonly #head: () => Head
  readonly #path: string
  readonly #version
  readonly #nonceAt
  readonly #insert
  readonly #select
  readonly #replace
  readonly #delete
  readonly #insertChange
  readonly #insertLog
  readonly #insertSchema
  #current: Head = emptyHead

  constructor(database: Database.Database, options: WriterOptions) {
    this.#options = options
    this.#dictionary = new Dictionary(database, options.maxCachedObjects)
    this.#matching = new MatchingRows(database, this.#dictionary)
    this.#head = headStatement(database)
    this.#path = database.name
    this.#version = versionStatement(database)
    this.#nonceAt = database
      .prepare<[number], string>('SELECT nonce FROM cardea_log WHERE revision = ?')
      .pluck()
    const identity = 'resource = ? AND relation = ? AND subject = ? AND subject_relation = ?'
    this.#insert = database.prepare(
      'INSERT INTO cardea_relationship VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING',
    )
    this.#select = database
      .prepare<[number, number, number, number], Traits>(
        `SELECT caveat, context, expires_at FROM cardea_relationship WHERE ${identity}`,
      )
      .safeIntegers(false)
      .raw()
    this.#replace = database.prepare(
      `UPDATE cardea_relationship SET caveat = ?, context = ?, expires_at = ? WHERE ${identity}`,
    )
    this.#delete = database.prepare(`DELETE FROM cardea_relationship WHERE ${identity}`)
    this.#insertChange = database.prepare(
      'INSERT INTO cardea_change VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    )
    this.#insertLog = database.prepare('INSERT INTO cardea_log VALUES (?, ?, ?, ?, ?, ?)')
    this.#insertSchema = database.prepare('INSERT INTO cardea_schema (revision, text) VALUES (?, ?)')
  }

  /** The newest write of the transaction; the head of the datastore once it is committed. */
  get head(): Head {
    return this.#current
  }

  /**
   * Call at the start of a transaction, with the write lock held. CONFIG_INVALID when another program has brought the
   * tables to a version that this one does not know.
   */
  begin(): Head {
    assertKnownVersion(this.#version.get()!, this.#path)
    const known = this.#current
    // Another past under the revision we knew: the file was restored, and what we remember of it is wrong.
    if (known.revision > 0 && this.#nonceAt.get(known.revision) !== known.nonce) this.#dictionary.clear()
    this.#current = this.#head()
    return this.#current
  }

  /** The transaction is committed. */
  committed(): void {
    this.#dictionary.keep()
  }

  /** The whole transaction was rolled back. */
  rolledBack(): void {
    this.#dictionary.clear()
    this.#current = emptyHead
  }

  /** A point inside the transaction; the function takes our side back to it when the savepoint is rolled back. */
  savepoint(): () => void {
    const mark = this.#dictionary.mark()
    const head = this.#current
    return () => {
      this.#dictionary.undo(mark)
      this.#current = head
    }
  }

  /** A generator, so that its owner can let others go on: it yields now and then, in the middle of its work. */
  *write(
    parts: readonly (readonly Cell[])[],
    conditions: WriterConditions,
  ): Generator<void, EncodedEntry | undefined> {
    this.#assert(conditions)
    const draft = this.#draft()
    const updates = parts.reduce((sum, cells) => sum + cells.length, 0) / updateWidth
    if (updates > this.#options.maxChanges) throw tooManyChanges(this.#options.maxChanges)
    let done = 0
    for (const cells of parts) {
      for (let at = 0; at < cells.length; at += updateWidth) {
        this.#update(draft, cells, at, conditions.nowMs)
        if (++done % rowsPerTurn === 0) yield
      }
    }
    return this.#finish(draft, conditions)
  }

  *deleteMatching(
    filter: RelationshipFilter,
    { limit, allowPartial }: { readonly limit: number; readonly allowPartial: boolean },
    conditions: WriterConditions,
  ): Generator<void, { entry: EncodedEntry | undefined; deletedCount: number }> {
    this.#assert(conditions)
    const { maxChanges } = this.#options
    const bound = limit === 0 ? maxChanges : Math.min(limit, maxChanges)
    const rows = this.#matching.find(filter, conditions.nowMs, bound + 1)
    if (limit > 0 && rows.length > limit && !allowPartial) throw tooManyToDelete(limit, filter)
    if (rows.length > maxChanges && (limit === 0 || limit > maxChanges)) throw tooManyChanges(maxChanges)
    const doomed = rows.slice(0, bound)
    const draft = this.#draft()
    let done = 0
    for (const row of doomed) {
      this.#deleteRow(draft, row)
      if (++done % rowsPerTurn === 0) yield
    }
    return { entry: this.#finish(draft, conditions), deletedCount: doomed.length }
  }

  writeSchema(text: string, guards: readonly SchemaGuard[], conditions: WriterConditions): EncodedEntry {
    this.#assert(conditions)
    for (const guard of guards) {
      const [row] = this.#matching.find(guard.filter, conditions.nowMs, 1, guard)
      if (row !== undefined) throw schemaBlocked(guard, this.#matching.relationship(row))
    }
    return this.#finish(this.#draft(), conditions, text)!
  }

  #assert({ schemaRevision, baseRevision, preconditions, nowMs }: WriterConditions): void {
    const head = this.#current
    if (schemaRevision !== head.schemaRevision) throw schemaChanged(schemaRevision, head.schemaRevision)
    if (baseRevision !== undefined && baseRevision !== head.revision)
      throw headMoved(baseRevision, head.revision)
    for (const precondition of preconditions ?? []) {
      const found = this.#matching.find(precondition.filter, nowMs, 1).length > 0
      if (found !== (precondition.operation === 'must_match')) throw preconditionFailed(precondition)
    }
  }

  #draft(): Draft {
    return { revision: this.#current.revision + 1, cells: [], count: 0 }
  }

  #update(draft: Draft, cells: readonly Cell[], at: number, nowMs: number): void {
    const operation = cells[at]
    if (operation === 'delete') this.#deleteOne(draft, cells, at)
    else this.#put(draft, cells, at, operation === 'create', nowMs)
  }

  #put(draft: Draft, cells: readonly Cell[], at: number, create: boolean, nowMs: number): void {
    const dictionary = this.#dictionary
    const resource = dictionary.addObject(
      dictionary.addName(cells[at + 1] as string),
      cells[at + 2] as string,
    )
    const relation = dictionary.addName(cells[at + 3] as string)
    const subject = dictionary.addObject(dictionary.addName(cells[at + 4] as string), cells[at + 5] as string)
    const subjectRelation = dictionary.addName(cells[at + 6] as string)
    const caveatName = cells[at + 7] as string | null
    const caveat = caveatName === null ? null : dictionary.addName(caveatName)
    const context = cells[at + 8] as string | null
    const expiresAt = cells[at + 9] as number | null

    let previous: Traits | undefined
    const inserted = this.#insert.run(
      resource,
      relation,
      subject,
      subjectRelation,
      caveat,
      context,
      expiresAt,
    )
    if (inserted.changes === 0) {
      previous = this.#select.get(resource, relation, subject, subjectRelation)!
      const [wasCaveat, wasContext, wasExpiresAt] = previous
      if (wasExpiresAt === null || wasExpiresAt > nowMs) {
        if (create) throw relationshipExists(updatedRelationship(cells, at))
        if (wasCaveat === caveat && wasContext === context && wasExpiresAt === expiresAt) return
      }
      this.#replace.run(caveat, context, expiresAt, resource, relation, subject, subjectRelation)
    }
    const [pc, px, pe] = previous ?? noTraits
    const existed = previous === undefined ? 0 : 1
    this.#insertChange.run(
      draft.revision,
      draft.count++,
      1,
      resource,
      relation,
      subject,
      subjectRelation,
      existed,
      caveat,
      context,
      expiresAt,
      pc,
      px,
      pe,
    )
    draft.cells.push(
      1,
      resource,
      cells[at + 1]!,
      cells[at + 2]!,
      cells[at + 3]!,
      subject,
      cells[at + 4]!,
      cells[at + 5]!,
      cells[at + 6]!,
      existed,
      caveatName,
      context,
      expiresAt,
      pc === null ? null : dictionary.name(pc),
      px,
      pe,
    )
  }

  #deleteOne(draft: Draft, cells: readonly Cell[], at: number): void {
    const [resourceType, relation, subjectType, subjectRelation] = [1, 3, 4, 6].map((cell) =>
      this.#dictionary.nameId(cells[at + cell] as string),
    )
    if (resourceType === undefined || relation === undefined) return
    if (subjectType === undefined || subjectRelation === undefined) return
    const resourceId = cells[at + 2] as string
    const subjectId = cells[at + 5] as string
    const resource = this.#dictionary.objectKey(resourceType, resourceId)
    const subject = this.#dictionary.objectKey(subjectType, subjectId)
    if (resource === undefined || subject === undefined) return
    const traits = this.#select.get(resource, relation, subject, subjectRelation)
    if (traits === undefined) return
    this.#deleteRow(draft, [
      resource,
      resourceType,
      resourceId,
      relation,
      subject,
      subjectType,
      subjectId,
      subjectRelation,
      ...traits,
    ])
  }

  #deleteRow(draft: Draft, row: MatchedRow): void {
    const [resource, resourceType, resourceId, relation, subject, subjectType, subjectId, subjectRelation] =
      row
    const [caveat, context, expiresAt] = [row[8], row[9], row[10]]
    const name = (id: number) => this.#dictionary.name(id)
    this.#delete.run(resource, relation, subject, subjectRelation)
    this.#insertChange.run(
      draft.revision,
      draft.count++,
      2,
      resource,
      relation,
      subject,
      subjectRelation,
      1,
      null,
      null,
      null,
      caveat,
      context,
      expiresAt,
    )
    draft.cells.push(
      2,
      resource,
      name(resourceType),
      resourceId,
      name(relation),
      subject,
      name(subjectType),
      subjectId,
      name(subjectRelation),
      1,
      null,
      null,
      null,
      caveat === null ? null : name(caveat),
      context,
      expiresAt,
    )
  }

  /** Appends the log row, unless nothing changed. */
  #finish(
    { revision, cells, count }: Draft,
    { metadata, committedAtMs }: WriterConditions,
    schemaText?: string,
  ): EncodedEntry | undefined {
    if (count === 0 && schemaText === undefined) return undefined
    const nonce = randomBytes(8).toString('hex')
    const schemaRevision = schemaText === undefined ? this.#current.schemaRevision : revision
    this.#insertLog.run(revision, nonce, committedAtMs, schemaRevision, count, metadata ?? null)
    if (schemaText !== undefined) this.#insertSchema.run(revision, schemaText)
    this.#current = { revision, nonce, committedAtMs, schemaRevision }
    return {
      head: this.#current,
      changes: cells,
      ...(schemaText === undefined ? {} : { schemaText }),
      ...(metadata === undefined ? {} : { metadata }),
    }
  }
}
