// The dictionary of one connection: names and objects to integers and back, remembering what it has seen.

import type Database from 'better-sqlite3'
import { CardeaError } from '../../model/errors.ts'
import type { ObjectKey } from '../store.ts'

/** Indices of names are 16 bits wide in load chunks. */
const maxNames = 65_535
const maxObjectKey = 2 ** 31 - 1

/**
 * What it remembers is true as long as the datastore only grows. Additions of a transaction that is rolled back must
 * be taken back with {@link Dictionary.undo}, and everything be forgotten when the file's past was exchanged.
 */
export class Dictionary {
  readonly #maxCachedObjects: number
  readonly #idByName = new Map<string, number>()
  readonly #nameById: (string | undefined)[] = []
  readonly #keys = new Map<number, Map<string, ObjectKey>>()
  #cachedObjects = 0
  /** Newest last. */
  #added: ({ readonly name: string } | { readonly type: number; readonly id: string })[] = []
  readonly #selectName
  readonly #selectNameById
  readonly #insertName
  readonly #selectKey
  readonly #insertObject

  /** `maxCachedObjects` 0: for a connection whose transactions are not ours, so that nothing may be remembered. */
  constructor(database: Database.Database, maxCachedObjects: number) {
    this.#maxCachedObjects = maxCachedObjects
    this.#selectName = database
      .prepare<[string], number>('SELECT id FROM cardea_name WHERE name = ?')
      .safeIntegers(false)
      .pluck()
    this.#selectNameById = database
      .prepare<[number], string>('SELECT name FROM cardea_name WHERE id = ?')
      .pluck()
    this.#insertName = database.prepare(
      'INSERT INTO cardea_name (id, name) SELECT max(id) + 1, ? FROM cardea_name',
    )
    this.#selectKey = database
      .prepare<[number, string], number>('SELECT key FROM cardea_object WHERE type = ? AND id = ?')
      .safeIntegers(false)
      .pluck()
    this.#insertObject = database.prepare('INSERT INTO cardea_object (type, id) VALUES (?, ?)')
  }

  /** Id of a name; undefined when nothing bears it. */
  nameId(name: string): number | undefined {
    const known = this.#idByName.get(name)
    if (known !== undefined) return known
    const id = this.#selectName.get(name)
    if (id !== undefined) this.#rememberName(name, id)
    return id
  }

  name(id: number): string {
    const known = this.#nameById[id]
    if (known !== undefined) return known
    const name = this.#selectNameById.get(id)
    if (name === undefined) throw new Error(`cardea_name has no id ${id}`)
    this.#rememberName(name, id)
    return name
  }

  /** Like {@link nameId}, adding the name when it is new. */
  addName(name: string): number {
    const known = this.nameId(name)
    if (known !== undefined) return known
    const id = Number(this.#insertName.run(name).lastInsertRowid)
    if (id > maxNames) {
      throw new CardeaError(
        'LIMIT_EXCEEDED',
        `A datastore holds at most ${maxNames} names of types, relations and caveats.`,
        { limit: String(maxNames) },
      )
    }
    this.#rememberName(name, id)
    if (this.#maxCachedObjects > 0) this.#added.push({ name })
    return id
  }

  /** Key of an object; undefined when no relationship ever named it. */
  objectKey(type: number, id: string): ObjectKey | undefined {
    const known = this.#keys.get(type)?.get(id)
    if (known !== undefined) return known
    const key = this.#selectKey.get(type, id)
    if (key !== undefined) this.#rememberObject(type, id, key)
    return key
  }

  /** Like {@link objectKey}, adding the object when it is new. */
  addObject(type: number, id: string): ObjectKey {
    const known = this.objectKey(type, id)
    if (known !== undefined) return known
    const key = Number(this.#insertObject.run(type, id).lastInsertRowid)
    if (key > maxObjectKey) {
      throw new CardeaError('LIMIT_EXCEEDED', `A datastore holds at most ${maxObjectKey} objects.`, {
        limit: String(maxObjectKey),
      })
    }
    this.#rememberObject(type, id, key)
    if (this.#maxCachedObjects > 0) this.#added.push({ type, id })
    return key
  }

  /** A point to come back to with {@link undo}. */
  mark(): number {
    return this.#added.length
  }

  /** Forgets what was added since the mark: its savepoint was rolled back. */
  undo(mark: number): void {
    for (const added of this.#added.splice(mark)) {
      if ('name' in added) {
        this.#nameById[this.#idByName.get(added.name)!] = undefined
        this.#idByName.delete(added.name)
      } else if (this.#keys.get(added.type)?.delete(added.id)) this.#cachedObjects -= 1
    }
  }

  /** The transaction is committed: there is nothing to take back. */
  keep(): void {
    this.#added = []
  }

  /** Forgets everything. */
  clear(): void {
    this.#idByName.clear()
    this.#nameById.length = 0
    this.#forgetObjects()
    this.#added = []
  }

  #forgetObjects(): void {
    this.#keys.clear()
    this.#cachedObjects = 0
  }

  #rememberName(name: string, id: number): void {
    if (this.#maxCachedObjects === 0) return
    this.#idByName.set(name, id)
    this.#nameById[id] = name
  }

  #rememberObject(type: number, id: string, key: ObjectKey): void {
    if (this.#maxCachedObjects === 0) return
    if (this.#cachedObjects >= this.#maxCachedObjects) this.#forgetObjects()
    let keys = this.#keys.get(type)
    if (keys === undefined) {
      keys = new Map()
      this.#keys.set(type, keys)
    }
    keys.set(id, key)
    this.#cachedObjects += 1
  }
}
