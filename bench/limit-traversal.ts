// The limit: checks for the one schema of shared-folders.ts, by hand. Interned integer arrays, no allocation, no snapshots, no caveats.

import { type Data, idOf, type Kind, kinds, type Lists, listsOf } from './shared-folders.ts'

export class LimitTraversal {
  readonly #numbers: Readonly<Record<Kind, Map<string, number>>>
  readonly #groupsIn: Lists
  readonly #folderParents: Lists
  readonly #folderGroups: Lists
  readonly #documentParents: Lists
  readonly #documentGroups: Lists
  readonly #memberTable: Int32Array
  readonly #folderViewerTable: Int32Array
  readonly #documentViewerTable: Int32Array
  readonly #groupMarks: Int32Array
  readonly #folderMarks: Int32Array
  readonly #groupStack: Int32Array
  readonly #folderStack: Int32Array
  #mark = 0

  constructor(data: Data) {
    const { counts } = data
    const table = (type: Kind, relation: string): Int32Array => {
      const { starts, items } = listsOf(data, type, relation, 'user')
      let size = 16
      while (size < items.length * 2) size *= 2
      const slots = new Int32Array(size * 2).fill(-1)
      for (let resource = 0; resource < counts[type]; resource += 1) {
        for (let at = starts[resource]!; at < starts[resource + 1]!; at += 1) {
          let slot = hash(resource, items[at]!) & (size - 1)
          while (slots[slot * 2] !== -1) slot = (slot + 1) & (size - 1)
          slots[slot * 2] = resource
          slots[slot * 2 + 1] = items[at]!
        }
      }
      return slots
    }
    const number = (kind: Kind) => {
      const numbers = new Map<string, number>()
      for (let at = 0; at < counts[kind]; at += 1) numbers.set(idOf(kind, at), at)
      return numbers
    }
    this.#numbers = Object.fromEntries(kinds.map((kind) => [kind, number(kind)])) as Record<
      Kind,
      Map<string, number>
    >
    this.#groupsIn = listsOf(data, 'group', 'member', 'group')
    this.#folderParents = listsOf(data, 'folder', 'parent', 'folder')
    this.#folderGroups = listsOf(data, 'folder', 'viewer', 'group')
    this.#documentParents = listsOf(data, 'document', 'parent', 'folder')
    this.#documentGroups = listsOf(data, 'document', 'viewer', 'group')
    this.#memberTable = table('group', 'member')
    this.#folderViewerTable = table('folder', 'viewer')
    this.#documentViewerTable = table('document', 'viewer')
    this.#groupMarks = new Int32Array(counts.group)
    this.#folderMarks = new Int32Array(counts.folder)
    this.#groupStack = new Int32Array(counts.group + 1)
    this.#folderStack = new Int32Array(counts.folder + 1)
  }

  /** Whether the user may view the document; ids as strings, as a service gets them. */
  check(documentId: string, userId: string): boolean {
    const document = this.#numbers.document.get(documentId)
    const user = this.#numbers.user.get(userId)
    if (document === undefined || user === undefined) return false
    this.#mark += 1
    if (contains(this.#documentViewerTable, document, user)) return true
    if (this.#anyGroup(this.#documentGroups, document, user)) return true
    const { starts, items } = this.#documentParents
    const stack = this.#folderStack
    let depth = 0
    for (let at = starts[document]!; at < starts[document + 1]!; at += 1)
      depth = this.#push(items[at]!, depth)
    while (depth > 0) {
      depth -= 1
      const folder = stack[depth]!
      if (contains(this.#folderViewerTable, folder, user)) return true
      if (this.#anyGroup(this.#folderGroups, folder, user)) return true
      const parents = this.#folderParents
      for (let at = parents.starts[folder]!; at < parents.starts[folder + 1]!; at += 1)
        depth = this.#push(parents.items[at]!, depth)
    }
    return false
  }

  #push(folder: number, depth: number): number {
    if (this.#folderMarks[folder] === this.#mark) return depth
    this.#folderMarks[folder] = this.#mark
    this.#folderStack[depth] = folder
    return depth + 1
  }

  #anyGroup(lists: Lists, resource: number, user: number): boolean {
    const stack = this.#groupStack
    const marks = this.#groupMarks
    let depth = 0
    for (let at = lists.starts[resource]!; at < lists.starts[resource + 1]!; at += 1) {
      const group = lists.items[at]!
      if (marks[group] === this.#mark) continue
      marks[group] = this.#mark
      stack[depth] = group
      depth += 1
    }
    while (depth > 0) {
      depth -= 1
      const group = stack[depth]!
      if (contains(this.#memberTable, group, user)) return true
      const { starts, items } = this.#groupsIn
      for (let at = starts[group]!; at < starts[group + 1]!; at += 1) {
        const inner = items[at]!
        if (marks[inner] === this.#mark) continue
        marks[inner] = this.#mark
        stack[depth] = inner
        depth += 1
      }
    }
    return false
  }
}

function hash(left: number, right: number): number {
  let mixed = Math.imul(left, 0x9e3779b1) ^ Math.imul(right, 0x85ebca6b)
  mixed ^= mixed >>> 15
  return Math.imul(mixed, 0x2c1b3c6d) >>> 0
}

function contains(table: Int32Array, left: number, right: number): boolean {
  const mask = table.length / 2 - 1
  let slot = hash(left, right) & mask
  for (;;) {
    const found = table[slot * 2]!
    if (found === -1) return false
    if (found === left && table[slot * 2 + 1] === right) return true
    slot = (slot + 1) & mask
  }
}
