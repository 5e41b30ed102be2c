// P5: how fast the graph loads, and how many bytes a relationship takes.
// Run: node --expose-gc node_modules/.bin/jiti bench/load.ts [rows...]
// Synthetic chunks in the shape that a database sends: folders with a parent, documents in folders with viewers
// (users and groups), groups with members. Prints rows per second and resident bytes per relationship beyond the ids.

import { Graph } from '../src/graph/graph.ts'
import type { LoadChunk, ObjectChunk, RowChunk } from '../src/store/store.ts'

const chunkSize = 65_536
const names = ['', 'user', 'group', 'folder', 'document', 'member', 'parent', 'viewer', 'owner'] as const
const nameIndex = (name: (typeof names)[number]) => names.indexOf(name)

/** A small deterministic generator (mulberry32): numbers in [0, 1). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), 1 | state)
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value
    return ((value ^ (value >>> 14)) >>> 0) / 4_294_967_296
  }
}

interface Shape {
  readonly users: number
  readonly groups: number
  readonly folders: number
  readonly documents: number
  readonly rows: number
}

/** Of ten rows: 3 group members, 2 parents and 2 owners of documents, the rest viewers and folders. */
function shapeOf(rows: number): Shape {
  return {
    users: Math.ceil(rows / 20),
    groups: Math.ceil(rows / 200),
    folders: Math.ceil(rows / 50),
    documents: Math.ceil(rows / 5),
    rows,
  }
}

function* objectChunks(shape: Shape): Generator<ObjectChunk> {
  const kinds: [(typeof names)[number], number][] = [
    ['user', shape.users],
    ['group', shape.groups],
    ['folder', shape.folders],
    ['document', shape.documents],
  ]
  let key = 1
  const encoder = new TextEncoder()
  for (const [type, count] of kinds) {
    for (let first = 0; first < count; first += chunkSize) {
      const length = Math.min(chunkSize, count - first)
      const keys = new Int32Array(length)
      const offsets = new Uint32Array(length + 1)
      const ids = new Uint8Array(length * 24)
      for (let at = 0; at < length; at += 1) {
        keys[at] = key
        key += 1
        // 16 characters, as short random ids have.
        const id = Math.imul(first + at, 0x9e3779b1) >>> 0
        const text = `${id.toString(16).padStart(8, '0')}${(first + at).toString(36).padStart(8, '0')}`
        offsets[at + 1] = offsets[at]! + encoder.encodeInto(text, ids.subarray(offsets[at])).written
      }
      yield { kind: 'objects', keys, types: new Uint16Array(length).fill(nameIndex(type)), ids, offsets }
    }
  }
}

function* rowChunks({ users, groups, folders, documents, rows }: Shape): Generator<RowChunk> {
  const random = generator(1)
  const below = (count: number) => Math.floor(random() * count)
  const user = () => 1 + below(users)
  const group = (at: number) => 1 + users + at
  const folder = (at: number) => 1 + users + groups + at
  const document = (at: number) => 1 + users + groups + folders + at
  let resources = new Int32Array(chunkSize)
  let relations = new Uint16Array(chunkSize)
  let subjects = new Int32Array(chunkSize)
  let subjectRelations = new Uint16Array(chunkSize)
  let length = 0
  let sent = 0
  const put = (resource: number, relation: (typeof names)[number], subject: number, subjectRelation = 0) => {
    resources[length] = resource
    relations[length] = nameIndex(relation)
    subjects[length] = subject
    subjectRelations[length] = subjectRelation
    length += 1
  }
  const chunk = (): RowChunk => {
    const full: RowChunk = {
      kind: 'rows',
      resources: resources.subarray(0, length),
      relations: relations.subarray(0, length),
      subjects: subjects.subarray(0, length),
      subjectRelations: subjectRelations.subarray(0, length),
      traits: [],
    }
    sent += length
    resources = new Int32Array(chunkSize)
    relations = new Uint16Array(chunkSize)
    subjects = new Int32Array(chunkSize)
    subjectRelations = new Uint16Array(chunkSize)
    length = 0
    return full
  }
  const full = (more: number) => length + more > chunkSize
  // 30 % group members: distinct users of each group by a stride.
  const perGroup = Math.floor((rows * 0.3) / groups)
  for (let at = 0; at < groups; at += 1) {
    const start = below(users)
    for (let member = 0; member < perGroup; member += 1) {
      if (full(1)) yield chunk()
      put(group(at), 'member', 1 + ((start + member * 7919) % users))
    }
  }
  for (let at = 1; at < folders; at += 1) {
    if (full(2)) yield chunk()
    put(folder(at), 'parent', folder(at >>> 3))
    put(folder(at), 'viewer', group(below(groups)), nameIndex('member'))
  }
  // The rest: each document has a parent, an owner, and viewers until the rows are used up.
  const left = rows - sent - length - 2 * documents
  for (let at = 0; at < documents; at += 1) {
    if (full(16)) yield chunk()
    put(document(at), 'parent', folder(below(folders)))
    put(document(at), 'owner', user())
    const viewers = Math.floor(((at + 1) * left) / documents) - Math.floor((at * left) / documents)
    const first = user()
    for (let viewer = 0; viewer < viewers; viewer += 1) {
      put(document(at), 'viewer', 1 + ((first + viewer * 104_729) % users))
    }
  }
  yield chunk()
}

async function* load(shape: Shape): AsyncGenerator<LoadChunk> {
  const head = { revision: 1, nonce: '0123456789abcdef', committedAtMs: 0, schemaRevision: 0 }
  const objectCount = shape.users + shape.groups + shape.folders + shape.documents
  yield { kind: 'start', head, schemaText: undefined, names, objectCount, rowCount: shape.rows }
  yield* objectChunks(shape)
  yield* rowChunks(shape)
}

const collect = (globalThis as { gc?: () => void }).gc
if (collect === undefined) throw new Error('Run with --expose-gc, so that resident memory can be measured.')
const settle = async () => {
  for (let round = 0; round < 5; round += 1) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** By the clock, and of the processor: on a busy machine only the latter says what loading costs. */
const clocks = () => ({
  wallMs: performance.now(),
  cpuMs: process.cpuUsage().user / 1000 + process.cpuUsage().system / 1000,
})
const since = (start: ReturnType<typeof clocks>) => {
  const end = clocks()
  return { wallMs: end.wallMs - start.wallMs, cpuMs: end.cpuMs - start.cpuMs }
}

const wanted = process.argv.slice(2).map(Number)
for (const rows of wanted.length > 0 ? wanted : [1_000_000, 10_000_000]) {
  const shape = shapeOf(rows)
  // What it takes to make the chunks is no part of loading them.
  const idle = clocks()
  for await (const _ of load(shape));
  const making = since(idle)
  await settle()
  const before = process.memoryUsage().rss
  const start = clocks()
  const graph: Graph = await Graph.load(load(shape))
  const whole = since(start)
  const loading = { wallMs: whole.wallMs - making.wallMs, cpuMs: whole.cpuMs - making.cpuMs }
  await settle()
  const resident = process.memoryUsage().rss - before
  const memory = graph.memory()
  const perRow = (bytes: number) => (bytes / memory.rows).toFixed(1)
  console.log(
    `${memory.rows} relationships, ${memory.objects} objects (${(memory.objects / memory.rows).toFixed(2)} ids per relationship)`,
  )
  const rate = (ms: number) => Math.round(memory.rows / (ms / 1000))
  console.log(`  ${rate(loading.wallMs)} rows/s by the clock, ${rate(loading.cpuMs)} rows per CPU second`)
  console.log(
    `  ${perRow(resident - memory.idBytes)} bytes per relationship resident beyond ids; ids ${perRow(memory.idBytes)}`,
  )
  console.log(
    `  counted: ${perRow(memory.totalBytes - memory.idBytes)} (objects ${perRow(memory.objectBytes)}, lists ${perRow(memory.listBytes)}, slabs ${perRow(memory.slabBytes)}, records ${perRow(memory.recordBytes)})`,
  )
}
