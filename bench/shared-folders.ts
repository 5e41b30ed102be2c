// Data of the check and lookup benches: documents in a folder tree, shared with users and nested groups. Seeded.

import type { LoadChunk } from '../src/store/store.ts'

export const schemaText = `definition user {}

definition group {
  relation member: user | group#member
}

definition folder {
  relation parent: folder
  relation viewer: user | group#member
  permission view = viewer + parent->view
}

definition document {
  relation parent: folder
  relation viewer: user | group#member
  permission view = viewer + parent->view
}
`

/** A small deterministic generator (mulberry32): numbers in [0, 1). */
export function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296
  }
}

export const kinds = ['user', 'group', 'folder', 'document'] as const
export type Kind = (typeof kinds)[number]

/** One row: the subject of `viewer` and `member` is a user or the members of a group; of `parent` a folder. */
export interface Row {
  readonly type: Kind
  readonly resource: number
  readonly relation: 'member' | 'parent' | 'viewer'
  readonly subjectType: Kind
  readonly subject: number
}

export interface Data {
  readonly counts: Readonly<Record<Kind, number>>
  readonly rows: readonly Row[]
}

export const idOf = (kind: Kind, number: number) => `${kind}-${number.toString(36).padStart(6, '0')}`

/** About `size` rows: groups nested up to some ten deep, folders some eight deep, half of the rows on documents. */
export function makeData(size: number, seed = 1): Data {
  const random = generator(seed)
  const pick = (count: number) => Math.floor(random() * count)
  const counts = {
    user: Math.max(10, Math.floor(size / 20)),
    group: Math.max(10, Math.floor(size / 100)),
    folder: Math.max(10, Math.floor(size / 50)),
    document: Math.max(10, Math.floor(size / 4)),
  }
  const rows: Row[] = []
  const seen = new Set<string>()
  const add = (row: Row) => {
    const key = `${row.type}${row.resource}${row.relation}${row.subjectType}${row.subject}`
    if (seen.has(key)) return
    seen.add(key)
    rows.push(row)
  }
  for (let group = 1; group < counts.group; group += 1) {
    // Groups stand in one of the ten before them, so chains are deep.
    const above = Math.max(0, group - 1 - pick(10))
    if (random() < 0.6)
      add({ type: 'group', resource: above, relation: 'member', subjectType: 'group', subject: group })
  }
  for (let folder = 1; folder < counts.folder; folder += 1) {
    add({
      type: 'folder',
      resource: folder,
      relation: 'parent',
      subjectType: 'folder',
      subject: Math.floor(folder / (2 + pick(3))),
    })
    if (random() < 0.3)
      add({
        type: 'folder',
        resource: folder,
        relation: 'viewer',
        subjectType: 'group',
        subject: pick(counts.group),
      })
    if (random() < 0.2)
      add({
        type: 'folder',
        resource: folder,
        relation: 'viewer',
        subjectType: 'user',
        subject: pick(counts.user),
      })
  }
  for (let document = 0; document < counts.document; document += 1) {
    add({
      type: 'document',
      resource: document,
      relation: 'parent',
      subjectType: 'folder',
      subject: pick(counts.folder),
    })
    if (random() < 0.4)
      add({
        type: 'document',
        resource: document,
        relation: 'viewer',
        subjectType: 'group',
        subject: pick(counts.group),
      })
    if (random() < 0.6)
      add({
        type: 'document',
        resource: document,
        relation: 'viewer',
        subjectType: 'user',
        subject: pick(counts.user),
      })
  }
  while (rows.length < size) {
    add({
      type: 'group',
      resource: pick(counts.group),
      relation: 'member',
      subjectType: 'user',
      subject: pick(counts.user),
    })
  }
  return { counts, rows }
}

/** The data as a store would load it. */
export async function* loadChunks({ counts, rows }: Data): AsyncGenerator<LoadChunk> {
  const names = ['', ...kinds, 'member', 'parent', 'viewer']
  const first: Record<Kind, number> = { user: 1, group: 0, folder: 0, document: 0 }
  let next = 1
  for (const kind of kinds) {
    first[kind] = next
    next += counts[kind]
  }
  const objectCount = next - 1
  const head = { revision: 1, nonce: '0000000000000001', committedAtMs: 0, schemaRevision: 1 }
  yield { kind: 'start', head, schemaText, names, objectCount, rowCount: rows.length }
  const keys = new Int32Array(objectCount)
  const types = new Uint16Array(objectCount)
  const offsets = new Uint32Array(objectCount + 1)
  const parts: string[] = []
  let at = 0
  let bytes = 0
  for (const kind of kinds) {
    for (let number = 0; number < counts[kind]; number += 1) {
      keys[at] = first[kind] + number
      types[at] = names.indexOf(kind)
      parts.push(idOf(kind, number))
      bytes += parts[parts.length - 1]!.length
      at += 1
      offsets[at] = bytes
    }
  }
  yield { kind: 'objects', keys, types, ids: new TextEncoder().encode(parts.join('')), offsets }
  yield {
    kind: 'rows',
    resources: Int32Array.from(rows, (row) => first[row.type] + row.resource),
    relations: Uint16Array.from(rows, (row) => names.indexOf(row.relation)),
    subjects: Int32Array.from(rows, (row) => first[row.subjectType] + row.subject),
    subjectRelations: Uint16Array.from(rows, (row) =>
      row.subjectType === 'group' ? names.indexOf('member') : 0,
    ),
    traits: [],
  }
}
