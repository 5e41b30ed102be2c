// Data of most benches: documents in a folder tree, shared with users and nested groups. Seeded, in columns of integers.

import type { Relationship } from '../src/model/relationship.ts'
import type { LoadChunk, ObjectChunk, RowChunk } from '../src/store/store.ts'
import { generator, picker, type Spread } from './generator.ts'

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

export const kinds = ['user', 'group', 'folder', 'document'] as const
export type Kind = (typeof kinds)[number]

/** Each kind of row: resource, relation, subject. A group as a subject means its members. */
export const rowKinds = [
  ['group', 'member', 'group'],
  ['group', 'member', 'user'],
  ['folder', 'parent', 'folder'],
  ['folder', 'viewer', 'group'],
  ['folder', 'viewer', 'user'],
  ['document', 'parent', 'folder'],
  ['document', 'viewer', 'group'],
  ['document', 'viewer', 'user'],
] as const satisfies readonly (readonly [Kind, string, Kind])[]
export type RowKind = (typeof rowKinds)[number]

/** Rows of one kind by their resource: `items` from `starts[n]` to `starts[n + 1]`, ascending, each once. */
export interface Lists {
  readonly starts: Int32Array
  readonly items: Int32Array
}

export interface Data {
  readonly counts: Readonly<Record<Kind, number>>
  readonly lists: readonly Lists[]
  readonly size: number
}

/** The rows of one kind. */
export function listsOf(data: Data, resource: Kind, relation: string, subject: Kind): Lists {
  const at = rowKinds.findIndex(([a, b, c]) => a === resource && b === relation && c === subject)
  return data.lists[at]!
}

/** The id that number n of a kind has. */
export const idOf = (kind: Kind, number: number) => `${kind}-${number.toString(36).padStart(6, '0')}`

/** Pairs of numbers in two growing columns. */
export class Pairs {
  resources = new Int32Array(1024)
  subjects = new Int32Array(1024)
  length = 0

  add(resource: number, subject: number): void {
    if (this.length === this.resources.length) {
      for (const side of ['resources', 'subjects'] as const) {
        const wider = new Int32Array(this.length * 2)
        wider.set(this[side])
        this[side] = wider
      }
    }
    this.resources[this.length] = resource
    this.subjects[this.length] = subject
    this.length += 1
  }

  /** By resource, sorted, each pair once; the other way round: by subject. */
  toLists(count: number, reversed = false): Lists {
    const [from, to] = reversed ? [this.subjects, this.resources] : [this.resources, this.subjects]
    const starts = new Int32Array(count + 1)
    for (let at = 0; at < this.length; at += 1) starts[from[at]! + 1]! += 1
    for (let at = 0; at < count; at += 1) starts[at + 1]! += starts[at]!
    const filled = starts.slice()
    const items = new Int32Array(this.length)
    for (let at = 0; at < this.length; at += 1) {
      const slot = filled[from[at]!]!
      items[slot] = to[at]!
      filled[from[at]!] = slot + 1
    }
    let kept = 0
    for (let at = 0; at < count; at += 1) {
      const list = items.subarray(starts[at]!, starts[at + 1]!).sort()
      starts[at] = kept
      let last = -1
      // What is kept never lies behind what is read.
      for (let index = 0; index < list.length; index += 1) {
        const item = list[index]!
        if (item === last) continue
        last = item
        items[kept] = item
        kept += 1
      }
    }
    starts[count] = kept
    return { starts, items: items.slice(0, kept) }
  }
}

/** The same rows by their subject, of which there are `count`. */
export function reversed({ starts, items }: Lists, count: number): Lists {
  const pairs = new Pairs()
  for (let resource = 0; resource + 1 < starts.length; resource += 1)
    for (let at = starts[resource]!; at < starts[resource + 1]!; at += 1) pairs.add(resource, items[at]!)
  return pairs.toLists(count, true)
}

/** Data of columns that are filled already; one for each of `rowKinds`, or none. */
export function dataOf(counts: Data['counts'], pairs: readonly (Pairs | undefined)[]): Data {
  const lists = rowKinds.map(([resource], at) => (pairs[at] ?? new Pairs()).toLists(counts[resource]))
  return { counts, lists, size: lists.reduce((sum, { items }) => sum + items.length, 0) }
}

/**
 * About `size` rows: groups nested up to some ten deep, folders some eight deep, three quarters of the rows at documents
 * and members of groups. With `zipf`, who is a member, which group, and which document is shared follow Zipf's law.
 */
export function makeData(size: number, spread: Spread = 'uniform', seed = 1): Data {
  const random = generator(seed)
  const uniform = picker(random, 'uniform')
  const pick = picker(random, spread)
  const counts = {
    user: Math.max(10, Math.floor(size / 20)),
    group: Math.max(10, Math.floor(size / 100)),
    folder: Math.max(10, Math.floor(size / 50)),
    document: Math.max(10, Math.floor(size / 4)),
  }
  const pairs = rowKinds.map(() => new Pairs())
  const [nested, members, parents, folderGroups, folderUsers, places, documentGroups, documentUsers] =
    pairs as [Pairs, Pairs, Pairs, Pairs, Pairs, Pairs, Pairs, Pairs]
  for (let group = 1; group < counts.group; group += 1) {
    // Groups stand in one of the ten before them, so chains are deep.
    if (random() < 0.6) nested.add(Math.max(0, group - 1 - uniform(10)), group)
  }
  for (let folder = 1; folder < counts.folder; folder += 1) {
    parents.add(folder, Math.floor(folder / (2 + uniform(3))))
    if (random() < 0.3) folderGroups.add(folder, pick(counts.group))
    if (random() < 0.2) folderUsers.add(folder, pick(counts.user))
  }
  for (let document = 0; document < counts.document; document += 1) {
    const shared = () => (spread === 'uniform' ? document : pick(counts.document))
    places.add(document, uniform(counts.folder))
    if (random() < 0.4) documentGroups.add(shared(), pick(counts.group))
    if (random() < 0.6) documentUsers.add(shared(), pick(counts.user))
  }
  const rows = () => pairs.reduce((sum, { length }) => sum + length, 0)
  while (rows() < size) members.add(pick(counts.group), pick(counts.user))
  return dataOf(counts, pairs)
}

/** Rows in the order of a datastore: by resource, then by kind. `from` and `to` number the resources over all kinds. */
function* eachRow(data: Data): Generator<readonly [kind: number, resource: number, subject: number]> {
  for (const type of kinds) {
    for (let resource = 0; resource < data.counts[type]; resource += 1) {
      for (let kind = 0; kind < rowKinds.length; kind += 1) {
        if (rowKinds[kind]![0] !== type) continue
        const { starts, items } = data.lists[kind]!
        for (let at = starts[resource]!; at < starts[resource + 1]!; at += 1)
          yield [kind, resource, items[at]!]
      }
    }
  }
}

const chunkRows = 65_536

/** The data as a store would load it. */
export async function* loadChunks(data: Data, schema = schemaText): AsyncGenerator<LoadChunk> {
  const { counts, size } = data
  const names = ['', ...kinds, 'member', 'parent', 'viewer']
  const first: Record<Kind, number> = { user: 1, group: 0, folder: 0, document: 0 }
  let next = 1
  for (const kind of kinds) {
    first[kind] = next
    next += counts[kind]
  }
  const head = { revision: 1, nonce: '0000000000000001', committedAtMs: 0, schemaRevision: 1 }
  yield { kind: 'start', head, schemaText: schema, names, objectCount: next - 1, rowCount: size }
  for (const kind of kinds) yield* objectChunks(kind, names.indexOf(kind), first[kind], counts[kind])
  const kindColumns = rowKinds.map(([resource, relation, subject]) => ({
    resource: first[resource],
    relation: names.indexOf(relation),
    subject: first[subject],
    subjectRelation: subject === 'group' ? names.indexOf('member') : 0,
  }))
  const columns = () => ({
    resources: new Int32Array(chunkRows),
    relations: new Uint16Array(chunkRows),
    subjects: new Int32Array(chunkRows),
    subjectRelations: new Uint16Array(chunkRows),
  })
  let chunk = columns()
  let length = 0
  const sent = (): RowChunk => ({
    kind: 'rows',
    resources: chunk.resources.subarray(0, length),
    relations: chunk.relations.subarray(0, length),
    subjects: chunk.subjects.subarray(0, length),
    subjectRelations: chunk.subjectRelations.subarray(0, length),
    traits: [],
  })
  for (const [kind, resource, subject] of eachRow(data)) {
    const column = kindColumns[kind]!
    chunk.resources[length] = column.resource + resource
    chunk.relations[length] = column.relation
    chunk.subjects[length] = column.subject + subject
    chunk.subjectRelations[length] = column.subjectRelation
    length += 1
    if (length < chunkRows) continue
    yield sent()
    chunk = columns()
    length = 0
  }
  yield sent()
}

function* objectChunks(kind: Kind, type: number, firstKey: number, count: number): Generator<ObjectChunk> {
  for (let from = 0; from < count; from += chunkRows) {
    const length = Math.min(chunkRows, count - from)
    const offsets = new Uint32Array(length + 1)
    let text = ''
    for (let at = 0; at < length; at += 1) {
      text += idOf(kind, from + at)
      offsets[at + 1] = text.length
    }
    yield {
      kind: 'objects',
      keys: Int32Array.from({ length }, (_, at) => firstKey + from + at),
      types: new Uint16Array(length).fill(type),
      ids: new TextEncoder().encode(text),
      offsets,
    }
  }
}

/** The data as relationships, a batch at a time. */
export function* relationshipBatches(data: Data, batchSize = 10_000): Generator<Relationship[]> {
  let batch: Relationship[] = []
  for (const [kind, resourceNumber, subjectNumber] of eachRow(data)) {
    const [type, relation, subjectType] = rowKinds[kind]!
    batch.push({
      resource: { type, id: idOf(type, resourceNumber) },
      relation,
      subject: {
        type: subjectType,
        id: idOf(subjectType, subjectNumber),
        relation: subjectType === 'group' ? 'member' : '',
      },
    })
    if (batch.length < batchSize) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
