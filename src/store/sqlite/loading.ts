// Loading: the whole state in columns, page by page, in one read transaction on a connection of its own.

import type Database from 'better-sqlite3'
import type { LoadChunk, ObjectChunk, RowChunk } from '../store.ts'
import { traitsFrom } from '../traits.ts'
import { headStatement } from './reader.ts'

type ObjectRow = [key: number, type: number, id: string]
type Row = [
  resource: number,
  relation: number,
  subject: number,
  subjectRelation: number,
  caveat: number | null,
  context: string | null,
  expiresAt: number | null,
]

/** Rows per chunk: some milliseconds of work, so that others get their turn in between. */
const chunkRows = 16_384
const encoder = new TextEncoder()

export class Loading {
  readonly #database: Database.Database
  readonly #chunks: Generator<LoadChunk>

  /** Takes the connection over. The state is the one at the first call of {@link next}. */
  constructor(database: Database.Database) {
    this.#database = database
    this.#chunks = chunksOf(database)
  }

  /** The next chunk; undefined after the last, when the connection is closed. */
  next(): LoadChunk | undefined {
    const step = this.#chunks.next()
    if (step.done !== true) return step.value
    this.close()
    return undefined
  }

  close(): void {
    this.#database.close()
  }
}

/** Buffers of a chunk, which can move to another thread without being copied. */
export function buffersOf(chunk: LoadChunk | undefined): ArrayBuffer[] {
  if (chunk === undefined || chunk.kind === 'start') return []
  const columns =
    chunk.kind === 'objects'
      ? [chunk.keys, chunk.types, chunk.ids, chunk.offsets]
      : [chunk.resources, chunk.relations, chunk.subjects, chunk.subjectRelations]
  return columns.map(({ buffer }) => buffer as ArrayBuffer)
}

function* chunksOf(database: Database.Database): Generator<LoadChunk> {
  database.exec('BEGIN')
  const head = headStatement(database)()
  const names: string[] = []
  for (const [id, name] of database
    .prepare<[], [number, string]>('SELECT id, name FROM cardea_name')
    .raw()
    .all()) {
    names[id] = name
  }
  const number = (sql: string) => database.prepare<[], number>(sql).pluck().get()!
  yield {
    kind: 'start',
    head,
    schemaText: database
      .prepare<[], string>('SELECT text FROM cardea_schema ORDER BY revision DESC LIMIT 1')
      .pluck()
      .get(),
    names,
    // Keys have no holes, so that the last one is the count.
    objectCount: number('SELECT coalesce(max(key), 0) FROM cardea_object'),
    rowCount: number('SELECT count(*) FROM cardea_relationship'),
  }
  yield* objectChunks(database)
  yield* rowChunks(database, names)
}

function* objectChunks(database: Database.Database): Generator<ObjectChunk> {
  const page = database
    .prepare<[number, number], ObjectRow>(
      'SELECT key, type, id FROM cardea_object WHERE key > ? ORDER BY key LIMIT ?',
    )
    .raw()
  let last = 0
  for (;;) {
    const objects = page.all(last, chunkRows)
    if (objects.length === 0) return
    const keys = new Int32Array(objects.length)
    const types = new Uint16Array(objects.length)
    const offsets = new Uint32Array(objects.length + 1)
    let text = ''
    objects.forEach(([key, type, id], at) => {
      keys[at] = key
      types[at] = type
      text += id
      // Ids are ASCII: a character is a byte.
      offsets[at + 1] = text.length
    })
    last = keys[keys.length - 1]!
    yield { kind: 'objects', keys, types, ids: encoder.encode(text), offsets }
  }
}

function* rowChunks(database: Database.Database, names: readonly string[]): Generator<RowChunk> {
  const page = database
    .prepare<number[], Row>(
      `SELECT resource, relation, subject, subject_relation, caveat, context, expires_at FROM cardea_relationship
       WHERE (resource, relation, subject, subject_relation) > (?, ?, ?, ?)
       ORDER BY resource, relation, subject, subject_relation LIMIT ?`,
    )
    .raw()
  let last: readonly number[] = [0, 0, 0, 0]
  for (;;) {
    const rows = page.all(...last, chunkRows)
    if (rows.length === 0) return
    const resources = new Int32Array(rows.length)
    const relations = new Uint16Array(rows.length)
    const subjects = new Int32Array(rows.length)
    const subjectRelations = new Uint16Array(rows.length)
    const traits: RowChunk['traits'][number][] = []
    rows.forEach(([resource, relation, subject, subjectRelation, caveat, context, expiresAt], at) => {
      resources[at] = resource
      relations[at] = relation
      subjects[at] = subject
      subjectRelations[at] = subjectRelation
      if (caveat === null && expiresAt === null) return
      traits.push({ at, ...traitsFrom(caveat === null ? null : names[caveat], context, expiresAt) })
    })
    last = rows.at(-1)!.slice(0, 4) as number[]
    yield { kind: 'rows', resources, relations, subjects, subjectRelations, traits }
  }
}
