// Loading: the whole state in columns, page by page, in one read transaction on a connection of its own.

import type { Client } from 'pg'
import type { LoadChunk, ObjectChunk, RowChunk } from '../store.ts'
import { traitsFrom } from '../traits.ts'
import { headFrom, headQuery } from './reader.ts'

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

/** All chunks of one snapshot. Takes the connection over; whoever made it ends it. */
export async function* loadChunks(client: Client): AsyncIterable<LoadChunk> {
  const rows = async <Cells extends unknown[]>(text: string): Promise<Cells[]> =>
    (await client.query<Cells>({ text, rowMode: 'array' })).rows
  const number = async (text: string) => (await rows<[number]>(text))[0]![0]

  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  const [head] = await rows<Parameters<typeof headFrom>[0] & unknown[]>(headQuery)
  const [sum] = await rows<[number | null]>('SELECT digest FROM cardea_log ORDER BY revision DESC LIMIT 1')
  const digest = sum?.[0] ?? undefined
  const [schema] = await rows<[string]>('SELECT text FROM cardea_schema ORDER BY revision DESC LIMIT 1')
  const names: string[] = []
  for (const [id, name] of await rows<[number, string]>('SELECT id, name FROM cardea_name')) names[id] = name
  yield {
    kind: 'start',
    head: headFrom(head),
    schemaText: schema?.[0],
    ...(digest === undefined ? {} : { digest }),
    names,
    objectCount: await number('SELECT count(*) FROM cardea_object'),
    rowCount: await number('SELECT count(*) FROM cardea_relationship'),
  }
  await client.query('DECLARE objects CURSOR FOR SELECT key, type, id FROM cardea_object ORDER BY key')
  for (;;) {
    const objects = await rows<ObjectRow>(`FETCH ${chunkRows} FROM objects`)
    if (objects.length === 0) break
    yield objectChunk(objects)
  }
  await client.query(
    `DECLARE relationships CURSOR FOR SELECT resource, relation, subject, subject_relation, caveat, context, expires_at
     FROM cardea_relationship`,
  )
  for (;;) {
    const relationships = await rows<Row>(`FETCH ${chunkRows} FROM relationships`)
    if (relationships.length === 0) break
    yield rowChunk(relationships, names)
  }
  await client.query('COMMIT')
}

function objectChunk(objects: readonly ObjectRow[]): ObjectChunk {
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
  return { kind: 'objects', keys, types, ids: encoder.encode(text), offsets }
}

function rowChunk(rows: readonly Row[], names: readonly string[]): RowChunk {
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
  return { kind: 'rows', resources, relations, subjects, subjectRelations, traits }
}
