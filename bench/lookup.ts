// P4: what a lookup of 10,000 resources costs beside a reverse traversal written by hand. Run: npm run bench:lookup

import { createEngine } from '../src/engine/create-engine.ts'
import type { FoundObject } from '../src/engine/engine.ts'
import { compilePlans } from '../src/engine/plans.ts'
import { Graph } from '../src/graph/graph.ts'
import { compileSchema } from '../src/schema/compile-schema.ts'
import { type Data, idOf, loadChunks, makeData, schemaText } from './shared-folders.ts'

const size = Number(process.argv[2] ?? 100_000)
const rounds = Number(process.env.ROUNDS ?? 9)

/** From a user up: groups, folders, documents. Interned arrays, one mark each, ids as strings at the end. */
class ReverseTraversal {
  readonly #groupsOfUser: Int32Array[]
  readonly #groupsAbove: Int32Array[]
  readonly #foldersOfGroup: Int32Array[]
  readonly #foldersOfUser: Int32Array[]
  readonly #foldersBelow: Int32Array[]
  readonly #documentsOf: Record<'user' | 'group' | 'folder', Int32Array[]>
  readonly #counts: Data['counts']

  constructor({ counts, rows }: Data) {
    const lists = (
      count: number,
      pick: (row: Data['rows'][number]) => readonly [number, number] | undefined,
    ) => {
      const found: number[][] = Array.from({ length: count }, () => [])
      for (const row of rows) {
        const pair = pick(row)
        if (pair !== undefined) found[pair[0]]!.push(pair[1])
      }
      return found.map((list) => Int32Array.from(list))
    }
    const of = (type: string, relation: string, subjectType: string) => (row: Data['rows'][number]) =>
      row.type === type && row.relation === relation && row.subjectType === subjectType
        ? ([row.subject, row.resource] as const)
        : undefined
    this.#counts = counts
    this.#groupsOfUser = lists(counts.user, of('group', 'member', 'user'))
    this.#groupsAbove = lists(counts.group, of('group', 'member', 'group'))
    this.#foldersOfGroup = lists(counts.group, of('folder', 'viewer', 'group'))
    this.#foldersOfUser = lists(counts.user, of('folder', 'viewer', 'user'))
    this.#foldersBelow = lists(counts.folder, of('folder', 'parent', 'folder'))
    this.#documentsOf = {
      user: lists(counts.user, of('document', 'viewer', 'user')),
      group: lists(counts.group, of('document', 'viewer', 'group')),
      folder: lists(counts.folder, of('document', 'parent', 'folder')),
    }
  }

  lookup(user: number, ids: readonly string[]): string[] {
    const groups = new Uint8Array(this.#counts.group)
    const folders = new Uint8Array(this.#counts.folder)
    const documents = new Uint8Array(this.#counts.document)
    const groupStack: number[] = []
    const folderStack: number[] = []
    const found: number[] = []
    const take = (list: Int32Array, marks: Uint8Array, stack: number[]) => {
      for (const item of list) {
        if (marks[item] === 1) continue
        marks[item] = 1
        stack.push(item)
      }
    }
    take(this.#groupsOfUser[user]!, groups, groupStack)
    take(this.#foldersOfUser[user]!, folders, folderStack)
    take(this.#documentsOf.user[user]!, documents, found)
    for (let at = 0; at < groupStack.length; at += 1) {
      const group = groupStack[at]!
      take(this.#groupsAbove[group]!, groups, groupStack)
      take(this.#foldersOfGroup[group]!, folders, folderStack)
      take(this.#documentsOf.group[group]!, documents, found)
    }
    for (let at = 0; at < folderStack.length; at += 1) {
      const folder = folderStack[at]!
      take(this.#foldersBelow[folder]!, folders, folderStack)
      take(this.#documentsOf.folder[folder]!, documents, found)
    }
    return found.map((document) => ids[document]!)
  }
}

const data = makeData(size)
const graph = await Graph.load(loadChunks(data))
const engine = createEngine()
const world = { snapshot: graph.snapshot(), plans: compilePlans(compileSchema(schemaText).schema!) }
const limit = new ReverseTraversal(data)
const documentIds = Array.from({ length: data.counts.document }, (_, at) => idOf('document', at))

function cardea(user: number): { ids: string[]; firstMs: number } {
  const before = performance.now()
  const subject = { type: 'user', id: idOf('user', user), relation: '' }
  const stream = engine.lookupResources(world, { resourceType: 'document', permission: 'view', subject }, 0)
  const ids: string[] = []
  const batch: FoundObject[] = []
  let firstMs = 0
  for (let done = false; !done; batch.length = 0) {
    done = stream.run(100_000, batch, 512)
    if (firstMs === 0 && batch.length > 0) firstMs = performance.now() - before
    for (const { id } of batch) ids.push(id)
  }
  return { ids, firstMs }
}

// The user who sees the number of documents nearest to 10,000.
let user = 0
let nearest = Number.POSITIVE_INFINITY
for (let candidate = 0; candidate < Math.min(500, data.counts.user); candidate += 1) {
  const off = Math.abs(limit.lookup(candidate, documentIds).length - 10_000)
  if (off < nearest) {
    nearest = off
    user = candidate
  }
}
const expected = limit.lookup(user, documentIds).sort()
const answered = cardea(user).ids.sort()
if (expected.join() !== answered.join())
  throw new Error(`${answered.length} found, ${expected.length} expected`)

let limitMs = Number.POSITIVE_INFINITY
let cardeaMs = Number.POSITIVE_INFINITY
let firstMs = Number.POSITIVE_INFINITY
for (let round = 0; round < rounds; round += 1) {
  let before = performance.now()
  limit.lookup(user, documentIds)
  limitMs = Math.min(limitMs, performance.now() - before)
  before = performance.now()
  firstMs = Math.min(firstMs, cardea(user).firstMs)
  cardeaMs = Math.min(cardeaMs, performance.now() - before)
}
console.log(
  `${data.rows.length} relationships, a lookup of ${expected.length} documents; best of ${rounds} rounds, same answers`,
)
console.log(`limit  ${limitMs.toFixed(2)} ms`)
console.log(`cardea ${cardeaMs.toFixed(2)} ms, the first batch after ${firstMs.toFixed(2)} ms`)
console.log(`P4: ${(limitMs / cardeaMs).toFixed(2)} (goal 0.5)`)
