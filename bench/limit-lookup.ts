// The limit of lookups: from a user up, by hand for the one schema of shared-folders.ts. Interned arrays, marks, ids at the end.

import { type Data, idOf, type Kind, type Lists, listsOf, reversed } from './shared-folders.ts'

export class LimitLookup {
  readonly #counts: Data['counts']
  readonly #groupsOfUser: Lists
  readonly #groupsAbove: Lists
  readonly #foldersOfGroup: Lists
  readonly #foldersOfUser: Lists
  readonly #foldersBelow: Lists
  readonly #documentsOfUser: Lists
  readonly #documentsOfGroup: Lists
  readonly #documentsOfFolder: Lists
  readonly #documentIds: readonly string[]

  constructor(data: Data) {
    const bySubject = (resource: Kind, relation: string, subject: Kind) =>
      reversed(listsOf(data, resource, relation, subject), data.counts[subject])
    this.#counts = data.counts
    this.#groupsOfUser = bySubject('group', 'member', 'user')
    this.#groupsAbove = bySubject('group', 'member', 'group')
    this.#foldersOfGroup = bySubject('folder', 'viewer', 'group')
    this.#foldersOfUser = bySubject('folder', 'viewer', 'user')
    this.#foldersBelow = bySubject('folder', 'parent', 'folder')
    this.#documentsOfUser = bySubject('document', 'viewer', 'user')
    this.#documentsOfGroup = bySubject('document', 'viewer', 'group')
    this.#documentsOfFolder = bySubject('document', 'parent', 'folder')
    this.#documentIds = Array.from({ length: data.counts.document }, (_, at) => idOf('document', at))
  }

  /** The ids of all documents that user number `user` may view, in the order of discovery. */
  lookup(user: number): string[] {
    const groups = new Uint8Array(this.#counts.group)
    const folders = new Uint8Array(this.#counts.folder)
    const documents = new Uint8Array(this.#counts.document)
    const groupStack: number[] = []
    const folderStack: number[] = []
    const found: number[] = []
    const take = ({ starts, items }: Lists, from: number, marks: Uint8Array, into: number[]) => {
      const end = starts[from + 1]!
      for (let at = starts[from]!; at < end; at += 1) {
        const item = items[at]!
        if (marks[item] === 1) continue
        marks[item] = 1
        into.push(item)
      }
    }
    take(this.#groupsOfUser, user, groups, groupStack)
    take(this.#foldersOfUser, user, folders, folderStack)
    take(this.#documentsOfUser, user, documents, found)
    for (let at = 0; at < groupStack.length; at += 1) {
      const group = groupStack[at]!
      take(this.#groupsAbove, group, groups, groupStack)
      take(this.#foldersOfGroup, group, folders, folderStack)
      take(this.#documentsOfGroup, group, documents, found)
    }
    for (let at = 0; at < folderStack.length; at += 1) {
      const folder = folderStack[at]!
      take(this.#foldersBelow, folder, folders, folderStack)
      take(this.#documentsOfFolder, folder, documents, found)
    }
    const ids = new Array<string>(found.length)
    for (let at = 0; at < found.length; at += 1) ids[at] = this.#documentIds[found[at]!]!
    return ids
  }

  /** The users of the first `among` whose lookups are nearest to `wanted` results. */
  usersWith(wanted: number, count: number, among = 400): number[] {
    return Array.from({ length: Math.min(among, this.#counts.user) }, (_, user) => ({
      user,
      off: Math.abs(this.lookup(user).length - wanted),
    }))
      .sort((a, b) => a.off - b.off)
      .slice(0, count)
      .map(({ user }) => user)
  }
}
